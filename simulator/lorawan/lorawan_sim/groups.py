"""The multicast groups of one device: who it listens to besides its own address."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import orjson

from lorawan_sim.frames import Down
from lorawan_sim.windows import Tuning
from wire.errors import Malformed
from wire.lorawan.counters import full_f_cnt_down
from wire.lorawan.data import DataFrame
from wire.lorawan.ids import DevAddr
from wire.lorawan.keys import Key
from wire.lorawan.mhdr import MType
from wire.lorawan.multicast import McSessionKeys
from wire.lorawan.session import F_CNT_MAX
from wire.lorawan.session import Session as Crypto

NEVER = float("inf")
_ALWAYS = -NEVER
_DOWN = MType.UNCONFIRMED_DATA_DOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """
    What puts a device into a group: slot, address, keys and counters.

    ``at_once``: it listens from now on as a class C device does; otherwise it waits
    for a session of the remote multicast setup (TS005).
    """

    slot: int
    mc_addr: DevAddr
    keys: McSessionKeys
    min_f_cnt: int = 0
    max_f_cnt: int = F_CNT_MAX
    at_once: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """When and where a device listens to a group; no tuning: where it does anyway."""

    opens_at: float = _ALWAYS
    closes_at: float = NEVER
    tuning: Tuning | None = None
    periodicity: int | None = None
    """Of the group's ping slots; None is class C."""

    def open_at(self, now: float) -> bool:
        """Whether the device listens now."""
        return self.opens_at <= now < self.closes_at


@dataclass(slots=True, kw_only=True)
class Group:
    """One group; ``f_cnt`` is that of the last accepted frame, None before it."""

    crypto: Crypto
    max_f_cnt: int
    f_cnt: int | None
    hours: Hours | None = None
    is_open: bool = False

    @property
    def mc_addr(self) -> DevAddr:
        """The group's address."""
        return self.crypto.dev_addr


class Groups:
    """Up to four groups, by slot."""

    __slots__ = ("_groups",)

    def __init__(self) -> None:
        self._groups: dict[int, Group] = {}

    def __len__(self) -> int:
        return len(self._groups)

    def __iter__(self) -> Iterator[tuple[int, Group]]:
        return iter(sorted(self._groups.items()))

    def get(self, slot: int) -> Group | None:
        """The group in a slot."""
        return self._groups.get(slot)

    def join(self, membership: Membership) -> None:
        """Take a group in; it replaces what was in its slot."""
        first = membership.min_f_cnt
        self._groups[membership.slot] = Group(
            crypto=Crypto(
                dev_addr=membership.mc_addr,
                nwk_s_key=membership.keys.mc_nwk_s_key,
                app_s_key=membership.keys.mc_app_s_key,
            ),
            max_f_cnt=membership.max_f_cnt,
            f_cnt=first - 1 if first else None,
            hours=Hours() if membership.at_once else None,
            is_open=membership.at_once,
        )

    def leave(self, slot: int) -> bool:
        """Leave a group; False if there was none in the slot."""
        return self._groups.pop(slot, None) is not None

    def listen(self, slot: int, hours: Hours) -> None:
        """Listen to a group at these hours; KeyError if there is none in the slot."""
        self._groups[slot].hours = hours

    def tick(self, now: float) -> bool:
        """Open and close ears as their hours say; True if something changed."""
        changed = False
        for group in self._groups.values():
            if group.hours is not None and group.hours.closes_at <= now:
                group.hours = None  # the session is over
            is_open = group.hours is not None and group.hours.open_at(now)
            changed |= is_open != group.is_open
            group.is_open = is_open
        return changed

    def next_deadline(self) -> float:
        """When the next ear opens or closes."""
        return min(
            (at for group in self._groups.values() for at in _turns(group)),
            default=NEVER,
        )

    def class_c(self, usual: Tuning | None) -> Iterator[tuple[Tuning, str]]:
        """What the open class C groups listen to; ``usual`` is the device's own."""
        for group in self._groups.values():
            hours = group.hours
            if not group.is_open or hours is None or hours.periodicity is not None:
                continue
            tuning = hours.tuning or usual
            if tuning is not None:
                yield tuning, str(group.mc_addr)

    def read(self, phy_payload: bytes) -> Down | str | None:
        """The frame to a group of ours, why it is refused, or None for others'."""
        if not self._groups or not phy_payload or phy_payload[0] >> 5 != _DOWN:
            return None
        try:
            frame = DataFrame.parse(phy_payload)
        except Malformed:
            return None  # the device's own judgement has said so already
        for group in self._groups.values():
            if group.mc_addr == frame.dev_addr and group.is_open:
                return _read(group, frame, phy_payload)
        return None

    def to_json(self) -> str:
        """What flash keeps, keys included; sessions of TS005 end with the power."""
        return orjson.dumps(
            [
                {
                    "slot": slot,
                    "mc_addr": group.mc_addr.hex(),
                    "nwk_s_key": group.crypto.nwk_s_key.hex(),
                    "app_s_key": group.crypto.app_s_key.hex(),
                    "f_cnt": group.f_cnt,
                    "max_f_cnt": group.max_f_cnt,
                    "at_once": group.hours == Hours(),
                }
                for slot, group in self
            ]
        ).decode()

    @classmethod
    def from_json(cls, text: str | None) -> Self:
        """Read what ``to_json`` wrote; nothing: no groups."""
        groups = cls()
        for kept in orjson.loads(text) if text else ():
            groups._restore(kept)
        return groups

    def _restore(self, kept: dict[str, Any]) -> None:
        keys = McSessionKeys(
            mc_nwk_s_key=Key.parse(kept["nwk_s_key"]),
            mc_app_s_key=Key.parse(kept["app_s_key"]),
        )
        self.join(
            Membership(
                slot=kept["slot"],
                mc_addr=DevAddr.parse(kept["mc_addr"]),
                keys=keys,
                max_f_cnt=kept["max_f_cnt"],
                at_once=kept["at_once"],
            )
        )
        self._groups[kept["slot"]].f_cnt = kept["f_cnt"]


def _turns(group: Group) -> Iterator[float]:
    hours = group.hours
    if hours is None:
        return
    yield hours.closes_at if group.is_open else hours.opens_at


def _read(group: Group, frame: DataFrame, phy_payload: bytes) -> Down | str:
    last = group.f_cnt
    f_cnt = full_f_cnt_down(last, frame.f_cnt_16)
    if last is not None and f_cnt <= last:
        return f"replayed: FCnt {frame.f_cnt_16} after {last}"
    if f_cnt > group.max_f_cnt:
        return f"FCnt {f_cnt} is beyond the group's last, {group.max_f_cnt}"
    if not group.crypto.verify(phy_payload, f_cnt):
        return f"MIC is wrong for FCnt {f_cnt}"
    if not frame.f_port or frame.f_opts or frame.f_ctrl.ack:
        # 1.0.3 §2.2: no MAC commands, no ACK, never port 0 in a multicast frame
        return "a multicast frame carries application data only"
    group.f_cnt = f_cnt
    return Down(
        f_cnt=f_cnt,
        confirmed=False,
        ack=False,
        f_pending=False,
        commands=b"",
        f_port=frame.f_port,
        payload=group.crypto.decrypt(frame, f_cnt),
    )
