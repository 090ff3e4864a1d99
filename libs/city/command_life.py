"""
The life of one device's commands: events in, sends and changes out.

Pure. At most one item is in ChirpStack's queue; what waits here can be superseded and
cancelled exactly. What may have left us is never sent again on a guess: the core asks
for a look (queue and down counter) and decides by what is seen. Nothing is confirmed
but by a state report the server received after a tx ack.

``now`` is our clock; ``time`` in events is the server's. The two are never compared.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from city import why
from city.command import Command, Entry, Payload, State, derived_id
from city.grouped import Grouped, News
from city.line import Effect, Seen
from city.steps import (
    MISSED_S,
    MOST_AGAIN,
    MOST_ASKED,
    NO_SESSION,
    RETRY_S,
)


class Life(Grouped):
    """All unfinished commands of one device."""

    _now = 0.0

    # -- what comes in

    def request(self, command: Command, payload: Payload, now: float) -> None:
        """Take a validated command into the line."""
        entry = Entry(command=self._unburdened(command), payload=payload)
        self._note(entry, None)
        entry.at["requested"] = command.requested_at
        self._move(entry, "planned", now)
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
            self._count(time, now)
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

    def group_told(self, group_order: str, news: News, now: float) -> None:
        """Take the sender's word about the frame of a group's order."""
        self.group_news(group_order, news, now)
        self._advance(now)

    def tick(self, now: float) -> None:
        """Let time pass."""
        self._advance(now)

    def recover(self, now: float) -> None:
        """Go on after a restart: what may have left us is looked for first."""
        if self.item is not None:
            self.item.look_at = now
        self._advance(now)

    def next_deadline(self) -> float | None:
        """Return when to tick, or None when nothing is due."""
        times = [e.command.expires_at for e in self.waiting]
        if self.item is not None:
            times.append(self._due(self.item))
            times += [t for t in (self.radio.free_at(),) if t > self._now]
        elif self.sent is not None and self.sent.report_by is not None:
            times.append(self.sent.report_by)
        if self.item is None and self.open is not None:
            times += [t for t in (self.open.group_by,) if t is not None]
        return min(times, default=None)

    # -- the recipe after every input

    def _advance(self, now: float) -> None:
        self._now = now
        self._expire_waiting(now)
        self._item_due(now)
        self._group_overdue(now)
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
        self._look_later(item, now)

    def _report_overdue(self, now: float) -> None:
        entry = self.sent
        if entry is None or self.item is not None or entry.report_by is None:
            return
        if now < entry.report_by:
            return
        most_asked = 1 if entry.found else MOST_ASKED + entry.again
        if entry.asked < most_asked and self.rules.status_request is not None:
            self._ask(entry, now)
        # A wanted level, never a toggle: to say it again can do no harm.
        elif entry.again < MOST_AGAIN and self._lives(entry, now):
            self._send_again(entry, now)
        else:
            self._end(entry, "failed", why.no_report(entry, self.rules), now)

    def _open_next(self, now: float) -> None:
        if self.open is not None or self.item is not None or not self.waiting:
            return
        next_one = self.waiting[0].command
        if self.sent is not None and not next_one.replaces(self.sent.command):
            return
        self.open = self.waiting.pop(0)
        if self.open.command.group:
            self._await_group(self.open, now)
        else:
            self._start(self.open, self.open.command.id, asks=False, now=now)

    def _say_why(self, now: float) -> None:
        for entry in self.entries():
            sentence = why.not_yet(entry, self.item, self.radio, self.open, now)
            if sentence != entry.why_not_yet:
                self._note(entry, entry.state)
                entry.why_not_yet = sentence


def _later(old: Seen | None, new: Seen) -> Seen:
    return new if old is None or new.time >= old.time else old


def _item_ids(entry: Entry) -> Iterable[str]:
    yield entry.command.id
    for count in range(entry.again):
        yield derived_id(entry.command.id, f"again {count + 1}")
