"""A class B device: it asks the time, finds the beacon, and listens in its slots."""

from typing import Any

import pytest
from tests.lorawan_sim.network import (
    CLASS_A,
    NEAR,
    NOON,
    Heard,
    Network,
    Script,
    Virtual,
    new_device,
    rx1,
    transmission,
)

from lorawan_sim.card import Profile
from lorawan_sim.events import What
from lorawan_sim.fleet import Fleet
from lorawan_sim.groups import Hours, Membership
from wire.air import AirFrame
from wire.lorawan.beacon import Beacon
from wire.lorawan.class_b import BEACON_DELAY_S, beacon_airtime_s, next_ping_slot_ms
from wire.lorawan.gps import gps_from_unix, unix_from_gps
from wire.lorawan.ids import DevAddr
from wire.lorawan.keys import Key
from wire.lorawan.mac import (
    BeaconFreqReq,
    DeviceTimeAns,
    DeviceTimeReq,
    PingSlotChannelReq,
    PingSlotInfoAns,
    PingSlotInfoReq,
    parse_block,
)
from wire.lorawan.mhdr import Direction
from wire.lorawan.multicast import mc_session_keys
from wire.lorawan.region.eu868 import EU868
from wire.lorawan.session import Session as Crypto

PERIODICITY = 4
CLASS_B = Profile(region=EU868, class_b=True, ping_periodicity=PERIODICITY)
SLOTS = 1 << (7 - PERIODICITY)


def beacon(gps_s: int, *, late_s: float = 0.0, broken: bool = False) -> AirFrame:
    plan = EU868.class_b
    assert plan is not None
    octets = bytearray(Beacon(gps_seconds=gps_s).octets(plan))
    octets[3] ^= broken
    frame = transmission(bytes(octets), NOON, 869_525_000, 9)
    return AirFrame(
        phy_payload=bytes(octets),
        frequency_hz=869_525_000,
        spreading_factor=9,
        bandwidth_hz=125_000,
        power_dbm=29,
        iq_inverted=False,
        start_s=unix_from_gps(gps_s) + BEACON_DELAY_S + late_s,
        airtime_s=beacon_airtime_s(len(octets), 9, 125_000),
        sender=frame.sender,
        latitude=43.6,
        longitude=1.44,
    )


