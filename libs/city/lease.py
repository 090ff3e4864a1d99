"""
One process owns a partition, and every commit proves that it still does.

The token only grows, so the commit of a process that slept through its lease is
refused even when nobody else has come.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from redis import Redis

LEASE_S: Final = 5.0

_ACQUIRE: Final = """
-- KEYS lease, fence  ARGV milliseconds
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local token = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], token, 'PX', ARGV[1])
return token
"""

_RENEW: Final = """
-- KEYS lease  ARGV token, milliseconds
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""

_RELEASE: Final = """
-- KEYS lease  ARGV token
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""

_COMMIT: Final = """
-- All or nothing, and only for the holder.
-- KEYS lease, …  ARGV token, then: argument count, command, index in KEYS, arguments
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local i = 2
while i <= #ARGV do
  local last = i + 2 + tonumber(ARGV[i])
  redis.call(ARGV[i + 1], KEYS[tonumber(ARGV[i + 2])], unpack(ARGV, i + 3, last))
  i = last + 1
end
return 1
"""

Argument = str | bytes | int | float


@dataclass(slots=True, kw_only=True)
class Lease:
    """The right to write for one partition; ``key`` holds the token."""

    redis: Redis
    key: str
    lease_s: float = LEASE_S
    clock: Callable[[], float] = time.monotonic
    token: str = ""
    _until: float = field(default=0.0, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def hold(self) -> bool:
        """Take or renew the lease when it is time to; tell whether it is ours."""
        with self._lock:
            if not self.token:
                return self._acquire()
            return self._fresh() or self._renew()

    def keep(self) -> bool:
        """Renew the lease if it is ours; for a thread beside a long piece of work."""
        with self._lock:
            return bool(self.token) and (self._fresh() or self._renew())

    def sure(self) -> bool:
        """Tell whether nobody else can have it yet, without asking."""
        return bool(self.token) and self.clock() < self._until

    def release(self) -> None:
        """Give it back, so that the next one need not wait."""
        if self.token:
            self._run(_RELEASE, [self.key], [self.token])
            self.token = ""

    def commit(self, changes: "Changes") -> bool:
        """Apply changes if the lease is still ours, else nothing."""
        names, arguments = changes.arguments()
        done = self._run(_COMMIT, [self.key, *names], [self.token, *arguments])
        if not done:
            self.token = ""
        return bool(done)

    def _fresh(self) -> bool:
        return self._until - self.clock() > self.lease_s / 2

    def _acquire(self) -> bool:
        asked_at = self.clock()
        keys = [self.key, f"{self.key}:fence"]
        token = self._run(_ACQUIRE, keys, [self._milliseconds])
        self.token = str(token) if token else ""
        self._until = asked_at + self.lease_s
        return bool(token)

    def _renew(self) -> bool:
        asked_at = self.clock()
        if self._run(_RENEW, [self.key], [self.token, self._milliseconds]):
            self._until = asked_at + self.lease_s
            return True
        self.token = ""
        return False

    def _run(
        self, script: str, names: Sequence[str], arguments: Sequence[Argument]
    ) -> Any:
        return self.redis.register_script(script)(
            keys=list(names), args=list(arguments)
        )

    @property
    def _milliseconds(self) -> int:
        return int(self.lease_s * 1000)


class Changes:
    """Redis commands of one partition that are applied together."""

    def __init__(self) -> None:
        self._names: dict[str, int] = {}
        self._arguments: list[Argument] = []

    def add(self, command: str, key: str, *arguments: Argument) -> None:
        """Add one command on one key."""
        index = self._names.setdefault(key, len(self._names) + 2)
        self._arguments += [len(arguments), command, index, *arguments]

    def arguments(self) -> tuple[list[str], list[Argument]]:
        """Return the keys and the rest, as the script wants them."""
        return list(self._names), self._arguments

    def __bool__(self) -> bool:
        """Whether there is anything to apply."""
        return bool(self._arguments)
