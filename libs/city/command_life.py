"""
The life of one device's commands: events in, sends and changes out.

Pure. At most one item is in ChirpStack's queue; what waits here can be superseded and
cancelled exactly. What may have left us is never sent again on a guess: the core asks
for a look (queue and down counter) and decides by what is seen. Nothing is confirmed
but by a state report the server received after a tx ack.

``now`` is our clock; ``time`` in events is the server's. The two are never compared.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from city import why
from city.command import (
    Command,
    Entry,
    Item,
    Payload,
    Rules,
    State,
    derived_id,
    entry_document,
    item_document,
    read_entry,
    read_item,
)

LOOK_FIRST_S: Final = 10.0
LOOK_LONGEST_S: Final = 60.0
MISSED_S: Final = 2.0
"""An item that left the queue: how long its tx ack may take to reach our stream."""

EXPIRY_GRACE_S: Final = 7.0
"""ChirpStack's class C lock and more: a frame built before expiry is acked by then."""

CLASS_C_LOCK_S: Final = 5.0
"""ChirpStack's lock after each uplink and each class C frame of a device."""

NO_SESSION: Final = -1
RETRY_S: Final = 2.0
MOST_TRIES: Final = 3
MOST_AGAIN: Final = 1

Act = Literal["prepare", "publish", "look", "flush"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """
    What the adapter shall do about an item, once this life is stored.

    prepare: read the down counter. publish: to the broker. look: read the queue and
    the counter. flush: empty the device's queue.
    """

    act: Act
    item: Item


@dataclass(slots=True, kw_only=True)
class Radio:
    """
    What is known of the device's radio; it only makes the sentences true.

    ``heard``: since its join (None: unknown). ``busy_from``: our clock at its last
    uplink or class C frame.
    """

    class_c: bool = False
    heard: bool | None = None
    busy_from: float | None = None
    refusal: str = ""

    def free_at(self) -> float:
        """Return when ChirpStack may send to a class C device again (our clock)."""
        return -1.0 if self.busy_from is None else self.busy_from + CLASS_C_LOCK_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A report as the server received it."""

    time: float
    document: Mapping[str, Any]


class Life:
    """All unfinished commands of one device."""

    def __init__(self, dev_eui: str, rules: Rules, radio: Radio | None = None) -> None:
        self.dev_eui = dev_eui
        self.rules = rules
        self.radio = radio or Radio()
        self.waiting: list[Entry] = []
        self.open: Entry | None = None
        self.sent: Entry | None = None
        self.item: Item | None = None
        self._report: Seen | None = None
        self._echo: Seen | None = None
        self._effects: list[Effect] = []
        self._changed: dict[str, tuple[State | None, Entry]] = {}
        self._now = 0.0

    # -- what comes in

    def request(self, command: Command, payload: Payload, now: float) -> None:
        """Take a validated command into the line."""
        entry = Entry(command=command, payload=payload)
        self._note(entry, None)
        entry.at["requested"] = command.requested_at
        self._move(entry, "planned", now)
        if command.supersedes:
            self._supersede(command, now)
        self.waiting.append(entry)
        self._advance(now)

    def refuse(self, command: Command, reason: str, now: float) -> None:
        """End a command that cannot be sent at all."""
        entry = Entry(command=command, payload=Payload(f_port=0, data=b""))
        self._note(entry, None)
        entry.at["requested"] = command.requested_at
        self._end(entry, "failed", reason, now)
        self._advance(now)

    def cancel(self, command_id: str, by: str, now: float) -> None:
        """Take a command back: exact while it waits here, else a flush."""
        reason = f"cancelled by {by}" if by else "cancelled"
        for entry in [e for e in self.waiting if e.command.id == command_id]:
            self._end(entry, "failed", f"{reason} before it was sent", now)
        entry_open = self.open
        if entry_open is not None and entry_open.command.id == command_id:
            self._cancel_open(entry_open, reason, now)
        self._advance(now)

    def prepared(self, item_id: str, f_cnt_down: int, now: float) -> None:
        """Send, now that the down counter before the send is known."""
        item = self._item(item_id, "preparing")
        if item is not None:
            item.f_cnt_down = f_cnt_down
            self._publish(item, now)
        self._advance(now)

    def published(self, item_id: str, now: float) -> None:
        """Note that the broker has the item."""
        item = self._item(item_id, "sending")
        if item is not None:
            self._queued(item, now)
        self._advance(now)

    def trouble(self, item_id: str, sentence: str, now: float) -> None:
        """Note why an effect could not be done; it is tried again."""
        item = self.item
        if item is not None and item.id == item_id:
            item.trouble = sentence
            item.look_at = now + RETRY_S
        self._advance(now)

    def hopeless(self, item_id: str, reason: str, now: float) -> None:
        """End what ChirpStack says can never be sent."""
        item = self.item
        if item is not None and item.id == item_id:
            self._fail_item(item, "failed", reason, now)
        self._advance(now)

    def transmitted(
        self, item_id: str, time: float, now: float, gateway_id: str = ""
    ) -> None:
        """Take a gateway's tx ack."""
        del gateway_id
        item = self._gone_from_us(item_id)
        if item is not None:
            self.item = None
            self.radio.refusal = ""
            self.radio.busy_from = now
            self._transmitted(item, time, now)
        self._advance(now)

    def acknowledged(self, item_id: str, now: float) -> None:
        """Take the device's LoRaWAN ACK of a confirmed downlink."""
        item, entry = self.item, self.sent
        if item is not None and item.id == item_id and self.open is not None:
            self.open.acked = True  # events have no order: its tx ack is to come
        elif entry is not None and item_id in _item_ids(entry):
            self._acknowledge(entry, now)
        self._advance(now)

    def dropped(self, item_id: str, code: str, detail: str, now: float) -> None:
        """Take ChirpStack's word that it discarded an item."""
        item = self._gone_from_us(item_id)
        if item is not None:
            state: State = "expired" if code == "EXPIRED" else "failed"
            self._fail_item(item, state, why.dropped(code, detail), now)
        self._advance(now)

    def refused(self, status: str, now: float) -> None:
        """Remember why a gateway did not send; ChirpStack tries again by itself."""
        self.radio.refusal = status
        self._advance(now)

    def joined(self, now: float) -> None:
        """Start a new session; the join may have emptied the queue."""
        self.radio.heard = False
        self.radio.busy_from = None
        item = self.item
        if item is not None and item.phase != "preparing":
            item.rejoined = True
            item.look_at = min(item.look_at, now + MISSED_S)
        self._advance(now)

    def reported(self, time: float, document: Mapping[str, Any], now: float) -> None:
        """Take an uplink: its decoded document, and when the server received it."""
        self.radio.heard = True
        self.radio.busy_from = now
        message = document.get("message", "")
        seen = Seen(time=time, document=document)
        if message == self.rules.confirm_message:
            self._report = _later(self._report, seen)
        elif message and message == self.rules.echo_message:
            self._echo = _later(self._echo, seen)
        self._judge(now)
        self._advance(now)

    def looked(
        self, item_id: str, *, in_queue: bool, f_cnt_down: int, now: float
    ) -> None:
        """Decide about an item by what was seen of the queue and the counter."""
        item = self._gone_from_us(item_id)
        if item is not None:
            item.trouble = ""
            if in_queue:
                self._still_there(item, now)
            elif item.orphan:
                self.item = None
            elif item.rejoined or item.f_cnt_down == NO_SESSION:
                self._prepare_again(item, now)
            elif f_cnt_down == item.f_cnt_down:
                self._never_arrived(item, now)
            else:
                self._gone(item, now)
        self._advance(now)

    def flushed(self, item_id: str, now: float) -> None:
        """End a command whose device's queue was emptied on request."""
        item, entry = self._gone_from_us(item_id), self.open
        if item is not None and entry is not None:
            reason = f"{entry.cancelled}; it may already be on the air"
            self._fail_item(item, "failed", reason, now)
        self._advance(now)

    def tick(self, now: float) -> None:
        """Let time pass."""
        self._advance(now)

    def recover(self, now: float) -> None:
        """Go on after a restart: what may have left us is looked for first."""
        if self.item is not None:
            self.item.look_at = now
        self._advance(now)

    # -- what goes out

    def effects(self) -> list[Effect]:
        """Return what to do, drained."""
        drained, self._effects = self._effects, []
        return drained

    def changes(self) -> list[tuple[State | None, Entry]]:
        """Return the commands that changed with their state before, drained."""
        drained, self._changed = list(self._changed.values()), {}
        return drained

    def next_deadline(self) -> float | None:
        """Return when to tick, or None when nothing is due."""
        times = [e.command.expires_at for e in self.waiting]
        if self.item is not None:
            times.append(self._due(self.item))
            times += [t for t in (self.radio.free_at(),) if t > self._now]
        elif self.sent is not None and self.sent.report_by is not None:
            times.append(self.sent.report_by)
        return min(times, default=None)

    @property
    def idle(self) -> bool:
        """Whether nothing is unfinished."""
        return not (self.waiting or self.open or self.sent or self.item)

    def entries(self) -> list[Entry]:
        """Return what is unfinished, oldest first."""
        return [e for e in (self.sent, self.open) if e is not None] + self.waiting

    def __bytes__(self) -> bytes:
        """Return everything as JSON."""
        return orjson.dumps(
            {
                "waiting": [entry_document(e) for e in self.waiting],
                "open": entry_document(self.open) if self.open else None,
                "sent": entry_document(self.sent) if self.sent else None,
                "item": item_document(self.item) if self.item else None,
                "report": self._report,
                "echo": self._echo,
                "radio": self.radio,
            }
        )

    @classmethod
    def parse(cls, data: bytes, dev_eui: str, rules: Rules) -> "Life":
        """Read back what ``bytes()`` wrote."""
        found = orjson.loads(data)
        life = cls(dev_eui, rules, Radio(**found["radio"]))
        life.waiting = [read_entry(e) for e in found["waiting"]]
        life.open = read_entry(found["open"]) if found["open"] else None
        life.sent = read_entry(found["sent"]) if found["sent"] else None
        life.item = read_item(found["item"]) if found["item"] else None
        life._report = Seen(**found["report"]) if found["report"] else None
        life._echo = Seen(**found["echo"]) if found["echo"] else None
        return life

    # -- the recipe after every input

    def _advance(self, now: float) -> None:
        self._now = now
        self._expire_waiting(now)
        self._item_due(now)
        self._open_next(now)
        self._report_overdue(now)
        self._say_why(now)

    def _expire_waiting(self, now: float) -> None:
        for entry in [e for e in self.waiting if now >= e.command.expires_at]:
            self._end(entry, "expired", why.expired_here(entry.why_not_yet), now)

    def _item_due(self, now: float) -> None:
        item = self.item
        if item is None or now < self._due(item):
            return
        if item.phase == "preparing" and now >= item.expires_at:
            self._fail_item(item, "expired", why.expired_here(item.trouble), now)
            return
        self._effects.append(Effect(act=self._act(item), item=item))
        item.looks += 1
        self._look_later(item, LOOK_FIRST_S * 2**item.looks, now)

    def _act(self, item: Item) -> Act:
        if item.phase == "preparing":
            return "prepare"
        cancelled = not item.asks and self.open is not None and self.open.cancelled
        return "flush" if cancelled else "look"

    def _look_later(self, item: Item, delay_s: float, now: float) -> None:
        """Look again after a while, and for sure when the item has just expired."""
        item.look_at = now + min(delay_s, LOOK_LONGEST_S)
        over = item.expires_at + EXPIRY_GRACE_S
        if now < over < item.look_at:
            item.look_at = over

    def _due(self, item: Item) -> float:
        if item.phase == "preparing":
            return min(item.look_at, item.expires_at)
        return item.look_at

    def _report_overdue(self, now: float) -> None:
        entry = self.sent
        if entry is None or self.item is not None or entry.report_by is None:
            return
        if now < entry.report_by:
            return
        if not entry.asked and self.rules.status_request is not None:
            self._ask(entry, now)
        elif entry.found and entry.again < MOST_AGAIN and self._lives(entry, now):
            self._send_again(entry, now)
        else:
            self._end(entry, "failed", why.no_report(entry, self.rules), now)

    def _open_next(self, now: float) -> None:
        if self.open is not None or self.item is not None or not self.waiting:
            return
        if self.sent is not None and not self.waiting[0].command.supersedes:
            return
        self.open = self.waiting.pop(0)
        self._start(self.open, self.open.command.id, asks=False, now=now)

    def _say_why(self, now: float) -> None:
        for entry in self.entries():
            sentence = why.not_yet(entry, self.item, self.radio, self.open, now)
            if sentence != entry.why_not_yet:
                self._note(entry, entry.state)
                entry.why_not_yet = sentence

    # -- steps

    def _start(self, entry: Entry, item_id: str, *, asks: bool, now: float) -> None:
        request = self.rules.status_request
        payload = request if asks and request is not None else entry.payload
        lifetime_s = max(self.rules.confirm_within_s, LOOK_FIRST_S)
        self.item = Item(
            id=item_id,
            command_id=entry.command.id,
            payload=payload,
            expires_at=now + lifetime_s if asks else entry.command.expires_at,
            asks=asks,
            phase="preparing",
            since=now,
            look_at=now + RETRY_S,
        )
        self._effects.append(Effect(act="prepare", item=self.item))

    def _publish(self, item: Item, now: float) -> None:
        item.phase, item.since = "sending", now
        item.look_at = now + RETRY_S
        self._effects.append(Effect(act="publish", item=item))

    def _queued(self, item: Item, now: float) -> None:
        item.phase, item.since, item.trouble = "queued", now, ""
        item.tries += 1
        self._look_later(item, LOOK_FIRST_S, now)
        if not item.asks and self.open is not None and self.open.state == "planned":
            self._move(self.open, "queued", now)

    def _ask(self, entry: Entry, now: float) -> None:
        entry.asked = True
        item_id = derived_id(entry.command.id, "status")
        self._start(entry, item_id, asks=True, now=now)

    def _send_again(self, entry: Entry, now: float) -> None:
        entry.again += 1
        item_id = derived_id(entry.command.id, f"again {entry.again}")
        self.open, self.sent = entry, None
        entry.report_by = None
        self._start(entry, item_id, asks=False, now=now)

    def _transmitted(self, item: Item, time: float, now: float) -> None:
        if item.asks:
            self._asked(time, now)
            return
        entry = self.open
        if entry is None:
            return
        if self.sent is not None:
            self._end(self.sent, "superseded", why.replaced(entry.command.id), now)
        self.open, self.sent = None, entry
        entry.sent_time, entry.found = time, ""
        entry.report_by = now + self.rules.confirm_within_s
        self._move(entry, "transmitted", now)
        if entry.acked:
            self._acknowledge(entry, now)
        self._judge(now)

    def _asked(self, time: float, now: float) -> None:
        entry = self.sent
        if entry is not None:
            entry.report_by = now + self.rules.confirm_within_s
            entry.found = ""
            # Without a tx ack of its own, this one is what a report must follow.
            entry.sent_time = time if entry.sent_time is None else entry.sent_time
            self._judge(now)

    def _judge(self, now: float) -> None:
        entry = self.sent
        if entry is None or entry.sent_time is None:
            return
        wanted = entry.command.object
        echo = self._echo
        if echo is not None and echo.time > entry.sent_time:
            self._acknowledge(entry, now)
        report = self._report
        if report is None or report.time <= entry.sent_time:
            return
        if self.rules.confirms(wanted, report.document):
            self._end(entry, "confirmed", "", now)
        else:
            entry.found = self.rules.shows(report.document)

    def _acknowledge(self, entry: Entry, now: float) -> None:
        if entry.state == "transmitted":
            self._move(entry, "acknowledged", now)

    def _still_there(self, item: Item, now: float) -> None:
        item.missed = item.rejoined = False
        if item.phase == "sending":
            self._queued(item, now)
        self._look_later(item, LOOK_FIRST_S * 2**item.looks, now)
        if now >= item.expires_at + EXPIRY_GRACE_S:
            self._fail_item(item, "expired", why.expired_there(self.radio), now)

    def _never_arrived(self, item: Item, now: float) -> None:
        if now >= item.expires_at:
            self._fail_item(item, "expired", why.never_arrived(), now)
        elif item.tries >= MOST_TRIES:
            self._fail_item(item, "failed", why.not_taken(item.tries), now)
        else:
            self._publish(item, now)

    def _prepare_again(self, item: Item, now: float) -> None:
        item.rejoined = False
        item.phase, item.look_at = "preparing", now + RETRY_S
        self._effects.append(Effect(act="prepare", item=item))

    def _gone(self, item: Item, now: float) -> None:
        """Believe it sent, but not at once: its tx ack may still be on the way."""
        if not item.missed:
            item.missed, item.look_at = True, now + MISSED_S
            return
        self.item = None
        if item.asks:
            self._await_report(now)
        else:
            self._transmitted_silently(now)

    def _await_report(self, now: float) -> None:
        if self.sent is not None:
            self.sent.report_by = now + self.rules.confirm_within_s

    def _transmitted_silently(self, now: float) -> None:
        entry = self.open
        if entry is None:
            return
        if self.sent is not None:
            self._end(self.sent, "superseded", why.replaced(entry.command.id), now)
        self.open, self.sent = None, entry
        entry.report_by = now  # ask at once
        self._move(entry, "transmitted", now)

    def _cancel_open(self, entry: Entry, reason: str, now: float) -> None:
        item = self.item
        if item is None or item.phase == "preparing":
            self.item = None
            self._end(entry, "failed", f"{reason} before it was sent", now)
            return
        entry.cancelled = reason
        item.look_at = now + RETRY_S
        self._effects.append(Effect(act="flush", item=item))

    def _supersede(self, newer: Command, now: float) -> None:
        for entry in list(self.waiting):
            self._end(entry, "superseded", why.replaced(newer.id), now)
        item, entry_open = self.item, self.open
        untouched = item is not None and item.phase == "preparing" and not item.tries
        if entry_open is not None and untouched and entry_open.sent_time is None:
            self.item = None
            self._end(entry_open, "superseded", why.replaced(newer.id), now)

    def _fail_item(self, item: Item, state: State, reason: str, now: float) -> None:
        """Give an item up, and with it the command it was for."""
        self.item = None
        entry = self.sent if item.asks else self.open
        if entry is None or item.orphan:
            return
        if item.asks:
            reason, state = why.not_asked(entry, reason), "failed"
        elif "transmitted" in entry.at:
            reason, state = why.not_again(entry, reason), "failed"
        self._end(entry, state, reason, now)

    # -- small things

    def _item(self, item_id: str, phase: str) -> Item | None:
        item = self.item
        fits = item is not None and item.id == item_id and item.phase == phase
        return item if fits else None

    def _gone_from_us(self, item_id: str) -> Item | None:
        """Return the item of that id if it may have left us."""
        item = self.item
        fits = item is not None and item.id == item_id and item.phase != "preparing"
        return item if fits else None

    def _lives(self, entry: Entry, now: float) -> bool:
        return now < entry.command.expires_at

    def _move(self, entry: Entry, state: State, now: float) -> None:
        if entry.at.get(state) is None:
            self._note(entry, entry.state)
            entry.state = state
            entry.at[state] = now

    def _end(self, entry: Entry, state: State, reason: str, now: float) -> None:
        self._move(entry, state, now)
        entry.reason, entry.why_not_yet = reason, ""
        self._forget(entry)

    def _forget(self, entry: Entry) -> None:
        self.waiting = [e for e in self.waiting if e is not entry]
        if self.open is entry:
            self.open = None
        if self.sent is entry:
            self.sent = None
            self._orphan(self.item)

    def _orphan(self, item: Item | None) -> None:
        """Nobody waits for the status request any more; it may still be queued."""
        if item is not None and item.asks:
            item.orphan = True
            self.item = None if item.phase == "preparing" else item

    def _note(self, entry: Entry, before: State | None) -> None:
        self._changed.setdefault(entry.command.id, (before, entry))


def _later(old: Seen | None, new: Seen) -> Seen:
    return new if old is None or new.time >= old.time else old


def _item_ids(entry: Entry) -> Iterable[str]:
    yield entry.command.id
    for count in range(entry.again):
        yield derived_id(entry.command.id, f"again {count + 1}")
