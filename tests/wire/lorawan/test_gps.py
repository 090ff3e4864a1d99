from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from wire.lorawan.gps import gps_from_unix, unix_from_gps


@given(st.integers(315_964_800, 4_000_000_000))
def test_the_way_back_is_exact(unix_s: int) -> None:
    assert unix_s == unix_from_gps(gps_from_unix(unix_s))


def test_gps_has_been_eighteen_seconds_ahead_since_2017() -> None:
    unix_s = datetime(2026, 9, 14, tzinfo=UTC).timestamp()

    assert 18 == gps_from_unix(unix_s) - (unix_s - 315_964_800)
