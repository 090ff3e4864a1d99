"""DeviceModeInd: a 1.1 device changes between class A and class C."""

from collections.abc import Sequence

from chirpstack_embedded.core.mac.block import Block
from chirpstack_embedded.core.mac.exchange import Answer, Exchange, Unexpected
from wire.lorawan.mac import DeviceMode, DeviceModeConf, DeviceModeInd, MacCommand


def handle(
    exchange: Exchange, asked: Sequence[MacCommand], _pending: Sequence[MacCommand]
) -> Answer:
    """Believe it, whatever the profile says, and confirm."""
    told = asked[0]
    if not isinstance(told, DeviceModeInd):
        return Unexpected(why="DeviceModeInd expected")
    if told.device_class not in set(DeviceMode):
        return Unexpected(why=f"class {told.device_class:#04x} is reserved")
    exchange.device.enabled_class = DeviceMode(told.device_class).name
    return Block(commands=(DeviceModeConf(device_class=told.device_class),))
