"""How much air time a device may still use: duty cycle, and the caps on joining."""

from array import array

HOUR_S = 3600.0
# Spends closer together than this share one entry, so an hour costs at most
# a hundred entries. The entry leaves the hour when its youngest spend does:
# the coarseness can only make a device wait longer, never too short.
_GRAIN_S = 36.0
_FIELDS = 3  # first_at, last_at, airtime_s
_ROUNDING_S = 1e-9


class AirtimeBudget:
    """
    Air time within a sliding hour.

    EU868 counts it per sub-band (36 s at 1 %); DutyCycleReq adds one over all
    of them (LoRaWAN 1.0.3 §5.3).
    """

    __slots__ = ("_entries", "_spent_s", "limit_s")

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._entries = array("d")
        self._spent_s = 0.0  # the sum of the entries, counted anew when one leaves

    def spend(self, airtime_s: float, at: float) -> None:
        """Count a transmission that starts at `at`."""
        entries = self._entries
        if entries and entries[1] + HOUR_S <= at:
            self._forget(at)
        self._spent_s += airtime_s
        if entries and at - entries[-_FIELDS] < _GRAIN_S:
            entries[-2] = max(at, entries[-2])
            entries[-1] += airtime_s
        else:
            entries.extend((at, at, airtime_s))

    def free_at(self, airtime_s: float, now: float) -> float:
        """When `airtime_s` can be sent: `now`, later, or infinity (never)."""
        if airtime_s > self.limit_s + _ROUNDING_S:
            return float("inf")
        entries = self._entries
        if entries and entries[1] + HOUR_S <= now:
            self._forget(now)
        excess = self._spent_s + airtime_s - self.limit_s
        return now if excess <= _ROUNDING_S else self._when_freed(excess)

    def spent_s(self, now: float) -> float:
        """Air time counted in the hour before `now`."""
        self._forget(now)
        return self._spent_s

    def _when_freed(self, excess: float) -> float:
        entries = self._entries
        for index in range(0, len(entries), _FIELDS):
            excess -= entries[index + 2]
            if excess <= _ROUNDING_S:
                return entries[index + 1] + HOUR_S
        return float("inf")

    def _forget(self, now: float) -> None:
        entries = self._entries
        gone = 0
        while gone < len(entries) and entries[gone + 1] + HOUR_S <= now:
            gone += _FIELDS
        del entries[:gone]
        self._spent_s = sum(entries[2::_FIELDS])


# LoRaWAN 1.0.3 §7: retransmission back-off. (end of the period in seconds
# after the first attempt, air time allowed within it); then 8.7 s every 24 h.
_JOIN_PERIODS = ((HOUR_S, 36.0), (11 * HOUR_S, 36.0))
_DAY_S = 24 * HOUR_S
_DAILY_S = 8.7


class JoinAirtime:
    """Air time spent on join-requests since the first one of this power-up."""

    __slots__ = ("_period", "_since", "_spent_s")

    def __init__(self, since: float) -> None:
        self._since = since
        self._period = 0
        self._spent_s = 0.0

    def spend(self, airtime_s: float, at: float) -> None:
        """Count a join-request that starts at `at`."""
        self._enter(at)
        self._spent_s += airtime_s

    def free_at(self, airtime_s: float, now: float) -> float:
        """When the next join-request may start: `now` or the next period."""
        self._enter(now)
        if self._spent_s + airtime_s <= _cap(self._period) + _ROUNDING_S:
            return now
        return self._since + _end(self._period)

    def _enter(self, now: float) -> None:
        while now >= self._since + _end(self._period):
            self._period += 1
            self._spent_s = 0.0


def _end(period: int) -> float:
    if period < len(_JOIN_PERIODS):
        return _JOIN_PERIODS[period][0]
    return _JOIN_PERIODS[-1][0] + (period - len(_JOIN_PERIODS) + 1) * _DAY_S


def _cap(period: int) -> float:
    return _JOIN_PERIODS[period][1] if period < len(_JOIN_PERIODS) else _DAILY_S
