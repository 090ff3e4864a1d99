import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.lorawan.counters import (
    MAX_F_CNT_GAP,
    accepts_f_cnt_down,
    full_f_cnt_down,
    full_f_cnt_up,
)

NEXT = st.integers(0, 0xFFFF0000)


@given(NEXT, st.integers(0, 0xFFFE))
def test_a_counter_up_to_65534_ahead_is_completed(expected: int, ahead: int) -> None:
    assert expected + ahead == full_f_cnt_up(expected, (expected + ahead) & 0xFFFF)


@given(st.integers(1, 0xFFFFFFFF))
def test_the_last_counter_is_recognised_as_repeated(expected: int) -> None:
    assert expected - 1 == full_f_cnt_up(expected, (expected - 1) & 0xFFFF)


@given(st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFF))
def test_a_full_counter_keeps_what_the_air_carried(expected: int, low: int) -> None:
    full = full_f_cnt_up(expected, low)

    assert low == full & 0xFFFF
    assert 0 <= full <= 0xFFFFFFFF


def test_the_first_frame_after_a_join_may_be_65535() -> None:
    assert 0xFFFF == full_f_cnt_up(0, 0xFFFF)


@given(st.integers(0, 0xFFFF0000), st.integers(0, 0xFFFF))
def test_a_device_never_reckons_backwards(last: int, ahead: int) -> None:
    assert last + ahead == full_f_cnt_down(last, (last + ahead) & 0xFFFF)


def test_before_the_first_downlink_the_air_is_believed() -> None:
    assert 7 == full_f_cnt_down(None, 7)


@pytest.mark.parametrize(
    ("last", "f_cnt", "max_gap", "accepted"),
    [
        (None, 0, MAX_F_CNT_GAP, True),
        (None, MAX_F_CNT_GAP - 1, MAX_F_CNT_GAP, True),
        (None, MAX_F_CNT_GAP, MAX_F_CNT_GAP, False),
        (None, 60_000, None, True),
        (5, 5, MAX_F_CNT_GAP, False),
        (5, 5, None, False),
        (5, 4, None, False),
        (5, 6, MAX_F_CNT_GAP, True),
        (5, 5 + MAX_F_CNT_GAP - 1, MAX_F_CNT_GAP, True),
        (5, 5 + MAX_F_CNT_GAP, MAX_F_CNT_GAP, False),
        (5, 60_000, None, True),
    ],
)
def test_a_device_takes_only_newer_downlinks_within_the_gap(
    last: int | None, f_cnt: int, max_gap: int | None, *, accepted: bool
) -> None:
    assert accepted is accepts_f_cnt_down(last, f_cnt, max_gap=max_gap)
