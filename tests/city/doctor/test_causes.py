"""
One cause each, made to happen on a server, and the doctor asked.

The server is the embedded one, or the real ChirpStack that GARONNE_CHIRPSTACK_GRPC,
_MQTT and _TOKEN name. What happens once is repeated until the doctor has said
something, as a device does that was not answered.
"""

import queue
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from chirpstack_api import api, common, gw
from tests.contract.stage import FIRST_NONCE
from tests.contract.world import World

from city.doctor import Finding, examine
from city.network import Network
from city.settings import Reader
from wire.lorawan.keys import Key

pytestmark = pytest.mark.slow

LISTEN_S = 20.0
FAILS = "function decodeUplink(input) { throw new Error('no such channel'); }"


def doctor(
    world: World, listen_s: float = 0.0, dev_eui: str = "", later_s: float = 0.0
) -> Finding:
    """Ask; ``later_s`` lets the doctor come so much later than it is."""
    site = world.stage.site
    broker = Reader({"GARONNE_MQTT": site.mqtt}).mqtt()
    with Network(site.grpc, site.token) as network:
        return examine(
            dev_eui or world.cast.dev_eui,
            network,
            broker,
            listen_s=listen_s,
            clock=lambda: time.time() + later_s,
        )


def doctor_while(world: World, action: Callable[[], object]) -> Finding:
    """Let something happen again and again while the doctor listens."""
    found: queue.Queue[Finding] = queue.Queue()
    listening = threading.Thread(target=lambda: found.put(doctor(world, LISTEN_S)))
    listening.start()
    while listening.is_alive():
        action()
        listening.join(1.0)
    return found.get_nowait()


def report(world: World) -> None:
    """Let the cast's gateway report that it lives."""
    gateway_id = world.cast.gateways[0]
    stats = gw.GatewayStats(gateway_id=gateway_id, rx_packets_received=1)
    world.when_gateway_says("stats", stats.SerializeToString(), gateway_id)
    request = api.GetGatewayRequest(gateway_id=gateway_id)
    asked = threading.Event()
    for _ in range(100):
        answer = world.stage.caller.do("GatewayService/Get", request)
        if answer.HasField("last_seen_at"):
            return
        asked.wait(0.05)
    raise AssertionError("the gateway's report did not arrive")


def join(world: World) -> None:
    """Let the device join, and its gateway acknowledge the answer."""
    world.when_join()
    world.when_tx_ack(world.then_joined())
    world.stage.settle()


# Asked first: no gateway of this server has reported yet.
def test_gateways_that_never_reported(world: World) -> None:
    world.given_device()

    finding = doctor(world)

    assert "gateways_silent" == finding.kind
    assert "has ever reported, so nobody hears lamp-0147" in finding.sentence


def test_a_number_that_chirpstack_does_not_know(world: World) -> None:
    stranger = secrets.token_hex(8)

    finding = doctor(world, dev_eui=stranger)

    assert "unknown" == finding.kind
    assert f"ChirpStack does not know a device {stranger}." == finding.sentence
    assert f"garonne device add --dev-eui {stranger}" in finding.advice


def test_a_number_read_from_the_wrong_end(world: World) -> None:
    world.given_device()
    turned = bytes.fromhex(world.cast.dev_eui)[::-1].hex()

    finding = doctor(world, dev_eui=turned)

    assert "backwards" == finding.kind
    assert world.cast.dev_eui in finding.sentence


def test_a_disabled_device(world: World) -> None:
    world.given_device()
    caller = world.stage.caller
    request = api.GetDeviceRequest(dev_eui=world.cast.dev_eui)
    device = caller.do("DeviceService/Get", request).device
    device.is_disabled = True
    caller.do("DeviceService/Update", api.UpdateDeviceRequest(device=device))

    assert "disabled" == doctor(world).kind


def test_a_device_without_a_key(world: World) -> None:
    world.given_device()
    request = api.DeleteDeviceKeysRequest(dev_eui=world.cast.dev_eui)
    world.stage.caller.do("DeviceService/DeleteKeys", request)

    assert "no_key" == doctor(world).kind


def test_a_key_in_the_wrong_field(world: World) -> None:
    """For LoRaWAN 1.0.x the API takes the AppKey in nwk_key (trap 7)."""
    world.given_device()
    keys = api.DeviceKeys(
        dev_eui=world.cast.dev_eui, nwk_key="0" * 32, app_key=world.cast.app_key.hex()
    )
    request = api.UpdateDeviceKeysRequest(device_keys=keys)
    world.stage.caller.do("DeviceService/UpdateKeys", request)

    finding = doctor(world)

    assert "no_key" == finding.kind
    assert "all zeros" in finding.sentence


def test_a_wrong_key(world: World) -> None:
    world.given_device()
    world.when_join(key=Key(bytes(16)))
    world.then_event("log")

    finding = doctor(world)

    assert "wrong_key" == finding.kind
    assert "with another AppKey than the one in ChirpStack" in finding.sentence


def test_a_nonce_used_before(world: World) -> None:
    world.given_device()
    join(world)
    world.when_join(FIRST_NONCE)
    world.then_event("log")

    finding = doctor(world)

    assert "used_nonce" == finding.kind
    assert "a DevNonce that it has used before" in finding.sentence


