"""When class B speaks: beacons and ping slots, in ms of GPS time (1.0.3 §13)."""

from dataclasses import dataclass

from wire.errors import Illegal
from wire.lorawan.airtime import lora_airtime_s
from wire.lorawan.crypto import aes_encrypt
from wire.lorawan.ids import DevAddr

BEACON_PERIOD_S = 128
BEACON_PERIOD_MS = BEACON_PERIOD_S * 1000
BEACON_DELAY_S = 0.0015  # after the GPS second, so that receivers are ready (§15.2)
BEACON_RESERVED_MS = 2120
BEACON_GUARD_MS = 3000
BEACON_LESS_S = 120 * 60  # how long a device goes on without hearing one (§12.1)
BEACON_PREAMBLE_SYMBOLS = 10
SLOT_MS = 30
SLOTS = 1 << 12
MAX_PERIODICITY = 7
_ZERO_KEY = bytes(16)
_RX_OCTETS = 4 + 2  # Time and the CRC behind it
_GW_OCTETS = 7 + 2  # GwSpecific and the CRC behind it


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassBPlan:
    """
    What a region says about class B (RP002, "Class B beacon and default downlink").

    ``rfu1`` and ``rfu2`` are reserved octets before the two halves of the beacon.
    Where there are several frequencies, beacons and ping slots hop over them.
    """

    beacon_frequencies_hz: tuple[int, ...]
    beacon_data_rate: int
    ping_slot_frequencies_hz: tuple[int, ...]
    ping_slot_data_rate: int
    rfu1: int
    rfu2: int

    @property
    def beacon_size(self) -> int:
        """Octets of a beacon."""
        return self.rfu1 + _RX_OCTETS + self.rfu2 + _GW_OCTETS

    def beacon_frequency_hz(self, beacon_s: int) -> int:
        """Where the beacon of this GPS second is sent."""
        hops = self.beacon_frequencies_hz
        return hops[beacon_s // BEACON_PERIOD_S % len(hops)]

    def ping_slot_frequency_hz(self, dev_addr: DevAddr, beacon_s: int) -> int:
        """Where a device listens in this beacon's period, unless told otherwise."""
        hops = self.ping_slot_frequencies_hz
        turn = int.from_bytes(dev_addr, "big") + beacon_s // BEACON_PERIOD_S
        return hops[turn % len(hops)]


def ping_nb(periodicity: int) -> int:
    """Ping slots in a beacon period; periodicity 0 to 7 is one every 2^p seconds."""
    if not 0 <= periodicity <= MAX_PERIODICITY:
        raise Illegal(f"a periodicity is 0 to {MAX_PERIODICITY}, not {periodicity}")
    return 1 << (MAX_PERIODICITY - periodicity)


def beacon_start_ms(gps_ms: int) -> int:
    """The beacon whose period holds an instant."""
    return gps_ms - gps_ms % BEACON_PERIOD_MS


def ping_offset(beacon_ms: int, dev_addr: DevAddr, slots: int) -> int:
    """The first of ``slots`` ping slots in a beacon's period, as its number (§13.3)."""
    time = (beacon_ms // 1000 % (1 << 32)).to_bytes(4, "little")
    rand = aes_encrypt(_ZERO_KEY, time + dev_addr.to_le() + bytes(8))
    return int.from_bytes(rand[:2], "little") % (SLOTS // slots)


def next_ping_slot_ms(after_ms: int, dev_addr: DevAddr, slots: int) -> int:
    """Start of the first ping slot strictly after an instant."""
    beacon_ms, period = beacon_start_ms(after_ms), SLOTS // slots
    while True:
        first = ping_offset(beacon_ms, dev_addr, slots)
        for number in range(first, SLOTS, period):
            slot_ms = beacon_ms + BEACON_RESERVED_MS + SLOT_MS * number
            if slot_ms > after_ms:
                return slot_ms
        beacon_ms += BEACON_PERIOD_MS


def beacon_airtime_s(size: int, spreading_factor: int, bandwidth_hz: int) -> float:
    """Seconds that a beacon takes: implicit header, no CRC, ten symbols of preamble."""
    return lora_airtime_s(
        size,
        spreading_factor=spreading_factor,
        bandwidth_hz=bandwidth_hz,
        crc=False,
        implicit_header=True,
        preamble_symbols=BEACON_PREAMBLE_SYMBOLS,
    )
