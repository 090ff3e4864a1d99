"""
Which part to start, restart or stop next: a state machine without processes.

Feed it what happened (`exited`, `answered`, `not_yet`, `stop`, `tick`), then
drain `actions()` (what to do to processes) and `notes()` (sentences for people).

    waiting → starting → ready ⇄ backing off
                      ↘ done (a one-shot that ended with 0)
    stopping → stopped
    ready → stopping → held → waiting   (an outage on purpose)

A part that dies before it was ever ready ends the start: after `TRIES` it has
a fault that restarting will not cure, and the person should read one sentence.
A part that was ready once is restarted for ever, ever more slowly.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from garonne.parts import Part

__all__ = ["Action", "Kill", "Probe", "Start", "State", "Supervision", "Terminate"]

TRIES = 3
FIRST_BACK_OFF_S = 0.5
LONGEST_BACK_OFF_S = 30.0
STEADY_AFTER_S = 60.0
PROBE_EVERY_S = 0.1
STOP_WITHIN_S = 8.0

WRONG_SETTINGS = 2  # every program's exit code for settings it cannot use


class State(StrEnum):
    """Where a part is in its life."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    BACKING_OFF = "backing off"
    DONE = "done"
    STOPPING = "stopping"
    STOPPED = "stopped"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Start:
    """Start the process; `again` counts earlier starts."""

    name: str
    again: int


@dataclass(frozen=True, slots=True)
class Probe:
    """Ask it whether it is ready."""

    name: str


@dataclass(frozen=True, slots=True)
class Terminate:
    """Ask it to end (SIGTERM)."""

    name: str


@dataclass(frozen=True, slots=True)
class Kill:
    """It did not end when asked (SIGKILL)."""

    name: str


Action = Start | Probe | Terminate | Kill

ALIVE = (State.STARTING, State.READY, State.STOPPING)
SATISFIED = (State.READY, State.DONE)


@dataclass(slots=True)
class Life:
    """What is known of one part."""

    part: Part
    state: State = State.WAITING
    starts: int = 0
    failures: int = 0
    since: float = 0.0
    deadline: float = float("inf")
    was_ready: bool = False
    killed: bool = False
    held: bool = False
    found: str = "has not answered yet"

    @property
    def restarts(self) -> int:
        """How often it was started again."""
        return max(0, self.starts - 1)


