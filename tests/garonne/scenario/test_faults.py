"""Every fault of a device: the network survives it and says what it is."""

import pytest
from tests.garonne.scenario.small import lamps, ran, wrong

from wire.scenario import Side
from wire.scenario.fault_kinds import names

JOINED = "joined = 1"
ALL_ACCEPTED = "uplinks.rejected = 0"
DIM = {"fleet": "lamps", "object": {"level": 60}, "at_s": 200, "every_s": 60}

# The fault's own numbers, and what must be found besides the laws.
CASES: dict[str, tuple[dict[str, float], tuple[str, ...]]] = {
    "fcnt_duplicate": (
        {"rate": 0.3},
        ("logs.UPLINK_F_CNT_RETRANSMISSION > 0", "rejected.f_cnt_retransmission > 0"),
    ),
    "fcnt_jump": ({"rate": 0.3}, (JOINED, ALL_ACCEPTED)),
    "fcnt_reset": ({}, ("logs.UPLINK_F_CNT_RESET > 0", "rejected.f_cnt_reset > 0")),
    "replay": (
        {"rate": 0.3, "delay_s": 45},
        ("delivery > 0.95", "logs.UPLINK_F_CNT_RESET > 0", "rejected.f_cnt_reset > 0"),
    ),
    "mic_corrupt": ({"rate": 0.3}, ("rejected.mic > 0", "delivery < 1")),
    "mic_wrong_key": ({}, ("rejected.mic > 0", "delivery < 0.6")),
    "payload_corrupt": ({"rate": 0.5}, (ALL_ACCEPTED, "logs.UPLINK_CODEC > 0")),
    "mac_corrupt": ({"from_s": 0}, (JOINED, ALL_ACCEPTED)),
    "wrong_devaddr": ({"rate": 0.5}, ("rejected.unknown_dev_addr > 0",)),
    "key_mismatch": (
        {"from_s": 0, "devices": 1},
        ("joined = 0.75", "logs.UPLINK_MIC > 0", "joins.rejected.join_mic > 0"),
    ),
    "devnonce_repeat": (
        {},
        (JOINED, "logs.OTAA >= 3", "joins.rejected.dev_nonce >= 3", "events.join >= 8"),
    ),
    "rapid_join": ({"every_s": 60}, (JOINED, "events.join >= 16")),
    "join_storm": ({}, (JOINED, "events.join >= 8")),
    "invalid_datarate": ({"rate": 0.5}, ("radio_lost.modulation > 0",)),
    "invalid_frequency": ({"rate": 0.5}, ("radio_lost.channel > 0",)),
    "signal_weak": ({"loss_db": 150}, ("radio_lost.weak > 0", "delivery < 0.6")),
    "signal_spike": ({"loss_db": 150}, ("radio_lost.weak > 0", "delivery > 0.2")),
    "single_channel": ({}, (JOINED, ALL_ACCEPTED)),
    "random_drop": ({"rate": 0.3}, ("radio_lost.weak > 0", "delivery < 0.95")),
    "silence": ({"until_s": 400}, ("radio_lost.weak > 0", "delivery < 0.8")),
    "duty_cycle_violation": ({"every_s": 2}, ("uplinks.messages > 700",)),
    "burst_traffic": ({"copies": 3}, ("uplinks.messages > 250",)),
    "adr_reject": ({"from_s": 0}, (JOINED, ALL_ACCEPTED)),
    "confirmed_noack": ({}, ("logs.UPLINK_F_CNT_RETRANSMISSION > 0",)),
    "downlink_corrupt": ({"rate": 0.5}, (JOINED, ALL_ACCEPTED)),
    "clock_drift": ({"from_s": 60, "ppm": 50_000}, (JOINED, ALL_ACCEPTED)),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", CASES)
def test_the_network_survives_it_and_says_what_it_is(kind: str) -> None:
    numbers, expected = CASES[kind]
    fault = {"kind": kind, "fleet": "lamps", "from_s": 120, **numbers}
    report = ran(lamps(faults=[fault], commands=[DIM]))
    struck = () if kind == "key_mismatch" else (f"faults.{kind} > 0",)
    assert [] == wrong(report, "lost = 0", "laws.* = true", *struck, *expected)


def test_every_fault_of_a_device_has_its_case() -> None:
    assert set(names(Side.DEVICE)) == set(CASES)
