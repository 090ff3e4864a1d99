"""
The application packages a device speaks: its clock (TS003) and its groups (TS005).

Pure: a message comes down on a package's port, messages go up, groups change.
"""

from collections.abc import Iterator

from lorawan_sim.behaviour import Message
from lorawan_sim.groups import Groups, Hours, Membership
from lorawan_sim.transceiver import tuning
from lorawan_sim.windows import Tuning
from wire.applayer import clock_sync, multicast_setup
from wire.applayer.clock_sync import (
    AppTimeAns,
    AppTimeReq,
    DeviceAppTimePeriodicityAns,
    DeviceAppTimePeriodicityReq,
    ForceDeviceResyncReq,
)
from wire.applayer.multicast_setup import (
    McClassBSessionAns,
    McClassBSessionReq,
    McClassCSessionAns,
    McClassCSessionReq,
    McGroupDeleteAns,
    McGroupDeleteReq,
    McGroupSetupAns,
    McGroupSetupReq,
    McGroupStatusAns,
    McGroupStatusReq,
)
from wire.applayer.package import (
    PackageCommand,
    PackageVersionAns,
    PackageVersionReq,
    parse_commands,
)
from wire.errors import Malformed
from wire.lorawan.gps import gps_from_unix
from wire.lorawan.keys import Key
from wire.lorawan.mhdr import Direction
from wire.lorawan.multicast import mc_session_keys, unwrap_mc_key
from wire.lorawan.region import Modulation, Region

NEVER = float("inf")
_MODULO = 1 << 32
_TOKENS = 16
_PERIOD_S = 128


class Clock:
    """
    The device's own idea of the time, and how it has it put right (TS003).

    ``offset_s`` is what the device's clock is ahead of the world's. ``next_at`` is
    when it wants to ask again.
    """

    def __init__(self, offset_s: float = 0.0) -> None:
        self.offset_s = offset_s
        self.next_at = NEVER
        self._period_s = NEVER
        self._token = 0

    def gps_s(self, now: float) -> float:
        """GPS time as the device believes it to be."""
        return gps_from_unix(now + self.offset_s)

    def ask(self, now: float, *, must_answer: bool = False) -> Message:
        """Ask how wrong the clock is."""
        self.next_at = now + self._period_s
        request = AppTimeReq(
            device_time=int(self.gps_s(now)) % _MODULO,
            token=self._token,
            ans_required=must_answer,
        )
        return Message(f_port=clock_sync.F_PORT, payload=bytes(request))

    def obey(self, command: PackageCommand, now: float) -> Iterator[Message]:
        """Carry out one command."""
        match command:
            case PackageVersionReq():
                version = PackageVersionAns(
                    package=clock_sync.PACKAGE, version=clock_sync.VERSION
                )
                yield Message(f_port=clock_sync.F_PORT, payload=bytes(version))
            case AppTimeAns(correction_s=correction_s, token=token):
                if token == self._token:  # an answer counts once (TS003 §3.2)
                    self.offset_s += correction_s
                    self._token = (self._token + 1) % _TOKENS
            case DeviceAppTimePeriodicityReq(period=period):
                self._period_s = float(_PERIOD_S << period)
                self.next_at = now + self._period_s
                told = DeviceAppTimePeriodicityAns(
                    not_supported=False, device_time=int(self.gps_s(now)) % _MODULO
                )
                yield Message(f_port=clock_sync.F_PORT, payload=bytes(told))
            case ForceDeviceResyncReq(transmissions=transmissions) if transmissions:
                yield self.ask(now)


