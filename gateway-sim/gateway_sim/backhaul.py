"""The line between a gateway and its server: how long it takes, and what it loses."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from gateway_sim.faults import Faults
from gateway_sim.gateway import Gateway, TxAck, Uplink
from wire.eui64 import EUI64

NEVER_S = 1e11  # the year 5138


class Forwarder(Protocol):
    """One gateway at its server, whatever protocol it speaks."""

    gateway: Gateway

    @property
    def online(self) -> bool:
        """Whether the server can be reached."""

    def up(self, uplink: Uplink) -> bool:
        """Forward an uplink; False when the server is out of reach."""

    def ack(self, ack: TxAck) -> bool:
        """Answer a downlink; False when the server is out of reach."""

    def stats(self, now: float) -> None:
        """Report what happened since the last report."""

    async def run(self) -> None:
        """Stay in touch until cancelled."""

    async def close(self) -> None:
        """Say goodbye and leave."""

    def cut(self) -> None:
        """Be gone from one moment to the next."""


class Backhaul:
    """Carries messages late or never, in the order they were given, per gateway."""

    def __init__(
        self,
        faults: Faults,
        *,
        clock: Callable[[], float],
        on_lost: Callable[[str], None],
    ) -> None:
        self._faults = faults
        self._clock = clock
        self._on_lost = on_lost
        self._last_s: dict[tuple[EUI64, str], float] = {}

    def carry(
        self,
        gateway_id: EUI64,
        direction: str,
        message: bytes,
        deliver: Callable[[], object],
    ) -> bool:
        """Call ``deliver`` when the message is through; False when it never is."""
        now = self._clock()
        takes_s = self._faults.carry_s(gateway_id, message, now)
        if takes_s is None:
            self._on_lost(direction)
            return False
        line = (gateway_id, direction)
        due_s = max(now + takes_s, self._last_s.get(line, 0.0))
        if due_s <= now:
            deliver()
        else:
            self._last_s[line] = due_s
            asyncio.get_running_loop().call_later(due_s - now, deliver)
        return True


class PowerSwitch:
    """Runs a forwarder while its gateway has power."""

    def __init__(self, faults: Faults, *, clock: Callable[[], float]) -> None:
        self._faults = faults
        self._clock = clock

    async def run(self, forwarder: Forwarder) -> None:
        """Start and cut it at the instants the faults name, until cancelled."""
        gateway_id = forwarder.gateway.place.gateway_id
        running: asyncio.Task[None] | None = None
        try:
            for change_s in [*self._faults.changes(gateway_id), NEVER_S]:
                now = self._clock()
                if change_s <= now:
                    continue
                is_off = self._faults.is_off(gateway_id, now, now)
                if is_off and running is not None:
                    running.cancel()
                    forwarder.cut()
                    running = None
                elif not is_off and running is None:
                    running = asyncio.create_task(forwarder.run())
                await asyncio.sleep(max(0.0, change_s - self._clock()))
        finally:
            if running is not None:
                running.cancel()
