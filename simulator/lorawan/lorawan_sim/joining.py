"""How a device joins: attempts, their pace, and why one failed."""

from random import Random

from lorawan_sim.activation import root_key
from lorawan_sim.airtime_budget import JoinAirtime
from lorawan_sim.antenna import Antenna, Wait
from lorawan_sim.card import Card
from lorawan_sim.plan import default_channels, join_data_rates
from lorawan_sim.session import Channel
from lorawan_sim.transceiver import Order, tuning
from wire.lorawan.join import JoinRequest
from wire.lorawan.region import Region
from wire.lorawan.region.fixed import BANK_SIZE, BANKS, NARROW_CHANNELS

LAST_DEV_NONCE = 0xFFFF
_ATTEMPTS_PER_DATA_RATE = 2
_SHORTEST_PAUSE_S = 5.0
# Pauses grow to a minute, so that a device just provisioned is soon in; after a
# quarter of an hour of silence nobody is waiting, and air time is better saved.
_LONGEST_PAUSE_S = 60.0
_PATIENT_ATTEMPTS = 20
_LONGEST_LATER_S = 240.0


class Joining:
    """
    The attempts of one power-up to get a session.

    The data rate steps down every second attempt, so that a far device is
    heard in the end; the pause between attempts grows and is random, so that
    a city after a power cut does not answer in step.
    """

    __slots__ = (
        "_airtime",
        "_dice",
        "_first_bank",
        "_notes",
        "_region",
        "attempt",
        "starts_at",
        "used_data_rate",
    )

    def __init__(self, starts_at: float, region: Region, dice: Random) -> None:
        self._region = region
        self._dice = dice
        self._notes: list[str] = []
        self._airtime = JoinAirtime(starts_at)
        self.attempt = 0
        self.used_data_rate = 0
        self.starts_at = starts_at
        self._first_bank = dice.randrange(BANKS) if region.fixed_channels else 0

    def order(self, card: Card, dev_nonce: int) -> Order:
        """The next join-request; its windows are the region's, not a session's."""
        region = self._region
        request = JoinRequest.sealed(
            root_key(card),
            join_eui=card.join_eui,
            dev_eui=card.dev_eui,
            dev_nonce=dev_nonce,
        )
        return Order(
            phy_payload=bytes(request),
            data_rate=self._data_rate(),
            power_dbm=region.max_eirp_dbm,
            rx1_delay_s=region.join_accept_delay1_s,
            rx1_dr_offset=0,
            rx2=tuning(region, region.rx2_data_rate, region.rx2_frequency_hz),
        )

    def _data_rate(self) -> int:
        rates = join_data_rates(self._region)
        if self._region.fixed_channels:
            narrow, wide = rates
            return wide if self._bank() == BANKS else narrow
        steps = self.attempt // _ATTEMPTS_PER_DATA_RATE
        return rates[-1 - steps % len(rates)]

    def _bank(self) -> int:
        """
        Which sub-band of a fixed plan this attempt tries; after the last, a wide one.

        A network listens to few of the 72 channels: nine attempts find any sub-band
        (RP002-1.0.4 §2.5.2). Each device begins somewhere else.
        """
        return (self._first_bank + self.attempt) % (BANKS + 1)

    def _channels(self) -> list[Channel]:
        known = [it for it in default_channels(self._region) if it is not None]
        if not self._region.fixed_channels:
            return known
        number = self._bank()
        if number == BANKS:
            return known[NARROW_CHANNELS:]
        return known[number * BANK_SIZE : (number + 1) * BANK_SIZE]

    def choose(self, antenna: Antenna, airtime_s: float, now: float) -> Channel | Wait:
        """A default channel, or how long the duty cycle or the back-off forbids."""
        free_at = self._airtime.free_at(airtime_s, now)
        if free_at > now:
            return Wait(until=free_at, reason=_spent(free_at - now))
        return antenna.choose(self._channels(), airtime_s, now)

    def begin(self, data_rate: int, airtime_s: float, now: float) -> None:
        """Count an attempt that starts now."""
        self._airtime.spend(airtime_s, now)
        self._notes.clear()
        self.attempt += 1
        self.used_data_rate = data_rate

    def _rounds(self) -> int:
        """Attempts that could have been heard: in a fixed plan, one in nine."""
        if self._region.fixed_channels:
            return 1 + self.attempt // (BANKS + 1)
        return self.attempt

    def note(self, reason: str) -> None:
        """Remember what was measured while waiting for the accept."""
        if reason not in self._notes:
            self._notes.append(reason)

    def fail(self, nothing_heard: str, now: float) -> str:
        """Plan the next attempt; say why this one failed."""
        patient = self.attempt <= _PATIENT_ATTEMPTS
        most = _LONGEST_PAUSE_S if patient else _LONGEST_LATER_S
        longest = min(_SHORTEST_PAUSE_S * 2.0 ** min(self._rounds(), 6), most)
        self.starts_at = now + self._dice.uniform(_SHORTEST_PAUSE_S, longest)
        return "; ".join(self._notes) or nothing_heard


def _spent(wait_s: float) -> str:
    return f"air time for join-requests is used up, free in {wait_s:.0f} s"
