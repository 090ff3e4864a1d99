"""
The way to the simulated ether: one TCP connection that comes back when it breaks.

While it is away nothing is queued: a frame that cannot be handed over at once would
reach the air at another instant than it was sent.
"""

import asyncio
import logging
from collections.abc import Callable

from wire.air import AirFrame, AirMessage, AirStream, encode
from wire.errors import Malformed

CHUNK_BYTES = 65_536
UNSENT_BYTES = 1024 * 1024
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0

AWAY = "ether_away"
BUSY = "ether_busy"

log = logging.getLogger(__name__)


class EtherClient:
    """Sends uplinks, hands downlinks to `on_downlink`, reconnects with back-off."""

    def __init__(
        self, host: str, port: int, *, on_downlink: Callable[[AirFrame], None]
    ) -> None:
        self._host = host
        self._port = port
        self._on_downlink = on_downlink
        self._writer: asyncio.StreamWriter | None = None
        self.connected = asyncio.Event()

    def send(self, frame: AirFrame) -> str | None:
        """Put a frame on the air; None, or the cause why it was lost instead."""
        writer = self._writer
        if writer is None or writer.is_closing():
            return AWAY
        if writer.transport.get_write_buffer_size() > UNSENT_BYTES:
            return BUSY
        writer.write(encode(AirMessage.UPLINK, frame))
        return None

    async def run(self) -> None:
        """Connect, listen, and connect again, until cancelled."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                await self._listen()
                pause_s = FIRST_PAUSE_S
            except (OSError, Malformed) as fault:
                log.warning(
                    "device.ether.away host=%s port=%d reason=%s retry_s=%.1f",
                    *(self._host, self._port, fault, pause_s),
                )
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def close(self) -> None:
        """Let what was sent leave, then hang up."""
        if self._writer is not None:
            self._writer.close()

    async def _listen(self) -> None:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        log.info("device.ether.connect host=%s port=%d", self._host, self._port)
        self._writer = writer
        self.connected.set()
        try:
            await self._read(reader)
        finally:
            self._writer = None
            self.connected.clear()
            writer.close()
        log.warning("device.ether.close host=%s port=%d", self._host, self._port)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        stream = AirStream()
        while data := await reader.read(CHUNK_BYTES):
            for kind, frame in stream.feed(data):
                if kind is AirMessage.DOWNLINK:
                    self._on_downlink(frame)
