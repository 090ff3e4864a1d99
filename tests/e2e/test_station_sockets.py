"""Gateways that run Basics Station and the embedded server's endpoint, by socket."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue

import pytest
from chirpstack_api import gw
from tests.chirpstack_embedded.conftest import eu868
from tests.gateway_sim.given import CAPITOLE, SEED, frame
from tests.gateway_sim.test_program import receive, send
from tests.servers import HOST, free_port

from chirpstack_embedded.core.context import Transmission
from chirpstack_embedded.core.region import RegionPlan
from chirpstack_embedded.station import StationListener
from gateway_sim.chirpstack import Encoding
from gateway_sim.program import Program
from gateway_sim.station import LnsServer
from wire.lorawan.region.eu868 import EU868

pytestmark = pytest.mark.slow

WAIT_S = 10.0
Heard = Queue[tuple[str, str, bytes]]


class Endpoint:
    """The server's side: what it heard, and how to have something sent."""

    def __init__(self) -> None:
        self.heard: Heard = Queue()
        self.listener = StationListener(
            RegionPlan(eu868()),
            (HOST, 0),
            on_message=lambda *message: self.heard.put(message),
        )
        self.listener.start()

    def until(self, kind: str) -> bytes:
        while True:
            _, topic, payload = self.heard.get(timeout=WAIT_S)
            if topic.endswith(f"/{kind}"):
                return payload

    def answer(self, up: gw.UplinkFrame) -> None:
        message = gw.DownlinkFrame(gateway_id=up.rx_info.gateway_id, downlink_id=77)
        item = message.items.add(phy_payload=b"\x20to a lamp")
        item.tx_info.frequency = up.tx_info.frequency
        item.tx_info.modulation.CopyFrom(up.tx_info.modulation)
        item.tx_info.context = up.rx_info.context
        item.tx_info.timing.delay.delay.FromSeconds(1)
        transmission = Transmission(
            region_config_id="eu868", gateway_id=message.gateway_id, frame=message
        )
        assert self.listener.send(transmission, as_json=False)


@contextmanager
def gateways(port: int) -> Iterator[tuple[str, int]]:
    """The simulator in a thread of its own; yields where devices connect."""
    air = (HOST, free_port())
    started: Queue[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Queue()

    async def live() -> None:
        program = Program(
            [CAPITOLE],
            server=LnsServer(uri=f"ws://{HOST}:{port}"),
            encoding=Encoding.PROTOBUF,
            region=EU868,
            seed=SEED,
            stats_interval_s=3_600.0,
        )
        stopping = asyncio.Event()
        started.put((asyncio.get_running_loop(), stopping))
        await program.run(*air, stopping)

    thread = threading.Thread(target=asyncio.run, args=(live(),))
    thread.start()
    loop, stopping = started.get(timeout=WAIT_S)
    try:
        yield air
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(WAIT_S)
    assert not thread.is_alive()


@pytest.mark.proves("feature:basics-station")
def test_a_frame_goes_up_and_its_answer_is_on_the_air_and_acknowledged() -> None:
    endpoint = Endpoint()
    try:
        with gateways(endpoint.listener.port) as air:
            assert endpoint.until("stats")
            with socket.create_connection(air, timeout=WAIT_S) as ether:
                heard = frame(start_s=time.time())
                send(ether, heard)
                up = gw.UplinkFrame.FromString(endpoint.until("up"))
                endpoint.answer(up)
                answer = receive(ether)
            ack = gw.DownlinkTxAck.FromString(endpoint.until("ack"))
    finally:
        endpoint.listener.stop()

    assert heard.phy_payload == up.phy_payload
    assert (b"\x20to a lamp", 868_300_000, 16.0) == (
        *(answer.phy_payload, answer.frequency_hz),
        answer.power_dbm,
    )
    assert heard.end_s + 1.0 == pytest.approx(answer.start_s, abs=1e-5)
    assert (77, [gw.OK]) == (ack.downlink_id, [item.status for item in ack.items])
