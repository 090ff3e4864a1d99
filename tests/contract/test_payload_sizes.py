"""The largest item per data-rate, LoRaWAN version and revision (contract §2.6)."""

import pytest
from chirpstack_api import common
from tests.contract.world import World

A, B = common.RegParamsRevision.A, common.RegParamsRevision.B
RP002_1_0_0 = common.RegParamsRevision.RP002_1_0_0
RP002_1_0_3 = common.RegParamsRevision.RP002_1_0_3
V1_0_2 = common.MacVersion.LORAWAN_1_0_2
V1_0_3 = common.MacVersion.LORAWAN_1_0_3
V1_0_4 = common.MacVersion.LORAWAN_1_0_4


@pytest.mark.proves("feature:class-a", "trap:14")
@pytest.mark.parametrize(
    ("version", "revision", "dr", "size"),
    [
        (V1_0_3, A, 2, 51),
        (V1_0_3, A, 3, 115),
        (V1_0_3, A, 4, 242),
        (V1_0_3, A, 5, 242),
        (V1_0_2, B, 4, 242),
        (V1_0_4, RP002_1_0_0, 4, 242),
        (V1_0_4, RP002_1_0_3, 4, 222),
        (V1_0_4, RP002_1_0_3, 5, 242),
        (V1_0_4, A, 4, 222),
    ],
)
def test_the_largest_item_passes_and_one_octet_more_does_not(
    world: World, version: int, revision: int, dr: int, size: int
) -> None:
    world.given_device(mac_version=version, reg_params_revision=revision)
    world.when_join()
    world.then_joined()
    world.given_queued(bytes(size + 1))
    world.given_queued(bytes(size))
    world.when_uplink(dr=dr, snr=0.0)
    world.then_event("up")

    downlink = world.then_downlink()

    log = world.then_event("log")
    assert bytes(size) == downlink.clear()
    assert str(size) == log["context"]["max_payload_size"]


def test_the_version_of_the_join_counts_until_the_next(world: World) -> None:
    world.given_joined(mac_version=V1_0_4, reg_params_revision=RP002_1_0_3)
    world.given_queued(bytes(242))
    world.when_uplink(dr=4, snr=0.0)
    world.then_event("up")

    assert bytes(242) == world.then_downlink().clear()
