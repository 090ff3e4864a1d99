"""A device in multicast groups: who puts it in, what it hears, what it ignores."""

from typing import Any

import pytest
from tests.lorawan_sim.network import (
    CARD,
    CLASS_A,
    CLASS_C,
    NOON,
    Script,
    Virtual,
    joined,
    new_device,
    transmission,
)

from lorawan_sim.card import Card, Profile
from lorawan_sim.device import Device
from lorawan_sim.events import What
from lorawan_sim.fleet import Fleet
from lorawan_sim.groups import Groups, Membership
from wire.applayer import clock_sync, multicast_setup
from wire.applayer.clock_sync import AppTimeAns, AppTimeReq
from wire.applayer.multicast_setup import (
    McClassCSessionAns,
    McClassCSessionReq,
    McGroupDeleteReq,
    McGroupSetupReq,
    McGroupStatusReq,
)
from wire.applayer.package import parse_commands
from wire.lorawan.fhdr import FCtrl
from wire.lorawan.gps import gps_from_unix
from wire.lorawan.ids import DevAddr
from wire.lorawan.keys import Key
from wire.lorawan.mhdr import Direction
from wire.lorawan.multicast import (
    mc_ke_key,
    mc_root_key,
    mc_session_keys,
    wrap_mc_key,
)
from wire.lorawan.region.eu868 import EU868
from wire.lorawan.session import Session as Crypto

MC_ADDR = DevAddr.parse("01ffff00")
MC_KEY = Key(b"\x0a" * 16)
GEN_APP_KEY = Key(b"\x0b" * 16)
KEYS = mc_session_keys(MC_KEY, MC_ADDR)
SPEAKS_PACKAGES = Profile(region=EU868, packages=True)
HEARD_WELL = Card(
    dev_eui=CARD.dev_eui,
    join_eui=CARD.join_eui,
    app_key=CARD.app_key,
    latitude=43.6045,
    longitude=1.444,
    gen_app_key=GEN_APP_KEY,
)


class GroupScript(Script):
    """A behaviour that a message puts into a group."""

    def __init__(self) -> None:
        super().__init__()
        self.group_inbox: list[tuple[int, bytes]] = []
        self.joins_groups: list[Membership] = []

    def memberships(self) -> list[Membership]:
        drained, self.joins_groups = self.joins_groups, []
        return drained

    def received_in_group(self, f_port: int, payload: bytes, now: float) -> None:
        del now
        self.group_inbox.append((f_port, payload))


def membership(**other: Any) -> Membership:
    return Membership(
        **{"slot": 0, "mc_addr": MC_ADDR, "keys": KEYS, "at_once": True, **other}
    )


def group_frame(
    f_cnt: int = 0, payload: bytes = b"\x01\xfe\x3c", *, keys: Any = KEYS, **other: Any
) -> bytes:
    crypto = Crypto(
        dev_addr=MC_ADDR, nwk_s_key=keys.mc_nwk_s_key, app_s_key=keys.mc_app_s_key
    )
    return crypto.downlink(f_cnt=f_cnt, payload=payload, **{"f_port": 60, **other})


def member(profile: Profile = CLASS_C, **other: Any) -> tuple[Virtual, GroupScript]:
    """A class C device that has joined, and then was put into a group."""
    script = GroupScript()
    groups = Groups()
    groups.join(membership(**other))
    city = Virtual(Device(CARD, script, profile, seed=1, groups=groups))
    city.device.join(NOON)
    city.run(until=NOON + 20)
    assert city.device.joined
    city.sent.clear()
    city.events.clear()
    return city, script


def send(city: Virtual, phy: bytes, *, after_s: float = 5.0, sf: int = 12) -> None:
    at = city.now + after_s
    city.deliver(transmission(phy, at, EU868.rx2_frequency_hz, sf))


def test_a_member_hears_what_is_sent_to_its_group() -> None:
    city, script = member()

    send(city, group_frame())

    assert [(60, b"\x01\xfe\x3c")] == script.group_inbox
    assert [] == script.inbox
    assert [0] == [event.fact("f_cnt") for event in city.told(What.GROUP_HEARD)]


