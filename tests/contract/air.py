"""The broker's side of the server: one client that is every gateway and the city."""

import threading
from collections import defaultdict, deque
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

PATIENCE_S = 20.0
FILTERS = ("application/#", "eu868/gateway/+/command/#")
PROBE = "application/probe"


class Air:
    """Says things and keeps what is heard, by topic, until somebody takes it."""

    def __init__(self, url: str) -> None:
        self._url = url
        where = urlsplit(url)
        self._changed = threading.Condition()
        self._heard: defaultdict[str, deque[bytes]] = defaultdict(deque)
        self._subscribed = threading.Event()
        self._client = Client(
            CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5
        )
        if where.username:
            self._client.username_pw_set(where.username, where.password)
        self._client.on_message = self._take_in
        self._client.on_connect = self._subscribe
        self._client.on_subscribe = lambda *_details: self._subscribed.set()
        self._client.connect(where.hostname or "", where.port or 1883)
        self._client.loop_start()
        assert self._subscribed.wait(PATIENCE_S), f"no subscription at {where.hostname}"

    def close(self) -> None:
        """Leave the broker."""
        self._client.disconnect()
        self._client.loop_stop()

    def say(self, topic: str, payload: bytes) -> None:
        """Publish, and return once the broker has it."""
        self.say_all({topic: payload})

    def say_all(self, payloads: Mapping[str, bytes]) -> None:
        """Publish to several topics at one go, and return once the broker has all."""
        said = [self._client.publish(*one, qos=1) for one in payloads.items()]
        for one in said:
            one.wait_for_publish(PATIENCE_S)

    def take(self, topic: str) -> bytes:
        """Return the next message on a topic, waiting for it."""
        with self._changed:
            came = self._changed.wait_for(lambda: self._heard[topic], PATIENCE_S)
            assert came, f"nothing came on {topic}; {self._summary(topic)}"
            return self._heard[topic].popleft()

    def waiting(self, topic: str) -> list[bytes]:
        """Return what has come on a topic and was not taken."""
        with self._changed:
            return list(self._heard[topic])

    def retained(self, topic: str) -> bool:
        """Whether the broker kept what was last published on a topic."""
        with self._changed:
            before = len(self._heard[topic])
        other = Air(self._url)
        try:
            other.say(PROBE, b"")
            other.take(PROBE)
            return bool(other.waiting(topic))
        finally:
            other.close()
            assert before == len(self.waiting(topic))

    def _summary(self, topic: str) -> str:
        family = topic.rsplit("/", 1)[0]
        others = {
            name: list(payloads)
            for name, payloads in self._heard.items()
            if payloads and name.startswith(family)
        }
        return f"not taken beside it: {others}"

    def _subscribe(self, client: Client, *_details: Any) -> None:
        client.subscribe([(topic, 1) for topic in FILTERS])

    def _take_in(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        with self._changed:
            self._heard[message.topic].append(bytes(message.payload))
            self._changed.notify_all()
