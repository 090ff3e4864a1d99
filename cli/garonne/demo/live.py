"""What the person watches while the demo runs: a live table, or plain lines."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

__all__ = ["Screen", "View"]

PLAIN_EVERY_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One look at the city."""

    phase: str
    left_s: float = 0.0
    doing: str = ""
    joined: int = 0
    devices: int = 0
    uplinks: int = 0
    uplinks_per_s: float = 0.0
    functions: Mapping[str, int] = field(default_factory=dict)
    commands: Mapping[str, int] = field(default_factory=dict)
    last_lamp: str = ""

    def rows(self) -> list[tuple[str, str]]:
        """Return what is shown, as label and text."""
        clock = f" ({self.left_s:.0f} s left)" if self.left_s else ""
        rows = [("phase", f"{self.phase}{clock}{': ' * bool(self.doing)}{self.doing}")]
        if self.devices:
            rows += [
                ("joined", f"{self.joined} of {self.devices}"),
                ("uplinks", f"{self.uplinks} ({self.uplinks_per_s:.1f} a second)"),
                ("functions", _counts(self.functions) or "not called yet"),
                ("commands", _counts(self.commands) or "none yet"),
                ("last lamp", self.last_lamp or "none yet"),
            ]
        return rows

    def line(self) -> str:
        """Return it as one plain line."""
        return " | ".join(f"{label} {text}" for label, text in self.rows())


class Screen:
    """Shows views: in place on a terminal, else a line now and then."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._live = (
            Live(console=self._console, auto_refresh=False)
            if sys.stderr.isatty()
            else None
        )
        self._next_line_at = 0.0
        self._last_phase = ""

    def __enter__(self) -> Self:
        if self._live:
            self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.__exit__(kind, error, trace)

    def show(self, view: View, now: float) -> None:
        """Show the newest view; plain lines only now and then, or at a new phase."""
        if self._live:
            self._live.update(_table(view), refresh=True)
        elif now >= self._next_line_at or view.phase != self._last_phase:
            print(view.line(), file=sys.stderr, flush=True)
            self._next_line_at = now + PLAIN_EVERY_S
        self._last_phase = view.phase


def _table(view: View) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    for label, text in view.rows():
        table.add_row(f"[bold]{label}[/]", text)
    return table


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
