"""
Commands to devices: ask for one, take it back, see how far it has come.

Asking only writes to the outbox. The sender alone brings a command to ChirpStack and
writes its state.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import orjson
from redis import Redis

from city import keys
from city.command import ENDS, Command
from city.errors import BadCommand
from city.group_order import GroupOrder, group_name
from city.types import DeviceType, Planner

NOT_TAKEN: Final = "handed in; the sender has not taken it yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A device as a command needs it."""

    dev_eui: str
    device_type: str
    application_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """All devices of a type whose tag ``by`` says ``value``."""

    device_type: str
    by: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupStatus:
    """Which way an order to a group went: ``grouped`` devices by one frame."""

    devices: int
    grouped: int
    gateways: int
    airtime_s: float
    instead_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How far a command has come; ``at`` maps each state to its Unix seconds."""

    id: str
    dev_eui: str
    device_type: str
    object: Mapping[str, Any]
    why: str
    requested_by: str
    requested_at: float
    expires_at: float
    state: str
    reason: str
    why_not_yet: str
    at: Mapping[str, float]

    @property
    def ended(self) -> bool:
        """Whether nothing follows."""
        return self.state in ENDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """
    How many commands were requested, and how they ended.

    `beside` are the entries of the outbox that were no new command: orders to groups
    and their news, cancels, and what was passed on to another partition or came twice.
    """

    requested: int = 0
    confirmed: int = 0
    failed: int = 0
    expired: int = 0
    superseded: int = 0
    beside: int = 0

    @property
    def open(self) -> int:
        """How many have not ended."""
        ended = self.confirmed + self.failed + self.expired + self.superseded
        return self.requested - ended


class Commands:
    """
    The commands of a city, over Redis.

    Not for several threads: the device types' codecs belong to the one that made them.
    """

    def __init__(
        self,
        redis: Redis,
        catalogue: Mapping[str, DeviceType],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._redis: Any = redis  # its answers have no types
        self._catalogue = catalogue
        self._clock = clock
        self._partitions = keys.read_partitions(redis)
        self._planners: dict[str, Planner] = {}

    def request(
        self,
        target: Target,
        wanted: Mapping[str, Any],
        *,
        why: str,
        requested_by: str,
        expires_s: float | None = None,
        supersedes: bool = True,
    ) -> str:
        """
        Ask a device for what its codec's encodeDownlink understands; return the id.

        BadCommand says in a sentence why it cannot be asked for. ``supersedes``: what
        is unfinished for the device is given up for this. No function's command
        replaces it: a person asked.
        """
        rules = self._check(target.device_type, wanted)
        now = self._clock()
        command = Command(
            id=str(uuid4()),
            dev_eui=target.dev_eui.lower(),
            device_type=target.device_type,
            application_id=target.application_id,
            object=wanted,
            why=why,
            requested_by=requested_by,
            requested_at=now,
            expires_at=now + (rules if expires_s is None else expires_s),
            supersedes=supersedes,
            manual=True,
        )
        outbox = keys.outbox(self._partition(command.dev_eui))
        self._redis.xadd(outbox, {"command": bytes(command)})
        return command.id

    def request_group(
        self,
        where: Where,
        wanted: Mapping[str, Any],
        *,
        targets: Sequence[str],
        why: str,
        requested_by: str,
    ) -> str:
        """
        Ask all these devices at once; return the order's id.

        Each has a command of its own, of the id `group_order.member_id` gives. Whether
        one frame goes to all or one to each is the sender's to choose, by air time.
        """
        rules = self._check(where.device_type, wanted)
        now = self._clock()
        order = GroupOrder(
            id=str(uuid4()),
            device_type=where.device_type,
            by=where.by,
            value=where.value,
            object=wanted,
            requested_at=now,
            expires_at=now + rules,
            why=why,
            requested_by=requested_by,
            manual=True,
            targets=tuple(eui.lower() for eui in targets),
        )
        home = keys.partition_of(order.name, self._partitions)
        self._redis.xadd(keys.outbox(home), {"group": bytes(order)})
        return order.id

    def group_status(self, where: Where, order_id: str) -> GroupStatus | None:
        """Return which way an order went; None: the sender has not taken it yet."""
        name = group_name(where.device_type, where.by, where.value)
        home = keys.partition_of(name, self._partitions)
        found = self._redis.hgetall(keys.group_order(home, order_id))
        return _read_group(found) if found else None

    def cancel(self, dev_eui: str, command_id: str, *, by: str) -> None:
        """Take a command back; what has left for ChirpStack may be on the air."""
        document = {"id": command_id, "dev_eui": dev_eui.lower(), "by": by}
        outbox = keys.outbox(self._partition(dev_eui))
        self._redis.xadd(outbox, {"cancel": orjson.dumps(document)})

    def status(self, dev_eui: str, command_id: str) -> Status | None:
        """Return how far a command is; None: the sender has not taken it yet."""
        partition = self._partition(dev_eui)
        found = self._redis.hgetall(keys.command(partition, command_id))
        return read_status(found) if found else None

    def history(self, dev_eui: str, *, limit: int = 20) -> list[Status]:
        """Return a device's commands, the newest first."""
        name = keys.commands(self._partition(dev_eui), dev_eui.lower())
        ids = self._redis.zrange(name, 0, limit - 1, desc=True)
        found = [self.status(dev_eui, i.decode()) for i in ids]
        return [status for status in found if status is not None]

    def watch(
        self, dev_eui: str, command_id: str, wait: Callable[[], object]
    ) -> Iterator[Status]:
        """
        Yield each change until the command has ended, calling ``wait`` in between.

        Whatever ``wait`` raises ends it.
        """
        last: Status | None = None
        while last is None or not last.ended:
            status = self.status(dev_eui, command_id)
            if status is not None and status != last:
                last = status
                yield status
            else:
                wait()

    def tally(self) -> Tally:
        """Count the city's commands."""
        total: dict[str, int] = {}
        for partition in range(self._partitions):
            for name, count in self._redis.hgetall(keys.tally(partition)).items():
                total[name.decode()] = total.get(name.decode(), 0) + int(count)
        return Tally(**total)

    def _check(self, device_type: str, wanted: Mapping[str, Any]) -> float:
        planner = self._planners.get(device_type) or self._planner(device_type)
        planner.plan(wanted)
        if planner.rules is None:
            raise BadCommand(f"a {device_type} takes no commands")
        return planner.rules.expires_s

    def _planner(self, device_type: str) -> Planner:
        if device_type not in self._catalogue:
            known = ", ".join(sorted(self._catalogue))
            raise BadCommand(f"no device type {device_type!r}; there are {known}")
        planner = Planner(self._catalogue[device_type])
        return self._planners.setdefault(device_type, planner)

    def _partition(self, dev_eui: str) -> int:
        return keys.partition_of(dev_eui.lower(), self._partitions)


def _read_group(found: Mapping[bytes, bytes]) -> GroupStatus:
    text = {name.decode(): value.decode() for name, value in found.items()}
    return GroupStatus(
        devices=int(text["devices"]),
        grouped=int(text["grouped"]),
        gateways=int(text["gateways"]),
        airtime_s=float(text["airtime_s"]),
        instead_s=float(text["instead_s"]),
    )


def read_status(found: Mapping[bytes, bytes]) -> Status:
    """Read a command's hash."""
    text = {name.decode(): value.decode() for name, value in found.items()}
    prefix = "at_"
    return Status(
        id=text["id"],
        dev_eui=text["dev_eui"],
        device_type=text["device_type"],
        object=orjson.loads(text["object"]),
        why=text["why"],
        requested_by=text["requested_by"],
        requested_at=float(text["requested_at"]),
        expires_at=float(text["expires_at"]),
        state=text["state"],
        reason=text["reason"],
        why_not_yet=text["why_not_yet"],
        at={
            name.removeprefix(prefix): float(value)
            for name, value in text.items()
            if name.startswith(prefix)
        },
    )
