"""A gateway elsewhere: what it hears, and what it may send."""

from typing import Any

import pytest
from tests.gateway_sim.given import BOOT_S, CAPITOLE, SEED, downlink, frame, item

from gateway_sim.gateway import Gateway
from gateway_sim.medium import Medium
from wire.lorawan.region.catalogue import REGIONS

NOW = BOOT_S + 100.0


def cause(region: str, **fields: Any) -> str | None:
    """Why a gateway did not hear an uplink; None when it did."""
    air = Medium([CAPITOLE], region=REGIONS[region], seed=SEED)
    air.transmit(frame(**fields))
    air.tick(BOOT_S + 10.0)
    (outcome,) = air.outcomes()
    return None if outcome.cause is None else str(outcome.cause)


def status(region: str, **fields: Any) -> str:
    made = Gateway(CAPITOLE, region=REGIONS[region], boot_s=BOOT_S, seed=SEED)
    return str(made.request(downlink(item(**fields)), NOW).statuses[0])


@pytest.mark.parametrize(
    ("region", "mhz", "sf", "khz", "why"),
    [
        ("us915_1", 903.9, 10, 125, None),
        ("us915_1", 904.6, 8, 500, None),
        ("us915_1", 902.3, 10, 125, "channel"),  # the first sub-band's
        ("us915_0", 902.3, 10, 125, None),
        ("us915_1", 903.9, 12, 125, "modulation"),
        ("us915_1", 903.9, 12, 500, "modulation"),  # goes down only
        ("au915_1", 916.8, 12, 125, None),
        ("as923", 923.2, 12, 125, None),
        ("as923_2", 923.2, 12, 125, "channel"),
        ("as923_2", 921.4, 7, 125, None),
        ("in865", 865.0625, 9, 125, None),
        ("in865", 868.1, 9, 125, "channel"),
    ],
)
def test_a_gateway_hears_the_channels_of_its_set_up(
    region: str, mhz: float, sf: int, khz: int, why: str | None
) -> None:
    found = cause(
        region,
        frequency_hz=round(mhz * 1e6),
        spreading_factor=sf,
        bandwidth_hz=khz * 1000,
        airtime_s=1.0,
    )

    assert why == found


@pytest.mark.parametrize(
    ("region", "mhz", "sf", "khz", "dbm", "expected"),
    [
        ("us915_1", 923.3, 12, 500, 21, "OK"),
        ("us915_1", 923.9, 7, 500, 21, "OK"),
        ("us915_1", 923.3, 10, 125, 21, "INTERNAL_ERROR"),  # no such downlink
        ("us915_1", 868.1, 12, 500, 21, "TX_FREQ"),
        ("us915_1", 923.3, 12, 500, 31, "TX_POWER"),
        ("au915_7", 927.5, 12, 500, 30, "OK"),
        ("as923_4", 917.3, 10, 125, 16, "OK"),
        ("as923_4", 917.3, 10, 125, 17, "TX_POWER"),
        ("in865", 866.55, 10, 125, 30, "OK"),
        ("in865", 869.525, 9, 125, 30, "TX_FREQ"),
    ],
)
def test_a_gateway_sends_what_its_region_allows(
    region: str, mhz: float, sf: int, khz: int, dbm: int, expected: str
) -> None:
    found = status(
        region,
        frequency_hz=round(mhz * 1e6),
        spreading_factor=sf,
        bandwidth_hz=khz * 1000,
        power_dbm=dbm,
    )

    assert expected == found


def test_without_a_duty_cycle_a_gateway_may_send_for_an_hour() -> None:
    made = Gateway(CAPITOLE, region=REGIONS["us915_1"], boot_s=BOOT_S, seed=SEED)

    (load,) = made.loads(NOW)

    assert 3600.0 == load.budget_s
