"""Groups on the air: scheduling, frames and tx acks (contract §2.9, §2.14)."""

import uuid
from dataclasses import replace
from typing import Any

import pytest
from chirpstack_api import api, gw

from chirpstack_embedded.config import Scheduler
from chirpstack_embedded.core.gps import gps_ms
from chirpstack_embedded.core.multicast import Wanted, covering_gateways, schedule
from chirpstack_embedded.model import HeardUplink, McGroup, McItem, Reception
from wire.lorawan.class_b import BEACON_PERIOD_MS
from wire.lorawan.data import DataFrame
from wire.lorawan.ids import DevAddr
from wire.lorawan.keys import Key
from wire.lorawan.session import Session

GROUP_ID = "8d4d7f5e-9a3c-4a53-9f0a-2f6b6a2d7c31"
APPLICATION_ID = "1b7f4c0e-0e4d-4a53-9f0a-2f6b6a2d7c31"
GATEWAYS = ("0016c001f1500a2b", "0016c001f1500a2c")
MC_ADDR = "01a7c3ff"
# NIST's sample keys: public, never to be used in the field.
MC_NWK_S_KEY = "2b7e151628aed2a6abf7158809cf4f3c"
MC_APP_S_KEY = "603deb1015ca71be2b73aef0857d7781"
SETTINGS = Scheduler(interval_s=0.25)
DIM = b"\x01\xfe\x3c"


def reception(gateway_id: str) -> Reception:
    return Reception(
        gateway_id=gateway_id, rssi_dbm=-90, snr_db=5.0, board=0, antenna=0, context=b""
    )


def history(*gateway_ids: str) -> list[HeardUplink]:
    return [HeardUplink(dr=5, receptions=tuple(map(reception, gateway_ids)))]


def group(**other: Any) -> McGroup:
    found = McGroup(
        id=GROUP_ID,
        mc_addr=MC_ADDR,
        mc_nwk_s_key=bytes.fromhex(MC_NWK_S_KEY),
        mc_app_s_key=bytes.fromhex(MC_APP_S_KEY),
        f_cnt=7,
        dr=3,
        frequency_hz=869_525_000,
    )
    return replace(found, **other)


def planned(
    wanted_by: McGroup, *waiting: McItem, now: float = 1000.0, gateways: int = 2
) -> list[McItem]:
    return schedule(
        wanted_by,
        Wanted(f_port=60, data=DIM, expires_at=None),
        GATEWAYS[:gateways],
        waiting,
        settings=SETTINGS,
        now=now,
        new_uuid=lambda: uuid.UUID(int=1),
    )


# -- which gateways


def test_one_gateway_that_hears_all_is_enough() -> None:
    assert ["b"] == covering_gateways([history("a", "b"), history("b", "c")])


def test_devices_apart_need_a_gateway_each() -> None:
    assert ["a", "b"] == covering_gateways([history("a"), history("b")])


def test_a_device_never_heard_asks_for_no_gateway() -> None:
    assert ["a"] == covering_gateways([history("a"), []])


# -- when


@pytest.mark.proves("feature:multicast-class-c-delay")
def test_gateways_send_one_after_another() -> None:
    first, second = planned(group())

    assert (1000.0, 1005.0) == (first.run_after, second.run_after)
    assert (None, None) == (first.emit_at_gps_ms, second.emit_at_gps_ms)
    assert (7, 7) == (first.f_cnt, second.f_cnt)


def test_the_next_frame_waits_behind_the_last_gateway_of_the_one_before() -> None:
    waiting = planned(group())

    first, _ = planned(group(f_cnt=8), *waiting, now=1001.0)

    assert 1010.0 == first.run_after


@pytest.mark.proves("feature:multicast-class-c-gps-time")
def test_at_gps_time_all_gateways_send_at_once() -> None:
    first, second = planned(group(at_gps_time=True))

    assert 1005.0 == first.run_after == second.run_after
    assert gps_ms(1005.0) == first.emit_at_gps_ms == second.emit_at_gps_ms


@pytest.mark.proves("feature:multicast-class-b")
def test_class_b_sends_in_the_groups_ping_slot() -> None:
    first, second = planned(group(is_class_b=True, periodicity=0))

    assert first.emit_at_gps_ms is not None
    assert first.emit_at_gps_ms == second.emit_at_gps_ms
    assert first.emit_at_gps_ms > gps_ms(1005.0)
    in_slots = first.emit_at_gps_ms % BEACON_PERIOD_MS - 2120
    assert 0 == in_slots % 30
    assert first.run_after < 1000.0 + 8


# -- on the air


@pytest.fixture
def site(world: Any) -> Any:
    """A group of the one device, with two gateways that have told their region."""
    world.given_quiet()
    for gateway_id in GATEWAYS:
        stats = gw.GatewayStats(gateway_id=gateway_id)
        world.when_gateway_says(gateway_id, "stats", stats.SerializeToString())
    return world


def given_group(world: Any, **other: Any) -> McGroup:
    message = api.MulticastGroup(
        id=GROUP_ID,
        application_id=APPLICATION_ID,
        name="Rue Vestrepain",
        mc_addr=MC_ADDR,
        mc_nwk_s_key=MC_NWK_S_KEY,
        mc_app_s_key=MC_APP_S_KEY,
        **{"dr": 3, "frequency": 869_525_000, **other},
    )
    with world.store.transaction():
        world.store.multicast.create(message, world.now)
    found = world.store.multicast.get(GROUP_ID)
    assert isinstance(found, McGroup)
    return found


