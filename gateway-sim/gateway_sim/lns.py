"""
A gateway as Basics Station runs it: the core's nouns to its messages and back.

The server configures it: which frames go on, at which data rate's index, where it may
send. What it cannot send it drops without a word; this protocol has no refusal.
"""

from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from random import Random

from gateway_sim.gateway import (
    CONTEXT_BYTES,
    TMST_MODULUS,
    Delay,
    Downlink,
    Gateway,
    GpsEpoch,
    Immediately,
    Item,
    TxAck,
    Uplink,
)
from gateway_sim.jit import TxStatus
from wire import station
from wire.errors import Malformed
from wire.eui64 import EUI64
from wire.lorawan.mhdr import MType, m_type_of
from wire.station import (
    DeviceClass,
    DnMsg,
    DnSched,
    DnTxed,
    RouterConfig,
    Scheduled,
    TimeSync,
    UpInfo,
    Window,
    XTime,
)

MOST_ASKED = 64
SESSIONS = 2**8
US_PER_S = 1_000_000

Timing = Immediately | Delay | GpsEpoch
When = tuple[Timing, bytes]
"""A timing and the context it counts from."""


class Filter(StrEnum):
    """Why a frame that was heard does not go on."""

    CHANNEL = "channel"
    DATA_RATE = "data_rate"
    JOIN_EUI = "join_eui"
    NET_ID = "net_id"
    NOT_LORAWAN = "not_lorawan"


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """What Basics Station sends with in a region, in dBm EIRP."""

    usual_dbm: int
    higher_dbm: int = 0
    low_hz: int = 0
    high_hz: int = -1

    def at(self, frequency_hz: int, most_dbm: float | None) -> int:
        """Power at a frequency; the server's ``max_eirp`` only lowers it."""
        in_band = self.low_hz <= frequency_hz <= self.high_hz
        power_dbm = self.higher_dbm if in_band else self.usual_dbm
        return power_dbm if most_dbm is None else min(power_dbm, int(most_dbm))


_EU868 = Power(usual_dbm=16, higher_dbm=27, low_hz=869_400_000, high_hz=869_650_000)
_AS923 = Power(usual_dbm=13)
_US915 = Power(usual_dbm=26)
_UNKNOWN = Power(usual_dbm=14)
POWERS = {
    "EU863": _EU868,
    "EU868": _EU868,
    "IL915": Power(
        usual_dbm=14, higher_dbm=20, low_hz=916_200_000, high_hz=916_400_000
    ),
    "KR920": Power(usual_dbm=23),
    "AS923JP": _AS923,
    "AS923-1": _AS923,
    "US902": _US915,
    "US915": _US915,
    "AU915": Power(usual_dbm=30),
}
"""By the names that ``router_config`` may give a region; any other has 14 dBm."""


