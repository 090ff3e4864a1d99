"""
MQTT 5 at QoS 1: a publisher that knows what the broker confirmed, and a subscriber.

The publisher keeps nothing back: after ``Unreachable`` no message of that call can
still leave later, so the caller decides about it.
"""

import ssl
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from city.errors import Unreachable
from city.settings import Mqtt

FAILURE: Final = 0x80
"""MQTT 5 §4.13: reason codes from here on are failures."""

Receive = Callable[[str, bytes], None]


def make_client(settings: Mqtt, client_id: str, *, reconnects: bool = True) -> Client:
    """Return a paho client that has our name and the broker's password."""
    client = Client(
        callback_api_version=CallbackAPIVersion.VERSION2,
        client_id=client_id,
        protocol=MQTTProtocolVersion.MQTTv5,
        reconnect_on_failure=reconnects,
    )
    if settings.username is not None:
        client.username_pw_set(settings.username, settings.password)
    if settings.tls:
        client.tls_set(ca_certs=settings.ca_file)
    return client


class Publisher:
    """
    Publishes at QoS 1 and returns when the broker has confirmed.

    One thread at a time. The connection is made at the first call and again after a
    failure.
    """

    def __init__(
        self, settings: Mqtt, client_id: str, *, timeout_s: float = 5.0
    ) -> None:
        self._settings = settings
        self._client_id = client_id
        self._timeout_s = timeout_s
        self._client: Client | None = None
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._answers: dict[int, int] = {}
        self._connected: int | None = None

    def publish(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Publish all; Unreachable unless the broker has confirmed every one."""
        try:
            client = self._ready()
            mids = [self._send(client, topic, body) for topic, body in messages]
            self._await_answers(mids)
        except (OSError, Unreachable) as error:
            self.close()
            raise _unreachable(self._settings, error) from error

    def close(self) -> None:
        """Hang up; what was not confirmed is forgotten."""
        client, self._client = self._client, None
        self._answers.clear()
        self._connected = None
        if client is not None:
            client.disconnect()
            client.loop_stop()

    def _ready(self) -> Client:
        if self._client is None:
            self._client = self._connect()
        if not self._client.is_connected():
            raise Unreachable("the connection was lost")
        return self._client

    def _connect(self) -> Client:
        # We reconnect ourselves, with nothing kept.
        client = make_client(self._settings, self._client_id, reconnects=False)
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        client.connect(
            self._settings.host, self._settings.port, clean_start=True, keepalive=30
        )
        client.loop_start()
        self._client = client
        self._wait(lambda: self._connected is not None)
        if self._connected:
            raise Unreachable(f"refused with reason {self._connected:#04x}")
        return client

    def _send(self, client: Client, topic: str, body: bytes) -> int:
        sent = client.publish(topic, body, qos=1)
        if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise Unreachable("the connection was lost")
        return sent.mid

    def _await_answers(self, mids: Sequence[int]) -> None:
        self._wait(lambda: all(mid in self._answers for mid in mids))
        answers = [self._answers.pop(mid) for mid in mids]
        refused = [answer for answer in answers if answer >= FAILURE]
        if refused:
            raise Unreachable(f"a message was refused with reason {refused[0]:#04x}")

    def _wait(self, done: Callable[[], bool]) -> None:
        with self._changed:
            if not self._changed.wait_for(done, self._timeout_s):
                raise Unreachable(f"no answer within {self._timeout_s:g} s")

    def _on_connect(
        self, _c: Client, _u: object, _f: ConnectFlags, reason: ReasonCode, _p: object
    ) -> None:
        with self._changed:
            self._connected = reason.value if reason.value >= FAILURE else 0
            self._changed.notify_all()

    def _on_publish(
        self, _c: Client, _u: object, mid: int, reason: ReasonCode, _p: object
    ) -> None:
        with self._changed:
            self._answers[mid] = reason.value
            self._changed.notify_all()


class Subscriber:
    """
    Receives topics at QoS 1 in a session the broker keeps while we are away.

    ``receive(topic, payload)`` runs in the client's thread. ``wait_ready`` returns when
    the broker has granted every topic.
    """

    def __init__(
        self,
        settings: Mqtt,
        client_id: str,
        topics: Iterable[str],
        receive: Receive,
        *,
        session_s: int = 0,
    ) -> None:
        self._settings = settings
        self._topics = [(topic, 1) for topic in topics]
        self._receive = receive
        self._session_s = session_s
        self._granted = threading.Event()
        self._client = make_client(settings, client_id)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message

    def start(self, *, timeout_s: float = 10.0) -> None:
        """Connect, subscribe and wait until it is granted; Unreachable if not."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it so
        properties.SessionExpiryInterval = self._session_s
        try:
            self._client.connect(
                self._settings.host,
                self._settings.port,
                clean_start=self._session_s == 0,
                properties=properties,
            )
        except OSError as error:
            raise _unreachable(self._settings, error) from error
        self._client.loop_start()
        self.wait_ready(timeout_s)

    def wait_ready(self, timeout_s: float) -> None:
        """Wait until every topic is granted; Unreachable if it takes longer."""
        if not self._granted.wait(timeout_s):
            raise Unreachable(f"the broker granted no topics within {timeout_s:g} s")

    def close(self) -> None:
        """Hang up; the broker keeps the session as long as was asked."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(
        self, client: Client, _u: object, _f: ConnectFlags, _r: ReasonCode, _p: object
    ) -> None:
        client.subscribe(self._topics)

    def _on_subscribe(
        self, _c: Client, _u: object, _m: int, reasons: list[ReasonCode], _p: object
    ) -> None:
        if all(reason.value < FAILURE for reason in reasons):
            self._granted.set()

    def _on_disconnect(
        self, _c: Client, _u: object, _f: DisconnectFlags, _r: ReasonCode, _p: object
    ) -> None:
        self._granted.clear()

    def _on_message(self, _c: Client, _u: object, message: MQTTMessage) -> None:
        self._receive(message.topic, bytes(message.payload))


def _unreachable(settings: Mqtt, error: Exception) -> Unreachable:
    place = f"{settings.host}:{settings.port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        by = settings.ca_file or "an authority that this machine trusts"
        return Unreachable(
            f"the certificate of the broker at {place} is not signed by {by}, or not"
            f" for this name: {error.verify_message}"
        )
    return Unreachable(f"the broker at {place} did not take it: {error}")
