"""Frame counters have 32 bits, go up only, and survive a restart."""

import pytest
from tests.lorawan_sim.network import (
    CARD,
    CLASS_A,
    NOON,
    Network,
    Script,
    Virtual,
    joined,
    new_device,
    rx1,
)

from lorawan_sim.card import Profile
from lorawan_sim.device import Device
from lorawan_sim.events import What
from lorawan_sim.plan import personalised
from lorawan_sim.session import Session
from wire.lorawan.ids import DevAddr
from wire.lorawan.keys import Key
from wire.lorawan.mac import LinkADRReq, NewChannelReq
from wire.lorawan.region.eu868 import EU868
from wire.lorawan.session import Session as Crypto


def session_of(city: Virtual) -> Session:
    session = city.device.session
    assert session is not None
    return session


def hear(city: Virtual, script: Script, f_cnt: int) -> bool:
    """Whether a downlink with this counter reaches the application."""
    script.say()
    city.poke()
    before = len(script.inbox)
    phy = city.network.down(b"\x01", f_port=3, f_cnt=f_cnt)
    city.deliver(rx1(city.sent[-1], phy))
    city.run(until=city.now + 10)
    return len(script.inbox) > before


def test_the_uplink_counter_goes_on_beyond_16_bits() -> None:
    city, script = joined()
    session_of(city).f_cnt_up = 0xFFFE
    city.network.f_cnt_up = 0xFFFE
    for _ in range(4):
        script.say()
        city.poke()
        city.run(until=city.now + 10)

    counters = [heard.f_cnt for heard in city.network.uplinks]
    assert [0xFFFE, 0xFFFF, 0x10000, 0x10001] == counters


def test_the_downlink_counter_goes_on_beyond_16_bits() -> None:
    city, script = joined()
    session_of(city).f_cnt_down = 0xFFFE

    assert hear(city, script, 0xFFFF)
    assert hear(city, script, 0x10000)
    assert 0x10000 == session_of(city).f_cnt_down


@pytest.mark.parametrize("replayed", [5, 4, 0])
def test_a_replayed_or_older_downlink_is_refused(replayed: int) -> None:
    city, script = joined()
    assert hear(city, script, 5)

    assert not hear(city, script, replayed)

    assert "after 5" in str(city.told(What.DOWNLINK_DROPPED)[0].fact("reason"))
    assert hear(city, script, 6)


def test_before_1_0_4_a_counter_may_not_jump_by_the_gap() -> None:
    city, script = joined()
    assert hear(city, script, 5)

    assert not hear(city, script, 5 + 16384)
    assert hear(city, script, 5 + 16383)


def test_since_1_0_4_a_counter_may_jump() -> None:
    city, script = joined(Profile(region=EU868, mac_version="1.0.4"))
    assert hear(city, script, 5)

    assert hear(city, script, 5 + 20000)


def test_a_downlink_with_a_wrong_mic_is_dropped_and_told() -> None:
    city, script = joined()
    script.say()
    city.poke()
    phy = bytearray(city.network.down(b"\x01", f_port=3))
    phy[-1] ^= 1

    city.deliver(rx1(city.sent[-1], bytes(phy)))

    assert [] == script.inbox
    assert "MIC is wrong" in str(city.told(What.DOWNLINK_DROPPED)[0].fact("reason"))


def test_a_downlink_for_another_address_is_nobodys_business() -> None:
    city, script = joined()
    script.say()
    city.poke()
    other = Crypto(
        dev_addr=DevAddr(b"\x09\x09\x09\x09"),
        nwk_s_key=Key(bytes(16)),
        app_s_key=Key(bytes(16)),
    )

    city.deliver(rx1(city.sent[-1], other.downlink(f_cnt=0)))

    assert [] == city.told(What.DOWNLINK_DROPPED)


def test_a_restart_goes_on_with_the_session_in_flash() -> None:
    city, script = joined()
    script.say()
    city.poke()
    city.deliver(
        rx1(
            city.sent[-1],
            city.network.down(
                commands=[
                    LinkADRReq(data_rate=3, tx_power=2, ch_mask=0b111),
                    NewChannelReq(
                        ch_index=9, frequency_hz=865_300_000, max_dr=5, min_dr=0
                    ),
                ]
            ),
        )
    )
    flash = city.device.record()
    assert flash.session is not None

    device, script = new_device(
        dev_nonce=flash.dev_nonce, session=Session.from_json(flash.session)
    )
    later = Virtual(device, city.network, now=NOON + 1000)
    device.join(NOON + 1000)
    script.say()
    later.run(until=NOON + 1000)
    later.poke()

    assert [NOON + 1000] == script.joins
    assert [0, 1] == [heard.f_cnt for heard in city.network.uplinks]
    assert flash == device.record()._replace(session=flash.session)
    assert 9 == later.sent[0].spreading_factor
    assert later.told(What.RESUMED)


def test_flash_survives_its_text_form() -> None:
    city, _ = joined()
    text = session_of(city).to_json()

    assert text == Session.from_json(text).to_json()


def test_a_new_session_starts_its_counters_and_answers_anew() -> None:
    city, script = joined()
    assert hear(city, script, 7)
    device, _ = new_device(dev_nonce=city.device.record().dev_nonce)
    again = Virtual(device, city.network, now=NOON + 1000)
    device.join(NOON + 1000)

    again.run(until=NOON + 1020)

    assert device.session is not None
    assert (0, None) == (device.session.f_cnt_up, device.session.f_cnt_down)


def test_a_personalised_device_speaks_without_joining() -> None:
    crypto = Crypto(
        dev_addr=DevAddr(b"\x01\x02\x03\x04"),
        nwk_s_key=Key(bytes(16)),
        app_s_key=Key(bytes(range(16))),
    )
    script = Script()
    device = Device(CARD, script, CLASS_A, session=personalised(crypto, EU868))
    city = Virtual(device, Network(crypto=crypto))
    device.join(NOON)
    script.say(b"\x05")

    city.run(until=NOON)
    city.poke()

    assert [b"\x05"] == [heard.payload for heard in city.network.uplinks]
