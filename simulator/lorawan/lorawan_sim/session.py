"""What a device and its network agreed on: keys, counters, channels, windows."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any, Self

import orjson

from wire.lorawan.ids import DevAddr, NetID
from wire.lorawan.keys import Key
from wire.lorawan.keys_1_1 import SessionKeys11
from wire.lorawan.session import Session as Crypto
from wire.lorawan.session_1_1 import Session11

NOBODYS = NetID(bytes(3))
_PLAIN = (
    "data_rate",
    "rx2_frequency_hz",
    "rx2_data_rate",
    "rx1_delay_s",
    "rx1_dr_offset",
    "f_cnt_up",
    "f_cnt_down",
    "tx_power_index",
    "nb_trans",
    "max_duty_cycle",
    "adr_ack_cnt",
    "uplink_dwell",
    "downlink_dwell",
    "max_eirp_dbm",
    "ping_periodicity",
    "ping_slot_data_rate",
    "ping_slot_frequency_hz",
    "beacon_frequency_hz",
    "a_f_cnt_down",
    "to_confirm",
    "join_nonce",
    "adr_limit",
    "adr_delay",
    "rj_count",
    "rejoin_every",
    "since_rejoin",
)
_plain = attrgetter(*_PLAIN)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Channel:
    """
    One uplink channel, and where its RX1 answers come; `channel` makes them.

    Equal ones are one object, so tuples of them are compared and hashed at once.
    """

    frequency_hz: int
    min_data_rate: int
    max_data_rate: int
    downlink_hz: int

    def carries(self, data_rate: int) -> bool:
        """Whether this data rate may be used here."""
        return self.min_data_rate <= data_rate <= self.max_data_rate


@cache
def channel(
    frequency_hz: int, min_data_rate: int, max_data_rate: int, downlink_hz: int
) -> Channel:
    """The channel of these numbers; a fleet has many."""
    return Channel(
        frequency_hz=frequency_hz,
        min_data_rate=min_data_rate,
        max_data_rate=max_data_rate,
        downlink_hz=downlink_hz,
    )


Channels = tuple[Channel | None, ...]


@dataclass(slots=True, kw_only=True)
class Session:
    """
    The session of one device, as its flash keeps it.

    `f_cnt_up` is the counter of the next new frame, `f_cnt_down` that of the
    last accepted one (None before the first); both have 32 bits.
    `uplink_dwell` and `downlink_dwell`: frames last 400 ms at most. `max_eirp_dbm`
    None is the region's own.
    The class B frequencies are 0 where the region's own hold.
    LoRaWAN 1.1 counts downlinks on an application's port in `a_f_cnt_down`;
    `to_confirm` is the CID of the indication (ResetInd, RekeyInd) that every uplink
    carries until it is confirmed, 0 for none; `rejoin_every` so many uplinks a
    rejoin-request leaves, 0 is never.
    `channels` is indexed as the specification does; bit i of `mask` enables
    channel i.
    """

    crypto: Crypto
    channels: Channels
    mask: int
    data_rate: int
    rx2_frequency_hz: int
    rx2_data_rate: int
    rx1_delay_s: int = 1
    rx1_dr_offset: int = 0
    f_cnt_up: int = 0
    f_cnt_down: int | None = None
    tx_power_index: int = 0
    nb_trans: int = 1
    max_duty_cycle: int = 0
    adr_ack_cnt: int = 0
    uplink_dwell: bool = False
    downlink_dwell: bool = False
    max_eirp_dbm: int | None = None
    ping_periodicity: int = 0
    ping_slot_data_rate: int = 0
    ping_slot_frequency_hz: int = 0
    beacon_frequency_hz: int = 0
    a_f_cnt_down: int | None = None
    to_confirm: int = 0
    join_nonce: int = -1
    net_id: NetID = NOBODYS
    adr_limit: int | None = None
    adr_delay: int | None = None
    rj_count: int = 0
    rejoin_every: int = 0
    since_rejoin: int = 0

    @property
    def dev_addr(self) -> DevAddr:
        """The address of the device in this session."""
        return self.crypto.dev_addr

    @property
    def is_1_1(self) -> bool:
        """Whether the network spoke LoRaWAN 1.1 when it began."""
        return isinstance(self.crypto, Session11)

    def last_f_cnt_down(self, f_port: int | None) -> int | None:
        """The counter of the last downlink of the kind that this port makes it."""
        return self.a_f_cnt_down if self.is_1_1 and f_port else self.f_cnt_down

    def count_down(self, f_port: int | None, f_cnt: int) -> None:
        """Remember the counter of an accepted downlink."""
        if self.is_1_1 and f_port:
            self.a_f_cnt_down = f_cnt
        else:
            self.f_cnt_down = f_cnt

    def usable(self, data_rate: int) -> tuple[Channel, ...]:
        """The enabled channels that carry the data rate."""
        return usable(self.channels, self.mask, data_rate)

    def to_json(self) -> str:
        """What flash keeps, keys included."""
        kept: dict[str, Any] = dict(zip(_PLAIN, _plain(self), strict=True))
        kept["dev_addr"] = self.crypto.dev_addr.hex()
        kept["net_id"] = self.net_id.hex()
        kept |= _kept_keys(self.crypto)
        kept["channels"] = _rows(self.channels)
        kept["mask"] = f"{self.mask:x}"  # of 72 bits: more than a JSON number holds
        return orjson.dumps(kept).decode()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote."""
        kept = orjson.loads(text)
        return cls(
            crypto=_crypto(kept),
            net_id=NetID.parse(kept.get("net_id", "000000")),
            channels=tuple(row and channel(*row) for row in kept["channels"]),
            mask=_mask(kept["mask"]),
            **{name: kept[name] for name in _PLAIN if name in kept},
        )


