"""
One gateway's reception as the server keeps it: rendered once, where it arrives.

A reception is a plain tuple of numbers, texts and octets, so that it can be handed
from the process that talks to gateways to the one that judges.
"""

from typing import NamedTuple

from chirpstack_api import gw

from chirpstack_embedded.core.rendering import (
    NANO,
    dump,
    location_json,
    render_rx_head,
    render_rx_tail,
)

GPS_EPOCH_S = 315_964_800
LEAP_SECONDS = 18


class HeardRx(NamedTuple):
    """
    What one gateway said about a frame.

    ``head`` and ``tail`` are the JSON of ``rxInfo`` before and after ``location``,
    which is the gateway's registered place when it sent none (``location`` None).
    """

    gateway_id: str
    """In lower case."""
    rssi: int
    snr: float
    board: int
    antenna: int
    context: bytes
    gw_time_ns: int | None
    """Its clock, Unix ns."""
    gps_time_ns: int | None
    """Its time since the GPS epoch, as Unix ns."""
    location: bytes | None
    """A serialised ``common.Location``."""
    head: bytes
    tail: bytes

    def json(self, location: bytes | None) -> bytes:
        """Return ``rxInfo``; ``location`` is for a gateway that sent none."""
        place = self.location if self.location is not None else location
        if place is None:
            return self.head + self.tail
        return self.head + b',"location":' + location_json(place) + self.tail


def heard_rx(rx: gw.UplinkRxInfo, ns_time: str) -> HeardRx:
    """Keep a reception that reached the server at ``ns_time`` (RFC 3339)."""
    head = dump(render_rx_head(rx, ns_time))[:-1]
    tail = dump(render_rx_tail(rx))[1:]
    return HeardRx(
        rx.gateway_id.lower(),
        rx.rssi,
        rx.snr,
        rx.board,
        rx.antenna,
        rx.context,
        _gw_time_ns(rx),
        _gps_time_ns(rx),
        rx.location.SerializeToString() if rx.HasField("location") else None,
        head,
        b"," + tail if len(tail) > 1 else tail,
    )


def _gw_time_ns(rx: gw.UplinkRxInfo) -> int | None:
    if not rx.HasField("gw_time"):
        return None
    return int(rx.gw_time.seconds * NANO + rx.gw_time.nanos)


def _gps_time_ns(rx: gw.UplinkRxInfo) -> int | None:
    if not rx.HasField("time_since_gps_epoch"):
        return None
    gps = rx.time_since_gps_epoch
    return int((gps.seconds + GPS_EPOCH_S - LEAP_SECONDS) * NANO + gps.nanos)
