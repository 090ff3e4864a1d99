"""ChMaskCntl in every kind of region (RP002-1.0.4 §2.4.5 and §2.5.5)."""

import pytest

from wire.lorawan.region.catalogue import REGIONS
from wire.lorawan.region.mask import indices, masked, narrow_channels

US915, EU868 = REGIONS["us915_0"], REGIONS["eu868"]
ALL = (1 << 72) - 1
NARROW = (1 << 64) - 1


@pytest.mark.parametrize(
    ("before", "cntl", "ch_mask", "after"),
    [
        (ALL, 0, 0x00FF, [*range(8), *range(16, 72)]),
        (ALL, 3, 0x0000, [*range(48), *range(64, 72)]),
        (0, 1, 0x8001, [16, 31]),
        (NARROW, 4, 0x0003, [*range(64), 64, 65]),
        (0, 4, 0xFF01, [64]),
        (ALL, 5, 0x0002, [*range(8, 16), 65]),
        (0, 5, 0x0081, [*range(8), *range(56, 64), 64, 71]),
        (0, 6, 0x0000, [*range(64)]),
        (0, 6, 0x0001, [*range(64), 64]),
        (ALL, 7, 0x0002, [65]),
        (ALL, 7, 0x0000, []),
    ],
)
def test_a_fixed_plan_reads_every_control(
    before: int, cntl: int, ch_mask: int, after: list[int]
) -> None:
    mask = masked(US915, before, cntl, ch_mask, ALL)

    assert mask is not None
    assert after == indices(mask)


def test_two_requests_leave_one_sub_band() -> None:
    # what ChirpStack sends for us915_1: all narrow ones off, then a block of 16
    off = masked(US915, ALL, 7, 0x0002, ALL)
    assert off is not None
    mask = masked(US915, off, 0, 0xFF00, ALL)

    assert mask is not None
    assert [*range(8, 16), 65] == indices(mask)
    assert 8 == narrow_channels(mask)


@pytest.mark.parametrize("name", ["eu868", "as923", "in865"])
@pytest.mark.parametrize(
    ("cntl", "ch_mask", "after"),
    [
        (0, 0b011, 0b011),
        (0, 0b1011, None),
        (6, 0, 0b111),
        (1, 0b001, None),
        (5, 0, None),
        (7, 0, None),
    ],
)
def test_a_dynamic_plan_knows_two_controls(
    name: str, cntl: int, ch_mask: int, after: int | None
) -> None:
    assert after == masked(REGIONS[name], 0b111, cntl, ch_mask, 0b111)
