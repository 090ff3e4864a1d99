"""A gateway as Basics Station runs it: it obeys its configuration."""

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.gateway_sim.given import BOOT_S, CAPITOLE, frame, gateway

from gateway_sim.gateway import Downlink, Gateway, Item, Uplink
from gateway_sim.jit import TxStatus
from gateway_sim.lns import Filter, Station
from gateway_sim.medium import Reception
from wire import station
from wire.air import AirFrame
from wire.errors import Malformed
from wire.eui64 import EUI64
from wire.lorawan.airtime import lora_airtime_s
from wire.lorawan.gps import gps_from_unix
from wire.station import (
    DeviceClass,
    DnMsg,
    DnSched,
    Rate,
    RouterConfig,
    Scheduled,
    TimeSync,
    Window,
    XTime,
    boards_for,
)

LAMP = EUI64.parse("a81758fffe0301c4")
JOIN_EUI = EUI64.parse("70b3d57ed0000a01")
JOIN = b"\x00" + JOIN_EUI.to_le() + LAMP.to_le() + bytes(6)
CONFIG = RouterConfig(
    region="EU863",
    hwspec="sx1301/1",
    frequency_range_hz=(863_000_000, 870_000_000),
    data_rates=tuple(
        Rate(spreading_factor=12 - index, bandwidth_hz=125_000) for index in range(6)
    ),
    boards=boards_for([868_100_000, 868_300_000, 868_500_000]),
)
RX1 = Window(data_rate=5, frequency_hz=868_300_000)
RX2 = Window(data_rate=3, frequency_hz=869_525_000)


class Given:
    """One gateway under a configuration."""

    def __init__(self, **config: Any) -> None:
        self.gateway: Gateway = gateway()
        self.station = Station(self.gateway)
        self.station.configure(replace(CONFIG, **config))

    def up(self, **fields: Any) -> station.Uplink | Filter:
        return self.station.up(self.heard(frame(**fields)))

    def heard(self, air: AirFrame) -> Uplink:
        reception = Reception(
            gateway_id=CAPITOLE.gateway_id, rssi_dbm=-87.4, snr_db=6.53, channel=1
        )
        return self.gateway.hear(air, reception)

    def x_time(self) -> int:
        message = self.up()
        assert isinstance(message, station.Uplink)
        return message.info.x_time


def class_a(**fields: Any) -> DnMsg:
    defaults: dict[str, Any] = {
        "device_class": DeviceClass.A,
        "dev_eui": LAMP,
        "diid": 77,
        "pdu": bytes(12),
        "rx1": RX1,
        "rx2": RX2,
    }
    return DnMsg(**(defaults | fields))


def test_an_uplink_carries_the_end_of_its_frame_as_xtime() -> None:
    message = Given().up()

    assert isinstance(message, station.Uplink)
    assert (5, 868_300_000) == (message.data_rate, message.frequency_hz)
    parts = XTime.of(message.info.x_time)
    assert (1_051_456, 0) == (parts.count_us, parts.radio)
    assert 0 != parts.session
    assert 6.5 == message.info.snr_db
    assert -87 == json.loads(str(message))["upinfo"]["rssi"]


@pytest.mark.parametrize(
    ("config", "fields", "cause"),
    [
        ({}, {"frequency_hz": 867_100_000}, Filter.CHANNEL),
        ({}, {"spreading_factor": 7, "bandwidth_hz": 250_000}, Filter.DATA_RATE),
        ({"net_ids": (0x13,)}, {}, Filter.NET_ID),
        ({"join_euis": ((1, 2),)}, {"phy_payload": JOIN}, Filter.JOIN_EUI),
        ({}, {"phy_payload": b"\x20nothing of a device"}, Filter.NOT_LORAWAN),
    ],
)
def test_what_the_configuration_holds_back_does_not_go_on(
    config: dict[str, Any], fields: dict[str, Any], cause: Filter
) -> None:
    assert cause is Given(**config).up(**fields)


def test_what_the_filters_name_goes_on() -> None:
    # DevAddr 01a7c3e5 has NwkID 0.
    given = Given(net_ids=(0,), join_euis=((0, 1), (1, 2**64 - 1)))

    assert isinstance(given.up(), station.Uplink)
    assert isinstance(given.up(phy_payload=JOIN), station.Uplink)


def test_a_class_a_downlink_is_tried_in_rx1_then_a_second_later() -> None:
    given = Given()
    asked = given.station.down(class_a(x_time=given.x_time(), rx_delay_s=5))
    ack = given.gateway.request(asked, BOOT_S + 1.2)

    assert [(5.0, 7, 16), (6.0, 9, 27)] == [
        (item.timing.delay_s, item.spreading_factor, item.power_dbm)  # type: ignore[union-attr]
        for item in asked.items
    ]
    assert (TxStatus.OK, TxStatus.IGNORED) == ack.statuses
    assert BOOT_S + 6.051456 == pytest.approx(ack.start_s, abs=1e-6)


def test_what_is_on_the_air_is_reported_as_it_went() -> None:
    given = Given()
    asked = given.station.down(class_a(x_time=given.x_time()))
    late = given.gateway.request(asked, BOOT_S + 2.04)  # RX1 is too near
    report = given.station.transmitted(late)

    assert (TxStatus.TOO_LATE, TxStatus.OK) == late.statuses
    assert report is not None
    assert (77, LAMP, 3, 869_525_000) == (
        *(report.diid, report.dev_eui),
        *(report.data_rate, report.frequency_hz),
    )
    assert 3_051_456 == XTime.of(report.x_time).count_us
    assert BOOT_S + 3.051456 == report.tx_time_s


