"""Whatever comes down, a device goes on."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.lorawan_sim.network import (
    CARD,
    CLASS_A,
    CLASS_C,
    NEAR,
    NOON,
    Network,
    joined,
    new_device,
    rx1,
    transmission,
)

from lorawan_sim.card import Profile
from lorawan_sim.device import Device
from wire.air import AirFrame

PROFILES = st.sampled_from([CLASS_A, CLASS_C])


def survives(device: Device, frame: AirFrame) -> None:
    device.receive(frame, NEAR, frame.start_s)
    device.tick(frame.end_s + 10)
    device.next_deadline()
    device.record()
    device.transmissions()
    device.events()


@given(phy=st.binary(max_size=255))
def test_octets_in_the_window_of_a_join_harm_nobody(phy: bytes) -> None:
    device, _ = new_device()
    device.join(NOON)
    device.tick(NOON)
    (request,) = device.transmissions()

    survives(device, rx1(request, phy, 5.0))

    assert not device.joined


@given(phy=st.binary(max_size=255), profile=PROFILES)
def test_octets_in_a_window_harm_nobody(phy: bytes, profile: Profile) -> None:
    city, script = joined(profile)
    script.say()
    city.poke()

    survives(city.device, rx1(city.sent[-1], phy))

    assert [] == script.inbox


@given(phy=st.binary(max_size=250))
def test_octets_under_our_own_address_harm_nobody(phy: bytes) -> None:
    city, script = joined(CLASS_C)
    crypto = city.network.crypto
    assert crypto is not None

    survives(
        city.device,
        transmission(
            b"\x60" + crypto.dev_addr.to_le() + phy, NOON + 50, 869_525_000, 12
        ),
    )

    assert [] == script.inbox


@given(
    block=st.binary(max_size=60),
    more=st.lists(st.binary(max_size=30), max_size=3),
)
def test_authentic_commands_of_any_octets_leave_a_device_that_can_speak(
    block: bytes, more: list[bytes]
) -> None:
    city, script = joined(CLASS_A, Network())
    for octets in (block, *more):
        script.say()
        city.poke()
        if not city.sent:
            return
        phy = city.network.down(octets, f_port=0)
        survives(city.device, rx1(city.sent[-1], phy))
        city.now += 20
    session = city.device.session
    assert session is not None
    assert session.usable(session.data_rate)
    assert 1 <= session.rx1_delay_s <= 15


@given(latitude=st.floats(-90, 90), longitude=st.floats(-180, 180))
def test_a_device_can_hang_anywhere(latitude: float, longitude: float) -> None:
    device, _ = new_device(card=replace(CARD, latitude=latitude, longitude=longitude))
    device.join(NOON)

    device.tick(NOON)

    assert 1 == len(device.transmissions())
