"""
The simulated ether: device simulators put frames on the air over TCP, and hear.

Any number of simulators may connect; every downlink goes once to each of them. One
that sends nonsense, or does not read what is sent to it, is disconnected with one line
in the log; the others notice nothing.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from wire.air import AirFrame, AirMessage, AirStream, encode
from wire.errors import Malformed

CHUNK_BYTES = 65_536
UNREAD_BYTES = 1024 * 1024
SKEW_S = 30.0
LIMITS = {
    "airtime_s": (0.0, 10.0),
    "power_dbm": (-100.0, 40.0),
    "latitude": (-90.0, 90.0),
    "longitude": (-180.0, 180.0),
}

log = logging.getLogger(__name__)


class Ether:
    """The TCP server of the ether."""

    def __init__(
        self, *, on_frame: Callable[[AirFrame], None], clock: Callable[[], float]
    ) -> None:
        self._on_frame = on_frame
        self._clock = clock
        self._simulators: dict[str, asyncio.StreamWriter] = {}
        self._server: asyncio.Server | None = None

    @property
    def simulators(self) -> int:
        """How many are connected."""
        return len(self._simulators)

    async def listen(self, host: str, port: int) -> tuple[str, int]:
        """Accept simulators; returns the address (a free port for port 0)."""
        self._server = await asyncio.start_server(self._serve, host, port)
        bound: tuple[str, int] = self._server.sockets[0].getsockname()[:2]
        log.info("gateway.air.listen host=%s port=%d", *bound)
        return bound

    async def close(self) -> None:
        """Stop accepting, and disconnect everybody."""
        if self._server is not None:
            self._server.close()
        for writer in self._simulators.values():
            writer.close()

    def send(self, frames: Sequence[AirFrame]) -> None:
        """Let every simulator have these downlinks."""
        data = b"".join(encode(AirMessage.DOWNLINK, frame) for frame in frames)
        for name, writer in list(self._simulators.items()):
            if writer.transport.get_write_buffer_size() > UNREAD_BYTES:
                log.warning("gateway.air.drop simulator=%s reason=does_not_read", name)
                writer.transport.abort()
            elif not writer.is_closing():
                writer.write(data)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        name = "{}:{}".format(*writer.get_extra_info("peername")[:2])
        self._simulators[name] = writer
        log.info("gateway.air.join simulator=%s", name)
        try:
            await self._read(reader)
        except (Malformed, ConnectionError) as error:
            log.warning("gateway.air.drop simulator=%s reason=%s", name, error)
        finally:
            del self._simulators[name]
            writer.close()
            log.info("gateway.air.leave simulator=%s", name)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        stream = AirStream()
        while data := await reader.read(CHUNK_BYTES):
            for kind, frame in stream.feed(data):
                check(kind, frame, self._clock())
                self._on_frame(frame)


def check(kind: AirMessage, frame: AirFrame, now: float) -> None:
    """
    Refuse what is no device's frame of this moment, with Malformed.

    A frame of another time would wait in the air for ever.
    """
    if kind is not AirMessage.UPLINK:
        raise Malformed(f"a simulator sends uplinks, not {kind.name.lower()}s")
    for name, (low, high) in LIMITS.items():
        value = getattr(frame, name)
        if not low <= value <= high:  # NaN is in no range
            raise Malformed(f"{name} is from {low} to {high}, not {value}")
    if not abs(frame.start_s - now) <= SKEW_S:
        raise Malformed(f"start_s is within {SKEW_S} s of {now}, not {frame.start_s}")
