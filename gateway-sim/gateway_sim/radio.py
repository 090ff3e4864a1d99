"""
The city's gateways and the air they share, without a socket or a clock.

Put devices' frames in with ``transmit`` and the server's requests with ``request``;
call ``tick`` at ``next_deadline``; take what came out.
"""

from collections.abc import Iterable

from gateway_sim.gateway import Downlink, Gateway, TxAck, Uplink
from gateway_sim.medium import Medium, Outcome
from wire.air import AirFrame
from wire.eui64 import EUI64


class Radio:
    """Every gateway of the city, joined to the medium."""

    def __init__(self, medium: Medium, gateways: Iterable[Gateway]) -> None:
        self.gateways = {gateway.place.gateway_id: gateway for gateway in gateways}
        self._medium = medium
        self._outcomes: list[tuple[Outcome, tuple[Uplink, ...]]] = []
        self._transmissions: list[AirFrame] = []
        self._programs_at: float | None = None  # the first frame that waits

    def transmit(self, frame: AirFrame) -> None:
        """Put a device's frame on the air."""
        self._medium.transmit(frame)

    def request(self, gateway_id: EUI64, downlink: Downlink, now: float) -> TxAck:
        """Ask one gateway to send; the answer says what it decided."""
        ack = self.gateways[gateway_id].request(downlink, now)
        self._look_ahead()
        return ack

    def tick(self, now: float) -> None:
        """Program the frames that are due and judge those that have ended."""
        for gateway in self.gateways.values():
            for frame in gateway.transmissions(now):
                if self._medium.emit(frame):
                    self._transmissions.append(frame)
        self._look_ahead()
        self._medium.tick(now)
        for outcome in self._medium.outcomes():
            self._outcomes.append((outcome, self._heard(outcome)))

    def outcomes(self) -> list[tuple[Outcome, tuple[Uplink, ...]]]:
        """What became of each frame, with one uplink per gateway, drained."""
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    def transmissions(self) -> list[AirFrame]:
        """The downlinks that go on the air, drained; each starts at its ``start_s``."""
        transmissions, self._transmissions = self._transmissions, []
        return transmissions

    def next_deadline(self) -> float | None:
        """When to call ``tick`` next; None when nothing is in the air or waiting."""
        ends_at, programs_at = self._medium.next_deadline(), self._programs_at
        if ends_at is None or programs_at is None:
            return programs_at if ends_at is None else ends_at
        return min(ends_at, programs_at)

    def _look_ahead(self) -> None:
        waiting = [gateway.next_deadline() for gateway in self.gateways.values()]
        self._programs_at = min((at for at in waiting if at is not None), default=None)

    def _heard(self, outcome: Outcome) -> tuple[Uplink, ...]:
        return tuple(
            self.gateways[reception.gateway_id].hear(outcome.frame, reception)
            for reception in outcome.receptions
        )