def test_a_groups_counter_is_its_own() -> None:
    city, script = member()
    send(city, group_frame(7))

    send(city, city.network.down(b"\x02", f_port=60))
    send(city, group_frame(8))

    assert 2 == len(script.group_inbox)
    assert [(60, b"\x02")] == script.inbox
    assert 0 == city.device.session.f_cnt_down  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("phy", "reason"),
    [
        (group_frame(3), "replayed"),
        (group_frame(5, f_port=0), "application data only"),
        (group_frame(5, f_ctrl=FCtrl(ack=True)), "application data only"),
        (group_frame(5, f_opts=b"\x06"), "application data only"),
        (group_frame(5, keys=mc_session_keys(Key(bytes(16)), MC_ADDR)), "MIC is wrong"),
        (group_frame(101), "beyond the group's last"),
    ],
)
def test_a_member_drops_what_a_group_may_not_be_sent(phy: bytes, reason: str) -> None:
    city, script = member(max_f_cnt=100)
    send(city, group_frame(3))

    send(city, phy)

    assert 1 == len(script.group_inbox)
    (event,) = city.told(What.DOWNLINK_DROPPED)
    assert reason in str(event.fact("reason"))


def test_nobody_else_hears_the_group() -> None:
    city, script = joined(CLASS_C)

    send(city, group_frame())

    assert [] == script.inbox
    assert [] == city.events


def test_a_group_frame_ends_no_repetition_of_an_uplink() -> None:
    city, script = member()
    script.say(confirmed=True)
    city.poke()
    before = len(city.sent)

    send(city, group_frame(), after_s=city.sent[-1].airtime_s + 0.3)
    city.run(until=city.now + 30)

    assert len(city.sent) > before


def test_a_behaviours_own_message_puts_it_into_a_group() -> None:
    script = GroupScript()
    city = Virtual(Device(CARD, script, CLASS_C, seed=1))
    city.device.join(NOON)
    city.run(until=NOON + 20)
    script.on_received = lambda: script.joins_groups.append(membership())

    send(city, city.network.down(b"\x52", f_port=50))
    send(city, group_frame())

    assert [(60, b"\x01\xfe\x3c")] == script.group_inbox


def test_flash_keeps_groups_and_their_counters() -> None:
    city, _ = member()
    send(city, group_frame(9))
    record = city.device.record()

    again = Groups.from_json(record.groups)

    assert "replayed: FCnt 9 after 9" == again.read(group_frame(9))
    assert again.read(group_frame(10)) is not None


def test_a_fleet_offers_a_group_frame_to_all_members() -> None:
    fleet, scripts = Fleet(), []
    for number in range(3):
        card = Card(
            dev_eui=type(CARD.dev_eui)(bytes(7) + bytes((number,))),
            join_eui=CARD.join_eui,
            app_key=CARD.app_key,
            latitude=43.6,
            longitude=1.44,
        )
        script, groups = GroupScript(), Groups()
        groups.join(membership())
        city = Virtual(Device(card, script, CLASS_C, groups=groups))
        city.device.join(NOON)
        city.run(until=NOON + 20)
        scripts.append(script)
        fleet.add(city.device, starts_at=NOON + 20)

    frame = transmission(group_frame(), NOON + 30, EU868.rx2_frequency_hz, 12)
    fleet.receive(frame, NOON + 30)
    fleet.tick(frame.end_s)

    assert [1, 1, 1] == [len(script.group_inbox) for script in scripts]


# -- TS005 and TS003


def speaker() -> tuple[Virtual, Script]:
    device, script = new_device(SPEAKS_PACKAGES, card=HEARD_WELL)
    city = Virtual(device)
    device.join(NOON)
    city.run(until=NOON + 20)
    city.sent.clear()
    return city, script


def tell(city: Virtual, script: Script, command: Any, f_port: int) -> bytes:
    """Send a command in RX1 of an uplink; return what the device answers."""
    script.say()
    city.poke()
    up = city.sent[-1]
    phy = city.network.down(bytes(command), f_port=f_port)
    city.deliver(transmission(phy, up.end_s + 1, up.frequency_hz, up.spreading_factor))
    known = len(city.network.uplinks)
    city.run(until=city.now + 20)
    return (
        city.network.uplinks[-1].payload if len(city.network.uplinks) > known else b""
    )


