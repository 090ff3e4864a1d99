"""MAC commands of LoRaWAN 1.0.x and 1.1: one table, a class per command and way."""

from collections.abc import Iterable
from dataclasses import dataclass

from wire.errors import Malformed
from wire.lorawan.mac.channels import (
    MAX_EIRP_DBM,
    DlChannelAns,
    DlChannelReq,
    NewChannelAns,
    NewChannelReq,
    RXParamSetupAns,
    RXParamSetupReq,
    RXTimingSetupAns,
    RXTimingSetupReq,
    TXParamSetupAns,
    TXParamSetupReq,
)
from wire.lorawan.mac.class_b import (
    BeaconFreqAns,
    BeaconFreqReq,
    PingSlotChannelAns,
    PingSlotChannelReq,
    PingSlotInfoAns,
    PingSlotInfoReq,
)
from wire.lorawan.mac.command import MacCommand
from wire.lorawan.mac.device_mode import (
    DeviceMode,
    DeviceModeConf,
    DeviceModeInd,
)
from wire.lorawan.mac.device_time import DeviceTimeAns, DeviceTimeReq
from wire.lorawan.mac.link import (
    BATTERY_EXTERNAL,
    BATTERY_UNKNOWN,
    DevStatusAns,
    DevStatusReq,
    DutyCycleAns,
    DutyCycleReq,
    LinkADRAns,
    LinkADRReq,
    LinkCheckAns,
    LinkCheckReq,
)
from wire.lorawan.mac.rejoin import (
    ADRParamSetupAns,
    ADRParamSetupReq,
    ForceRejoinReq,
    RejoinParamSetupAns,
    RejoinParamSetupReq,
)
from wire.lorawan.mac.version import (
    LORAWAN_1_1,
    RekeyConf,
    RekeyInd,
    ResetConf,
    ResetInd,
)
from wire.lorawan.mhdr import Direction

__all__ = [
    "BATTERY_EXTERNAL",
    "BATTERY_UNKNOWN",
    "COMMANDS",
    "LORAWAN_1_1",
    "MAX_EIRP_DBM",
    "ADRParamSetupAns",
    "ADRParamSetupReq",
    "BeaconFreqAns",
    "BeaconFreqReq",
    "DevStatusAns",
    "DevStatusReq",
    "DeviceMode",
    "DeviceModeConf",
    "DeviceModeInd",
    "DeviceTimeAns",
    "DeviceTimeReq",
    "DlChannelAns",
    "DlChannelReq",
    "DutyCycleAns",
    "DutyCycleReq",
    "ForceRejoinReq",
    "LinkADRAns",
    "LinkADRReq",
    "LinkCheckAns",
    "LinkCheckReq",
    "MacBlock",
    "MacCommand",
    "NewChannelAns",
    "NewChannelReq",
    "PingSlotChannelAns",
    "PingSlotChannelReq",
    "PingSlotInfoAns",
    "PingSlotInfoReq",
    "RXParamSetupAns",
    "RXParamSetupReq",
    "RXTimingSetupAns",
    "RXTimingSetupReq",
    "RejoinParamSetupAns",
    "RejoinParamSetupReq",
    "RekeyConf",
    "RekeyInd",
    "ResetConf",
    "ResetInd",
    "TXParamSetupAns",
    "TXParamSetupReq",
    "build_block",
    "parse_block",
    "parse_command",
]

COMMANDS: dict[tuple[int, Direction], type[MacCommand]] = {
    (command.cid, command.direction): command
    for command in (
        LinkCheckReq,
        LinkCheckAns,
        LinkADRReq,
        LinkADRAns,
        DutyCycleReq,
        DutyCycleAns,
        RXParamSetupReq,
        RXParamSetupAns,
        DevStatusReq,
        DevStatusAns,
        NewChannelReq,
        NewChannelAns,
        RXTimingSetupReq,
        RXTimingSetupAns,
        TXParamSetupReq,
        TXParamSetupAns,
        DlChannelReq,
        DlChannelAns,
        DeviceTimeReq,
        DeviceTimeAns,
        DeviceModeConf,
        DeviceModeInd,
        ADRParamSetupAns,
        ADRParamSetupReq,
        ForceRejoinReq,
        RejoinParamSetupAns,
        RejoinParamSetupReq,
        RekeyConf,
        RekeyInd,
        ResetConf,
        ResetInd,
        PingSlotInfoReq,
        PingSlotInfoAns,
        PingSlotChannelReq,
        PingSlotChannelAns,
        BeaconFreqReq,
        BeaconFreqAns,
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MacBlock:
    """
    The commands of an FOpts field or an FPort 0 payload.

    ``rest`` holds what was not read and ``why_not`` says in a sentence why: an
    unknown CID has no length, so nothing behind it can be read (1.0.3 §5).
    """

    commands: tuple[MacCommand, ...]
    rest: bytes = b""
    why_not: str = ""


def parse_block(octets: bytes, direction: Direction) -> MacBlock:
    """Read commands until the end, an unknown CID or a cut-off command."""
    commands: list[MacCommand] = []
    at = 0
    while at < len(octets):
        kind = COMMANDS.get((octets[at], direction))
        if kind is None:
            why = f"CID {octets[at]:02x} is not known {direction.name.lower()}"
            return MacBlock(commands=tuple(commands), rest=octets[at:], why_not=why)
        end = at + 1 + kind.size
        if end > len(octets):
            why = f"{kind.__name__} has {kind.size} octets, {len(octets) - at - 1} came"
            return MacBlock(commands=tuple(commands), rest=octets[at:], why_not=why)
        commands.append(kind.parse(octets[at + 1 : end]))
        at = end
    return MacBlock(commands=tuple(commands))


def build_block(commands: Iterable[MacCommand]) -> bytes:
    """Return the octets of the commands in order."""
    return b"".join(map(bytes, commands))


def parse_command(octets: bytes, direction: Direction) -> MacCommand:
    """Read exactly one command, or raise Malformed."""
    block = parse_block(octets, direction)
    if block.rest or len(block.commands) != 1:
        raise Malformed(block.why_not or f"one command, not {len(block.commands)}")
    return block.commands[0]
