"""What ChMaskCntl means: one LinkADRReq's mask on top of a device's channels."""

from wire.lorawan.region import Region
from wire.lorawan.region.fixed import (
    BANK_SIZE,
    BANKS,
    CHANNELS,
    MASK_BITS,
    NARROW_CHANNELS,
)

ALL_DEFINED = 6  # of the dynamic channel plans (RP002-1.0.4 §2.4.5)
WIDE_BLOCK, BY_BANK, NARROW_ON, NARROW_OFF = 4, 5, 6, 7  # of the fixed ones (§2.5.5)

_NARROW = (1 << NARROW_CHANNELS) - 1
_BLOCK = (1 << MASK_BITS) - 1
_WIDE = (1 << BANKS) - 1


def masked(
    region: Region, mask: int, ch_mask_cntl: int, ch_mask: int, defined: int
) -> int | None:
    """
    Return the mask after one LinkADRReq, or None when the request is wrong.

    Bit i of ``mask`` and ``defined`` is channel i: enabled, and known to the device.
    """
    if region.fixed_channels:
        return _masked_fixed(mask, ch_mask_cntl, ch_mask)
    if ch_mask_cntl == ALL_DEFINED:
        return defined
    if ch_mask_cntl == 0 and not ch_mask & ~defined:
        return ch_mask
    return None


def _masked_fixed(mask: int, ch_mask_cntl: int, ch_mask: int) -> int | None:
    narrow, wide = mask & _NARROW, (ch_mask & _WIDE) << NARROW_CHANNELS
    if ch_mask_cntl < WIDE_BLOCK:
        at = ch_mask_cntl * MASK_BITS
        return mask & ~(_BLOCK << at) | ch_mask << at
    if ch_mask_cntl == WIDE_BLOCK:
        return narrow | wide
    if ch_mask_cntl == BY_BANK:
        return wide | sum(
            ((1 << BANK_SIZE) - 1) << bank * BANK_SIZE
            for bank in range(BANKS)
            if ch_mask >> bank & 1
        )
    if ch_mask_cntl == NARROW_ON:
        return _NARROW | wide
    return wide if ch_mask_cntl == NARROW_OFF else None


def narrow_channels(mask: int) -> int:
    """How many channels of 125 kHz a mask of a fixed plan enables."""
    return (mask & _NARROW).bit_count()


def indices(mask: int) -> list[int]:
    """Return the enabled channels, in order."""
    return [index for index in range(CHANNELS) if mask >> index & 1]
