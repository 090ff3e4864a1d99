"""What a concentrator accepts, refuses and sends, by the constants of its queue."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_sim.jit import LEAD_S, MAX_ADVANCE_S, QUEUE_SIZE, JitQueue, TxStatus

NOW = 1_000.0
AIRTIME_S = 0.1


def queue_with(*starts_s: float) -> JitQueue[str]:
    queue: JitQueue[str] = JitQueue()
    for start_s in starts_s:
        queue.add(start_s, AIRTIME_S, f"at {start_s}")
    return queue


@pytest.mark.parametrize(
    ("ahead_s", "status"),
    [
        (-1.0, TxStatus.TOO_LATE),
        (0.0, TxStatus.TOO_LATE),
        (0.0424, TxStatus.TOO_LATE),
        (0.0426, TxStatus.OK),
        (1.0, TxStatus.OK),
        (MAX_ADVANCE_S - 0.001, TxStatus.OK),
        (MAX_ADVANCE_S + 0.001, TxStatus.TOO_EARLY),
    ],
)
def test_a_frame_is_accepted_between_42_5_ms_and_512_s_ahead(
    ahead_s: float, status: TxStatus
) -> None:
    assert status is queue_with().check(NOW + ahead_s, AIRTIME_S, NOW)


@pytest.mark.parametrize(
    ("start_s", "status"),
    [
        (NOW + 4.8, TxStatus.OK),
        (NOW + 4.9, TxStatus.COLLISION_PACKET),
        (NOW + 5.0, TxStatus.COLLISION_PACKET),
        (NOW + 5.1, TxStatus.COLLISION_PACKET),
        (NOW + 5.2, TxStatus.OK),
    ],
)
def test_a_frame_keeps_its_distance_from_the_one_that_waits(
    start_s: float, status: TxStatus
) -> None:
    assert status is queue_with(NOW + 5.0).check(start_s, AIRTIME_S, NOW)


def test_a_frame_keeps_its_distance_from_the_one_on_the_air() -> None:
    queue = queue_with(NOW)
    queue.due(NOW)

    assert TxStatus.COLLISION_PACKET is queue.check(NOW + 0.14, AIRTIME_S, NOW + 0.05)
    assert TxStatus.OK is queue.check(NOW + 0.15, AIRTIME_S, NOW + 0.05)


def test_the_queue_holds_32_frames() -> None:
    full = queue_with(*(NOW + 1 + second for second in range(QUEUE_SIZE)))

    assert TxStatus.QUEUE_FULL is full.check(NOW + 100, AIRTIME_S, NOW)
    assert full.earliest_s(AIRTIME_S, NOW) is None


def test_frames_are_taken_40_ms_before_they_start_in_the_order_of_their_starts() -> (
    None
):
    queue = queue_with(NOW + 2, NOW + 1)

    assert NOW + 1 - 0.040 == queue.next_deadline()
    assert [] == queue.due(NOW + 1 - 0.041)
    assert ["at 1001.0"] == queue.due(NOW + 1 - 0.040)
    assert ["at 1002.0"] == queue.due(NOW + 2)
    assert queue.next_deadline() is None


def test_immediate_frames_go_one_after_another() -> None:
    queue = queue_with()
    starts_s = []
    for _ in range(5):
        start_s = queue.earliest_s(AIRTIME_S, NOW)
        assert start_s is not None
        queue.add(start_s, AIRTIME_S, "now")
        starts_s.append(start_s)

    gaps_s = [later - sooner for sooner, later in pairwise(starts_s)]
    assert [pytest.approx(AIRTIME_S + LEAD_S, abs=0.002)] * 4 == gaps_s


def test_an_immediate_frame_fits_between_two_that_wait() -> None:
    queue = queue_with(NOW + 0.1, NOW + 0.6)

    assert pytest.approx(NOW + 0.2 + LEAD_S, abs=0.002) == queue.earliest_s(0.2, NOW)
    assert pytest.approx(NOW + 0.7 + LEAD_S, abs=0.002) == queue.earliest_s(0.5, NOW)


@given(
    st.lists(
        st.tuples(st.floats(0, 20), st.floats(0.001, 3), st.booleans()), max_size=60
    )
)
def test_no_two_frames_overlap_whatever_is_asked(
    asked: list[tuple[float, float, bool]],
) -> None:
    queue: JitQueue[tuple[float, float]] = JitQueue()
    for ahead_s, airtime_s, immediately in asked:
        if immediately:
            start_s = queue.earliest_s(airtime_s, NOW)
        else:
            ok = queue.check(NOW + ahead_s, airtime_s, NOW) is TxStatus.OK
            start_s = NOW + ahead_s if ok else None
        if start_s is not None:
            queue.add(start_s, airtime_s, (start_s, start_s + airtime_s))

    frames = queue.due(NOW + 1_000)
    assert len(frames) <= QUEUE_SIZE
    assert all(one[1] < other[0] for one, other in pairwise(frames))
