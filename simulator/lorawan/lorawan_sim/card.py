"""Who a device is, and what it has in common with its kind."""

from dataclasses import dataclass, field

from wire.eui64 import EUI64
from wire.lorawan.counters import MAX_F_CNT_GAP
from wire.lorawan.keys import Key
from wire.lorawan.region import DataRate, Region

_UNTIL_1_0_3 = ("1.0.0", "1.0.1", "1.0.2", "1.0.3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What is printed on one device and where it hangs; degrees."""

    dev_eui: EUI64
    join_eui: EUI64
    app_key: Key
    latitude: float
    longitude: float
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

    def __post_init__(self) -> None:
        rates = {rate.index: rate for rate in self.region.data_rates}
        object.__setattr__(self, "_rates", rates)

    def data_rate(self, index: int) -> DataRate:
        """The region's data rate, found at once: every frame asks for it."""
        return self._rates[index]

    def slowest(self, *, dwell: bool) -> int:
        """The slowest data rate that an uplink may have, within 400 ms or not."""
        return min(
            index
            for index, rate in self._rates.items()
            if rate.uplink and rate.frm_payload(dwell=dwell)
        )

    @property
    def max_f_cnt_gap(self) -> int | None:
        """How far a downlink counter may jump; 1.0.4 dropped the limit."""
        return MAX_F_CNT_GAP if self.mac_version in _UNTIL_1_0_3 else None
