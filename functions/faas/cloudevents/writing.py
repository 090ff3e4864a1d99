"""Events wrapped for a function: one, a tick, a sequence; their own bytes untouched."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import orjson

from faas.cloudevents.names import SEPARATOR, TICK, TYPE
from faas.streams import kind_of


def envelope(
    *,
    event_id: str,
    kind: str,
    source: str,
    arrived_ms: int,
    payload: bytes,
    memory: Mapping[str, Any] | None = None,
) -> bytes:
    """Wrap an event's own bytes, which must be JSON, without parsing them again."""
    told = orjson.dumps(memory) if memory else b""
    name = orjson.dumps(event_id)[1:-1]
    return _wrap(_head(kind, source), name, arrived_ms, payload, told)


def enclose(
    *, event_id: str, topic: str, arrived_ms: int, payload: bytes, memory: bytes = b""
) -> bytes:
    """Wrap what was stored under a device's topic; `memory` is JSON or nothing."""
    return _wrap(_head_of(topic), event_id.encode(), arrived_ms, payload, memory)


def _wrap(
    head: bytes, event_id: bytes, arrived_ms: int, payload: bytes, memory: bytes
) -> bytes:
    told = b',"memory":' + orjson.dumps(memory.decode()) if memory else b""
    return b'%b,"id":"%b","arrivedms":%d%b,"data":%b}' % (
        head,
        event_id,
        arrived_ms,
        told,
        payload,
    )


@lru_cache(maxsize=1 << 14)  # a device says the same topic again and again
def _head_of(topic: str) -> bytes:
    return _head(kind_of(topic) or "", "/" + topic.rpartition("/event/")[0])


def _head(kind: str, source: str) -> bytes:
    """Return the attributes that all events of one kind of a device share."""
    shared = {
        "specversion": "1.0",
        "source": source,
        "type": TYPE + kind,
        "datacontenttype": "application/json",
    }
    return orjson.dumps(shared)[:-1]


def tick_envelope(function: str, instant_ms: int) -> bytes:
    """Return the tick of a scheduled function."""
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": f"{function}-{instant_ms}",
            "source": "/schedule",
            "type": TICK,
            "arrivedms": instant_ms,
            "data": {"function": function},
        }
    )


def sequence(envelopes: Iterable[bytes]) -> bytes:
    """Join events to a sequence."""
    return SEPARATOR + SEPARATOR.join(envelopes)
