"""Class B of a device: what a beacon, or its absence, means for what it says."""

from lorawan_sim import mac
from lorawan_sim.behaviour import Behaviour
from lorawan_sim.card import Card, Profile
from lorawan_sim.class_b import ClassB, Turn
from lorawan_sim.conversation import Conversation
from lorawan_sim.device.body import Body
from lorawan_sim.events import What
from lorawan_sim.frames import Down
from lorawan_sim.groups import Groups
from wire.air import AirFrame
from wire.lorawan.mac import DeviceTimeAns, PingSlotInfoReq, parse_block
from wire.lorawan.mhdr import Direction


class BeaconKeeper(Body):
    """Keeps to the beacon, if the profile wants class B and the region has it."""

    __slots__ = ("_class_b",)

    def __init__(
        self,
        card: Card,
        behaviour: Behaviour,
        profile: Profile,
        *,
        seed: int,
        groups: Groups | None,
    ) -> None:
        super().__init__(card, behaviour, profile, seed=seed, groups=groups)
        plan = profile.region.class_b if profile.class_b else None
        self._class_b: ClassB | None = None
        if plan is not None:
            self._class_b = ClassB(profile.region, plan, self._groups)

    def _begin_class_b(self, talk: Conversation) -> None:
        class_b, plan = self._class_b, self.profile.region.class_b
        if class_b is None or plan is None:
            return
        session, periodicity = talk.session, self.profile.ping_periodicity
        session.ping_periodicity = periodicity
        session.ping_slot_data_rate = plan.ping_slot_data_rate
        class_b.begin(session)
        talk.ask(mac.DEVICE_TIME_REQ)
        talk.ask(bytes(PingSlotInfoReq(periodicity=periodicity)))

    def _tell_class_b_the_time(self, down: Down) -> None:
        if self._class_b is None or not down.commands:
            return
        for command in parse_block(down.commands, Direction.DOWN).commands:
            if isinstance(command, DeviceTimeAns):
                # The time of the end of the uplink that asked (1.0.3 §5.10).
                gps_s = command.gps_seconds + command.fraction_256 / 256
                self._class_b.time_told(gps_s, self._radio.ended_at)

    def _hear_beacon(self, frame: AirFrame) -> None:
        if self._class_b is not None:
            self._turn(self._class_b.hear(frame), frame.end_s)

    def _turn(self, turn: Turn | None, now: float) -> None:
        """What the beacon, or its absence, means for what the device says."""
        talk = self._talk
        if turn is None or talk is None or self._class_b is None:
            return
        talk.class_b = self._class_b.locked
        if turn == "locked":
            self._diary.tell(What.BEACON_LOCKED, now)
            return
        if turn == "lost":
            self._diary.tell(What.BEACON_LOST, now)
        talk.ask(mac.DEVICE_TIME_REQ)
