"""How long a frame is in the air (Semtech AN1200.13)."""

from math import ceil

PREAMBLE_SYMBOLS = 8
LDRO_SYMBOL_S = 0.016
_FSK_OVERHEAD = 5 + 3 + 1 + 2  # preamble, sync word, length, CRC


def symbol_s(spreading_factor: int, bandwidth_hz: int) -> float:
    """Duration of one symbol in seconds."""
    return (1 << spreading_factor) / bandwidth_hz


def payload_symbols(
    size: int,
    *,
    spreading_factor: int,
    low_data_rate: bool,
    coding_rate: int = 1,
    crc: bool = True,
    implicit_header: bool = False,
) -> int:
    """Symbols after the preamble of ``size`` octets; ``coding_rate`` 1 is 4/5."""
    bits = 8 * size - 4 * spreading_factor + 28 + 16 * crc - 20 * implicit_header
    columns = ceil(bits / (4 * (spreading_factor - 2 * low_data_rate)))
    return 8 + max(columns * (coding_rate + 4), 0)


def lora_airtime_s(
    size: int,
    *,
    spreading_factor: int,
    bandwidth_hz: int,
    coding_rate: int = 1,
    crc: bool = True,
    implicit_header: bool = False,
    preamble_symbols: int = PREAMBLE_SYMBOLS,
) -> float:
    """
    Seconds that a PHYPayload of ``size`` octets takes.

    Uplinks carry a CRC, downlinks do not: pass ``crc=False`` for them.
    """
    symbol = symbol_s(spreading_factor, bandwidth_hz)
    symbols = payload_symbols(
        size,
        spreading_factor=spreading_factor,
        low_data_rate=symbol >= LDRO_SYMBOL_S,
        coding_rate=coding_rate,
        crc=crc,
        implicit_header=implicit_header,
    )
    return (preamble_symbols + 4.25 + symbols) * symbol


def fsk_airtime_s(size: int, bit_rate: int = 50_000) -> float:
    """Seconds that ``size`` octets take in FSK."""
    return 8 * (size + _FSK_OVERHEAD) / bit_rate
