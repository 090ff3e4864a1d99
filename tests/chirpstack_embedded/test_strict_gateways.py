"""Whom the server believes: as ChirpStack everybody, or each gateway for itself."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from chirpstack_api import gw
from tests.chirpstack_embedded.conftest import (
    GATEWAYS,
    World,
    configuration,
    uplink_frame,
)

from chirpstack_embedded.errors import BadConfiguration
from chirpstack_embedded.settings import read_settings

ONE, TWO = GATEWAYS
SETTING = "GARONNE_CHIRPSTACK_STRICT_GATEWAYS"


@pytest.fixture
def strict() -> Iterator[World]:
    world = World(replace(configuration(), strict_gateway_identity=True))
    yield world
    world.store.close()


def speak_for_another(world: World) -> None:
    """A frame of gateway one on the topic of gateway two."""
    assert world.session is not None
    phy_payload = world.session.uplink(f_cnt=world.f_cnt, f_port=2, payload=b"\x01")
    frame = uplink_frame(phy_payload, ONE)
    world.when_gateway_says(TWO, "up", frame.SerializeToString())
    world.when_time_passes(0.3)


def ack_of(gateway_id: str, downlink_id: int) -> bytes:
    ack = gw.DownlinkTxAck(gateway_id=gateway_id, downlink_id=downlink_id)
    ack.items.add().status = gw.OK
    octets: bytes = ack.SerializeToString()
    return octets


@pytest.mark.proves("feature:strict-gateways")
def test_chirpstack_believes_the_payload_whatever_the_topic(world: World) -> None:
    world.given_joined()
    speak_for_another(world)

    assert [ONE] == [one["gatewayId"] for one in world.then_event("up")["rxInfo"]]


@pytest.mark.proves("feature:strict-gateways")
def test_a_strict_server_drops_what_speaks_for_another(strict: World) -> None:
    strict.given_joined()
    speak_for_another(strict)

    assert [] == strict.then_events("up")
    assert {"foreign_gateway_id": 1} == strict.then_causes()
    [warning] = strict.warnings
    assert TWO in warning
    strict.when_uplink()
    assert 1 == len(strict.then_events("up"))


def test_a_strict_server_takes_ids_in_either_case(strict: World) -> None:
    strict.given_joined()
    stats = gw.GatewayStats(gateway_id=ONE.upper())
    strict.when_gateway_says(ONE, "stats", stats.SerializeToString())

    assert {} == strict.then_causes()


def test_chirpstack_believes_whoever_acknowledges(world: World) -> None:
    world.given_quiet()
    world.given_queued()
    world.when_uplink()
    ack = ack_of(TWO, world.downlinks[-1].downlink_id)
    world.when_gateway_says(TWO, "ack", ack)

    assert 1 == len(world.then_events("txack"))


@pytest.mark.proves("feature:strict-gateways")
def test_a_strict_server_waits_for_the_gateway_that_it_asked(strict: World) -> None:
    strict.given_quiet()
    strict.given_queued()
    strict.when_uplink()
    downlink_id = strict.downlinks[-1].downlink_id
    strict.when_gateway_says(TWO, "ack", ack_of(TWO, downlink_id))

    assert [] == strict.then_events("txack")
    assert {"tx_ack_foreign": 1} == strict.then_causes()
    strict.when_gateway_says(ONE, "ack", ack_of(ONE, downlink_id))
    assert 1 == len(strict.then_events("txack"))


def test_the_setting_is_yes_or_no_and_off_unless_told() -> None:
    assert not read_settings({}).strict_gateway_identity
    assert read_settings({SETTING: "yes"}).strict_gateway_identity
    with pytest.raises(BadConfiguration, match=SETTING):
        read_settings({SETTING: "perhaps"})