def test_only_a_gateway_that_nobody_registered_hears_it(world: World) -> None:
    world.given_device()
    stranger = secrets.token_hex(8)
    report(world)

    finding = doctor_while(
        world,
        lambda: world.when_frame(world.cast.next_join_request(), gateways=(stranger,)),
    )

    assert "gateway_unknown" == finding.kind
    assert f"only by gateway {stranger}" in finding.sentence


def test_only_the_private_gateway_of_another_tenant_hears_it(world: World) -> None:
    world.given_device()
    other = world.stage.new_tenant(name="harbour", private_gateways_up=True)
    private = world.stage.new_gateway(other, name="crane")
    report(world)

    finding = doctor_while(
        world,
        lambda: world.when_frame(world.cast.next_join_request(), gateways=(private,)),
    )

    assert "gateway_private" == finding.kind
    assert "gateway crane" in finding.sentence


def test_a_profile_of_another_region(world: World) -> None:
    world.given_device(region=common.Region.US915)
    report(world)

    finding = doctor(world)

    assert "wrong_region" == finding.kind
    assert "is for US915, but the gateways are for EU868" in finding.sentence


def test_an_answer_that_no_gateway_acknowledges(world: World) -> None:
    world.given_device()
    report(world)

    finding = doctor_while(world, world.when_join)

    assert "no_tx_ack" == finding.kind
    assert f"gateway {world.cast.gateways[0]} does not say" in finding.sentence


def test_a_join_whose_answer_was_never_acknowledged(world: World) -> None:
    """Nobody listened then: the server's frame log has no join-accept."""
    world.given_device()
    world.when_join()
    world.then_joined()
    world.stage.settle()

    # After two seconds a gateway will not acknowledge any more.
    assert "not_answered" == doctor(world, later_s=3.0).kind


def test_an_answer_that_came_too_late_with_the_time_it_took(world: World) -> None:
    world.given_device()
    report(world)

    def late() -> None:
        world.when_join()
        frame = world.stage.take_down(world.cast.gateways[0])
        world.stage.acknowledge(frame, "TOO_LATE", "TOO_LATE")

    finding = doctor_while(world, late)

    assert "window_missed" == finding.kind
    assert "the gateway got the answer too late" in finding.sentence
    assert " ms to the broker." in finding.sentence


def test_a_device_that_is_let_in_and_asks_again(world: World) -> None:
    world.given_device()
    report(world)
    for _ in range(2):
        join(world)

    finding = doctor(world)

    assert "window_missed" == finding.kind
    assert "was let in 2 times" in finding.sentence


def test_a_class_c_command_that_waits_for_the_first_report(world: World) -> None:
    world.given_device(supports_class_c=True)
    join(world)
    world.given_queued()

    finding = doctor(world)

    assert "class_c_waits" == finding.kind
    assert "until it has sent its first report" in finding.sentence


def test_a_gateway_that_refuses_a_command(world: World) -> None:
    world.given_joined()
    report(world)
    world.given_queued()
    world.when_uplink()
    world.then_event("up")
    world.when_tx_ack(world.then_downlink(), "DUTY_CYCLE_OVERFLOW")
    world.then_event("log")

    finding = doctor(world)

    assert "gateway_refused" == finding.kind
    assert "DUTY_CYCLE_OVERFLOW" in finding.sentence


def test_a_codec_that_fails(world: World) -> None:
    world.given_joined()
    world.given_codec(FAILS)
    world.when_uplink()
    world.then_event("up")
    world.then_event("log")

    finding = doctor(world)

    assert "codec" == finding.kind
    assert "no such channel" in finding.sentence


def test_counters_that_begin_again(world: World) -> None:
    world.given_joined()
    for f_cnt in (5, 6):
        world.when_uplink(f_cnt=f_cnt)
        world.then_event("up")
    world.stage.settle()
    world.when_uplink(f_cnt=1)
    world.then_event("log")

    assert "counter_reset" == doctor(world).kind


def test_frames_of_an_older_session(world: World) -> None:
    world.given_device()
    join(world)
    report(world)
    strange = Key(bytes(16))
    world.cast.session = world.session.__class__(
        dev_addr=world.session.dev_addr, nwk_s_key=strange, app_s_key=strange
    )

    def speak() -> None:
        with suppress(AssertionError):
            world.when_uplink()

    finding = doctor_while(world, speak)

    assert "old_session" == finding.kind


def test_a_device_that_has_just_joined(world: World) -> None:
    world.given_device()
    report(world)
    join(world)

    finding = doctor(world)

    assert ("first_report", True) == (finding.kind, finding.healthy)


def test_a_device_that_nobody_has_heard(world: World) -> None:
    world.given_device()
    report(world)

    finding = doctor(world)

    assert ("never_heard", False) == (finding.kind, finding.healthy)


def test_a_device_that_is_well(world: World) -> None:
    world.given_joined()
    report(world)
    world.when_uplink()
    world.then_event("up")
    world.when_uplink()
    world.then_event("up")
    world.stage.settle()

    finding = doctor(world)

    assert ("well", True) == (finding.kind, finding.healthy)
    assert "All is well: lamp-0147 was last heard" in finding.sentence
    assert f"by gateway {world.cast.gateways[0]} (RSSI -97 dBm" in finding.sentence
