"""
CloudEvents 1.0 as a function receives them: structured, batch and binary.

An event's `id` is its place in the streams, `type` is `io.chirpstack.event.<kind>`,
`data` is ChirpStack's JSON; or `type` is `io.garonne.tick`, and `data` names the
scheduled function whose time has come. In an exact range, for functions that take
batches, every event is told by its own bytes, which may be anything: `data_base64`,
and the extension attribute `topic`. Two more attributes of ours are optional:
`arrivedms` (Unix ms at which the event was stored) and `memory` (a JSON text:
what each function remembers about the device, by function name).
"""

from faas.cloudevents.names import BATCH, SEQUENCE, SINGLE, TICK, TYPE
from faas.cloudevents.ranges import range_envelopes, read_range
from faas.cloudevents.reading import (
    Delivery,
    read_batch,
    read_one,
    read_sequence,
)
from faas.cloudevents.writing import enclose, envelope, sequence, tick_envelope

__all__ = [
    "BATCH",
    "SEQUENCE",
    "SINGLE",
    "TICK",
    "TYPE",
    "Delivery",
    "enclose",
    "envelope",
    "range_envelopes",
    "read_batch",
    "read_one",
    "read_range",
    "read_sequence",
    "sequence",
    "tick_envelope",
]
