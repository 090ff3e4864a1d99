"""Gateways that bend their own protocol: the server still hears the others."""

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from chirpstack_api import gw
from google.protobuf.json_format import MessageToJson, SerializeToJsonError
from hypothesis import given
from hypothesis import strategies as st
from tests.chirpstack_embedded.conftest import (
    GATEWAYS,
    START,
    World,
    configuration,
    eu868,
    uplink_frame,
)
from tests.chirpstack_embedded.grpc_api.test_hostile import fill
from tests.chirpstack_embedded.test_bad_input import JSON, ONE_WORLD, still_alive

from chirpstack_embedded.adapters.gatherer import Gatherer, Lot
from chirpstack_embedded.core.collector import Collector, Refused
from chirpstack_embedded.core.region import RegionPlan
from chirpstack_embedded.station import Bridge as StationBridge
from chirpstack_embedded.udp import Bridge as UdpBridge
from wire.errors import Malformed
from wire.eui64 import EUI64
from wire.semtech import RxPk, Stat
from wire.station import DnTxed, UpInfo, Uplink, Version

pytestmark = pytest.mark.slow

GATEWAY = EUI64.parse(GATEWAYS[0])
SOURCE = ("127.0.0.1", 4711)
FRAME = bytes.fromhex("40f6ffffff809001010203ecffffff")
RXPK = RxPk(
    tmst=1,
    frequency_hz=868_300_000,
    spreading_factor=9,
    bandwidth_hz=125_000,
    phy_payload=FRAME,
)
STAT = Stat(time="2026-11-21 10:00:00 GMT", latitude=43.6, longitude=1.4)
UPLINK = Uplink(
    phy_payload=FRAME,
    data_rate=3,
    frequency_hz=868_300_000,
    info=UpInfo(x_time=0x00A5_0000_1234_5678, rx_time_s=START),
)
STATION = [
    json.loads(str(one))
    for one in (UPLINK, DnTxed(diid=7, dev_eui=GATEWAY), Version(station="2.0.6"))
]
WILD = (
    JSON
    | st.sampled_from([2**31, 2**32, 2**63, 2**64, -(2**63), 1e300, -1e300, 1e-300])
    | st.binary(max_size=255).map(lambda octets: b64encode(octets).decode())
    | st.binary(max_size=255).map(bytes.hex)
)


@pytest.fixture(scope="module")
def lamp() -> Iterator[World]:
    world = World()
    world.given_joined(supports_class_c=True)
    world.when_uplink()
    yield world
    world.store.close()


def bent(data: st.DataObject, good: dict[str, Any]) -> dict[str, Any]:
    """A document of which one to three fields are anything."""
    keys = data.draw(st.lists(st.sampled_from(sorted(good)), min_size=1, max_size=3))
    return good | {key: data.draw(WILD) for key in keys}


def pass_on(world: World, events: list[tuple[str, bytes]]) -> None:
    for topic, payload in events:
        world.when_gateway_says(str(GATEWAY), topic.rpartition("/")[2], payload)
    world.when_time_passes(0.5)


@ONE_WORLD
@given(data=st.data())
def test_any_datagram_of_a_gateway(lamp: World, data: st.DataObject) -> None:
    bridge = UdpBridge("eu868")
    document = {
        "rxpk": [bent(data, RXPK.document())],
        "stat": bent(data, STAT.document()),
    }
    body = json.dumps(data.draw(st.just(document) | WILD)).encode()
    head = bytes((2, 0, 0, data.draw(st.sampled_from([0, 2, 5]))))
    with suppress(Malformed):
        bridge.receive(head + GATEWAY + body, SOURCE)
    pass_on(lamp, bridge.events())

    still_alive(lamp)


@ONE_WORLD
@given(data=st.data())
def test_any_websocket_message_of_a_gateway(lamp: World, data: st.DataObject) -> None:
    bridge = StationBridge("eu868", RegionPlan(eu868()))
    bridge.connect(GATEWAY)
    good = data.draw(st.sampled_from(STATION))
    document = bent(data, good)
    if "upinfo" in good and data.draw(st.booleans()):
        document["upinfo"] = bent(data, good["upinfo"])
    with suppress(Malformed):
        bridge.receive(GATEWAY, json.dumps(document), START)
    pass_on(lamp, bridge.events())

    still_alive(lamp)


@ONE_WORLD
@given(data=st.data())
def test_an_uplink_of_extreme_numbers(lamp: World, data: st.DataObject) -> None:
    numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(
        -(2**63), 2**63 - 1
    )
    fields = ("xtime", "rctx", "gpstime", "rssi", "snr", "rxtime")
    document = json.loads(str(UPLINK))
    document["upinfo"] = {key: data.draw(numbers) for key in fields}
    bridge = StationBridge("eu868", RegionPlan(eu868()))
    bridge.connect(GATEWAY)
    with suppress(Malformed):
        bridge.receive(GATEWAY, json.dumps(document), START)
    pass_on(lamp, bridge.events())

    still_alive(lamp)


