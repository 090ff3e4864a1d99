"""An MQTT client of its own that writes down what the network server publishes."""

import os
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from garonne.demo.ledger import Ledger
from garonne.errors import Refused

__all__ = ["Observer"]

EVERY_EVENT = "application/+/device/+/event/+"
GRANT_WITHIN_S = 10.0
SESSION_S = 600


class Observer:
    """QoS 1 in a session that the broker keeps while the observer is away."""

    def __init__(self, url: str) -> None:
        self.ledger = Ledger()
        self._url = urlsplit(url)
        self._granted = False
        self._client = mqtt.Client(
            callback_api_version=CallbackAPIVersion.VERSION2,
            client_id=f"garonne-observer-{os.getpid()}",
            protocol=mqtt.MQTTv311,
            clean_session=False,
        )
        if self._url.username:
            password = unquote(self._url.password or "")
            self._client.username_pw_set(unquote(self._url.username), password)
        if self._url.scheme == "mqtts":
            self._client.tls_set(ca_certs=os.environ.get("GARONNE_MQTT_CA") or None)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = lambda _client, _data, message: self.ledger.note(
            message.topic, bytes(message.payload)
        )

    def start(self) -> None:
        """Connect and subscribe; Refused unless the broker grants it."""
        host, port = (
            self._url.hostname or "127.0.0.1",
            self._url.port or (8883 if self._url.scheme == "mqtts" else 1883),
        )
        try:
            self._client.connect(host, port)
        except OSError as error:
            raise Refused(f"no MQTT broker answers on {host}:{port}") from error
        self._client.loop_start()

    @property
    def granted(self) -> bool:
        """Whether the broker has granted the subscription."""
        return self._granted

    def stop(self) -> None:
        """Hang up and let the broker forget the session."""
        self._client.unsubscribe(EVERY_EVENT)
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(
        self,
        client: mqtt.Client,
        _data: object,
        _flags: mqtt.ConnectFlags,
        _reason: ReasonCode,
        _properties: object,
    ) -> None:
        client.subscribe(EVERY_EVENT, qos=1)

    def _on_subscribe(
        self,
        _client: mqtt.Client,
        _data: object,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: object,
    ) -> None:
        self._granted = all(not reason.is_failure for reason in reasons)
