"""Rows of the regions' tables, written as short as the published ones."""

from collections.abc import Iterable

from wire.lorawan.region import Channel, DataRate, Modulation

FSK_BIT_RATE = 50_000
MAX_FSK_PAYLOAD = 250
MAX_FSK_PAYLOAD_REPEATER = 230


def lora(
    index: int,
    spreading_factor: int,
    khz: int,
    bit_rate: int,
    most: int,
    behind: int,
    *,
    dwell: int | None = None,
    up: bool = True,
    down: bool = True,
) -> DataRate:
    """Return a LoRa row: ``most`` is M, ``behind`` M behind a repeater."""
    return DataRate(
        index=index,
        modulation=Modulation.LORA,
        spreading_factor=spreading_factor,
        bandwidth_hz=khz * 1000,
        bit_rate=bit_rate,
        max_mac_payload=most,
        max_mac_payload_repeater=behind,
        max_mac_payload_dwell=dwell,
        uplink=up,
        downlink=down,
    )


def fsk(index: int) -> DataRate:
    """Return the row of FSK at 50 kb/s, alike in every region that has it."""
    return DataRate(
        index=index,
        modulation=Modulation.FSK,
        bit_rate=FSK_BIT_RATE,
        max_mac_payload=MAX_FSK_PAYLOAD,
        max_mac_payload_repeater=MAX_FSK_PAYLOAD_REPEATER,
    )


def lr_fhss(index: int, bit_rate: int, most: int) -> DataRate:
    """Return a row of LR-FHSS, which only goes up."""
    return DataRate(
        index=index,
        modulation=Modulation.LR_FHSS,
        bit_rate=bit_rate,
        max_mac_payload=most,
        downlink=False,
    )


def channels(
    frequencies_hz: Iterable[int], *, min_dr: int, max_dr: int, first: int = 0
) -> tuple[Channel, ...]:
    """Return channels in order, numbered from ``first``."""
    return tuple(
        Channel(index=index, frequency_hz=hz, min_dr=min_dr, max_dr=max_dr)
        for index, hz in enumerate(frequencies_hz, first)
    )


def steps(first_hz: int, step_hz: int, count: int) -> range:
    """Return evenly spaced frequencies."""
    return range(first_hz, first_hz + step_hz * count, step_hz)