def test_of_what_was_not_sent_nobody_hears() -> None:
    given = Given()
    asked = given.station.down(class_a(x_time=given.x_time()))

    assert given.station.transmitted(given.gateway.request(asked, BOOT_S + 9)) is None


def test_a_downlink_for_no_device_is_sent_and_not_reported() -> None:
    given = Given()
    message = class_a(x_time=given.x_time(), dev_eui=EUI64(bytes(8)))
    ack = given.gateway.request(given.station.down(message), BOOT_S + 1.2)

    assert TxStatus.OK in ack.statuses
    assert given.station.transmitted(ack) is None


def test_class_c_goes_out_at_once_and_answers_an_uplink_first() -> None:
    given = Given()
    alone = class_a(device_class=DeviceClass.C, rx1=None)
    answering = replace(alone, rx1=RX1, x_time=given.x_time())

    assert ["Immediately"] == timings(given.station.down(alone).items)
    assert ["Delay", "Immediately"] == timings(given.station.down(answering).items)


def timings(items: tuple[Item, ...]) -> list[str]:
    return [type(item.timing).__name__ for item in items]


@pytest.mark.parametrize("gps_locked", [True, False])
def test_a_ping_slot_starts_at_its_gps_time_if_that_is_known(
    *, gps_locked: bool
) -> None:
    given = Given()
    given.gateway.gps_locked = gps_locked
    start_s = BOOT_S + 20
    gps_time_us = round(gps_from_unix(start_s) * 1_000_000)
    message = class_a(
        device_class=DeviceClass.B,
        rx1=None,
        rx2=None,
        slot=RX2,
        gps_time_us=gps_time_us,
    )
    ack = given.gateway.request(given.station.down(message), BOOT_S + 10)
    report = given.station.transmitted(ack)

    expected = TxStatus.OK if gps_locked else TxStatus.GPS_UNLOCKED
    assert (expected,) == ack.statuses
    assert gps_locked == (report is not None)
    if report is not None:
        assert start_s == report.tx_time_s


def test_a_schedule_is_sent_at_its_instants() -> None:
    given = Given()
    count_us = XTime.of(given.x_time()).count_us
    x_time = int(replace(XTime.of(given.x_time()), count_us=count_us + 3_000_000))
    [asked] = given.station.scheduled(
        DnSched(schedule=(Scheduled(pdu=bytes(9), window=RX2, x_time=x_time),))
    )
    ack = given.gateway.request(asked, BOOT_S + 2)

    assert BOOT_S + 4.051456 == pytest.approx(ack.start_s, abs=1e-6)
    assert given.station.transmitted(ack) is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"rx1": Window(data_rate=9, frequency_hz=868_300_000)}, "DR9"),
        ({"rx2": Window(data_rate=0, frequency_hz=923_300_000)}, "923300000 Hz"),
        ({"x_time": 1}, "another run"),
    ],
)
def test_what_the_configuration_forbids_is_not_sent(
    change: dict[str, Any], reason: str
) -> None:
    given = Given()
    with pytest.raises(Malformed, match=reason):
        given.station.down(class_a(**({"x_time": given.x_time()} | change)))


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, 27),
        ({"max_eirp_dbm": 14.5}, 14),
        ({"max_eirp_dbm": 36.0}, 27),
        ({"region": "US902"}, 26),
        ({"region": "MARS"}, 14),
    ],
)
def test_power_is_the_regions_and_the_server_only_lowers_it(
    config: dict[str, Any], expected: int
) -> None:
    given = Given(**config)
    asked = given.station.down(class_a(device_class=DeviceClass.C, rx1=None))

    assert [expected] == [item.power_dbm for item in asked.items]


def test_nodc_lifts_the_duty_cycle_until_the_next_configuration() -> None:
    airtime_s = lora_airtime_s(255, spreading_factor=12, bandwidth_hz=125_000)
    many = int(36.0 / airtime_s) + 1

    assert TxStatus.DUTY_CYCLE_OVERFLOW is last_status(Given(), many)
    assert TxStatus.OK is last_status(Given(no_duty_cycle=True), many)


def last_status(given: Given, many: int) -> TxStatus:
    """What becomes of so many of the longest frames in a sub-band of 1 %."""
    window = Window(data_rate=0, frequency_hz=868_300_000)
    message = class_a(device_class=DeviceClass.C, rx1=None, rx2=window, pdu=bytes(255))
    for number in range(many):
        now = BOOT_S + 20.0 * number
        asked: Downlink = given.station.down(message)
        [status] = given.gateway.request(asked, now).statuses
        given.gateway.transmissions(now + 10)
    return status


def test_the_servers_answer_tells_the_distance_to_gps_time() -> None:
    given = Given()
    asked = given.station.ask_time(BOOT_S + 2.0)
    answer = TimeSync(tx_time=asked.tx_time, gps_time_us=1_400_000_000_000_000)
    given.station.note_time(answer, BOOT_S + 2.2)

    assert 2_000_000 == asked.tx_time
    assert 1_400_000_000_000_000 - 2_100_000 == given.station.gps_offset_us