def next_beacon(now: float) -> int:
    return (int(gps_from_unix(now)) // 128 + 1) * 128


def answers(network: Network, *, wrong_by_s: float = 0.0) -> Any:
    """Answer DeviceTimeReq and PingSlotInfoReq, as a server does."""

    def answer(heard: Heard) -> list[AirFrame]:
        asked = parse_block(heard.frame.f_opts, Direction.UP).commands
        commands: list[Any] = []
        if any(isinstance(one, DeviceTimeReq) for one in asked):
            gps_s = gps_from_unix(heard.air.end_s) + wrong_by_s
            fraction = int(gps_s % 1 * 256)
            commands.append(
                DeviceTimeAns(gps_seconds=int(gps_s), fraction_256=fraction)
            )
        if any(isinstance(one, PingSlotInfoReq) for one in asked):
            commands.append(PingSlotInfoAns())
        return [rx1(heard.air, network.down(commands=commands))] if commands else []

    return answer


def told_the_time(**other: Any) -> tuple[Virtual, Script]:
    device, script = new_device(CLASS_B)
    city = Virtual(device)
    city.answer = answers(city.network, **other)
    device.join(NOON)
    city.run(until=NOON + 20)
    script.say()
    city.poke()
    city.run(until=city.now + 5)
    return city, script


def hear(city: Virtual, frame: AirFrame) -> None:
    """Hand over a frame as the fleet does: caught at its start, heard at its end."""
    city.run(until=frame.start_s)
    if city.device.catch(frame, NEAR):
        city.run(until=frame.end_s - 0.001)
        city.device.receive(frame, NEAR, frame.end_s)
    city._carry()


def locked() -> tuple[Virtual, Script]:
    city, script = told_the_time()
    hear(city, beacon(next_beacon(city.now)))
    assert 1 == len(city.told(What.BEACON_LOCKED))
    city.events.clear()
    return city, script


def ping(city: Virtual, *, number: int = 0, late_s: float = 0.0) -> AirFrame:
    assert city.network.crypto is not None
    gps_ms = round(gps_from_unix(city.now + 1) * 1000)
    slot_ms = next_ping_slot_ms(gps_ms, city.network.crypto.dev_addr, SLOTS)
    phy = city.network.down(bytes((number,)), f_port=7)
    return transmission(phy, unix_from_gps(slot_ms / 1000) + late_s, 869_525_000, 9)


def class_b_bit(city: Virtual, script: Script) -> bool:
    script.say()
    city.poke()
    city.run(until=city.now + 5)
    return city.network.uplinks[-1].frame.f_ctrl.class_b


def test_it_asks_for_the_time_and_says_how_often_it_listens() -> None:
    city, _ = told_the_time()

    asked = parse_block(city.network.uplinks[0].frame.f_opts, Direction.UP).commands
    assert (DeviceTimeReq(), PingSlotInfoReq(periodicity=PERIODICITY)) == asked


def test_the_beacon_makes_it_class_b_and_its_uplinks_say_so() -> None:
    city, script = told_the_time()
    before = class_b_bit(city, script)

    hear(city, beacon(next_beacon(city.now)))

    assert (False, True) == (before, class_b_bit(city, script))


def test_a_time_a_third_of_a_second_wrong_is_good_enough_to_find_it() -> None:
    city, _ = told_the_time(wrong_by_s=0.35)

    hear(city, beacon(next_beacon(city.now)))

    assert 1 == len(city.told(What.BEACON_LOCKED))


def test_a_broken_beacon_is_none() -> None:
    city, _ = told_the_time()

    hear(city, beacon(next_beacon(city.now), broken=True))

    assert [] == city.told(What.BEACON_LOCKED)


def test_it_hears_a_frame_in_its_ping_slot() -> None:
    city, script = locked()

    for number in range(3):
        hear(city, ping(city, number=number))

    assert [(7, b"\x00"), (7, b"\x01"), (7, b"\x02")] == script.inbox
    assert {"ping slot"} == {
        str(event.fact("slot")) for event in city.told(What.DOWNLINK_HEARD)
    }


def test_beside_its_slot_it_hears_nothing() -> None:
    city, script = locked()

    hear(city, ping(city, late_s=0.1))

    assert [] == script.inbox


def test_without_the_beacon_it_has_no_ping_slots() -> None:
    city, script = told_the_time()

    hear(city, ping(city))

    assert [] == script.inbox


def test_it_goes_on_two_hours_without_a_beacon_and_not_longer() -> None:
    city, script = locked()

    city.run(until=city.now + 7000)
    hear(city, ping(city))
    held = class_b_bit(city, script)
    city.run(until=city.now + 500)

    assert [(7, b"\x00")] == script.inbox
    assert 1 == len(city.told(What.BEACON_LOST))
    assert (True, False) == (held, class_b_bit(city, script))


def test_having_lost_it_it_asks_for_the_time_again_and_finds_it() -> None:
    city, script = locked()
    city.run(until=city.now + 7400)
    class_b_bit(city, script)

    hear(city, beacon(next_beacon(city.now)))

    assert class_b_bit(city, script)


def test_three_beacons_in_vain_make_it_ask_for_the_time_again() -> None:
    city, script = told_the_time()
    city.run(until=city.now + 400)
    city.sent.clear()

    script.say()
    city.poke()
    city.run(until=city.now + 5)

    asked = parse_block(city.network.uplinks[-1].frame.f_opts, Direction.UP).commands
    assert (DeviceTimeReq(),) == asked


def obeyed(city: Virtual, script: Script, command: Any) -> bytes:
    """Send a command in RX1; return what the next uplink answers."""
    script.say()
    city.poke()
    up = city.sent[-1]
    hear(city, rx1(up, city.network.down(commands=[command])))
    script.say()
    city.run(until=city.now + 5)
    city.poke()
    city.run(until=city.now + 5)
    return city.network.uplinks[-1].frame.f_opts


def test_it_takes_another_ping_slot_channel_and_listens_there() -> None:
    city, script = locked()
    wanted = PingSlotChannelReq(frequency_hz=868_100_000, data_rate=5)

    answer = obeyed(city, script, wanted)
    city.run(until=city.now + 130)
    hear(city, ping(city))
    there = ping(city, number=9)
    moved = transmission(there.phy_payload, there.start_s, 868_100_000, 7)
    hear(city, moved)

    assert "1103" == answer.hex()
    assert [(7, b"\x09")] == script.inbox


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (PingSlotChannelReq(frequency_hz=915_000_000, data_rate=3), "1102"),
        (PingSlotChannelReq(frequency_hz=0, data_rate=14), "1101"),
        (BeaconFreqReq(frequency_hz=869_525_000), "1301"),
        (BeaconFreqReq(frequency_hz=915_000_000), "1300"),
    ],
)
def test_what_it_cannot_do_it_refuses_bit_by_bit(command: Any, answer: str) -> None:
    city, script = locked()

    assert answer == obeyed(city, script, command).hex()


def test_a_class_b_group_is_heard_in_the_groups_own_slots() -> None:
    city, script = locked()
    mc_addr = DevAddr.parse("01ffff00")
    keys = mc_session_keys(Key(b"\x0a" * 16), mc_addr)
    groups = city.device._groups
    groups.join(Membership(slot=0, mc_addr=mc_addr, keys=keys))
    groups.listen(0, Hours(opens_at=city.now, periodicity=0))
    crypto = Crypto(
        dev_addr=mc_addr, nwk_s_key=keys.mc_nwk_s_key, app_s_key=keys.mc_app_s_key
    )
    city.device.tick(city.now)
    city.run(until=city.now + 30)

    gps_ms = round(gps_from_unix(city.now + 1) * 1000)
    slot_ms = next_ping_slot_ms(gps_ms, mc_addr, 128)
    phy = crypto.downlink(f_cnt=0, f_port=9, payload=b"all")
    at = unix_from_gps(slot_ms / 1000)
    hear(city, transmission(phy, at, 869_525_000, 9))

    assert [(9, b"all")] == script.inbox


def test_two_gateways_that_beacon_at_once_do_not_drown_each_other() -> None:
    city, _ = told_the_time()
    fleet = Fleet()
    fleet.add(city.device, starts_at=city.now)
    frame = beacon(next_beacon(city.now))
    other = frame._replace(latitude=43.6001)

    fleet.tick(frame.start_s - 1)
    fleet.receive(frame, frame.start_s)
    fleet.receive(other, frame.start_s)
    fleet.tick(frame.end_s)

    happened = [event.what for _, event in fleet.events()]
    assert [What.BEACON_LOCKED] == [w for w in happened if w is What.BEACON_LOCKED]


def test_a_class_a_device_asks_for_none_of_it() -> None:
    device, script = new_device(CLASS_A)
    city = Virtual(device)
    device.join(NOON)
    city.run(until=NOON + 20)
    script.say()
    city.poke()

    assert b"" == city.network.uplinks[0].frame.f_opts
