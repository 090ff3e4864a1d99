"""
The demo's report: numbers that several programs counted, and laws they must obey.

    sent      = heard + radio_lost               on the air
    heard     = published + rejected + network_lost   through the network server
    published = archived, lost = 0               from the broker into the archive
    requested = confirmed + failed + expired + superseded + open
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from garonne.demo.ledger import Seen
from garonne.words import counted

__all__ = [
    "COMMAND_ENDS",
    "Check",
    "Commands",
    "Function",
    "Report",
    "Uplinks",
]

COMMAND_ENDS = ("confirmed", "failed", "expired", "superseded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One law: what was found on either side, and whether it holds."""

    name: str
    holds: bool
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Uplinks:
    """
    Counts of data frames on their way from the device into the archive.

    `rejected` is None when the network server does not count what it rejects.
    """

    sent: int = 0
    heard: int = 0
    radio_lost: int = 0
    rejected: int | None = None
    network_lost: int = 0  # as far as the gateways know

    def laws(self, published: int) -> list[Check]:
        """Return the laws of the air and of the network server."""
        return [self._air(), self._network(published)]

    def is_quiet(self, published: int) -> bool:
        """Whether nothing is between device and broker at this instant."""
        through = published + (self.rejected or 0) + self.network_lost
        # A server that counts no rejections leaves open what became of the rest.
        arrived = self.rejected is None or self.heard == through
        return self._air().holds and arrived

    def _air(self) -> Check:
        return Check(
            name="sent = heard + radio_lost",
            holds=self.sent == self.heard + self.radio_lost,
            found=f"{self.sent} = {self.heard} + {self.radio_lost}",
        )

    def _network(self, published: int) -> Check:
        rejected = self.rejected or 0
        network_lost = self.heard - published - rejected
        told = "not counted" if self.rejected is None else str(rejected)
        return Check(
            name="heard = published + rejected + network_lost",
            holds=network_lost >= 0,
            found=f"{self.heard} = {published} + {told} + {network_lost}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """How often a function was called, and how long it took."""

    name: str
    invoked: int
    failed: int
    p50_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """
    The commands of this run by state; `switched` are lamps that confirmed one.

    `later` were requested after the books were closed: they are only not forgotten.
    """

    by_state: Mapping[str, int] = field(default_factory=dict)
    switched: frozenset[str] = frozenset()
    later: int = 0

    @property
    def requested(self) -> int:
        """All of them."""
        return sum(self.by_state.values())

    @property
    def open(self) -> int:
        """Those that have not ended."""
        ended = sum(self.by_state.get(state, 0) for state in COMMAND_ENDS)
        return self.requested - ended

    def law(self, asked: int) -> Check:
        """Return the law of commands; `asked` is what the outbox was asked for."""
        ends = [self.by_state.get(state, 0) for state in COMMAND_ENDS]
        requested = asked - self.later
        return Check(
            name="requested = confirmed + failed + expired + superseded + open",
            holds=requested == sum(ends) + self.open,
            found=f"{requested} = {' + '.join(map(str, [*ends, self.open]))}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of it. `archived` are the marks read back, one per stored row."""

    devices: frozenset[str]
    joined: frozenset[str]
    gateways: int
    online: int
    uplinks: Uplinks
    published: frozenset[Seen]
    archived: Sequence[bytes]
    functions: Sequence[Function]
    commands: Commands
    asked: int

    @property
    def passed(self) -> bool:
        """Whether nothing was lost, nothing failed and nothing is open."""
        return (
            self.joined >= self.devices
            and all(check.holds for check in self.checks)
            and not self.commands.open
            and not self.commands.by_state.get("failed", 0)
        )

    @property
    def checks(self) -> list[Check]:
        """Every law by name."""
        ups = sum(seen.kind == "up" for seen in self.published)
        return [
            *self.uplinks.laws(ups),
            self._nothing_lost(),
            self._nothing_doubled(),
            self.commands.law(self.asked),
        ]

    @property
    def open_question(self) -> str:
        """What still moves, in a few words; empty when the books can be closed."""
        ups = sum(seen.kind == "up" for seen in self.published)
        if self.commands.open:
            verb = "is" if self.commands.open == 1 else "are"
            return f"{counted(self.commands.open, 'command')} {verb} open"
        if not self.uplinks.is_quiet(ups):
            return "frames are on their way"
        return "" if self.commands.law(self.asked).holds else "a command was just asked"

    @property
    def all_archived(self) -> bool:
        """Whether everything published is in the archive."""
        return self._nothing_lost().holds

    def sentences(self) -> list[str]:
        """Say how it went, the worst last; a person reads this, not the JSON."""
        ended = self.commands.by_state
        joined = f"{len(self.joined & self.devices)} of {len(self.devices)}"
        confirmed = f"{ended.get('confirmed', 0)} of {self.commands.requested}"
        yes = (
            f"{joined} devices joined, {confirmed} commands were confirmed by the "
            f"lamp's own report, {len(self.published)} events lie in the archive"
        )
        missing = sorted(self.devices - self.joined)
        no = [f"did not join: {', '.join(missing)}"] if missing else []
        no += [
            f"{state}: {counted(count, 'command')}"
            for state, count in (
                ("failed", ended.get("failed", 0)),
                ("still open", self.commands.open),
            )
            if count
        ]
        no += [
            f"the function {function.name} failed {counted(function.failed, 'time')}: "
            "its events wait for another try or were given up"
            for function in self.functions
            if function.failed
        ]
        no += [
            f"does not hold: {c.name}: {c.found}" for c in self.checks if not c.holds
        ]
        return [yes, *no]

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        ups = {seen.mark for seen in self.published if seen.kind == "up"}
        archived = len(ups & set(self.archived))
        commands = self.commands
        return {
            "devices": {
                "total": len(self.devices),
                "joined": len(self.joined & self.devices),
            },
            "gateways": {"total": self.gateways, "online": self.online},
            "uplinks": {
                "sent": self.uplinks.sent,
                "heard": self.uplinks.heard,
                "radio_lost": self.uplinks.radio_lost,
                "published": len(ups),
                "archived": archived,
                "lost": len(ups) - archived,
            },
            "functions": {
                function.name: {
                    "invoked": function.invoked,
                    "failed": function.failed,
                    "p50_ms": function.p50_ms,
                    "p99_ms": function.p99_ms,
                }
                for function in self.functions
            },
            "commands": {
                "requested": commands.requested,
                **{end: commands.by_state.get(end, 0) for end in COMMAND_ENDS},
                "open": commands.open,
            },
            "lamps": {"switched": len(commands.switched)},
            "checks": {
                check.name: {"holds": check.holds, "found": check.found}
                for check in self.checks
            },
        }

    def _nothing_lost(self) -> Check:
        marks = {seen.mark for seen in self.published}
        kept = marks & set(self.archived)
        return Check(
            name="published = archived, events of every kind",
            holds=marks == kept,
            found=f"{len(marks)} = {len(kept)}",
        )

    def _nothing_doubled(self) -> Check:
        rows, events = len(self.archived), len(set(self.archived))
        return Check(
            name="nothing is archived twice",
            holds=rows == events,
            found=f"{rows} rows, {events} events",
        )
