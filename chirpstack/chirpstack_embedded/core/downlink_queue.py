"""
Which queue item leaves next, and which ones die on the way (contract §2.7).

The head of the queue is judged by pending, expiry, size and counter, in this
order; what cannot be sent is discarded and the next one is judged.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from chirpstack_embedded.model import QueueItem

F_PORT_RULE = "FPort must be between 1 - 255"

Reason = Literal["timeout", "expired", "payload_size", "f_cnt_down"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Discarded:
    """An item that will never be sent."""

    item: QueueItem
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The item to send and whether others wait behind it."""

    item: QueueItem
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What became of the queue at one opportunity."""

    discarded: tuple[Discarded, ...]
    chosen: Chosen | None


def wrap_f_port(f_port: int) -> int:
    """Cut to 8 bits as ChirpStack does before it validates: 257 is 1, 256 is 0."""
    return f_port & 0xFF


def blocks(item: QueueItem, now: float) -> bool:
    """Whether a pending head still waits for its acknowledgement."""
    return (
        item.is_pending and item.timeout_after is not None and item.timeout_after > now
    )


def choose(
    queue: Sequence[QueueItem], *, max_payload_size: int, f_cnt_down: int, now: float
) -> Choice:
    """Judge the queue from its head."""
    discarded: list[Discarded] = []
    for index, item in enumerate(queue):
        if blocks(item, now):
            break
        reason = next(_reasons(item, max_payload_size, f_cnt_down, now), None)
        if reason is None:
            more = index + 1 < len(queue)
            return Choice(
                discarded=tuple(discarded), chosen=Chosen(item=item, more=more)
            )
        discarded.append(Discarded(item=item, reason=reason))
    return Choice(discarded=tuple(discarded), chosen=None)


def _reasons(
    item: QueueItem, max_payload_size: int, f_cnt_down: int, now: float
) -> Iterator[Reason]:
    if item.is_pending:
        yield "timeout"
    if item.expires_at is not None and item.expires_at < now:
        yield "expired"
    if len(item.data) > max_payload_size:
        yield "payload_size"
    if item.is_encrypted and (item.f_cnt_down or 0) < f_cnt_down:
        yield "f_cnt_down"
