"""Who a device is, and what it has in common with its kind."""

from dataclasses import dataclass, field

from wire.eui64 import EUI64
from wire.lorawan.counters import MAX_F_CNT_GAP
from wire.lorawan.keys import Key
from wire.lorawan.region import DataRate, Region

_TABLES = ("_rates", "_rooms", "_slowest")
_UNTIL_1_0_3 = ("1.0.0", "1.0.1", "1.0.2", "1.0.3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """
    What is printed on one device and where it hangs; degrees.

    `nwk_key` is the second root key of a 1.1 device; without one, both are alike.
    """

    dev_eui: EUI64
    join_eui: EUI64
    app_key: Key
    latitude: float
    longitude: float
    nwk_key: Key | None = None
    gen_app_key: Key | None = None
    """A 1.0.x device's key for its groups (TS005), if it has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """
    What every device of one kind shares.

    `late_s` is how long after a window closed its frame may still be handed
    in: 0 in virtual time, some hundred milliseconds where frames come over a
    socket. `tries` counts all transmissions of a confirmed uplink.
    """

    region: Region
    mac_version: str = "1.0.3"
    class_c: bool = False
    tries: int = 8
    late_s: float = 0.0
    adr: bool = True
    class_b: bool = False
    ping_periodicity: int = 0
    """Class B: it listens every 2^periodicity seconds."""
    packages: bool = False
    """It speaks the packages TS003 and TS005 on their usual ports."""
    _rates: dict[int, DataRate] = field(init=False, repr=False, compare=False)
    _rooms: dict[tuple[int, bool], int] = field(init=False, repr=False, compare=False)
    _slowest: dict[bool, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        rates = {rate.index: rate for rate in self.region.data_rates}
        rooms = {
            (index, dwell): rate.frm_payload(dwell=dwell)
            for index, rate in rates.items()
            for dwell in (False, True)
        }
        slowest = {
            dwell: min(
                (dr for dr, rate in rates.items() if rate.uplink and rooms[dr, dwell]),
                default=0,
            )
            for dwell in (False, True)
        }
        for name, table in zip(_TABLES, (rates, rooms, slowest), strict=True):
            object.__setattr__(self, name, table)

    def data_rate(self, index: int) -> DataRate:
        """The region's data rate, found at once: every frame asks for it."""
        return self._rates[index]

    def slowest(self, *, dwell: bool) -> int:
        """The slowest data rate that an uplink may have, within 400 ms or not."""
        return self._slowest[dwell]

    def room(self, data_rate: int, *, dwell: bool) -> int:
        """Application octets of a frame without MAC commands: N of the data rate."""
        return self._rooms[data_rate, dwell]

    @property
    def is_1_1(self) -> bool:
        """Whether it is a LoRaWAN 1.1 device."""
        return self.mac_version.startswith("1.1")

    @property
    def max_f_cnt_gap(self) -> int | None:
        """How far a downlink counter may jump; 1.0.4 dropped the limit."""
        return MAX_F_CNT_GAP if self.mac_version in _UNTIL_1_0_3 else None
