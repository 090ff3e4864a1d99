"""Joining: in either window, with a reason when it fails, never a nonce twice."""

from dataclasses import replace

from tests.lorawan_sim.network import (
    CARD,
    FAR,
    NOON,
    Network,
    Virtual,
    new_device,
    rx1,
    rx2,
)

from lorawan_sim.events import What
from wire.lorawan.join import JoinRequest
from wire.lorawan.keys import Key
from wire.lorawan.region.eu868 import EU868


def joining(network: Network) -> Virtual:
    device, _ = new_device()
    city = Virtual(device, network)
    device.join(NOON)
    return city


def test_a_device_joins_in_rx1() -> None:
    city = joining(Network())

    city.run(until=NOON + 10)

    assert ["RX1"] == [event.fact("slot") for event in city.told(What.JOINED)]


def test_a_device_joins_in_rx2() -> None:
    city = joining(Network(join_slot=2))

    city.run(until=NOON + 10)

    assert ["RX2"] == [event.fact("slot") for event in city.told(What.JOINED)]


def test_the_first_request_leaves_in_a_default_channel_when_told_to_join() -> None:
    city = joining(Network(answers_joins=False))

    city.run(until=NOON)

    (request,) = city.sent
    assert request.frequency_hz in {it.frequency_hz for it in EU868.default_channels}
    assert request.start_s == NOON
    assert JoinRequest.parse(request.phy_payload).verify(CARD.app_key)


def test_an_accept_with_a_wrong_mic_is_ignored_and_named_as_the_reason() -> None:
    city = joining(Network(app_key=Key(bytes(16))))

    city.run(until=NOON + 10)

    assert not city.device.joined
    assert "wrong MIC" in str(city.told(What.JOIN_FAILED)[0].fact("reason"))


def test_silence_is_the_reason_when_nothing_was_heard() -> None:
    city = joining(Network(answers_joins=False))

    city.run(until=NOON + 10)

    reason = str(city.told(What.JOIN_FAILED)[0].fact("reason"))
    assert reason.startswith("no downlink heard in RX1 (868")
    assert "RX2 (869.525 MHz SF12)" in reason


def test_an_accept_beside_the_window_is_not_heard_and_its_lateness_is_measured() -> (
    None
):
    city = joining(Network(answers_joins=False))
    city.run(until=NOON)
    phy = Network().hear(city.sent[0])[0].phy_payload

    city.deliver(rx1(city.sent[0], phy, 5.2))
    city.run(until=NOON + 10)

    assert not city.device.joined
    reason = str(city.told(What.JOIN_FAILED)[0].fact("reason"))
    assert "a downlink came 200 ms after RX1 opened" in reason


def test_somebody_elses_accept_beside_the_window_is_no_reason() -> None:
    city = joining(Network(answers_joins=False))
    city.run(until=NOON)
    theirs = bytes([0x20]) + bytes(32)

    city.deliver(rx1(city.sent[0], theirs, 5.2))
    city.run(until=NOON + 10)

    reason = str(city.told(What.JOIN_FAILED)[0].fact("reason"))
    assert reason.startswith("no downlink heard in RX1")


def test_an_accept_that_is_too_weak_is_not_heard() -> None:
    city = joining(Network(answers_joins=False))
    city.run(until=NOON)
    phy = Network().hear(city.sent[0])[0].phy_payload

    city.deliver(rx2(city.sent[0], phy, 6.0), FAR)
    city.run(until=NOON + 10)

    assert "RX2 was too weak" in str(city.told(What.JOIN_FAILED)[0].fact("reason"))


def test_requests_slow_down_and_pace_themselves() -> None:
    city = joining(Network(answers_joins=False))

    city.run(until=NOON + 900)

    factors = [frame.spreading_factor for frame in city.sent]
    assert [7, 7, 8, 8, 9, 9] == factors[:6]
    nonces = city.network.dev_nonces
    assert list(range(len(nonces))) == nonces


def test_the_air_time_of_requests_keeps_the_caps_of_the_specification() -> None:
    city = joining(Network(answers_joins=False))

    city.run(until=NOON + 35 * 3600)

    def spent(since_h: float, until_h: float) -> float:
        start, end = NOON + since_h * 3600, NOON + until_h * 3600
        return sum(f.airtime_s for f in city.sent if start <= f.start_s < end)

    assert 15 < spent(0, 1) <= 36
    assert 30 < spent(1, 11) <= 36
    assert 6 < spent(11, 35) <= 8.7
    assert city.told(What.JOIN_WAITS)


def test_a_nonce_is_never_used_again_after_a_restart() -> None:
    network = Network(answers_joins=False)
    city = joining(network)
    city.run(until=NOON + 100)
    flash = city.device.record()

    device, _ = new_device(dev_nonce=flash.dev_nonce)
    later = Virtual(device, network, now=NOON + 200)
    device.join(NOON + 200)
    later.run(until=NOON + 300)

    assert len(set(network.dev_nonces)) == len(network.dev_nonces)


def test_the_nonce_counts_as_changed_flash_before_the_request_is_handed_out() -> None:
    device, _ = new_device()
    device.join(NOON)

    device.tick(NOON)

    assert device.take_unsaved()
    assert device.record().dev_nonce == 1
    assert device.transmissions()


def test_a_device_whose_nonces_are_all_used_says_so_and_stays_silent() -> None:
    device, _ = new_device(dev_nonce=65536)
    city = Virtual(device)
    device.join(NOON)

    city.run(until=NOON + 100)

    assert [] == city.sent
    assert "all 65536" in str(city.told(What.JOIN_FAILED)[0].fact("reason"))


def test_same_seed_same_requests_and_another_seed_other_channels() -> None:
    def requests(seed: int) -> list[tuple[bytes, int, float]]:
        device, _ = new_device(seed=seed)
        city = Virtual(device, Network(answers_joins=False))
        device.join(NOON)
        city.run(until=NOON + 300)
        return [(f.phy_payload, f.frequency_hz, f.start_s) for f in city.sent]

    assert requests(1) == requests(1)
    assert requests(1) != requests(2)


def test_a_device_far_away_is_told_apart_by_its_card() -> None:
    device, _ = new_device(card=replace(CARD, latitude=44.0))
    city = Virtual(device)
    device.join(NOON)

    city.run(until=NOON)

    assert (44.0, CARD.dev_eui) == (city.sent[0].latitude, city.sent[0].sender)