def _kept_keys(crypto: Crypto) -> dict[str, str]:
    kept = {"nwk_s_key": crypto.nwk_s_key.hex(), "app_s_key": crypto.app_s_key.hex()}
    if isinstance(crypto, Session11):
        kept["s_nwk_s_int_key"] = crypto.s_nwk_s_int_key.hex()
        kept["nwk_s_enc_key"] = crypto.nwk_s_enc_key.hex()
    return kept


def _crypto(kept: Mapping[str, Any]) -> Crypto:
    dev_addr = DevAddr.parse(kept["dev_addr"])
    nwk_s_key, app_s_key = Key.parse(kept["nwk_s_key"]), Key.parse(kept["app_s_key"])
    if "s_nwk_s_int_key" not in kept:
        return Crypto(dev_addr=dev_addr, nwk_s_key=nwk_s_key, app_s_key=app_s_key)
    keys = SessionKeys11(
        f_nwk_s_int_key=nwk_s_key,
        s_nwk_s_int_key=Key.parse(kept["s_nwk_s_int_key"]),
        nwk_s_enc_key=Key.parse(kept["nwk_s_enc_key"]),
        app_s_key=app_s_key,
    )
    return Session11(dev_addr=dev_addr, keys=keys)


def _mask(kept: int | str) -> int:
    return int(kept, 16) if isinstance(kept, str) else kept


@cache
def _rows(channels: Channels) -> list[tuple[int, ...] | None]:
    return [None if it is None else astuple(it) for it in channels]


@lru_cache(maxsize=4096)  # asked for every uplink of a fleet that has few plans
def usable(channels: Channels, mask: int, data_rate: int) -> tuple[Channel, ...]:
    """The channels that the mask enables and that carry the data rate."""
    return tuple(
        it
        for index, it in enumerate(channels)
        if it is not None and mask >> index & 1 and it.carries(data_rate)
    )


def defined(channels: Channels) -> int:
    """The mask of all channels that exist."""
    return sum(1 << index for index, it in enumerate(channels) if it)