class Setup:
    """A device's side of the remote multicast setup (TS005)."""

    def __init__(self, groups: Groups, region: Region, ke_key: Key | None) -> None:
        self._groups = groups
        self._region = region
        self._ke_key = ke_key

    def obey(
        self, command: PackageCommand, now: float, gps_s: float
    ) -> PackageCommand | None:
        """Carry out one command; ``gps_s`` is what the device takes for GPS time."""
        match command:
            case PackageVersionReq():
                return PackageVersionAns(
                    package=multicast_setup.PACKAGE, version=multicast_setup.VERSION
                )
            case McGroupStatusReq(group_mask=mask):
                return self._status(mask)
            case McGroupSetupReq():
                return self._set_up(command)
            case McGroupDeleteReq(group_id=group_id):
                missing = not self._groups.leave(group_id)
                return McGroupDeleteAns(group_id=group_id, error=missing)
            case McClassCSessionReq():
                return self._class_c(command, now, gps_s)
            case McClassBSessionReq():
                return self._class_b(command, now, gps_s)
            case _:
                return None

    def _status(self, mask: int) -> McGroupStatusAns:
        asked = tuple(
            (slot, group.mc_addr) for slot, group in self._groups if mask >> slot & 1
        )
        return McGroupStatusAns(total=len(self._groups), groups=asked)

    def _set_up(self, command: McGroupSetupReq) -> McGroupSetupAns:
        if self._ke_key is None:
            return McGroupSetupAns(group_id=command.group_id, error=True)
        mc_key = unwrap_mc_key(self._ke_key, command.mc_key_encrypted)
        self._groups.join(
            Membership(
                slot=command.group_id,
                mc_addr=command.mc_addr,
                keys=mc_session_keys(mc_key, command.mc_addr),
                min_f_cnt=command.min_mc_f_count,
                max_f_cnt=command.max_mc_f_count,
            )
        )
        return McGroupSetupAns(group_id=command.group_id)

    def _class_c(
        self, wanted: McClassCSessionReq, now: float, gps_s: float
    ) -> McClassCSessionAns:
        faults = self._faults(wanted)
        if any(faults):
            undefined, frequency, rate = faults
            return McClassCSessionAns(
                group_id=wanted.group_id,
                undefined=undefined,
                frequency_error=frequency,
                data_rate_error=rate,
            )
        starts_s = self._listen(wanted, now, gps_s)
        return McClassCSessionAns(group_id=wanted.group_id, time_to_start_s=starts_s)

    def _class_b(
        self, wanted: McClassBSessionReq, now: float, gps_s: float
    ) -> McClassBSessionAns:
        faults = self._faults(wanted)
        if any(faults):
            undefined, frequency, rate = faults
            return McClassBSessionAns(
                group_id=wanted.group_id,
                undefined=undefined,
                frequency_error=frequency,
                data_rate_error=rate,
            )
        starts_s = self._listen(wanted, now, gps_s, periodicity=wanted.periodicity)
        return McClassBSessionAns(group_id=wanted.group_id, time_to_start_s=starts_s)

    def _faults(
        self, wanted: McClassCSessionReq | McClassBSessionReq
    ) -> tuple[bool, bool, bool]:
        return (
            self._groups.get(wanted.group_id) is None,
            self._region.sub_band(wanted.frequency_hz) is None,
            not _is_lora(self._region, wanted.data_rate),
        )

    def _listen(
        self,
        wanted: McClassCSessionReq | McClassBSessionReq,
        now: float,
        gps_s: float,
        *,
        periodicity: int | None = None,
    ) -> int:
        """Plan the session; return the seconds until it starts, 0 when it has."""
        ahead_s = _ahead_s(wanted.session_time, gps_s)
        opens_at = now + ahead_s
        hours = Hours(
            opens_at=opens_at,
            closes_at=opens_at + wanted.time_out_s,
            tuning=self._tuning(wanted.data_rate, wanted.frequency_hz),
            periodicity=periodicity,
        )
        self._groups.listen(wanted.group_id, hours)
        return max(0, round(ahead_s))

    def _tuning(self, data_rate: int, frequency_hz: int) -> Tuning:
        return tuning(self._region, data_rate, frequency_hz)


class Packages:
    """Both packages of one device."""

    def __init__(
        self, groups: Groups, region: Region, ke_key: Key | None, offset_s: float = 0.0
    ) -> None:
        self.clock = Clock(offset_s)
        self._setup = Setup(groups, region, ke_key)

    def receive(self, f_port: int, payload: bytes, now: float) -> list[Message] | None:
        """The answers to a package's message; None: the port is no package's."""
        if f_port == clock_sync.F_PORT:
            return self._synchronise(payload, now)
        if f_port == multicast_setup.F_PORT:
            return self._set_up(payload, now)
        return None

    def due(self, now: float) -> list[Message]:
        """What the packages have to say by themselves."""
        return [self.clock.ask(now)] if self.clock.next_at <= now else []

    def _synchronise(self, payload: bytes, now: float) -> list[Message]:
        answers: list[Message] = []
        try:
            for command in parse_commands(clock_sync.COMMANDS, payload, Direction.DOWN):
                answers += self.clock.obey(command, now)
        except Malformed:
            pass  # what could be read has been obeyed; nobody expects more
        return answers

    def _set_up(self, payload: bytes, now: float) -> list[Message]:
        answers: list[bytes] = []
        # A device whose clock is wrong opens its ears at the wrong time.
        gps_s = self.clock.gps_s(now)
        try:
            for command in parse_commands(
                multicast_setup.COMMANDS, payload, Direction.DOWN
            ):
                answer = self._setup.obey(command, now, gps_s)
                answers += [] if answer is None else [bytes(answer)]
        except Malformed:
            pass  # as above
        joined = b"".join(answers)
        return (
            [Message(f_port=multicast_setup.F_PORT, payload=joined)] if joined else []
        )


def _ahead_s(session_time: int, gps_s: float) -> float:
    """Seconds from now to a session's start, which is told modulo 2^32."""
    ahead = (session_time - gps_s) % _MODULO
    return ahead - _MODULO if ahead >= _MODULO / 2 else ahead


def _is_lora(region: Region, data_rate: int) -> bool:
    return any(
        rate.index == data_rate and rate.modulation is Modulation.LORA
        for rate in region.data_rates
    )
