"""What became of a frame: a value, logged and counted once."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The frame did what it came for."""

    dev_eui: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """The frame went no further; ``cause`` is the counter's label."""

    cause: str
    details: str = field(default="")


Verdict = Accepted | Dropped
