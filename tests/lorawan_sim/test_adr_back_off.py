"""A device that hears nothing any more reaches further, as the table of 1.0.3 says."""

from tests.lorawan_sim.network import Virtual, joined, rx1

from lorawan_sim.events import What
from wire.lorawan.mac import LinkADRReq


def silent_city(*, data_rate: int, tx_power: int) -> Virtual:
    """A device with these settings whose next uplinks nobody answers."""
    city, script = joined()
    script.say()
    city.poke()
    settings = LinkADRReq(data_rate=data_rate, tx_power=tx_power, ch_mask=0b001)
    city.deliver(rx1(city.sent[-1], city.network.down(commands=[settings])))
    city.sent.clear()
    city.network.uplinks.clear()
    for _ in range(200):
        script.say()
        city.poke()
        city.run(until=city.now + 600)
    return city


def test_the_back_off_follows_the_table() -> None:
    city = silent_city(data_rate=1, tx_power=3)

    asks = [heard.frame.f_ctrl.adr_ack_req for heard in city.network.uplinks]
    powers = [frame.power_dbm for frame in city.sent]
    factors = [frame.spreading_factor for frame in city.sent]
    channels = [frame.frequency_hz for frame in city.sent]
    assert [False] * 64 + [True] * 96 == asks[:160]
    assert not any(asks[160:])
    assert [10] * 96 + [16] * 104 == powers
    assert [11] * 128 + [12] * 72 == factors
    assert 1 == len(set(channels[:160]))
    assert 3 == len(set(channels[160:]))


def test_every_step_is_told() -> None:
    city = silent_city(data_rate=1, tx_power=3)

    steps = [event.fact("step") for event in city.told(What.ADR_BACKED_OFF)]
    assert ["full power", "DR0", "default channels"] == steps


def test_any_downlink_ends_the_silence() -> None:
    city, script = joined()
    for number in range(70):
        script.say()
        city.poke()
        if number == 65:
            city.deliver(rx1(city.sent[-1], city.network.down(b"\x01", f_port=1)))
        city.run(until=city.now + 60)

    asks = [heard.frame.f_ctrl.adr_ack_req for heard in city.network.uplinks]
    assert [False] * 64 + [True, True] + [False] * 4 == asks
