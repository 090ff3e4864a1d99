"""What a device does with a data frame that it heard: its own, or a group's."""

from typing import Protocol, runtime_checkable

from lorawan_sim import frames
from lorawan_sim.behaviour import Behaviour, Grouped
from lorawan_sim.card import Card, Profile
from lorawan_sim.conversation import Conversation
from lorawan_sim.device.speaker import Speaker
from lorawan_sim.events import What
from lorawan_sim.frames import Down
from lorawan_sim.groups import Groups
from lorawan_sim.packages import Packages
from lorawan_sim.windows import Slot
from wire.air import AirFrame
from wire.lorawan.keys import Key
from wire.lorawan.multicast import mc_ke_key, mc_root_key, mc_root_key_1_1
from wire.radio.propagation import Link


@runtime_checkable
class Measuring(Protocol):
    """A behaviour whose payloads tell how the last downlink arrived."""

    def heard(self, rssi_dbm: float, snr_db: float) -> None:
        """Take what the radio measured."""
        ...


class Hearer(Speaker):
    """Obeys, answers and hands on; `_packages` speak TS003 and TS005."""

    __slots__ = ("_packages",)

    def __init__(
        self,
        card: Card,
        behaviour: Behaviour,
        profile: Profile,
        *,
        seed: int,
        dev_nonce: int,
        groups: Groups | None,
    ) -> None:
        super().__init__(
            card, behaviour, profile, seed=seed, dev_nonce=dev_nonce, groups=groups
        )
        self._packages = self._new_packages() if profile.packages else None

    def _hear_data(
        self, talk: Conversation, frame: AirFrame, link: Link, slot: Slot, now: float
    ) -> None:
        at = max(now, frame.end_s)
        gap = self.profile.max_f_cnt_gap
        down = frames.read_down(frame.phy_payload, talk.session, max_gap=gap)
        if down is None:
            self._hear_group(frame, link, slot, at)
            return
        if isinstance(down, str):
            self._diary.tell(What.DOWNLINK_DROPPED, at, slot=slot, reason=down)
            return
        self._unsaved = True
        self._diary.tell(
            What.DOWNLINK_HEARD, at, slot=slot, f_cnt=down.f_cnt, f_port=down.f_port
        )
        class_a = slot in {Slot.RX1, Slot.RX2}
        talk.hear(
            down,
            snr_db=link.snr_db,
            battery=self._behaviour.battery,
            class_a=class_a,
            at=at,
        )
        self._obey_forced(talk, at)
        if class_a or (talk.uplink is None and not self._awaits_accept):
            self._radio.land()
            self._forget_rejoin()
        self._radio.antenna.limit(talk.session.max_duty_cycle)
        self._radio.not_before = at
        self._tell_class_b_the_time(down)
        if isinstance(self._behaviour, Measuring):
            self._behaviour.heard(link.rssi_dbm, link.snr_db)
        if down.f_port:
            self._take(down, at)

    def _take(self, down: Down, at: float) -> None:
        f_port, packages = down.f_port or 0, self._packages
        answers = (
            None if packages is None else packages.receive(f_port, down.payload, at)
        )
        if answers is not None:
            self._say(answers)
            return
        self._behaviour.received(f_port, down.payload, at)
        if isinstance(self._behaviour, Grouped):
            for membership in self._behaviour.memberships():
                self._groups.join(membership)
                self._diary.tell(
                    What.GROUP_JOINED,
                    at,
                    slot=membership.slot,
                    mc_addr=membership.mc_addr,
                )
        self._collect(at)

    def _hear_group(self, frame: AirFrame, link: Link, slot: Slot, at: float) -> None:
        """Hear a frame to one of its groups: it ends no window and no repetition."""
        down = self._groups.read(frame.phy_payload)
        if down is None:
            return
        if isinstance(down, str):
            self._diary.tell(What.DOWNLINK_DROPPED, at, slot=slot, reason=down)
            return
        self._unsaved = True
        self._diary.tell(What.GROUP_HEARD, at, slot=slot, f_cnt=down.f_cnt)
        self._radio.not_before = max(self._radio.not_before, at)
        if isinstance(self._behaviour, Measuring):
            self._behaviour.heard(link.rssi_dbm, link.snr_db)
        if isinstance(self._behaviour, Grouped):
            self._behaviour.received_in_group(down.f_port or 0, down.payload, at)
        else:
            self._behaviour.received(down.f_port or 0, down.payload, at)
        self._collect(at)

    def _new_packages(self) -> Packages:
        root = self._mc_root_key()
        ke_key = None if root is None else mc_ke_key(root)
        return Packages(self._groups, self.profile.region, ke_key)

    def _mc_root_key(self) -> Key | None:
        if self.profile.is_1_1:
            return mc_root_key_1_1(self.card.app_key)
        gen_app_key = self.card.gen_app_key
        return None if gen_app_key is None else mc_root_key(gen_app_key)
