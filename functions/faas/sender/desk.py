"""
One partition of the sender: the loop between streams, lives and ChirpStack.

Every turn: read, tell the lives, commit, and only then do what they want done. What
the commit does not hold has not happened; what was done after it may have, and a life
that is read back looks before it sends again.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

import orjson
from redis import Redis

from city import keys
from city.command import Command, Entry, Payload, Rules, State
from city.command_life import Life
from city.errors import (
    BadCommand,
    NetworkError,
    Unreachable,
)
from city.failpoint import Failpoint
from city.lease import Changes, Lease
from city.line import Effect, Radio
from city.mqtt import Publisher
from city.network import Network
from city.types import DeviceType, Planner
from faas.sender.groups import GroupDesk
from faas.sender.hands import Hands
from faas.sender.inbox import arrival, overhear, tell
from faas.sender.ledger import Ledger
from faas.sender.planners import Planners
from faas.sender.reader import Reader
from faas.sender.registry import Registry

NO_RULES: Final = Rules(
    confirm_message="", confirm_fields=(), confirm_within_s=30.0, expires_s=600.0
)

_log = logging.getLogger(__name__)

Changed = Callable[[State | None, Entry], None]

__all__ = ["Desk"]


class Desk:
    """Everything about one partition's commands; one thread works at it."""

    def __init__(
        self,
        *,
        redis: Redis,
        partition: int,
        partitions: int,
        network: Network,
        publisher: Publisher,
        catalogue: Mapping[str, DeviceType],
        lease_s: float = 5.0,
        failpoint: Failpoint | None = None,
        changed: Changed | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._redis = redis
        self._partition = partition
        self._partitions = partitions
        self._changed = changed
        self._clock = clock
        self._ledger = Ledger(redis, partition)
        self._reader = Reader(redis, partition)
        self._lease = Lease(
            redis=redis, key=keys.lease(partition, keys.SENDER_GROUP), lease_s=lease_s
        )
        self._failpoint = failpoint or Failpoint()
        self._hands = Hands(
            network=network,
            publisher=publisher,
            sure=self._lease.sure,
            failpoint=self._failpoint,
            clock=clock,
        )
        self._registry = Registry(ledger=self._ledger, network=network, clock=clock)
        self._planners = Planners(catalogue)
        self._groups = GroupDesk(
            redis=redis,
            partition=partition,
            partitions=partitions,
            network=network,
            planners=self._planners,
            failpoint=self._failpoint,
            clock=clock,
        )
        self._radios: dict[str, Radio] = {}
        self._lives: dict[str, Life] = {}
        self._touched: dict[str, Life] = {}
        self._acks: list[tuple[str, bytes]] = []
        self._beside = 0
        self._taken: set[str] = set()
        # Orders read and not answered: ChirpStack must say first who the device is.
        self._postponed: dict[bytes, Mapping[bytes, bytes]] = {}
        self._mine = False

    @property
    def held(self) -> bool:
        """Whether this copy is the one that writes."""
        return self._mine

    def turn(self, block_s: float) -> None:
        """Do one turn, waiting at most that long for something to do."""
        if not self._hold():
            time.sleep(min(block_s, 0.2))
            return
        self._read(block_s)
        self._tick()
        self._settle()

    def keep(self) -> None:
        """Renew the lease beside a long turn; for another thread."""
        self._lease.keep()

    def leave(self) -> None:
        """Give the partition back."""
        self._lease.release()

    def forget(self) -> None:
        """Drop what is in memory: Redis knows better."""
        self._lives.clear()
        self._touched.clear()
        self._acks.clear()
        self._beside = 0
        self._taken.clear()
        self._postponed.clear()
        self._reader.forget()
        self._mine = False

    # -- the lease

    def _hold(self) -> bool:
        if not self._lease.hold():
            self.forget()
        elif not self._mine:
            self._take_over()
        return self._mine

    def _take_over(self) -> None:
        self._reader.make_groups()
        for dev_eui, line in self._ledger.unfinished().items():
            rules = self._planners.rules_of_line(line) or NO_RULES
            self._lives[dev_eui] = Life.parse(line, dev_eui, rules)
        self._groups.recall()
        self._mine = True
        _log.info(
            "sender.partition.take partition=%d devices=%d",
            self._partition,
            len(self._lives),
        )

    # -- reading

    def _read(self, block_s: float) -> None:
        """Take in what came; at the head of the streams, let the lives look."""
        self._ask_again()
        found = self._reader.read(block_s)
        for entry, fields in found.get(keys.events(self._partition), ()):
            self._event(entry, fields)
        for entry, fields in found.get(keys.outbox(self._partition), ()):
            self._order(entry, fields)
        if self._reader.advance(found):
            # DESIGN §4.5: only with the stream at its head is it time to look.
            for life in self._lives.values():
                life.recover(self._clock())
                self._touch(life)

    def _ask_again(self) -> None:
        if self._registry.silent:
            return
        postponed, self._postponed = self._postponed, {}
        for entry, fields in postponed.items():
            self._order(entry, fields)

    def _event(self, entry: bytes, fields: Mapping[bytes, bytes] | None) -> None:
        self._acks.append((keys.events(self._partition), entry))
        event = arrival(fields)
        if event is None:
            return
        life = self._lives.get(event.dev_eui)
        if life is None:
            overhear(self._radio(event.dev_eui), event.kind, self._clock())
            return
        try:
            tell(life, event, self._clock())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            _log.warning(
                "sender.event.unreadable entry=%s kind=%s error=%r",
                entry.decode(),
                event.kind,
                error,
            )
        self._touch(life)

    def _order(self, entry: bytes, fields: Mapping[bytes, bytes] | None) -> None:
        beside = bool(fields) and b"command" not in (fields or {})
        try:
            if fields and b"command" in fields:
                beside = not self._request(Command.parse(fields[b"command"]), fields)
            elif fields and b"cancel" in fields:
                self._cancel(orjson.loads(fields[b"cancel"]), fields)
            elif fields and b"group" in fields:
                self._group_order(fields[b"group"])
            elif fields and b"news" in fields:
                self._group_news(orjson.loads(fields[b"news"]))
        except Unreachable as error:
            _log.debug("sender.order.wait entry=%s error=%s", entry.decode(), error)
            self._postponed[entry] = fields or {}
            return
        except (BadCommand, ValueError, KeyError, TypeError) as error:
            _log.warning(
                "sender.order.unreadable entry=%s error=%s", entry.decode(), error
            )
        self._acks.append((keys.outbox(self._partition), entry))
        self._beside += beside

    def _request(self, command: Command, fields: Mapping[bytes, bytes]) -> bool:
        """Take a command; False if it is kept elsewhere or is not new."""
        if self._forwarded(command.dev_eui, fields) or self._known(command.id):
            return False
        try:
            command = self._registry.complete(command)
            planner = self._planners.require(command.device_type)
            payload = planner.plan(command.object)
        except Unreachable as error:
            if self._clock() < _limited(command, NO_RULES).expires_at:
                raise
            self._refuse(command, str(error))
        except (BadCommand, NetworkError) as error:
            self._refuse(command, str(error))
        else:
            self._accept(command, planner, payload)
        return True

    def _accept(self, command: Command, planner: Planner, payload: Payload) -> None:
        self._taken.add(command.id)
        life = self._life(command.dev_eui, planner)
        command = _limited(command, planner.rules or NO_RULES)
        life.request(command, payload, self._clock())
        self._touch(life)

    def _refuse(self, command: Command, reason: str) -> None:
        self._taken.add(command.id)
        life = self._life(command.dev_eui, self._planners.find(command.device_type))
        life.refuse(command, reason, self._clock())
        self._touch(life)

    def _cancel(
        self, document: Mapping[str, str], fields: Mapping[bytes, bytes]
    ) -> None:
        dev_eui = document["dev_eui"]
        if self._forwarded(dev_eui, fields):
            return
        life = self._lives.get(dev_eui)
        if life is None:
            self._registry.await_answer()  # what it cancels may be postponed
            return
        life.cancel(document["id"], document.get("by", ""), self._clock())
        self._touch(life)

    def _group_order(self, data: bytes) -> None:
        self._registry.await_answer()
        try:
            self._groups.take(data)
        except Unreachable as error:
            self._registry.note_silence(error)
            raise

    def _group_news(self, document: Mapping[str, Any]) -> None:
        for life in self._lives.values():
            if any(e.command.group == document["group"] for e in life.entries()):
                life.group_told(document["group"], document["news"], self._clock())
                self._touch(life)

    def _forwarded(self, dev_eui: str, fields: Mapping[bytes, bytes]) -> bool:
        """
        Pass on an order for a device whose commands another partition keeps.

        A commit may touch one partition only, so what a function wants of another
        device lands here. It is passed on before it is taken out here: after a crash
        in between it is passed on again, and who gets it twice knows its id.
        """
        home = keys.partition_of(dev_eui, self._partitions)
        if home == self._partition:
            return False
        entry: dict[Any, Any] = dict(fields)
        self._redis.xadd(keys.outbox(home), entry)
        self._failpoint.reach("after_forward_before_ack")
        return True

    # -- time, commits, effects

    def _tick(self) -> None:
        if not self._reader.caught_up:
            return
        now = self._clock()
        self._groups.tick(now)
        for life in list(self._lives.values()):
            due = life.next_deadline()
            if due is not None and due <= now:
                life.tick(now)
                self._touch(life)

    def _settle(self) -> None:
        """Commit, do what is wanted, and so on until nothing is wanted any more."""
        wanted = self._commit()
        while wanted:
            for life, _effect in wanted:
                self._touch(life)
            self._hands.perform(wanted)
            wanted = self._commit()

    def _commit(self) -> list[tuple[Life, Effect]]:
        touched, self._touched = list(self._touched.values()), {}
        acks, self._acks = self._acks, []
        beside, self._beside = self._beside, 0
        changes = Changes()
        written = self._ledger.write(changes, touched)
        self._groups.write(changes)
        for stream, read in acks:
            changes.add("XACK", stream, keys.SENDER_GROUP, read)
            if stream == keys.outbox(self._partition):
                changes.add("XDEL", stream, read)
        if beside:
            changes.add("HINCRBY", keys.tally(self._partition), "beside", beside)
        if changes and not self._lease.commit(changes):
            self.forget()
            return []
        self._taken.clear()
        for before, entry in written:
            self._report(before, entry)
        return self._wanted(touched)

    def _wanted(self, touched: Iterable[Life]) -> list[tuple[Life, Effect]]:
        wanted = []
        for life in touched:
            # Before the stream is at its head no look can be decided on.
            if self._reader.caught_up:
                wanted += [(life, effect) for effect in life.effects()]
            if life.idle:
                self._lives.pop(life.dev_eui, None)
        return wanted

    def _report(self, before: State | None, entry: Entry) -> None:
        if self._changed is not None:
            self._changed(before, entry)
        if entry.state != before:
            _log.info(
                "sender.command.%s id=%s dev_eui=%s reason=%r",
                entry.state,
                entry.command.id,
                entry.command.dev_eui,
                entry.reason,
            )

    # -- small things

    def _touch(self, life: Life) -> None:
        self._touched[life.dev_eui] = life

    def _known(self, command_id: str) -> bool:
        return command_id in self._taken or self._ledger.known(command_id)

    def _life(self, dev_eui: str, planner: Planner | None) -> Life:
        if dev_eui not in self._lives:
            rules = planner.rules if planner is not None else None
            radio = self._radio(dev_eui)
            if planner is not None:
                radio.class_c = bool(planner.type.profile.get("supports_class_c"))
            self._lives[dev_eui] = Life(dev_eui, rules or NO_RULES, radio)
        return self._lives[dev_eui]

    def _radio(self, dev_eui: str) -> Radio:
        life = self._lives.get(dev_eui)
        return life.radio if life else self._radios.setdefault(dev_eui, Radio())


def _limited(command: Command, rules: Rules) -> Command:
    if command.expires_at:
        return command
    return replace(command, expires_at=command.requested_at + rules.expires_s)
