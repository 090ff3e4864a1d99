"""A restart in the middle of everything: nothing is forgotten, nothing counts twice."""

from collections.abc import Callable

import pytest
from tests.contract.stage import FIRST_NONCE
from tests.contract.world import World

from wire.lorawan.fhdr import FCtrl


@pytest.fixture
def restart(world: World) -> Callable[[], None]:
    if world.stage.site.restart is None:
        pytest.skip("nobody may restart this server: set GARONNE_CHIRPSTACK_RESTART")
    return world.stage.site.restart


@pytest.mark.proves("feature:restart", "config:sqlite.path")
def test_counters_queues_sessions_and_nonces_survive_a_restart(
    world: World, restart: Callable[[], None]
) -> None:
    world.given_joined()
    first = world.given_queued(b"\x01", confirmed=True)
    world.names.add(first, "first item")
    frame = world.when_uplink()
    world.then_event("up")
    world.when_tx_ack(world.then_downlink())
    world.then_event("txack")
    world.given_queued(b"\x02")
    restart()
    world.stage.settle()

    world.when_frame(frame)
    repeated = world.then_event("log")
    world.when_uplink(f_ctrl=FCtrl(adr=True, ack=True))
    up, ack = world.then_event("up"), world.then_event("ack")
    second = world.then_downlink()
    world.when_tx_ack(second)
    world.then_event("txack")
    world.stage.settle()
    world.when_join(FIRST_NONCE)
    refused = world.then_event("log")
    world.when_join(FIRST_NONCE + 1)
    world.then_joined()

    assert "UPLINK_F_CNT_RETRANSMISSION" == repeated["code"]
    assert (1, first, True) == (up["fCnt"], ack["queueItemId"], ack["acknowledged"])
    assert (1, b"\x02") == (second.f_cnt, second.clear())
    assert "OTAA" == refused["code"]
    assert 1 == world.cast.accepted.join_nonce
    assert [] == world.then_queue()