def setup_request() -> McGroupSetupReq:
    ke_key = mc_ke_key(mc_root_key(GEN_APP_KEY))
    return McGroupSetupReq(
        group_id=1,
        mc_addr=MC_ADDR,
        mc_key_encrypted=wrap_mc_key(ke_key, MC_KEY),
        min_mc_f_count=10,
        max_mc_f_count=20,
    )


def session_request(city: Virtual, **other: Any) -> McClassCSessionReq:
    return McClassCSessionReq(
        **{
            "group_id": 1,
            "session_time": int(gps_from_unix(city.now)) + 60,
            "time_out": 6,
            "frequency_hz": 869_525_000,
            "data_rate": 3,
            **other,
        }
    )


def test_a_device_is_set_up_over_the_air_and_hears_the_session() -> None:
    city, script = speaker()
    assert "0201" == tell(city, script, setup_request(), 200).hex()

    answer = tell(city, script, session_request(city), 200)
    (read,) = parse_commands(multicast_setup.COMMANDS, answer, Direction.UP)
    assert isinstance(read, McClassCSessionAns)
    starts_at = city.now
    send(city, group_frame(10, f_port=5), after_s=5.0, sf=9)
    early = list(script.inbox)
    send(city, group_frame(11, f_port=5), after_s=60.0, sf=9)
    send(city, group_frame(9, f_port=5), after_s=1.0, sf=9)
    send(city, group_frame(12, f_port=5), after_s=64.0, sf=9)

    assert read.time_to_start_s is not None
    assert read.time_to_start_s <= 60
    assert starts_at > NOON
    assert [] == early
    assert [(5, b"\x01\xfe\x3c")] == script.inbox


def test_a_session_of_an_unknown_group_is_refused_bit_by_bit() -> None:
    city, script = speaker()
    wrong = session_request(city, frequency_hz=915_000_000, data_rate=7)

    assert "041d" == tell(city, script, wrong, 200).hex()


def test_a_device_tells_its_groups_and_leaves_one() -> None:
    city, script = speaker()
    tell(city, script, setup_request(), 200)

    status = tell(city, script, McGroupStatusReq(group_mask=15), 200)
    left = tell(city, script, McGroupDeleteReq(group_id=1), 200)
    twice = tell(city, script, McGroupDeleteReq(group_id=1), 200)

    assert "0112" + "01" + "00ffff01" == status.hex()
    assert ("0301", "0305") == (left.hex(), twice.hex())


def test_a_device_without_the_key_for_it_is_in_no_group() -> None:
    device, script = new_device(SPEAKS_PACKAGES)
    city = Virtual(device)
    device.join(NOON)
    city.run(until=NOON + 20)

    assert "0205" == tell(city, script, setup_request(), 200).hex()


def test_a_wrong_clock_is_put_right_once_per_question() -> None:
    city, script = speaker()
    packages = city.device._packages
    assert packages is not None
    packages.clock.offset_s = -30.0

    asked = tell(city, script, clock_sync.ForceDeviceResyncReq(transmissions=1), 202)
    (request,) = parse_commands(clock_sync.COMMANDS, asked, Direction.UP)
    assert isinstance(request, AppTimeReq)
    answer = AppTimeAns(correction_s=30, token=request.token)
    tell(city, script, answer, 202)
    tell(city, script, answer, 202)

    assert 0.0 == packages.clock.offset_s
    assert abs(request.device_time - (gps_from_unix(NOON) - 30)) < 60


def test_a_device_asks_for_the_time_as_often_as_it_is_told() -> None:
    city, script = speaker()
    wanted = clock_sync.DeviceAppTimePeriodicityReq(period=0)

    answer = tell(city, script, wanted, 202)
    known = len(city.network.uplinks)
    city.run(until=city.now + 300)

    assert "0200" == answer[:2].hex()
    requests = [heard.frame.f_port for heard in city.network.uplinks[known:]]
    assert [202, 202] == requests


def test_a_class_a_device_hears_no_group_outside_a_session() -> None:
    city, script = member(CLASS_A)

    send(city, group_frame())

    assert [] == script.group_inbox
