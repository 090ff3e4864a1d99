"""
Basics Station's protocol between a gateway and its LoRaWAN network server (LNS).

JSON over a websocket, as the published LNS protocol describes it. A gateway asks
``/router-info`` where to connect, connects, says ``version`` and is configured by
``router_config``; then it sends frames taken apart and is asked to send others.
"""

from collections.abc import Callable

from wire.errors import Malformed
from wire.station.boards import Board, Rate, boards_for
from wire.station.control import Complaint, RefusedCommand, TimeSync, Version
from wire.station.discovery import DISCOVERY_PATH, RouterInfo, RouterInfoRequest
from wire.station.downlinks import (
    DeviceClass,
    DnMsg,
    DnSched,
    DnTxed,
    Scheduled,
    Window,
)
from wire.station.fields import Fields
from wire.station.id6 import read_eui, write_eui, write_id6
from wire.station.router_config import Beaconing, RouterConfig, UpChannel
from wire.station.uplinks import UpInfo, Uplink, take_apart
from wire.station.xtime import XTime

__all__ = [
    "DISCOVERY_PATH",
    "Beaconing",
    "Board",
    "Complaint",
    "DeviceClass",
    "DnMsg",
    "DnSched",
    "DnTxed",
    "FromGateway",
    "FromServer",
    "Rate",
    "RefusedCommand",
    "RouterConfig",
    "RouterInfo",
    "RouterInfoRequest",
    "Scheduled",
    "TimeSync",
    "UpChannel",
    "UpInfo",
    "Uplink",
    "Version",
    "Window",
    "XTime",
    "boards_for",
    "parse_from_gateway",
    "parse_from_server",
    "read_eui",
    "take_apart",
    "write_eui",
    "write_id6",
]

FromGateway = Version | Uplink | DnTxed | TimeSync
FromServer = RouterConfig | DnMsg | DnSched | TimeSync | Complaint | RefusedCommand

_FROM_GATEWAY: dict[str, Callable[[Fields], FromGateway]] = {
    "version": Version.read,
    "jreq": Uplink.read,
    "rejoin": Uplink.read,
    "updf": Uplink.read,
    "propdf": Uplink.read,
    "dntxed": DnTxed.read,
    "timesync": TimeSync.read,
}
_FROM_SERVER: dict[str, Callable[[Fields], FromServer]] = {
    "router_config": RouterConfig.read,
    "dnmsg": DnMsg.read,
    "dnsched": DnSched.read,
    "timesync": TimeSync.read,
    "error": Complaint.read,
    "runcmd": RefusedCommand.read,
    "rmtsh": RefusedCommand.read,
}


def parse_from_gateway(text: str | bytes) -> FromGateway:
    """Read what a gateway says on its data connection; raises Malformed."""
    fields = Fields.parse(text, "message")
    kind = fields.text("msgtype", "")
    if kind not in _FROM_GATEWAY:
        raise Malformed(f"a gateway does not say msgtype {kind!r:.40}")
    return _FROM_GATEWAY[kind](Fields(kind, fields.document))


def parse_from_server(text: str | bytes) -> FromServer:
    """Read what a server says on the data connection; raises Malformed."""
    fields = Fields.parse(text, "message")
    kind = fields.text("msgtype", "")
    if kind not in _FROM_SERVER:
        raise Malformed(f"a server does not say msgtype {kind!r:.40}")
    return _FROM_SERVER[kind](Fields(kind, fields.document))
