"""The lease: one worker owns a partition for a pool, and every commit proves it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from redis import Redis

from city import keys
from faas import scripts

LEASE_S: Final = 3.0

__all__ = ["LEASE_S", "Lease"]


@dataclass(slots=True, kw_only=True)
class Lease:
    """
    The right to commit for (pool, partition), held while it is renewed.

    The token is a number that only grows, so the commit of a worker that slept
    through its lease is refused even if nobody else has come.
    """

    redis: Redis
    pool: str
    partition: int
    lease_s: float = LEASE_S
    clock: Callable[[], float] = time.monotonic
    token: str = ""
    _renew_at: float = field(default=0.0, repr=False)

    @property
    def name(self) -> str:
        """The key that holds the token."""
        return keys.lease(self.partition, self.pool)

    def acquire(self) -> bool:
        """Take the lease if nobody has it; tell whether it is ours now."""
        if self.token and self.renew():
            return True
        fence = f"{self.name}:fence"
        (number,) = scripts.send(self.redis, [["INCR", fence]])
        token = str(number)
        want = ["SET", self.name, token, "NX", "PX", self._ms]
        (taken,) = scripts.send(self.redis, [want])
        self.token = token if taken else ""
        self._renew_at = self.clock() + self.lease_s / 3
        return bool(taken)

    def renew(self) -> bool:
        """Ask for more time; False: somebody else has, or may have, the lease."""
        held = scripts.run(
            self.redis, scripts.RENEW, [self.name], [self.token, self._ms]
        )
        self._renew_at = self.clock() + self.lease_s / 3
        if not held:
            self.token = ""
        return bool(held)

    def keep(self) -> bool:
        """Renew when it is time to; False: the lease is lost."""
        return bool(self.token) and (self.clock() < self._renew_at or self.renew())

    def release(self) -> None:
        """Give the lease back so that the next worker need not wait."""
        if self.token:
            scripts.run(self.redis, scripts.RELEASE, [self.name], [self.token])
            self.token = ""

    @property
    def _ms(self) -> int:
        return int(self.lease_s * 1000)