def given_frame(world: Any, data: bytes = DIM, **other: Any) -> None:
    found = world.store.multicast.get(GROUP_ID)
    wanted = Wanted(**{"f_port": 60, "data": data, "expires_at": None, **other})
    with world.store.transaction():
        items = schedule(
            found,
            wanted,
            GATEWAYS,
            world.store.multicast.queue(GROUP_ID),
            settings=world.configuration.network.scheduler,
            now=world.now,
        )
        world.store.multicast.enqueue(items, GROUP_ID, found.f_cnt + 1)


def senders(world: Any) -> list[str]:
    return [frame.gateway_id for frame in world.downlinks]


def queued(world: Any) -> list[str]:
    return [item.gateway_id for item in world.store.multicast.queue(GROUP_ID)]


def test_a_frame_carries_the_groups_address_counter_and_keys(site: Any) -> None:
    given_group(site, f_cnt=300)
    given_frame(site)

    site.when_time_passes(1)

    item = site.downlinks[0].items[0]
    frame = DataFrame.parse(item.phy_payload)
    crypto = Session(
        dev_addr=DevAddr.parse(MC_ADDR),
        nwk_s_key=Key.parse(MC_NWK_S_KEY),
        app_s_key=Key.parse(MC_APP_S_KEY),
    )
    assert crypto.verify(item.phy_payload, 300)
    assert (MC_ADDR, 60, DIM) == (
        str(frame.dev_addr),
        frame.f_port,
        crypto.decrypt(frame, 300),
    )
    assert (False, False) == (frame.confirmed, frame.f_ctrl.adr)
    assert item.tx_info.timing.HasField("immediately")
    assert (869_525_000, 29) == (item.tx_info.frequency, item.tx_info.power)
    assert 9 == item.tx_info.modulation.lora.spreading_factor


def test_each_gateway_sends_when_its_turn_has_come(site: Any) -> None:
    given_group(site)
    given_frame(site)

    site.when_time_passes(1)
    first = senders(site)
    site.when_tx_ack()
    site.when_time_passes(5)

    assert [GATEWAYS[0]] == first
    assert list(GATEWAYS) == senders(site)


@pytest.mark.parametrize("status", ["OK", "TOO_LATE", "DUTY_CYCLE_OVERFLOW"])
def test_a_gateways_answer_ends_its_item_whatever_it_says(
    site: Any, status: str
) -> None:
    given_group(site)
    given_frame(site)
    site.when_time_passes(1)

    site.when_tx_ack(status)

    assert [GATEWAYS[1]] == queued(site)
    assert [] == site.events


def test_without_an_answer_the_frame_goes_again(site: Any) -> None:
    given_group(site)
    given_frame(site)

    site.when_time_passes(4)

    assert senders(site).count(GATEWAYS[0]) == 2
    again = [frame.items[0].phy_payload for frame in site.downlinks]
    assert again[0] == again[1]


@pytest.mark.proves("trap:18")
def test_a_gateway_without_stats_sends_nothing_and_keeps_its_item(world: Any) -> None:
    world.given_quiet()
    given_group(world)
    given_frame(world)

    world.when_time_passes(1)

    assert [] == world.downlinks
    assert list(GATEWAYS) == queued(world)
    assert any("cause=no_stats" in line for line in world.warnings)


@pytest.mark.parametrize(
    ("frame", "cause"),
    [
        ({"expires_at": 1.0}, "cause=expired"),
        ({"data": bytes(116)}, "cause=payload_size"),
    ],
)
def test_what_cannot_be_sent_is_dropped_with_a_warning_and_no_event(
    site: Any, frame: Any, cause: str
) -> None:
    given_group(site)
    given_frame(site, **frame)

    site.when_time_passes(6)

    assert [] == queued(site)
    assert [] == site.downlinks
    assert [] == site.events
    assert 2 == sum(cause in line for line in site.warnings)


def test_a_frame_at_gps_time_says_when(site: Any) -> None:
    given_group(site, class_c_scheduling_type=api.MulticastGroupSchedulingType.GPS_TIME)
    given_frame(site)
    instant = gps_ms(site.now + 5)

    site.when_time_passes(6)

    epochs = [frame.items[0].tx_info.timing.gps_epoch for frame in site.downlinks]
    told = [
        epoch.time_since_gps_epoch.seconds * 1000
        + epoch.time_since_gps_epoch.nanos // 1_000_000
        for epoch in epochs
    ]
    assert [instant, instant] == told[:2]
    assert sorted(GATEWAYS) == sorted(senders(site)[:2])


def test_a_failed_transaction_leaves_the_queue_as_it_was(site: Any) -> None:
    found = given_group(site)

    with pytest.raises(RuntimeError):
        queue_and_fail(site, planned(found, gateways=1))
    site.when_time_passes(1)

    assert [] == site.downlinks
    assert 0 == site.store.multicast.get(GROUP_ID).f_cnt


def queue_and_fail(world: Any, items: list[McItem]) -> None:
    with world.store.transaction():
        world.store.multicast.enqueue(items, GROUP_ID, 1)
        raise RuntimeError
