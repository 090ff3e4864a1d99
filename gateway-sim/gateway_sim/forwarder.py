"""One gateway at the broker: its events out, its commands in."""

import logging
from collections.abc import Callable
from functools import partial

from gateway_sim.chirpstack import Codec
from gateway_sim.gateway import Downlink, Gateway, TxAck, Uplink
from gateway_sim.mqtt import Broker, Link, Presence
from wire.chirpstack.topics import gateway_topic
from wire.errors import Malformed

DOWN = "/down"

log = logging.getLogger(__name__)


class MqttForwarder:
    """ChirpStack's MQTT forwarder, for one gateway."""

    def __init__(
        self,
        gateway: Gateway,
        *,
        broker: Broker,
        prefix: str,
        codec: Codec,
        on_downlink: Callable[[Gateway, Downlink], None],
        on_refused: Callable[[], None],
        on_online: Callable[["MqttForwarder"], None],
    ) -> None:
        self.gateway = gateway
        self._codec = codec
        topic = partial(gateway_topic, prefix, gateway.place.gateway_id)
        self._up = topic("event", "up")
        self._ack = topic("event", "ack")
        self._stats = topic("event", "stats")
        self._on_downlink = on_downlink
        self._on_refused = on_refused
        self._link = Link(
            broker,
            client_id=str(gateway.place.gateway_id),
            presence=Presence(
                topic=topic("state", "conn"),
                online=codec.conn(online=True),
                offline=codec.conn(online=False),
            ),
            subscription=topic("command", "+"),
            on_message=self._command,
            on_online=lambda: on_online(self),
        )

    @property
    def online(self) -> bool:
        """Whether the broker takes what this gateway says."""
        return self._link.online

    def up(self, uplink: Uplink) -> bool:
        """Forward an uplink; False when the broker is out of reach."""
        return self.online and self._link.publish(self._up, self._codec.up(uplink))

    def ack(self, ack: TxAck) -> bool:
        """Answer a downlink; False when the broker is out of reach."""
        return self._link.publish(self._ack, self._codec.ack(ack))

    def stats(self, now: float) -> None:
        """Report what happened since the last report."""
        if self.online:
            stats = self.gateway.stats(now)
            self._link.publish(self._stats, self._codec.stats(stats))

    async def run(self) -> None:
        """Keep the connection up until cancelled."""
        await self._link.run()

    async def close(self) -> None:
        """Say OFFLINE and leave."""
        await self._link.close()

    def cut(self) -> None:
        """Be gone from one moment to the next."""
        self._link.cut()

    def _command(self, topic: str, payload: bytes) -> None:
        gateway_id = self.gateway.place.gateway_id
        if not topic.endswith(DOWN):
            log.info("gateway.command.ignore gateway_id=%s topic=%s", gateway_id, topic)
            return
        try:
            downlink = self._codec.parse_down(payload)
        except Malformed as error:
            log.warning("gateway.down.drop gateway_id=%s reason=%s", gateway_id, error)
            self._on_refused()
            return
        self._on_downlink(self.gateway, downlink)
