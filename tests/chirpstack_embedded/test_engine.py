"""The engine commits before anything leaves, and judges by arrival, not by haste."""

from typing import Any

import pytest
from tests.chirpstack_embedded.conftest import (
    APPLICATION_ID,
    DEV_EUI,
    GATEWAYS,
    World,
    uplink_frame,
)

from chirpstack_embedded.adapters.engine import Engine, FromApplication
from chirpstack_embedded.adapters.gatherer import Lot
from chirpstack_embedded.adapters.mqtt import Fate
from chirpstack_embedded.adapters.publisher import EventPublisher
from chirpstack_embedded.core.collector import Collector
from chirpstack_embedded.failpoint import Failpoint
from chirpstack_embedded.metrics import Metrics
from chirpstack_embedded.streams import Streams
from wire.lorawan.data import DataFrame


class Bench:
    """An engine without thread, broker or clock of its own."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.now = world.now
        self.published: list[tuple[str, bytes]] = []
        self.sent: list[Any] = []
        self.streams = Streams()
        self.metrics = Metrics()
        self.publisher = EventPublisher(self._publish, lambda: 100)
        self.engine = Engine(
            server=world.server,
            store=world.store,
            publisher=self.publisher,
            send=self.sent.extend,
            streams=self.streams,
            metrics=self.metrics,
            failpoint=Failpoint(""),
            clock=lambda: self.now,
        )

    def counted(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0

    def _publish(self, topic: str, payload: bytes, _token: int) -> bool:
        self.published.append((topic, payload))
        return True


@pytest.fixture
def bench(world: World) -> Bench:
    world.given_joined()
    return Bench(world)


def heard(phy_payload: bytes, gateway_id: str, at: float) -> Lot:
    """What the gateways' process makes of a frame that came 200 ms before ``at``."""
    collector = Collector(0.2)
    payload = uplink_frame(phy_payload, gateway_id).SerializeToString()
    topic = f"eu868/gateway/{gateway_id}/event/up"
    collector.receive("eu868", topic, payload, at - 0.2)
    collector.tick(at)
    return Lot(at=at, received=collector.received(), findings=collector.found())


def uplink(world: World, f_cnt: int = 0) -> bytes:
    assert world.session is not None
    return world.session.uplink(f_cnt=f_cnt, f_port=2, payload=b"\x01")


def test_an_event_is_in_the_outbox_until_its_puback(bench: Bench) -> None:
    bench.engine.step([heard(uplink(bench.world), GATEWAYS[0], bench.now)])
    bench.now += 0.2
    bench.engine.step([])
    (row,) = bench.world.store.outbox.waiting()
    assert [(row.topic, row.payload)] == bench.published

    bench.publisher.told(row.id, Fate.ACCEPTED)
    bench.engine.step([])
    assert [row] == bench.world.store.outbox.waiting()  # not worth a commit yet
    bench.now += 0.2
    bench.engine.step([])

    assert [] == bench.world.store.outbox.waiting()
    name = "garonne_chirpstack_events_published_total"
    assert 1.0 == bench.counted(name, event="up")


def test_a_late_engine_still_knows_the_command_before_it_answers(bench: Bench) -> None:
    arrived = bench.now
    command = FromApplication(
        at=arrived + 0.05,
        topic=f"application/{APPLICATION_ID}/device/{DEV_EUI}/command/down",
        payload=b'{"devEui": "a81758fffe0301c4", "fPort": 10, "data": "AQ=="}',
    )
    bench.engine.step([heard(uplink(bench.world), GATEWAYS[0], arrived)])
    bench.engine.post(command)
    bench.now += 10  # the engine was busy for ten seconds

    bench.engine.step(bench.engine._take())
    bench.engine.step([])

    (transmission,) = bench.sent
    (item, *_) = transmission.frame.items
    assert bench.world.session is not None
    clear = DataFrame.parse(item.phy_payload)
    assert b"\x01" == bench.world.session.decrypt(clear, 0)