class Supervision:
    """The life of every part; order of the table is order of need."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self.lives = {part.name: Life(part) for part in parts}
        self.failure = ""
        self._stopping = False
        self._actions: list[Action] = []
        self._notes: list[str] = []
        _refuse_unknown_needs(self.lives)

    @property
    def is_up(self) -> bool:
        """Whether every part is ready or done."""
        return all(life.state in SATISFIED for life in self.lives.values())

    @property
    def is_over(self) -> bool:
        """Whether we were asked to stop and nothing lives any more."""
        return self._stopping and not any(
            life.state in ALIVE for life in self.lives.values()
        )

    def actions(self) -> list[Action]:
        """Drain what to do to processes."""
        drained, self._actions = self._actions, []
        return drained

    def notes(self) -> list[str]:
        """Drain the sentences for the person who watches."""
        drained, self._notes = self._notes, []
        return drained

    def next_deadline(self) -> float:
        """Return the instant of the next `tick` that matters."""
        return min((life.deadline for life in self.lives.values()), default=0.0)

    def tick(self, now: float) -> None:
        """Let time pass."""
        for life in self.lives.values():
            self._tick_one(life, now)

    def answered(self, name: str, now: float) -> None:
        """Take note that it is ready."""
        life = self.lives[name]
        if life.state is not State.STARTING:
            return
        took_s = now - life.since
        _enter(life, State.READY, now, deadline=now + STEADY_AFTER_S)
        life.was_ready = True
        self._notes.append(f"{name} is ready after {took_s:.1f} s")

    def not_yet(self, name: str, found: str, now: float) -> None:
        """Take note that it is not ready, and of what was found instead."""
        life = self.lives[name]
        if life.state is not State.STARTING:
            return
        life.found = found
        life.deadline = now + PROBE_EVERY_S
        if now - life.since >= life.part.start_within_s:
            self._give_up(
                f"{name} was not ready within {life.part.start_within_s:.0f} s: "
                f"it {found}",
                now,
            )

    def exited(self, name: str, code: int, now: float) -> None:
        """Take note that its process is gone; a negative code is a signal."""
        life = self.lives[name]
        if life.state is State.STOPPING:
            _enter(life, self._after_stopping(life), now)
        elif life.part.one_shot and code == 0:
            self._notes.append(f"{name} is done after {now - life.since:.1f} s")
            _enter(life, State.DONE, now)
        else:
            self._died(life, code, now)
        self.tick(now)

    def hold(self, name: str, now: float) -> None:
        """Stop one part on purpose and leave it stopped until it is released."""
        life = self.lives[name]
        life.held = True
        if life.state in (State.STARTING, State.READY):
            _enter(life, State.STOPPING, now, deadline=now + STOP_WITHIN_S)
            self._actions.append(Terminate(name))
        elif life.state in (State.WAITING, State.BACKING_OFF):
            _enter(life, State.HELD, now)
        self._notes.append(f"{name} is stopped on purpose")

    def release(self, name: str, now: float) -> None:
        """Let a part that was held start again."""
        life = self.lives[name]
        life.held = False
        if life.state is State.HELD:
            _enter(life, State.WAITING, now)
        self.tick(now)

    def stop(self, now: float) -> None:
        """End everything, those first that nobody needs any more."""
        if not self._stopping:
            self._stopping = True
            for life in self.lives.values():
                if life.state in (State.WAITING, State.BACKING_OFF, State.HELD):
                    _enter(life, State.STOPPED, now)
        self.tick(now)

    def _tick_one(self, life: Life, now: float) -> None:
        if self._stopping:
            self._stop_one(life, now)
        elif life.state is State.WAITING and self._needs_are_met(life):
            self._start(life, now)
        elif life.deadline > now:
            return
        elif life.state is State.STOPPING:
            self._stop_one(life, now)
        elif life.state is State.BACKING_OFF and self._needs_are_met(life):
            self._start(life, now)
        elif life.state is State.STARTING and not life.part.one_shot:
            life.deadline = now + PROBE_EVERY_S
            self._actions.append(Probe(life.part.name))
        elif life.state is State.STARTING:
            self.not_yet(life.part.name, "has not ended", now)
        elif life.state is State.READY:
            life.failures, life.deadline = 0, float("inf")

    def _start(self, life: Life, now: float) -> None:
        _enter(life, State.STARTING, now, deadline=now + PROBE_EVERY_S)
        self._actions.append(Start(life.part.name, life.starts))
        life.starts += 1

    def _stop_one(self, life: Life, now: float) -> None:
        if life.state in (State.STARTING, State.READY):
            if not self._is_needed(life):
                _enter(life, State.STOPPING, now, deadline=now + STOP_WITHIN_S)
                self._actions.append(Terminate(life.part.name))
        elif life.state is State.STOPPING and life.deadline <= now and not life.killed:
            life.killed, life.deadline = True, float("inf")
            self._notes.append(f"{life.part.name} did not stop; it was killed")
            self._actions.append(Kill(life.part.name))

    def _died(self, life: Life, code: int, now: float) -> None:
        name = life.part.name
        life.failures += 1
        hopeless = code == WRONG_SETTINGS or life.failures >= TRIES
        if not life.was_ready and hopeless:
            _enter(life, State.STOPPED, now)
            self._give_up(f"{name} {how(code)} before it was ready", now)
            return
        pause_s = min(FIRST_BACK_OFF_S * 2 ** (life.failures - 1), LONGEST_BACK_OFF_S)
        _enter(life, State.BACKING_OFF, now, deadline=now + pause_s)
        self._notes.append(f"{name} {how(code)}; starting it again in {pause_s:g} s")

    def _after_stopping(self, life: Life) -> State:
        if self._stopping:
            return State.STOPPED
        life.killed = False
        return State.HELD if life.held else State.WAITING

    def _give_up(self, why: str, now: float) -> None:
        self.failure = self.failure or why
        self.stop(now)

    def _needs_are_met(self, life: Life) -> bool:
        return all(self.lives[need].state in SATISFIED for need in life.part.needs)

    def _is_needed(self, life: Life) -> bool:
        return any(
            life.part.name in other.part.needs and other.state in ALIVE
            for other in self.lives.values()
        )


def how(code: int) -> str:
    """Return how it ended, as a verb: 'ended with code 3', 'was killed (signal 9)'."""
    return f"was killed (signal {-code})" if code < 0 else f"ended with code {code}"


def _enter(
    life: Life, state: State, now: float, *, deadline: float = float("inf")
) -> None:
    life.state, life.since, life.deadline = state, now, deadline


def _refuse_unknown_needs(lives: dict[str, Life]) -> None:
    seen: set[str] = set()
    for name, life in lives.items():
        unknown = [need for need in life.part.needs if need not in seen]
        if unknown:
            raise ValueError(f"{name} needs {unknown}, not declared before it")
        seen.add(name)
