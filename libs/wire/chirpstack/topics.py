"""ChirpStack's topics, of the integration and of the gateways, both ways."""

from dataclasses import dataclass
from typing import Final, Self

from wire.errors import Malformed
from wire.eui64 import EUI64

INTEGRATION_EVENTS: Final = "application/+/device/+/event/+"
"""Subscription to every event of every device."""

INTEGRATION_COMMANDS: Final = "application/+/device/+/command/+"
"""Subscription of the server to every downlink command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceTopic:
    """
    ``application/<id>/device/<dev_eui>/event/<kind>``, or ``…/command/<kind>``.

    ``dev_eui_text`` is the topic's own spelling: a command must repeat it exactly.
    """

    application_id: str
    dev_eui: EUI64
    channel: str
    kind: str
    dev_eui_text: str = ""

    @classmethod
    def parse(cls, topic: str) -> Self:
        """Read a topic of the integration."""
        match topic.split("/"):
            case ["application", app, "device", eui, "event" | "command" as way, kind]:
                return cls(
                    application_id=app,
                    dev_eui=EUI64.parse(eui),
                    channel=way,
                    kind=kind,
                    dev_eui_text=eui,
                )
        raise Malformed(f"{topic!r} is not a device topic of ChirpStack's integration")

    def __str__(self) -> str:
        eui = self.dev_eui_text or str(self.dev_eui)
        return (
            f"application/{self.application_id}/device/{eui}/{self.channel}/{self.kind}"
        )


def event_topic(application_id: str, dev_eui: EUI64, kind: str) -> str:
    """Topic on which the server publishes an event of a device."""
    return f"application/{application_id}/device/{dev_eui}/event/{kind}"


def command_topic(application_id: str, dev_eui: EUI64, kind: str = "down") -> str:
    """Topic on which the server takes a downlink for a device."""
    return f"application/{application_id}/device/{dev_eui}/command/{kind}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayTopic:
    """``<prefix>/gateway/<id>/<channel>/<kind>``; channel: event, command or state."""

    prefix: str
    gateway_id: EUI64
    channel: str
    kind: str

    @classmethod
    def parse(cls, topic: str) -> Self:
        """Read a topic of the gateway side, with or without prefix."""
        head, found, tail = topic.rpartition("gateway/")
        match tail.split("/"):
            case [gateway_id, "event" | "command" | "state" as channel, kind] if (
                found and (not head or head.endswith("/"))
            ):
                return cls(
                    prefix=head.rstrip("/"),
                    gateway_id=EUI64.parse(gateway_id),
                    channel=channel,
                    kind=kind,
                )
        raise Malformed(f"{topic!r} is not a gateway topic of ChirpStack")

    def __str__(self) -> str:
        head = f"{self.prefix}/" if self.prefix else ""
        return f"{head}gateway/{self.gateway_id}/{self.channel}/{self.kind}"


def gateway_topic(prefix: str, gateway_id: EUI64, channel: str, kind: str) -> str:
    """Topic of one gateway, for example ``eu868/gateway/<id>/event/up``."""
    return str(
        GatewayTopic(prefix=prefix, gateway_id=gateway_id, channel=channel, kind=kind)
    )
