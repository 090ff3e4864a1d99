"""Between gateways and server: lots of uplinks, judged by arrival, not by haste."""

import pytest
from tests.chirpstack_embedded.conftest import GATEWAYS, START, uplink_frame

from chirpstack_embedded.adapters.gatherer import Arrival, Gatherer, Lot
from chirpstack_embedded.core.collector import Collected, Collector, Refused

PHY_PAYLOAD = bytes.fromhex("40f17dbe4900020001954378762b11ff0d")


class Desk:
    """A gatherer without thread or clock of its own."""

    def __init__(self) -> None:
        self.now = START
        self.lots: list[Lot] = []
        collector = Collector(0.2)
        self.gatherer = Gatherer(collector, self.lots.append, clock=lambda: self.now)

    def post(self, gateway_id: str, payload: bytes = b"") -> None:
        topic = f"eu868/gateway/{gateway_id}/event/up"
        frame = uplink_frame(PHY_PAYLOAD, gateway_id).SerializeToString()
        self.gatherer.post("eu868", topic, payload or frame)

    def step(self) -> None:
        self.gatherer.step(self.gatherer._take())


@pytest.fixture
def desk() -> Desk:
    return Desk()


def collected(lot: Lot) -> Collected:
    (finding,) = lot.findings
    assert isinstance(finding, Collected)
    return finding


def test_copies_of_a_frame_are_handed_over_once_when_their_window_is_over(
    desk: Desk,
) -> None:
    for gateway_id in GATEWAYS:
        desk.post(gateway_id)
    desk.step()
    desk.now += 0.2
    desk.step()

    counted, found = desk.lots
    assert ({"up": 2}, []) == (counted.received, counted.findings)
    assert list(GATEWAYS) == [rx.gateway_id for rx in collected(found).receptions]
    assert START + 0.2 == found.at


def test_a_late_gatherer_still_puts_copies_together(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chirpstack_embedded.adapters.gatherer.LOT", 1)
    for gateway_id in GATEWAYS:
        desk.post(gateway_id)
    desk.now += 10  # it was busy for ten seconds

    desk.step()
    assert [] == desk.lots[0].findings
    desk.step()

    assert 2 == len(collected(desk.lots[1]).receptions)


def test_what_nobody_can_read_is_handed_over_as_refused(desk: Desk) -> None:
    desk.post(GATEWAYS[0], b"\xff")
    desk.step()

    (lot,) = desk.lots
    (refused,) = lot.findings
    assert isinstance(refused, Refused)
    assert ("gw", "undecodable") == (refused.what, refused.cause)


def test_a_step_in_which_nothing_happened_hands_nothing_over(desk: Desk) -> None:
    desk.gatherer.step([])

    assert [] == desk.lots


def test_an_arrival_keeps_the_instant_at_which_it_came(desk: Desk) -> None:
    desk.post(GATEWAYS[0])
    desk.now += 0.5

    (arrival,) = desk.gatherer._take()
    assert isinstance(arrival, Arrival)
    assert arrival.at == START
