"""What became of one declared thing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "tenant", "application", "device profile", "gateway", "device", "multicast group"
]
Verdict = Literal["created", "updated", "unchanged", "removed", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """
    One row's outcome; `why` names what changed, or what went wrong.

    `id` is the EUI of a device or gateway and ChirpStack's id of the rest; it is empty
    in a plan for what does not exist yet.
    """

    kind: Kind
    name: str
    verdict: Verdict
    id: str = ""
    why: str = ""

    def __str__(self) -> str:
        about = f" ({self.id})" if self.kind in {"gateway", "device"} else ""
        why = f": {self.why}" if self.why else ""
        return f"{self.kind} {self.name}{about} {self.verdict}{why}"


Tell = Callable[[Outcome], None]


def tell_nobody(_: Outcome) -> None:
    """Say nothing about the progress."""
