"""A gateway's clock, its answers and its budget."""

from itertools import pairwise
from typing import Any

import pytest
from tests.gateway_sim.given import (
    BOOT_S,
    CAPITOLE,
    FOIX,
    answer,
    downlink,
    frame,
    gateway,
    item,
)

from gateway_sim.gateway import Downlink, Gateway, GpsEpoch, Item, Uplink
from gateway_sim.jit import QUEUE_SIZE, TxStatus
from gateway_sim.medium import Reception
from wire.lorawan.gps import gps_from_unix
from wire.lorawan.region.eu868 import EU868

NOW = BOOT_S + 100.0
NOW_TMST = 100_000_000


def statuses(*items: Item, now: float = NOW) -> list[str]:
    return list(gateway().request(downlink(*items), now).statuses)


def heard(start_s: float) -> Uplink:
    reception = Reception(
        gateway_id=CAPITOLE.gateway_id, rssi_dbm=-97.4, snr_db=6.54, channel=1
    )
    return gateway().hear(frame(start_s=start_s), reception)


def test_the_stamp_of_an_uplink_is_its_end_on_the_gateways_counter() -> None:
    assert 1_051_456 == heard(BOOT_S + 1.0).tmst


def test_the_reported_snr_saturates() -> None:
    near = Reception(
        gateway_id=CAPITOLE.gateway_id, rssi_dbm=-40.0, snr_db=48.5, channel=1
    )

    assert 14.0 == gateway().hear(frame(), near).snr_db


def test_the_counter_wraps_after_32_bits() -> None:
    assert 1_051_456 == heard(BOOT_S + 2**32 / 1e6 + 1.0).tmst


def test_an_answer_leaves_exactly_the_delay_after_the_end_of_the_uplink() -> None:
    uplink = heard(NOW)
    end_s = uplink.frame.start_s + uplink.frame.airtime_s
    sender = gateway()

    ack = sender.request(downlink(answer(uplink.tmst)), now=end_s + 0.4)
    [sent] = sender.transmissions(end_s + 1.0)

    assert (TxStatus.OK,) == ack.statuses
    assert sent.start_s == pytest.approx(end_s + 1.0, abs=1e-6)
    assert sent.iq_inverted
    assert (868_300_000, 9, 14, "4/5") == (
        sent.frequency_hz,
        sent.spreading_factor,
        sent.power_dbm,
        sent.coding_rate,
    )
    assert (CAPITOLE.gateway_id, CAPITOLE.latitude) == (sent.sender, sent.latitude)
    assert sent.airtime_s == pytest.approx(0.185344)  # 20 bytes at SF9, no CRC


def test_an_answer_across_the_wrap_of_the_counter_leaves_on_time() -> None:
    end_s = BOOT_S + 2**32 / 1e6 - 0.5
    sender = gateway()

    sender.request(downlink(answer(2**32 - 500_000)), now=end_s + 0.1)
    [sent] = sender.transmissions(end_s + 1.0)

    assert sent.start_s == pytest.approx(end_s + 1.0, abs=1e-6)


def test_the_answer_is_programmed_40_ms_before_it_starts() -> None:
    sender = gateway()
    sender.request(downlink(answer(NOW_TMST)), NOW)

    assert sender.next_deadline() == pytest.approx(NOW + 0.960, abs=1e-6)
    assert [] == sender.transmissions(NOW + 0.959)
    assert 1 == len(sender.transmissions(NOW + 0.961))


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        (answer(NOW_TMST - 960_000), "TOO_LATE"),
        (answer(NOW_TMST - 2_000_000), "TOO_EARLY"),  # what has passed has wrapped
        (answer(NOW_TMST, delay_s=600.0), "TOO_EARLY"),
        (answer(NOW_TMST, frequency_hz=868_650_000), "TX_FREQ"),
        (answer(NOW_TMST, power_dbm=20), "TX_POWER"),
        (answer(NOW_TMST, context=b"\x01"), "INTERNAL_ERROR"),
        (answer(NOW_TMST, spreading_factor=0), "INTERNAL_ERROR"),
        (item(timing=None), "INTERNAL_ERROR"),
        (item(bandwidth_hz=1), "INTERNAL_ERROR"),
        (item(coding_rate=""), "INTERNAL_ERROR"),
        (item(phy_payload=bytes(256)), "INTERNAL_ERROR"),
        (item(phy_payload=b""), "INTERNAL_ERROR"),
        (item(timing=GpsEpoch(time_s=gps_from_unix(NOW + 0.04))), "TOO_LATE"),
        (item(timing=GpsEpoch(time_s=gps_from_unix(NOW - 9.0))), "TOO_LATE"),
        (item(timing=GpsEpoch(time_s=gps_from_unix(NOW + 513))), "TOO_EARLY"),
    ],
)
def test_an_item_that_cannot_be_sent_says_why(wrong: Item, status: str) -> None:
    assert [status] == statuses(wrong)