def test_a_step_that_cannot_commit_lets_nothing_out(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    lot = heard(uplink(bench.world), GATEWAYS[0], bench.now)

    def full(*_details: Any) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(bench.world.store.outbox, "add", full)
        with pytest.raises(OSError, match="no space"):
            bench.engine.step([lot])

    assert ([], []) == (bench.published, bench.world.store.outbox.waiting())
    assert 0 == bench.world.device.f_cnt_up


def lot_of(*lots: Lot) -> Lot:
    findings = [finding for lot in lots for finding in lot.findings]
    return Lot(at=lots[-1].at, received={}, findings=findings)


def test_frames_of_one_device_in_one_lot_are_judged_one_after_the_other(
    bench: Bench,
) -> None:
    first, second, again = (
        heard(uplink(bench.world, f_cnt), GATEWAYS[0], bench.now) for f_cnt in (0, 1, 1)
    )

    bench.engine.step([lot_of(first, second, again)])

    events = [(topic.rpartition("/")[2], payload) for topic, payload in bench.published]
    assert ["up", "up", "log"] == [kind for kind, _ in events]
    assert [b'"fCnt":0', b'"fCnt":1'] == [
        b'"fCnt":%d' % number
        for number in range(2)
        if b'"fCnt":%d' % number in events[number][1]
    ]
    assert {"f_cnt_retransmission": 1} == rejected(bench)


def test_the_codec_hears_of_a_whole_lot_before_the_first_uplink_is_judged(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []
    payloads = bench.world.context.payloads

    def expect(uplinks: Any) -> None:
        calls.append([(f_port, data) for _, f_port, data, _ in uplinks])

    def decode(_profile: Any, _variables: Any, f_port: int, *_details: Any) -> None:
        calls.append(f_port)

    monkeypatch.setattr(payloads, "expect", expect)
    monkeypatch.setattr(payloads, "decode", decode)
    lots = [
        heard(uplink(bench.world, f_cnt), GATEWAYS[0], bench.now) for f_cnt in (0, 1)
    ]
    bench.engine.step([lot_of(*lots)])

    assert [[(2, b"\x01")] * 2, 2, 2] == calls


def test_a_fault_of_one_frame_in_a_lot_is_counted_and_harms_no_other(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = heard(uplink(bench.world), GATEWAYS[0], bench.now)
    bad = heard(b"\x40" * 12, GATEWAYS[0], bench.now)
    known = bench.world.store.devices.with_dev_addr

    def with_dev_addr(dev_addr: str) -> Any:
        if dev_addr == "40404040":
            raise RuntimeError("a fault of ours")
        return known(dev_addr)

    monkeypatch.setattr(bench.world.store.devices, "with_dev_addr", with_dev_addr)
    bench.engine.step([lot_of(bad, good)])

    assert 1 == len(bench.published)
    assert {"error": 1} == rejected(bench)


def rejected(bench: Bench) -> dict[str, int]:
    name = "garonne_chirpstack_uplinks_rejected_total"
    return {
        sample.labels["cause"]: int(sample.value)
        for metric in bench.metrics.registry.collect()
        for sample in metric.samples
        if sample.name == name
    }


def test_a_puback_outlives_a_step_that_cannot_commit(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.engine.step([heard(uplink(bench.world), GATEWAYS[0], bench.now)])
    bench.now += 0.2
    bench.engine.step([])
    (row,) = bench.world.store.outbox.waiting()
    bench.publisher.told(row.id, Fate.ACCEPTED)

    def full(*_details: Any) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(bench.world.store.outbox, "add", full)
        with pytest.raises(OSError, match="no space"):
            bench.engine.step([None])
    bench.engine.step([None])

    assert [] == bench.world.store.outbox.waiting()


def test_commands_reach_the_queue_and_rejections_are_counted(bench: Bench) -> None:
    topic = f"application/{APPLICATION_ID}/device/{DEV_EUI}/command/down"
    good = b'{"devEui": "a81758fffe0301c4", "fPort": 10}'
    arrivals = [
        FromApplication(at=bench.now, topic=topic, payload=payload)
        for payload in (good, b"{")
    ]

    bench.engine.step([*arrivals])

    assert 1 == len(bench.world.device.queue)
    name = "garonne_chirpstack_uplinks_rejected_total"
    assert 1.0 == bench.counted(name, cause="undecodable", kind="command")


def test_downlinks_leave_and_everything_shows_in_the_log_views(bench: Bench) -> None:
    bench.world.given_queued()
    bench.engine.step([heard(uplink(bench.world), GATEWAYS[0], bench.now)])
    for _ in range(2):
        bench.now += 0.2
        bench.engine.step([])

    (transmission,) = bench.sent
    assert GATEWAYS[0] == transmission.gateway_id
    looked = iter([True, False])
    events = bench.streams.follow("device-event", str(DEV_EUI), lambda: next(looked))
    assert ["up"] == [item.description for item in events]
    looked = iter([True, False])
    frames = bench.streams.follow("gateway-frame", GATEWAYS[0], lambda: next(looked))
    # The join of before, whose line the first step took along, and this uplink.
    assert "UnconfirmedDataUp" == [item.description for item in frames][-1]
