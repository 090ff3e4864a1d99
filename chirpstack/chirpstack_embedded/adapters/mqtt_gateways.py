"""The MQTT side of one region's gateways (contract §1.1)."""

import logging
from collections.abc import Callable

from chirpstack_embedded.adapters.gateway_backend import OnMessage
from chirpstack_embedded.adapters.mqtt import Connection
from chirpstack_embedded.config import Region
from chirpstack_embedded.core.context import Transmission
from chirpstack_embedded.core.gateway_codec import write_downlink
from wire.chirpstack.topics import gateway_topic
from wire.eui64 import EUI64

logger = logging.getLogger(__name__)


class MqttGateways:
    """Receives the events of a region's gateways and sends them commands."""

    def __init__(
        self,
        region: Region,
        on_message: OnMessage,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._prefix = region.broker.topic_prefix
        head = f"{self._prefix}/" if self._prefix else ""
        self._connection = Connection(
            f"gateways.{region.id}",
            region.broker,
            topic_filter=f"{head}gateway/+/event/+",
            on_message=lambda topic, payload: on_message(region.id, topic, payload),
            on_change=on_change,
        )

    @property
    def is_ready(self) -> bool:
        """Whether the subscription stands."""
        return self._connection.is_ready

    def start(self) -> None:
        """Connect in the background."""
        self._connection.start()

    def stop(self) -> None:
        """Say goodbye."""
        self._connection.stop()

    def send(self, transmission: Transmission, *, as_json: bool) -> bool:
        """
        Publish one downlink, or drop it while the broker is away.

        Kept, it would come too late; without tx ack the next opportunity sends it.
        """
        gateway_id = EUI64.parse(transmission.gateway_id)
        topic = gateway_topic(self._prefix, gateway_id, "command", "down")
        frame = transmission.frame
        if not self._connection.publish(topic, write_downlink(frame, as_json=as_json)):
            logger.warning("gw.down.drop cause=no_broker gateway_id=%s", gateway_id)
            return True
        logger.debug(
            "gw.down.send gateway_id=%s downlink_id=%d items=%d",
            gateway_id,
            frame.downlink_id,
            len(frame.items),
        )
        return True
