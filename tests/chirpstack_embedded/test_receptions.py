"""Which receptions make an uplink (contract §1.4, §1.5)."""

from typing import Any

import pytest
from chirpstack_api import api, gw

from wire.lorawan.keys import Key

GATEWAYS = ("0016c001f1500a2b", "0016c001f1500a2c")
# The session and frames of the contract's Appendix A.
NWK_S_KEY = Key(bytes.fromhex("0cd9a6802c636ec0c2caf181c845ec5e"))
APP_S_KEY = Key(bytes.fromhex("ffcaa6d65e726a49a5f0218bb01cb4c0"))
V3 = bytes.fromhex("40e5c3a70180000002f4fae2b032e39542c55e467ec3b0c7")
V4 = bytes.fromhex("40e5c3a70180000002d35ad5b518699552")


def test_two_gateways_make_one_event(world: Any) -> None:
    world.given_joined()

    world.when_uplink(gateways=GATEWAYS)

    event = world.then_event("up")
    assert list(GATEWAYS) == [rx["gatewayId"] for rx in event["rxInfo"]]
    assert 2 == len({rx["context"] for rx in event["rxInfo"]})


def test_two_descriptions_of_one_transmission_are_two_frames(world: Any) -> None:
    world.given_joined()
    assert world.session is not None
    phy_payload = world.session.uplink(f_cnt=0, f_port=2, payload=b"\x01")
    first, second = (frame_of(phy_payload, gateway_id) for gateway_id in GATEWAYS)
    second.tx_info.modulation.lora.preamble = 8

    world.when_gateway_says(GATEWAYS[0], "up", first.SerializeToString())
    world.when_gateway_says(GATEWAYS[1], "up", second.SerializeToString())
    world.when_time_passes(0.3)

    assert ["up", "log"] == world.then_kinds()
    assert "UPLINK_F_CNT_RETRANSMISSION" == world.then_event("log")["code"]


def test_a_copy_between_window_and_lock_is_swallowed(world: Any) -> None:
    world.given_joined()
    assert world.session is not None
    phy_payload = world.session.uplink(f_cnt=0, f_port=2, payload=b"\x01")

    world.when_frame(phy_payload, wait_s=0.25)
    world.when_frame(phy_payload, gateways=GATEWAYS[1:], wait_s=0.5)

    assert ["up"] == world.then_kinds()
    assert {} == world.then_causes()


def test_a_copy_after_the_lock_is_a_new_frame(world: Any) -> None:
    world.given_joined()
    assert world.session is not None
    phy_payload = world.session.uplink(f_cnt=0, f_port=2, payload=b"\x01")

    world.when_frame(phy_payload, wait_s=0.45)
    world.when_frame(phy_payload, wait_s=0.5)

    assert ["up", "log"] == world.then_kinds()


@pytest.mark.parametrize(
    ("cause", "air"),
    [
        ("unknown_data_rate", {"code_rate": gw.CodeRate.CR_UNDEFINED}),
        ("unknown_data_rate", {"code_rate": gw.CodeRate.CR_4_6}),
        ("unknown_channel", {"frequency_hz": 868_200_000}),
        ("unknown_gateway", {"gateways": ("0000000000000099",)}),
        ("bad_gateway_id", {"gateways": ("short",)}),
    ],
)
def test_a_frame_that_does_not_fit_is_counted_and_not_told(
    world: Any, cause: str, air: dict[str, Any]
) -> None:
    world.given_joined()

    world.when_uplink(**air)

    assert [] == world.events
    assert {cause: 1} == world.then_causes()


def test_an_unknown_gateway_does_not_spoil_what_others_heard(world: Any) -> None:
    world.given_joined()

    world.when_uplink(gateways=("0000000000000099", GATEWAYS[0]))

    (rx,) = world.then_event("up")["rxInfo"]
    assert GATEWAYS[0] == rx["gatewayId"]


def test_a_private_gateway_of_another_tenant_hears_nothing(world: Any) -> None:
    world.given_joined()
    private = "00000000000000aa"
    with world.store.transaction():
        world.store.tenants.create(
            api.Tenant(
                id="0" * 8 + "-0000-4000-8000-000000000001",
                name="other",
                private_gateways_up=True,
            ),
            world.now,
        )
    world.given_gateways(private, tenant_id="0" * 8 + "-0000-4000-8000-000000000001")

    world.when_uplink(gateways=(private,))

    assert {"private_gateway": 1} == world.then_causes()
    assert 0 == world.device.f_cnt_up


def test_the_gateways_stored_place_completes_a_reception(world: Any) -> None:
    world.given_joined()

    world.when_uplink()

    (rx,) = world.then_event("up")["rxInfo"]
    assert {"latitude": 43.6045, "longitude": 1.444, "altitude": 152.0} == rx[
        "location"
    ]


def test_a_gateway_clock_that_is_far_off_is_not_believed(world: Any) -> None:
    world.given_joined()
    assert world.session is not None
    near, far = world.now + 10, world.now + 40
    for f_cnt, clock in enumerate((near, far)):
        phy_payload = world.session.uplink(f_cnt=f_cnt, f_port=2, payload=b"\x01")
        frame = frame_of(phy_payload, GATEWAYS[0])
        frame.rx_info.gw_time.seconds = int(clock)
        world.when_gateway_says(GATEWAYS[0], "up", frame.SerializeToString())
        world.when_time_passes(0.2)

    believed, own = (event["time"] for event in world.then_events("up"))
    assert "2026-09-14T08:03:30+00:00" == believed
    assert own.startswith("2026-09-14T08:03:20.")


def frame_of(phy_payload: bytes, gateway_id: str) -> gw.UplinkFrame:
    frame = gw.UplinkFrame(
        phy_payload=phy_payload,
        rx_info=gw.UplinkRxInfo(gateway_id=gateway_id, rssi=-97, snr=-5.0),
    )
    frame.tx_info.frequency = 868_300_000
    lora = frame.tx_info.modulation.lora
    lora.bandwidth, lora.spreading_factor = 125_000, 9
    lora.code_rate = gw.CodeRate.CR_4_5
    return frame
