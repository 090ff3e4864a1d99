"""Exact ranges as CloudEvents batches: every event by its own bytes."""

from base64 import b64decode
from binascii import b2a_base64
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, overload

import orjson

from faas.batches import Batch, Stored
from faas.cloudevents.names import TYPE
from faas.cloudevents.parts import array_of, json_of
from faas.errors import NotAnEvent
from faas.events import UNKNOWN
from faas.streams import event_id, kind_of, place_of


def range_envelopes(batch: Batch) -> bytes:
    """Return an exact range as a CloudEvents batch, lossless."""
    told = [
        b'%b,"id":"%b","data_base64":"%b"}'
        % (
            _range_head(event.topic),
            event_id(batch.partition, event.entry).encode(),
            b2a_base64(event.payload, newline=False),
        )
        for event in batch.events
    ]
    return b"[" + b",".join(told) + b"]"


@lru_cache(maxsize=1 << 14)  # a device says the same topic again and again
def _range_head(topic: str) -> bytes:
    attributes = {
        "specversion": "1.0",
        "source": "/" + topic.rpartition("/event/")[0],
        "type": TYPE + (kind_of(topic) or UNKNOWN),
        "topic": topic,
    }
    return orjson.dumps(attributes)[:-1]


class _Carried(Sequence[Stored]):
    """The events of a range as they were carried; each is read when it is looked at."""

    def __init__(self, items: Sequence[Mapping[str, Any]]) -> None:
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, place: int) -> Stored: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Stored]: ...
    def __getitem__(self, place: int | slice) -> Stored | Sequence[Stored]:
        if isinstance(place, slice):
            return _Carried(self._items[place])
        return _stored(self._items[place])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash(tuple(self))


def read_range(body: bytes) -> Batch:
    """
    Read what `range_envelopes` wrote; `NotAnEvent` when it is none.

    The bytes of an event are decoded when somebody looks at it.
    """
    items = array_of(json_of(body))
    try:
        (partition,) = _partitions(items)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotAnEvent(f"asked for a range of one stream; found {error!r}") from error
    return Batch(partition=partition, events=_Carried(items))


def _partitions(items: Iterable[Mapping[str, Any]]) -> tuple[int, ...]:
    heads = {item["id"].partition("-")[0] for item in items}
    return tuple(place_of(f"{head}-0-0")[0] for head in heads)


def _stored(item: Mapping[str, Any]) -> Stored:
    try:
        return Stored(
            entry=place_of(item["id"])[1],
            topic=item["topic"],
            payload=b64decode(item["data_base64"], validate=True),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotAnEvent(f"asked for a stored event; found {error!r}") from error
