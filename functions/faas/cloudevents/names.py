"""The types and content types of the events that functions receive."""

from typing import Final

TYPE: Final = "io.chirpstack.event."
TICK: Final = "io.garonne.tick"
SINGLE: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
SEQUENCE: Final = "application/cloudevents+json-seq"
"""
Many events, each after a record separator (RFC 7464): what `BATCH` says, but they can
be read one after the other, without all of them in memory.
"""

SEPARATOR: Final = b"\x1e"  # never inside a JSON text
