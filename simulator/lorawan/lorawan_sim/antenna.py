"""Which channel a frame leaves on, and when the law lets it leave."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from lorawan_sim.airtime_budget import HOUR_S, AirtimeBudget
from lorawan_sim.session import Channel
from wire.lorawan.region import Region, SubBand


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Not now: when at the earliest, and why."""

    until: float
    reason: str


# A frequency outside every sub-band may not be used at all.
_NOWHERE = SubBand(low_hz=0, high_hz=0, duty_cycle=0.0, max_erp_dbm=0.0)


class Antenna:
    """
    One device's transmitter under the duty cycle.

    A channel whose sub-band has no air time left is not used; if none is
    left, the answer is a `Wait` that names the sub-bands.
    """

    __slots__ = ("_aggregate", "_budgets", "_dice", "_known", "_region")

    def __init__(self, region: Region, dice: Random) -> None:
        self._region = region
        self._dice = dice
        self._budgets: dict[int, AirtimeBudget] = {}  # by frequency, shared in a band
        self._aggregate: AirtimeBudget | None = None
        self._known: tuple[Sequence[Channel], tuple[AirtimeBudget, ...]] = ((), ())

    def limit(self, max_duty_cycle: int) -> None:
        """Obey DutyCycleReq: 1/2^n of the time over all sub-bands, 0 is no limit."""
        limit_s = HOUR_S / 2**max_duty_cycle
        if max_duty_cycle == 0:
            self._aggregate = None
        elif self._aggregate is None:
            self._aggregate = AirtimeBudget(limit_s)
        else:
            self._aggregate.limit_s = limit_s

    def choose(
        self, channels: Sequence[Channel], airtime_s: float, now: float
    ) -> Channel | Wait:
        """A random channel among those that may carry this air time now."""
        if self._aggregate is None and self._all_free(channels, airtime_s, now):
            return self._dice.choice(channels)
        budgets = [self._budget(channel) for channel in channels]
        free_at = {it: self._free_at(it, airtime_s, now) for it in set(budgets)}
        ready = [
            channel
            for channel, budget in zip(channels, budgets, strict=True)
            if free_at[budget] <= now
        ]
        if ready:
            return self._dice.choice(ready)
        until = min(free_at.values(), default=float("inf"))
        return Wait(until=until, reason=self._why(channels, until - now))

    def spend(self, channel: Channel, airtime_s: float, at: float) -> None:
        """Count a transmission."""
        self._budget(channel).spend(airtime_s, at)
        if self._aggregate is not None:
            self._aggregate.spend(airtime_s, at)

    def _all_free(
        self, channels: Sequence[Channel], airtime_s: float, now: float
    ) -> bool:
        """Whether no channel has to wait: the usual case, decided at once."""
        known, budgets = self._known
        if known is not channels:
            budgets = tuple({self._budget(channel) for channel in channels})
            self._known = (channels, budgets)
        for budget in budgets:
            if budget.free_at(airtime_s, now) > now:
                return False
        return bool(channels)

    def _free_at(self, budget: AirtimeBudget, airtime_s: float, now: float) -> float:
        at = budget.free_at(airtime_s, now)
        if self._aggregate is None:
            return at
        return max(at, self._aggregate.free_at(airtime_s, now))

    def _budget(self, channel: Channel) -> AirtimeBudget:
        budget = self._budgets.get(channel.frequency_hz)
        return self._new_budget(channel) if budget is None else budget

    def _new_budget(self, channel: Channel) -> AirtimeBudget:
        """The budget of the channel's sub-band, found by its frequency from now on."""
        band = self._band(channel)
        budget = next(
            (found for hz, found in self._budgets.items() if band.holds(hz)),
            AirtimeBudget(HOUR_S * band.duty_cycle),
        )
        self._budgets[channel.frequency_hz] = budget
        return budget

    def _band(self, channel: Channel) -> SubBand:
        band = self._region.sub_band(channel.frequency_hz)
        return _NOWHERE if band is None else band

    def _why(self, channels: Sequence[Channel], wait_s: float) -> str:
        bands = {self._band(channel) for channel in channels}
        names = ", ".join(
            f"{band.low_hz / 1e6:g}-{band.high_hz / 1e6:g} MHz"
            for band in sorted(bands, key=lambda band: band.low_hz)
        )
        return f"duty cycle of {names} is used up, free in {wait_s:.0f} s"
