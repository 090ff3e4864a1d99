"""From the 16 bits of the air to the 32 bits of a counter, on either side."""

MAX_F_CNT_GAP = 16384
_LOW = 0xFFFF
_FULL = 0xFFFFFFFF


def full_f_cnt_up(next_expected: int, f_cnt_16: int) -> int:
    """
    Return the full uplink counter, as ChirpStack's server reckons it.

    ``next_expected`` is one more than the last accepted counter. The last value
    itself is recognised as a repetition; anything else lies ahead. The MIC decides.
    """
    ahead = (f_cnt_16 - next_expected) & _LOW
    if ahead == _LOW and next_expected:
        return next_expected - 1
    return (next_expected + ahead) & _FULL


def full_f_cnt_down(last: int | None, f_cnt_16: int) -> int:
    """
    Return the full downlink counter a device reckons, at or after ``last``.

    ``last`` is the last accepted counter of the session, None before the first.
    The same value comes back as ``last``: the device rejects it as a replay.
    """
    if last is None:
        return f_cnt_16
    return last + ((f_cnt_16 - last) & _LOW)


def accepts_f_cnt_down(
    last: int | None, f_cnt: int, *, max_gap: int | None = MAX_F_CNT_GAP
) -> bool:
    """
    Whether a device takes a downlink with this full counter, its MIC being right.

    1.0.3 and before refuse a gap of MAX_FCNT_GAP or more; 1.0.4 has none (None).
    """
    if last is None:
        return max_gap is None or f_cnt < max_gap
    return 0 < f_cnt - last and (max_gap is None or f_cnt - last < max_gap)
