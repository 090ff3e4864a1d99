"""DevStatusReq and its answer, which becomes a ``status`` event."""

from collections.abc import Sequence

from chirpstack_embedded.core import documents
from chirpstack_embedded.core.mac.block import Block
from chirpstack_embedded.core.mac.exchange import Answer, Exchange, Unexpected
from chirpstack_embedded.core.rendering import single
from chirpstack_embedded.model import Device, DeviceStatus, Session
from wire.lorawan.mac import (
    BATTERY_EXTERNAL,
    BATTERY_UNKNOWN,
    DevStatusAns,
    DevStatusReq,
    MacCommand,
)

_DAY_S = 86_400
_FULL = 254


def handle(
    exchange: Exchange, asked: Sequence[MacCommand], _pending: Sequence[MacCommand]
) -> Answer:
    """Store the status and tell the integration, also when nobody asked."""
    answer = asked[0]
    if not isinstance(answer, DevStatusAns):
        return Unexpected(why="DevStatusAns expected")
    measured = BATTERY_EXTERNAL < answer.battery < BATTERY_UNKNOWN
    # ChirpStack reckons in float32: 250 is 98.4252 %, not 98.42519685….
    percent = single(single(answer.battery / _FULL) * 100) if measured else None
    device, heard = exchange.device, exchange.heard
    device.status = DeviceStatus(
        margin_db=answer.margin_db,
        external_power_source=answer.battery == BATTERY_EXTERNAL,
        battery_percent=None if percent is None else _stored(percent),
    )
    document = documents.status(
        deduplication_id=heard.deduplication_id,
        time_ns=heard.time_ns,
        info=documents.device_info(device),
        margin_db=answer.margin_db,
        external_power_source=answer.battery == BATTERY_EXTERNAL,
        battery_level_unavailable=answer.battery == BATTERY_UNKNOWN,
        battery_percent=percent or 0.0,
    )
    exchange.context.emit(
        "status", device, document, heard.time_ns, _properties(answer, percent or 0.0)
    )
    return None


def request(device: Device, session: Session, now: float) -> Block | None:
    """Ask as many times a day as the profile wants; asking is what is remembered."""
    per_day = device.profile.device_status_req_interval
    if per_day == 0:
        return None
    last = session.last_device_status_request_at
    if last is not None and now - last < _DAY_S / per_day:
        return None
    session.last_device_status_request_at = now
    return Block(commands=(DevStatusReq(),))


def _stored(percent: float) -> float:
    """Return what the API shows later: two decimals, cut and not rounded."""
    return int(percent * 100) / 100


def _properties(answer: DevStatusAns, percent: float) -> dict[str, str]:
    return {
        "Margin": str(answer.margin_db),
        "Battery level": f"{percent:.0f}%",
        "Battery level unavailable": str(answer.battery == BATTERY_UNKNOWN).lower(),
        "External power source": str(answer.battery == BATTERY_EXTERNAL).lower(),
    }
