"""
The regions of 72 fixed channels: US902-928 and AU915-928 (RP002-1.0.4 §2.5, §2.8).

A network seldom listens to all of them. Its set-ups are the eight sub-bands, each of
eight channels of 125 kHz and the one of 500 kHz among them, named as ChirpStack
names them: ``us915_0`` to ``us915_7``.
"""

from collections.abc import Iterable
from dataclasses import replace

from wire.lorawan.join import CFList
from wire.lorawan.region import Region

BANKS = 8
BANK_SIZE = 8
NARROW_CHANNELS = 64
CHANNELS = 72
MASK_BITS = 16


def bank(number: int) -> tuple[int, ...]:
    """Return the channels of a sub-band: eight of 125 kHz, then one of 500 kHz."""
    first = BANK_SIZE * number
    return (*range(first, first + BANK_SIZE), NARROW_CHANNELS + number)


def channel_masks(channels: Iterable[int]) -> tuple[int, ...]:
    """Return the five 16-bit masks of a CFList of type 1."""
    mask = sum(1 << index for index in set(channels))
    every = (1 << MASK_BITS) - 1
    return tuple(mask >> at & every for at in range(0, CHANNELS, MASK_BITS))


def sub_bands_of(region: Region) -> tuple[Region, ...]:
    """Return the region once per sub-band, ``<name>_0`` to ``<name>_7``."""
    return tuple(
        replace(
            region,
            name=f"{region.name}_{number}",
            enabled=bank(number),
            cf_list=CFList(masks=channel_masks(bank(number))),
        )
        for number in range(BANKS)
    )
