"""
Channel masks: the LinkADRReqs that bring a device to the wanted channels.

ChirpStack compares blocks of 16 channels and sends those that differ; in the fixed
plans also "all 125 kHz off, then these blocks", and of both what is shorter.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby

from chirpstack_embedded.core.region import RegionPlan
from wire.lorawan.mac import LinkADRReq
from wire.lorawan.region.fixed import CHANNELS, MASK_BITS, NARROW_CHANNELS
from wire.lorawan.region.mask import NARROW_OFF, indices, masked


def requests(plan: RegionPlan, on_device: Sequence[int]) -> list[LinkADRReq]:
    """Return the masks to send, with everything else left at zero; often none."""
    by_block = _differing_blocks(plan, set(on_device))
    if not plan.table.fixed_channels:
        return by_block
    anew = _anew(plan.enabled_channels)
    return by_block if len(by_block) < len(anew) else anew


def one_block(channels: Sequence[int]) -> tuple[int, int]:
    """Return ChMaskCntl and ChMask of the block in which the first channel is."""
    first = channels[0] // MASK_BITS if channels else 0
    kept = [i for i in channels if i // MASK_BITS == first]
    return first, _mask(kept)


def apply(
    plan: RegionPlan, on_device: Iterable[int], asked: Iterable[LinkADRReq]
) -> list[int]:
    """Return the device's channels once it has obeyed."""
    mask = sum(1 << i for i in set(on_device))
    for request in asked:
        mask = _applied(plan, mask, request)
    return indices(mask)


def _applied(plan: RegionPlan, mask: int, request: LinkADRReq) -> int:
    cntl, ch_mask = request.ch_mask_cntl, request.ch_mask
    if plan.table.fixed_channels:
        after = masked(plan.table, mask, cntl, ch_mask, (1 << CHANNELS) - 1)
        return mask if after is None else after
    at = cntl * MASK_BITS
    return mask & ~(((1 << MASK_BITS) - 1) << at) | ch_mask << at


def _differing_blocks(plan: RegionPlan, on_device: set[int]) -> list[LinkADRReq]:
    wanted = set(plan.enabled_channels)
    # Channels the device does not have yet are NewChannelReq's business.
    known = on_device | set(plan.default_channel_indices)
    differing = sorted(on_device ^ wanted)
    if not any(i in known for i in differing):
        return []
    kept = sorted(wanted & known)
    return [
        _request(block, [i for i in kept if i // MASK_BITS == block])
        for block, _ in groupby(differing, lambda i: i // MASK_BITS)
    ]


def _anew(wanted: Sequence[int]) -> list[LinkADRReq]:
    wide = [i for i in wanted if i >= NARROW_CHANNELS]
    narrow = sorted(set(wanted) - set(wide))
    return [
        _request(NARROW_OFF, wide),
        *(
            _request(block, list(channels))
            for block, channels in groupby(narrow, lambda i: i // MASK_BITS)
        ),
    ]


def _request(ch_mask_cntl: int, channels: Iterable[int]) -> LinkADRReq:
    return LinkADRReq(
        data_rate=0,
        tx_power=0,
        nb_trans=0,
        ch_mask_cntl=ch_mask_cntl,
        ch_mask=_mask(channels),
    )


def _mask(channels: Iterable[int]) -> int:
    return sum(1 << i % MASK_BITS for i in set(channels))