def test_a_frame_at_gps_time_starts_at_that_instant() -> None:
    sender = gateway()

    ack = sender.request(
        downlink(item(timing=GpsEpoch(time_s=gps_from_unix(NOW) + 4.25))), NOW
    )
    [sent] = sender.transmissions(NOW + 5)

    assert (TxStatus.OK,) == ack.statuses
    assert sent.start_s == pytest.approx(NOW + 4.25, abs=1e-6)


def test_two_gateways_send_a_groups_frame_at_the_same_instant() -> None:
    timing = GpsEpoch(time_s=gps_from_unix(NOW) + 5)
    starts = set()
    for sender in (gateway(CAPITOLE), gateway(FOIX)):
        sender.request(downlink(item(timing=timing)), NOW)
        [sent] = sender.transmissions(NOW + 6)
        starts.add(sent.start_s)

    assert 1 == len(starts)


def test_a_gateway_without_gps_time_says_so() -> None:
    sender = Gateway(CAPITOLE, region=EU868, boot_s=BOOT_S, seed=1, gps_locked=False)

    ack = sender.request(downlink(item(timing=GpsEpoch(time_s=1.4e9))), NOW)

    assert (TxStatus.GPS_UNLOCKED,) == ack.statuses


def test_the_first_item_that_can_be_sent_is_and_the_rest_are_ignored() -> None:
    late, good = answer(NOW_TMST - 960_000), answer(NOW_TMST)

    assert ["TOO_LATE", "OK", "IGNORED"] == statuses(late, good, good)


def test_a_second_answer_at_the_same_time_collides() -> None:
    sender = gateway()
    sender.request(downlink(answer(NOW_TMST)), NOW)

    ack = sender.request(downlink(answer(NOW_TMST), answer(NOW_TMST, 2.0)), NOW)

    assert ("COLLISION_PACKET", "OK") == ack.statuses


def test_immediate_frames_leave_one_after_another_until_the_queue_is_full() -> None:
    sender = gateway()

    acks = [sender.request(downlink(item()), NOW) for _ in range(QUEUE_SIZE + 1)]
    sent = sender.transmissions(NOW + 60)

    assert ["OK"] * QUEUE_SIZE + ["QUEUE_FULL"] == [ack.statuses[0] for ack in acks]
    assert all(one.end_s < following.start_s for one, following in pairwise(sent))


@pytest.mark.parametrize(
    ("fields", "budget_s"),
    [
        ({"frequency_hz": 868_100_000, "power_dbm": 14}, 36),
        ({"frequency_hz": 867_100_000, "power_dbm": 14}, 36),
        ({"frequency_hz": 869_525_000}, 360),
    ],
)
def test_a_sub_band_is_full_when_its_hour_is_spent(
    fields: dict[str, Any], budget_s: float
) -> None:
    sender, now, spent_s = gateway(), NOW, 0.0
    full = item(phy_payload=bytes(64), spreading_factor=12, **fields)
    while sender.request(downlink(full), now).statuses == ("OK",):
        [sent] = sender.transmissions(now + 1)
        spent_s += sent.airtime_s
        now += 3.0

    ack = sender.request(downlink(full), now)

    assert budget_s - sent.airtime_s < spent_s <= budget_s
    assert ("DUTY_CYCLE_OVERFLOW",) == ack.statuses
    assert ("OK",) == sender.request(downlink(full), NOW + 3_610).statuses


def test_one_sub_bands_budget_is_not_anothers() -> None:
    sender, now = gateway(), NOW
    spent = item(
        phy_payload=bytes(64),
        spreading_factor=12,
        frequency_hz=868_100_000,
        power_dbm=14,
    )
    while sender.request(downlink(spent), now).statuses == ("OK",):
        sender.transmissions(now + 1)
        now += 3.0

    assert ("OK",) == sender.request(downlink(item()), now).statuses


def test_stats_count_since_the_last_report() -> None:
    sender = gateway()
    sender.request(downlink(answer(NOW_TMST, power_dbm=20), answer(NOW_TMST)), NOW)
    sender.transmissions(NOW + 1)

    first, second = sender.stats(NOW + 30), sender.stats(NOW + 60)

    assert (1, 1) == (first.requested, first.emitted.total)
    assert {"TX_POWER": 1, "OK": 1} == first.statuses
    assert {868_300_000: 1} == first.emitted.per_frequency
    assert (0, 0) == (second.requested, second.emitted.total)
    assert {"868-868.6": pytest.approx(0.185344)} == {
        load.name: load.used_s for load in second.loads if load.used_s
    }


def test_a_downlink_without_items_is_answered_without_statuses() -> None:
    empty = Downlink(downlink_id=1, items=())

    assert () == gateway().request(empty, NOW).statuses