class Station:
    """One gateway and its configuration; pure."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._session = Random(f"session/{gateway.place.gateway_id}").randrange(
            1, SESSIONS
        )
        self._asked: OrderedDict[int, tuple[DnMsg, list[Window]]] = OrderedDict()
        self._nameless = count(-1, -1)
        self.config: RouterConfig | None = None
        self.gps_offset_us: int | None = None

    def configure(self, config: RouterConfig) -> None:
        """Obey a configuration from now on."""
        self.config = config
        self._gateway.obeys_duty_cycle = not config.no_duty_cycle

    def up(self, uplink: Uplink) -> station.Uplink | Filter:
        """The message of an uplink, or why the configuration holds it back."""
        config, frame = self._configured(), uplink.frame
        data_rate = config.data_rate_of(frame.spreading_factor, frame.bandwidth_hz)
        if data_rate is None:
            return Filter.DATA_RATE
        if not config.hears(frame.frequency_hz, data_rate):
            return Filter.CHANNEL
        if held_back := _held_back(config, frame.phy_payload):
            return held_back
        return station.Uplink(
            phy_payload=frame.phy_payload,
            data_rate=data_rate,
            frequency_hz=frame.frequency_hz,
            info=UpInfo(
                x_time=self._x_time(uplink.received_s),
                rssi_dbm=uplink.rssi_dbm,
                snr_db=round(uplink.snr_db, 1),
                rx_time_s=round(uplink.received_s, 6),
            ),
        )

    def down(self, message: DnMsg) -> Downlink:
        """What a ``dnmsg`` asks for; Malformed for what cannot be sent."""
        for window in (message.rx1, message.rx2, message.slot):
            if window is not None:
                self._check(window)
        ways = self._ways(message)
        items = tuple(self._item(message.pdu, window, *when) for window, when in ways)
        if message.is_reported:
            self._remember(message, [window for window, _ in ways])
        return Downlink(downlink_id=message.diid, items=items)

    def scheduled(self, message: DnSched) -> list[Downlink]:
        """What a ``dnsched`` asks for; nothing of it is reported."""
        downlinks = []
        for one in message.schedule:
            self._check(one.window)
            item = self._item(one.pdu, one.window, *self._instant(one))
            downlink = Downlink(downlink_id=next(self._nameless), items=(item,))
            downlinks.append(downlink)
        return downlinks

    def transmitted(self, ack: TxAck) -> DnTxed | None:
        """What to report of a frame on the air; None for a refusal."""
        asked = self._asked.pop(ack.downlink_id, None)
        if asked is None or ack.start_s is None:
            return None
        message, windows = asked
        window = windows[ack.statuses.index(TxStatus.OK)]
        return DnTxed(
            diid=message.diid,
            dev_eui=message.dev_eui,
            data_rate=window.data_rate,
            frequency_hz=window.frequency_hz,
            x_time=self._x_time(ack.start_s),
            tx_time_s=round(ack.start_s, 6),
        )

    def ask_time(self, now: float) -> TimeSync:
        """Ask the server for GPS time."""
        return TimeSync(tx_time=self._gateway.count_us(now))

    def note_time(self, answer: TimeSync, now: float) -> None:
        """Take the server's answer; it was half way at its GPS time."""
        if answer.tx_time is not None and answer.gps_time_us is not None:
            half_way_us = (answer.tx_time + self._gateway.count_us(now)) // 2
            self.gps_offset_us = answer.gps_time_us - half_way_us

    def _configured(self) -> RouterConfig:
        if self.config is None:
            raise Malformed("the server has not sent router_config yet")
        return self.config

    def _check(self, window: Window) -> None:
        config = self._configured()
        if config.rate(window.data_rate) is None:
            raise Malformed(f"router_config has no DR{window.data_rate}")
        if not config.holds(window.frequency_hz):
            low_hz, high_hz = config.frequency_range_hz
            raise Malformed(
                f"{window.frequency_hz} Hz is not in {low_hz} to {high_hz} Hz"
            )

    def _remember(self, message: DnMsg, windows: list[Window]) -> None:
        self._asked[message.diid] = message, windows
        while len(self._asked) > MOST_ASKED:
            self._asked.popitem(last=False)

    def _ways(self, message: DnMsg) -> list[tuple[Window, When]]:
        """The windows of a message in their order, each with its instant."""
        if message.slot is not None and message.gps_time_us is not None:
            at = GpsEpoch(time_s=message.gps_time_us / US_PER_S)
            return [(message.slot, (at, b""))]
        context = self._context(message.x_time)
        ways: list[tuple[Window, When]] = []
        if message.rx1 is not None and context:
            rx1 = Delay(delay_s=message.rx_delay_s)
            ways.append((message.rx1, (rx1, context)))
        if message.rx2 is not None:
            is_c = message.device_class is DeviceClass.C
            rx2 = Delay(delay_s=message.rx_delay_s + 1)
            ways.append((message.rx2, (Immediately() if is_c else rx2, context)))
        return ways

    def _item(
        self,
        pdu: bytes,
        window: Window,
        timing: Timing,
        context: bytes,
    ) -> Item:
        config = self._configured()
        rate = config.rate(window.data_rate)
        power = POWERS.get(config.region, _UNKNOWN)
        return Item(
            phy_payload=pdu,
            frequency_hz=window.frequency_hz,
            power_dbm=power.at(window.frequency_hz, config.max_eirp_dbm),
            spreading_factor=rate.spreading_factor if rate else 0,
            bandwidth_hz=rate.bandwidth_hz if rate else 0,
            coding_rate="4/5",
            iq_inverted=True,
            timing=timing,
            context=context,
        )

    def _instant(self, one: Scheduled) -> When:
        if one.gps_time_us is not None:
            return GpsEpoch(time_s=one.gps_time_us / US_PER_S), b""
        return Delay(delay_s=0.0), self._context(one.x_time)

    def _context(self, x_time: int | None) -> bytes:
        """The concentrator's counter in an xtime, which must be of this run."""
        if x_time is None:
            return b""
        parts = XTime.of(x_time)
        if parts.session != self._session:
            raise Malformed(f"xtime {x_time} is of another run of this gateway")
        return (parts.count_us % TMST_MODULUS).to_bytes(CONTEXT_BYTES, "big")

    def _x_time(self, instant_s: float) -> int:
        count_us = self._gateway.count_us(instant_s)
        return int(XTime(session=self._session, count_us=count_us))


def _held_back(config: RouterConfig, phy_payload: bytes) -> Filter | None:
    try:
        station.take_apart(phy_payload)
    except Malformed:
        return Filter.NOT_LORAWAN
    m_type = m_type_of(phy_payload)
    if m_type in (MType.JOIN_REQUEST, MType.REJOIN_REQUEST):
        admitted = config.admits_join_eui(EUI64.from_le(phy_payload[1:9]))
        return None if admitted else Filter.JOIN_EUI
    if m_type is MType.PROPRIETARY:
        return None
    dev_addr = int.from_bytes(phy_payload[1:5], "little")
    return None if config.admits_dev_addr(dev_addr) else Filter.NET_ID
