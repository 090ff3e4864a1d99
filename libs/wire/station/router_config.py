"""``router_config``: what a gateway listens to, lets through and may send."""

from dataclasses import dataclass, field
from typing import Final, Self

from wire.errors import Malformed
from wire.eui64 import EUI64
from wire.station.boards import Board, Rate, hears
from wire.station.fields import Fields, write

DATA_RATES: Final = 16
_DR = range(DATA_RATES)
_HZ = range(2**32)
_NWK_ID_SHIFT = 25  # the upper seven bits of a DevAddr
_NWK_ID_MASK = 0x7F
_EUI = 2**64
_KHZ = 1000
_BOARDS = ("sx1301_conf", "SX1301_conf", "sx1302_conf", "SX1302_conf", "radio_conf")
_BEACON_SIZES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class UpChannel:
    """One row of ``upchannels``: a frequency and its data rates, ends included."""

    frequency_hz: int
    min_dr: int
    max_dr: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Beaconing:
    """``bcning``: data rate, frequencies, and where time and info lie in a beacon."""

    data_rate: int
    frequencies_hz: tuple[int, ...]
    layout: tuple[int, int, int]

    @classmethod
    def read(cls, document: object) -> Self:
        """Read the object; raises Malformed."""
        fields = Fields.of(document, "bcning")
        layout = fields.wholes("layout", fields.array("layout"), _BEACON_SIZES)
        hz = fields.array("freqs")
        return cls(
            data_rate=fields.whole("DR", within=_DR),
            frequencies_hz=fields.wholes("freqs", hz, len(hz)),
            layout=(layout[0], layout[1], layout[2]),
        )

    def document(self) -> dict[str, object]:
        """The object ``bcning``."""
        freqs, layout = list(self.frequencies_hz), list(self.layout)
        return {"DR": self.data_rate, "layout": layout, "freqs": freqs}


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterConfig:
    """
    The configuration of one gateway.

    ``net_ids`` and ``join_euis`` (ranges, ends included) are filters; None and empty
    let everything through. ``data_rates`` has an entry, or None, per index. ``boards``
    are the concentrators' own parameters, one object each. ``max_eirp_dbm`` only
    lowers what the region allows.
    """

    region: str
    hwspec: str
    frequency_range_hz: tuple[int, int]
    data_rates: tuple[Rate | None, ...]
    boards: tuple[Board, ...]
    net_ids: tuple[int, ...] | None = None
    join_euis: tuple[tuple[int, int], ...] = ()
    up_channels: tuple[UpChannel, ...] = ()
    max_eirp_dbm: float | None = None
    beaconing: Beaconing | None = None
    no_cca: bool = False
    no_duty_cycle: bool = False
    no_dwell: bool = False
    mux_time_s: float | None = None
    _rates: dict[tuple[int, int], int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Prepare the look-up of uplink data rates."""
        rows = reversed(list(enumerate(self.data_rates)))
        rates = {_key(row): at for at, row in rows if row and not row.is_downlink_only}
        object.__setattr__(self, "_rates", rates)

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Read it; raises Malformed."""
        low, high = fields.wholes("freq_range", fields.array("freq_range"), 2)
        return cls(
            region=fields.text("region", ""),
            hwspec=fields.text("hwspec"),
            frequency_range_hz=(low, high),
            data_rates=_data_rates(fields),
            boards=_boards(fields),
            net_ids=_net_ids(fields),
            join_euis=_join_euis(fields),
            up_channels=_up_channels(fields),
            max_eirp_dbm=fields.number("max_eirp") if fields.has("max_eirp") else None,
            beaconing=_beaconing(fields),
            no_cca=fields.truth("nocca"),
            no_duty_cycle=fields.truth("nodc"),
            no_dwell=fields.truth("nodwell"),
            mux_time_s=fields.number("MuxTime", 0.0) or None,
        )

    def __str__(self) -> str:
        """Return the JSON."""
        beaconing = self.beaconing and self.beaconing.document()
        return write(
            {
                "msgtype": "router_config",
                "NetID": None if self.net_ids is None else list(self.net_ids),
                "JoinEui": [list(one) for one in self.join_euis] or None,
                "region": self.region,
                "hwspec": self.hwspec,
                "freq_range": list(self.frequency_range_hz),
                "DRs": [_row(rate) for rate in self.data_rates],
                "upchannels": [
                    [one.frequency_hz, one.min_dr, one.max_dr]
                    for one in self.up_channels
                ]
                or None,
                "max_eirp": self.max_eirp_dbm,
                "sx1301_conf": list(self.boards),
                "bcning": beaconing,
                "nocca": self.no_cca or None,
                "nodc": self.no_duty_cycle or None,
                "nodwell": self.no_dwell or None,
                "MuxTime": self.mux_time_s,
            }
        )

    def data_rate_of(self, spreading_factor: int, bandwidth_hz: int) -> int | None:
        """Return the index of an uplink's modulation; all FSK is one."""
        bandwidth_hz = bandwidth_hz if spreading_factor else 0
        return self._rates.get((spreading_factor, bandwidth_hz))

    def rate(self, data_rate: int) -> Rate | None:
        """Return the modulation of an index, None when the region has none."""
        known = data_rate < len(self.data_rates)
        return self.data_rates[data_rate] if known else None

    def holds(self, frequency_hz: int) -> bool:
        """Whether a downlink may be sent there."""
        low, high = self.frequency_range_hz
        return low <= frequency_hz <= high

    def hears(self, frequency_hz: int, data_rate: int) -> bool:
        """Whether the concentrators receive this data rate at this frequency."""
        if any(_has(one, frequency_hz, data_rate) for one in self.up_channels):
            return True
        rate = self.rate(data_rate)
        return rate is not None and any(
            hears(board, frequency_hz, rate) for board in self.boards
        )

    def admits_dev_addr(self, dev_addr: int) -> bool:
        """Whether the NetID filter lets a data frame through, by its NwkID bits."""
        if self.net_ids is None:
            return True
        nwk_id = dev_addr >> _NWK_ID_SHIFT & _NWK_ID_MASK
        return any(one & _NWK_ID_MASK == nwk_id for one in self.net_ids)

    def admits_join_eui(self, join_eui: EUI64) -> bool:
        """Whether the JoinEUI filter lets a join-request through."""
        number = int.from_bytes(join_eui)
        ranges = self.join_euis
        return not ranges or any(low <= number <= high for low, high in ranges)


def _has(channel: UpChannel, frequency_hz: int, data_rate: int) -> bool:
    in_rates = channel.min_dr <= data_rate <= channel.max_dr
    return channel.frequency_hz == frequency_hz and in_rates


def _key(rate: Rate) -> tuple[int, int]:
    return rate.spreading_factor, rate.bandwidth_hz if rate.spreading_factor else 0


def _row(rate: Rate | None) -> list[int]:
    if rate is None:
        return [-1, 0, 0]
    return [
        rate.spreading_factor,
        rate.bandwidth_hz // _KHZ,
        int(rate.is_downlink_only),
    ]


def _data_rates(fields: Fields) -> tuple[Rate | None, ...]:
    rows = [fields.wholes("DRs", row, 3) for row in fields.array("DRs")]
    if not 0 < len(rows) <= DATA_RATES:
        raise Malformed(f"{fields.name}.DRs has 1 to 16 rows, not {len(rows)}")
    return tuple(
        None
        if factor < 0
        else Rate(
            spreading_factor=factor,
            bandwidth_hz=khz * _KHZ,
            is_downlink_only=bool(is_down),
        )
        for factor, khz, is_down in rows
    )


def _boards(fields: Fields) -> tuple[Board, ...]:
    name = next((one for one in _BOARDS if fields.has(one)), _BOARDS[0])
    boards = fields.array(name)
    if not boards or not all(isinstance(one, dict) for one in boards):
        raise fields.wrong(name, "an array of objects, one per concentrator")
    return tuple(boards)


def _net_ids(fields: Fields) -> tuple[int, ...] | None:
    if not fields.has("NetID"):
        return None
    rows = fields.array("NetID")
    return fields.wholes("NetID", rows, len(rows))


def _join_euis(fields: Fields) -> tuple[tuple[int, int], ...]:
    name = "JoinEUI" if fields.has("JoinEUI") else "JoinEui"
    rows = (fields.wholes(name, row, 2) for row in fields.array(name))
    return tuple((low % _EUI, high % _EUI) for low, high in rows)


def _up_channels(fields: Fields) -> tuple[UpChannel, ...]:
    rows = (fields.wholes("upchannels", row, 3) for row in fields.array("upchannels"))
    return tuple(
        UpChannel(frequency_hz=hz, min_dr=low, max_dr=high) for hz, low, high in rows
    )


def _beaconing(fields: Fields) -> Beaconing | None:
    return Beaconing.read(fields.document["bcning"]) if fields.has("bcning") else None
