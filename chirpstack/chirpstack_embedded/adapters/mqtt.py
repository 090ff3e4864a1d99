"""One MQTT 5 connection that never gives up."""

import logging
import secrets
from collections.abc import Callable
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from chirpstack_embedded.config import Broker

logger = logging.getLogger(__name__)

MAX_BACK_OFF_S = 15
MAX_OUTSTANDING = 2000

OnMessage = Callable[[str, bytes], None]
OnPublished = Callable[[int, bool], None]


class Connection:
    """
    A client of one broker; its callbacks run on paho's own thread.

    ``topic_filter`` is subscribed as a shared subscription at every CONNACK,
    unless the broker says it has none (contract §1.1).
    """

    def __init__(
        self,
        name: str,
        broker: Broker,
        *,
        topic_filter: str,
        on_message: OnMessage,
        on_published: OnPublished = lambda _mid, _accepted: None,
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        self._name = name
        self._broker = broker
        self._filter = topic_filter
        self._on_message = on_message
        self._on_published = on_published
        self._on_ready = on_ready
        self.is_ready = False
        self.max_outstanding = MAX_OUTSTANDING
        self._client = self._make_client()

    def start(self) -> None:
        """Connect in the background, again and again until ``stop``."""
        expiry = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # paho leaves it bare
        expiry.SessionExpiryInterval = int(self._broker.session_expiry_interval_s)
        self._client.connect_async(
            self._broker.host,
            self._broker.port,
            keepalive=int(self._broker.keep_alive_interval_s),
            clean_start=self._broker.clean_session,
            properties=expiry,
        )
        self._client.loop_start()

    def stop(self) -> None:
        """Say goodbye and end the thread."""
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes) -> int | None:
        """Hand one message to the client; returns its id, None if it was refused."""
        info = self._client.publish(topic, payload, qos=self._broker.qos)
        if info.rc in {MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN}:
            return info.mid
        logger.error("mqtt.publish.fail name=%s rc=%s", self._name, info.rc)
        return None

    def _make_client(self) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._broker.client_id or secrets.token_hex(8),
            protocol=MQTTProtocolVersion.MQTTv5,
        )
        if self._broker.username:
            client.username_pw_set(self._broker.username, self._broker.password)
        if self._broker.tls:
            client.tls_set(
                ca_certs=self._broker.ca_cert or None,
                certfile=self._broker.tls_cert or None,
                keyfile=self._broker.tls_key or None,
            )
        client.reconnect_delay_set(1, MAX_BACK_OFF_S)
        client.max_inflight_messages_set(MAX_OUTSTANDING)
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.on_disconnect = self._disconnected
        client.on_message = self._received
        client.on_publish = self._published
        return client

    def _connected(
        self, client: Client, _data: Any, _flags: Any, code: ReasonCode, answer: Any
    ) -> None:
        if code.is_failure:
            logger.warning("mqtt.connect.refuse name=%s reason=%s", self._name, code)
            return
        receive_maximum = getattr(answer, "ReceiveMaximum", MAX_OUTSTANDING)
        self.max_outstanding = min(MAX_OUTSTANDING, receive_maximum)
        shared = getattr(answer, "SharedSubscriptionAvailable", 1)
        prefix = f"$share/{self._broker.share_name}/" if shared else ""
        logger.info("mqtt.connect.ok name=%s filter=%s", self._name, self._filter)
        client.subscribe(f"{prefix}{self._filter}", qos=self._broker.qos)

    def _subscribed(
        self, client: Client, _data: Any, _mid: int, codes: Any, _properties: Any
    ) -> None:
        if any(code.is_failure for code in codes):
            logger.error("mqtt.subscribe.refuse name=%s reason=%s", self._name, codes)
            client.subscribe(self._filter, qos=self._broker.qos)
            return
        self.is_ready = True
        self._on_ready()

    def _disconnected(
        self, _client: Client, _data: Any, _flags: Any, code: Any, _properties: Any
    ) -> None:
        self.is_ready = False
        logger.warning("mqtt.connect.lose name=%s reason=%s", self._name, code)

    def _received(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        self._on_message(message.topic, bytes(message.payload))

    def _published(
        self, _client: Client, _data: Any, mid: int, code: ReasonCode, _properties: Any
    ) -> None:
        self._on_published(mid, not code.is_failure)
