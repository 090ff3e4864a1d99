"""Frames between Basics Station's messages and ``gw.proto``."""

from contextlib import suppress
from hashlib import blake2b
from typing import Any, Final

from chirpstack_api import gw

from chirpstack_embedded.core.region import RegionPlan
from wire.errors import Illegal, Malformed
from wire.eui64 import EUI64
from wire.lorawan.gps import unix_from_gps
from wire.lorawan.mhdr import Direction
from wire.lorawan.region import Modulation
from wire.station import DeviceClass, DnMsg, Uplink, Window

# Basics Station reports nothing of a frame for the DevEUI zero, and the server of
# gateways does not know whose frame it is.
SOME_DEVICE: Final = EUI64(b"\x01" * 8)
PRIORITY: Final = 1
_CONTEXT: Final = 16  # rctx and xtime, eight octets each
_UINT64: Final = 2**64
_INT64: Final = 2**63
_US: Final = 1_000_000
_MAX_DELAY_S: Final = 15


def uplink_frame(plan: RegionPlan, gateway_id: EUI64, uplink: Uplink) -> gw.UplinkFrame:
    """The ``up`` event of a frame; Malformed when the region has no such data rate."""
    info = uplink.info
    message = gw.UplinkFrame(phy_payload=uplink.phy_payload)
    message.tx_info.frequency = uplink.frequency_hz
    _set_modulation(plan, message.tx_info.modulation, uplink.data_rate)
    rx = message.rx_info
    rx.gateway_id = str(gateway_id)
    rx.context = _octets(info.r_ctx) + _octets(info.x_time)
    drawn = blake2b(gateway_id + rx.context + uplink.phy_payload, digest_size=4)
    rx.uplink_id = int.from_bytes(drawn.digest())
    rx.rssi = max(-(2**31), min(int(info.rssi_dbm), 2**31 - 1))
    rx.snr = max(-3e38, min(info.snr_db, 3e38))
    rx.crc_status = gw.CRC_OK
    if info.rx_time_s:
        _set_instant(rx.gw_time, info.rx_time_s)
    if info.gps_time_us > 0:
        seconds, us = divmod(info.gps_time_us, _US)
        with suppress(ValueError):
            rx.time_since_gps_epoch.FromMicroseconds(info.gps_time_us)
            _set_instant(rx.gw_time, unix_from_gps(seconds) + us / _US)
    return message


def downlink_message(plan: RegionPlan, frame: gw.DownlinkFrame, now: float) -> DnMsg:
    """
    The ``dnmsg`` of a downlink; Illegal for what this protocol cannot say.

    A second item is told as RX2 only if it opens a second after the first: the
    gateway adds that second by itself.
    """
    if not frame.items:
        raise Illegal("a downlink without items")
    first = frame.items[0]
    window = _window(plan, first)
    r_ctx, x_time = _context(first.tx_info.context)
    base = {
        "dev_eui": SOME_DEVICE,
        "diid": frame.downlink_id,
        "pdu": first.phy_payload,
        "priority": PRIORITY,
        "x_time": x_time,
        "r_ctx": r_ctx,
        "mux_time_s": now,
    }
    timing = first.tx_info.timing
    match timing.WhichOneof("parameters"):
        case "immediately":
            return DnMsg(device_class=DeviceClass.C, rx2=window, **base)
        case "gps_epoch":
            since = timing.gps_epoch.time_since_gps_epoch
            gps_us = since.seconds * _US + since.nanos // 1000
            return DnMsg(
                device_class=DeviceClass.B, slot=window, gps_time_us=gps_us, **base
            )
        case "delay":
            return DnMsg(
                device_class=DeviceClass.A,
                rx_delay_s=_delay_s(first),
                rx1=window,
                rx2=_second(plan, frame),
                **base,
            )
        case _:
            raise Illegal("a downlink without timing")


def _second(plan: RegionPlan, frame: gw.DownlinkFrame) -> Window | None:
    if len(frame.items) < 2:  # noqa: PLR2004 - RX1 and RX2
        return None
    first, second = frame.items[0], frame.items[1]
    follows = _delay_s(second) == _delay_s(first) + 1
    return _window(plan, second) if follows else None


def _delay_s(item: gw.DownlinkFrameItem) -> int:
    delay = item.tx_info.timing.delay.delay
    if delay.nanos or not 0 <= delay.seconds <= _MAX_DELAY_S + 1:
        raise Illegal(f"a delay of {delay.seconds}.{delay.nanos:09} s")
    return int(delay.seconds)


def _window(plan: RegionPlan, item: gw.DownlinkFrameItem) -> Window:
    modulation = item.tx_info.modulation
    index = None
    if modulation.HasField("lora"):
        lora = modulation.lora
        found = plan.table.data_rate_of(
            lora.spreading_factor, lora.bandwidth, Direction.DOWN
        )
        index = found.index if found else None
    elif modulation.HasField("fsk"):
        index = _fsk(plan, modulation.fsk.datarate)
    if index is None:
        shown = " ".join(str(modulation).split())
        raise Illegal(f"{plan.table.common_name} has no data rate for {shown:.80}")
    return Window(data_rate=index, frequency_hz=item.tx_info.frequency)


def _fsk(plan: RegionPlan, bit_rate: int) -> int | None:
    for rate in plan.table.data_rates:
        if rate.modulation is Modulation.FSK and rate.bit_rate == bit_rate:
            return rate.index
    return None


def _set_modulation(plan: RegionPlan, modulation: Any, data_rate: int) -> None:
    rate = plan.rates.get(data_rate)
    if rate is None or not rate.uplink or rate.modulation is Modulation.LR_FHSS:
        raise Malformed(f"{plan.table.common_name} has no uplink DR{data_rate}")
    if rate.modulation is Modulation.FSK:
        modulation.fsk.datarate = rate.bit_rate
        return
    modulation.lora.bandwidth = rate.bandwidth_hz
    modulation.lora.spreading_factor = rate.spreading_factor
    modulation.lora.code_rate = gw.CR_4_5


def _context(octets: bytes) -> tuple[int | None, int | None]:
    """What an uplink's context says, None for one of another kind of gateway."""
    if len(octets) != _CONTEXT:
        return None, None
    return _signed(octets[:8]), _signed(octets[8:]) or None


def _octets(value: int) -> bytes:
    return (value % _UINT64).to_bytes(8, "big")


def _signed(octets: bytes) -> int:
    return int.from_bytes(octets, "big", signed=True)


def _set_instant(timestamp: Any, instant_s: float) -> None:
    """Set an instant if it is one; gateways without a clock say nonsense."""
    with suppress(ValueError, OverflowError):
        timestamp.FromMicroseconds(round(instant_s * _US))
