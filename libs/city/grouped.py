"""
A command that reaches its device in a multicast frame, with those of many others.

ChirpStack tells of no frame to a group: no tx ack, no event. So a report counts when it
came in after the frame was handed over, and what no report confirms in time is brought
to its device alone.
"""

import math
from dataclasses import replace
from typing import Final, Literal

from city.command import Command, Entry
from city.steps import Steps

GROUP_WAIT_S: Final = 120.0
"""How long a group's frame may take; each gateway sends 5 s after the one before."""

GROUP_GUARD_S: Final = 0.3
"""A report that comes so soon was sent before the frame: that takes 0.1 s of air, and
ChirpStack gathers the copies of an uplink for 0.2 s."""

News = Literal["queued", "transmitted", "failed"]


class Grouped(Steps):
    """What can be done with a command that a group's frame carries."""

    def group_news(self, group_order: str, news: News, now: float) -> None:
        """Learn how far the frame of a group's order is."""
        entry = self.open
        if entry is None or entry.command.group != group_order or self.item is not None:
            self._go_alone(group_order)
        elif news == "failed":
            self._start_alone(entry, now)
        elif news == "queued":
            entry.counts_from = now + GROUP_GUARD_S
            self._move(entry, "queued", now)
        else:
            self._sent_by_group(entry, now)

    def _unburdened(self, command: Command) -> Command:
        """Return a command that goes alone if something else is on its way already."""
        busy = self.item is not None or self.open is not None
        return replace(command, group="") if command.group and busy else command

    def _await_group(self, entry: Entry, now: float) -> None:
        entry.group_by = min(now + GROUP_WAIT_S, entry.command.expires_at)

    def _group_overdue(self, now: float) -> None:
        entry = self.open
        if entry is None or self.item is not None or entry.group_by is None:
            return
        if now >= entry.group_by:
            self._start_alone(entry, now)

    def _start_alone(self, entry: Entry, now: float) -> None:
        entry.group_by = entry.counts_from = None
        self._start(entry, entry.command.id, asks=False, now=now)

    def _go_alone(self, group_order: str) -> None:
        """The frame went while the command still waited: it goes by itself later."""
        for entry in self.waiting:
            if entry.command.group == group_order:
                entry.command = replace(entry.command, group="")

    def _sent_by_group(self, entry: Entry, now: float) -> None:
        entry.group_by = None
        if entry.counts_from is None and entry.sent_time is None:
            entry.counts_from = now
        self._transmitted_silently(now)
        entry.report_by = now + self.rules.confirm_within_s
        self._judge(now)

    def _count(self, time: float, now: float) -> None:
        """Have a report count for a command whose frame has no tx ack."""
        for entry in (self.open, self.sent):
            if entry is None or entry.counts_from is None or now < entry.counts_from:
                continue
            # From now on the server's clock decides, as after any tx ack.
            entry.sent_time = math.nextafter(time, -math.inf)
            entry.counts_from = None