LEVELS = st.text(max_size=20) | st.sampled_from(["+", "#", "\x00", "", "a" * 300])


@ONE_WORLD
@given(application_id=LEVELS, dev_eui=LEVELS, kind=LEVELS, document=JSON)
def test_any_topic_of_an_application(
    lamp: World, application_id: str, dev_eui: str, kind: str, document: Any
) -> None:
    lamp.when_command(
        document, application_id=application_id, dev_eui=dev_eui, kind=kind
    )

    still_alive(lamp)


@ONE_WORLD
@given(topic=LEVELS, payload=st.binary(max_size=60))
def test_any_topic_of_a_gateway(lamp: World, topic: str, payload: bytes) -> None:
    for name in (topic, f"eu868/gateway/{topic}/event/up", f"{topic}/event/stats"):
        with lamp.store.transaction():
            lamp.server.receive("eu868", name, payload, lamp.now)

    still_alive(lamp)


KNOWN = {"gateway_id": str(GATEWAY), "id": str(GATEWAY)}


@ONE_WORLD
@given(data=st.data())
def test_any_metadata_of_a_good_frame(lamp: World, data: st.DataObject) -> None:
    assert lamp.session is not None
    phy_payload = lamp.session.uplink(f_cnt=lamp.f_cnt, f_port=2, payload=b"\x01")
    lamp.f_cnt += 1
    good = uplink_frame(phy_payload, GATEWAYS[0])
    bad = gw.UplinkFrame.FromString(good.SerializeToString())
    fill(data, bad.rx_info, KNOWN)
    bad.rx_info.gateway_id = GATEWAYS[1]
    for frame in (bad, good) if data.draw(st.booleans()) else (bad,):
        lamp.when_gateway_says(GATEWAYS[1], "up", frame.SerializeToString())
    lamp.when_time_passes(0.5)

    still_alive(lamp)


@ONE_WORLD
@given(data=st.data(), as_json=st.booleans())
def test_any_stats_and_acks(lamp: World, data: st.DataObject, *, as_json: bool) -> None:
    for kind, message in (("stats", gw.GatewayStats()), ("ack", gw.DownlinkTxAck())):
        fill(data, message, KNOWN)
        payload = message.SerializeToString()
        if as_json:
            with suppress(ValueError, SerializeToJsonError):
                payload = MessageToJson(message).encode()
        lamp.when_gateway_says(GATEWAYS[0], kind, payload)

    still_alive(lamp)


@pytest.mark.parametrize(
    "text",
    [
        '{"gatewayId":"\\ud800"}',
        '{"gatewayId":"0016c001f1500a2b","time":"9999-12-31T23:59:59.999999999Z"}',
        '{"gatewayId":"0016c001f1500a2b","time":"10000-01-01T00:00:00Z"}',
        '{"gatewayId":"0016c001f1500a2b","rxPacketsReceived":1e400}',
        '{"gatewayId":"0016c001f1500a2b","metadata":{"\\u0000":"\\udfff"}}',
        '{"gatewayId":' + "[" * 20_000,
        '{"gatewayId":' + "9" * 5_000 + "}",
    ],
    ids=range(7),
)
def test_odd_json_is_read_or_refused_in_words(world: World, text: str) -> None:
    world.given_joined()
    for kind in ("stats", "up", "ack"):
        world.when_gateway_says(GATEWAYS[0], kind, text.encode())

    still_alive(world)


@pytest.mark.parametrize("gateway_id", ["x", "", "zz" * 8, GATEWAYS[0] + "\n"])
def test_an_id_that_is_none_is_dropped_even_where_anybody_may_speak(
    gateway_id: str,
) -> None:
    world = World(replace(configuration(), allow_unknown_gateways=True))
    world.given_joined()
    world.when_uplink(gateways=(gateway_id,))

    assert [] == world.then_kinds()
    assert {"bad_gateway_id": 1} == world.then_causes()
    world.when_uplink(gateways=("00" * 8,))
    assert ["up"] == world.then_kinds()
    world.store.close()


def test_what_a_backend_refuses_is_counted_by_the_server(world: World) -> None:
    lots: list[Lot] = []
    gatherer = Gatherer(Collector(0.2), lots.append, clock=lambda: START)
    gatherer.refuse("malformed", "protocol=udp source=x reason=nonsense")
    gatherer.step([])
    [lot] = lots
    assert [Refused("gw", "malformed", "protocol=udp source=x reason=nonsense")] == (
        lot.findings
    )
    for finding in lot.findings:
        world.server.take(finding, START)

    assert {"malformed": 1} == world.then_causes()
    assert ["ns.gw.drop cause=malformed protocol=udp source=x reason=nonsense"] == (
        world.server.warnings()
    )
