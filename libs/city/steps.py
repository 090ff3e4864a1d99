"""The steps of which a life is made: each changes one thing, and none of them waits."""

from typing import Final

from city import why
from city.command import Command, Entry, Item, State, derived_id
from city.line import Act, Effect, Line

LOOK_FIRST_S: Final = 10.0
LOOK_LONGEST_S: Final = 60.0
MOST_DOUBLINGS: Final = 6
MISSED_S: Final = 2.0
"""An item that left the queue: how long its tx ack may take to reach our stream."""

EXPIRY_GRACE_S: Final = 7.0
"""ChirpStack's class C lock and more: a frame built before expiry is acked by then."""

NO_SESSION: Final = -1
RETRY_S: Final = 2.0
MOST_TRIES: Final = 3
MOST_AGAIN: Final = 1
MOST_ASKED: Final = 2
"""How often a silent device is asked for its state; asking cannot do harm."""


class Steps(Line):
    """What can be done with the commands of a device."""

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
        item.looks = 0
        item.tries += 1
        self._look_later(item, now)
        if not item.asks and self.open is not None and self.open.state == "planned":
            self._move(self.open, "queued", now)

    def _ask(self, entry: Entry, now: float) -> None:
        entry.asked += 1
        number = "" if entry.asked == 1 else f" {entry.asked}"
        item_id = derived_id(entry.command.id, f"status{number}")
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
        self._look_later(item, now)
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
        if item is None and entry.counts_from is not None:
            reason = f"{reason}; its group's frame may already be on the air"
            self._end(entry, "failed", reason, now)
            return
        if item is None or item.phase == "preparing":
            self.item = None
            self._end(entry, "failed", f"{reason} before it was sent", now)
            return
        entry.cancelled = reason
        item.look_at = now + RETRY_S
        self._effects.append(Effect(act="flush", item=item))

    def _supersede(self, newer: Command, now: float) -> None:
        for entry in [e for e in self.waiting if newer.replaces(e.command)]:
            self._end(entry, "superseded", why.replaced(newer.id), now)
        item, entry_open = self.item, self.open
        untouched = item is not None and item.phase == "preparing" and not item.tries
        if item is None and entry_open is not None:
            untouched = entry_open.counts_from is None  # its group's frame is not out
        if entry_open is None or not newer.replaces(entry_open.command):
            return
        if untouched and entry_open.sent_time is None:
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

    def _act(self, item: Item) -> Act:
        if item.phase == "preparing":
            return "prepare"
        cancelled = not item.asks and self.open is not None and self.open.cancelled
        return "flush" if cancelled else "look"

    def _look_later(self, item: Item, now: float) -> None:
        """Look again, ever later, and for sure when the item has just expired."""
        delay_s = LOOK_FIRST_S * 2 ** min(item.looks, MOST_DOUBLINGS)
        item.look_at = now + min(delay_s, LOOK_LONGEST_S)
        over = item.expires_at + EXPIRY_GRACE_S
        if now < over < item.look_at:
            item.look_at = over

    def _due(self, item: Item) -> float:
        if item.phase == "preparing":
            return min(item.look_at, item.expires_at)
        return item.look_at
