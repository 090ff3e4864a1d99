"""The running program and a network server that speaks Basics Station's protocol."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Queue
from typing import Any

import pytest
from tests.gateway_sim.given import CAPITOLE, SEED, frame
from tests.gateway_sim.test_lns import CONFIG, LAMP, RX1, RX2
from tests.gateway_sim.test_program import receive, send
from tests.servers import HOST, free_port
from websockets.asyncio.server import ServerConnection, serve

from gateway_sim.chirpstack import Encoding
from gateway_sim.program import Program
from gateway_sim.station import LnsServer
from wire.air import AirFrame
from wire.lorawan.region.eu868 import EU868
from wire.station import (
    DISCOVERY_PATH,
    Complaint,
    DeviceClass,
    DnMsg,
    DnTxed,
    FromGateway,
    RouterInfo,
    RouterInfoRequest,
    TimeSync,
    Uplink,
    Version,
    parse_from_gateway,
)

pytestmark = pytest.mark.slow

WAIT_S = 10.0
GATEWAY = CAPITOLE.gateway_id


class Lns:
    """A server that configures whoever comes, and remembers what they say."""

    def __init__(self) -> None:
        self.port = free_port()
        self.said: Queue[FromGateway] = Queue()
        self.asked: Queue[str] = Queue()
        self.error = ""
        self.connection: ServerConnection | None = None
        self.loop: asyncio.AbstractEventLoop | None = None

    async def handle(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.asked.put(connection.request.path)
        if connection.request.path == DISCOVERY_PATH:
            router = RouterInfoRequest.parse(await connection.recv()).router
            uri = f"ws://{HOST}:{self.port}/here/{router}"
            told = RouterInfo(router=router, muxs=router, uri=uri, error=self.error)
            await connection.send(str(told))
            return
        async for text in connection:
            message = parse_from_gateway(text)
            if isinstance(message, Version):
                self.connection = connection
                await connection.send(str(CONFIG))
            self.said.put(message)

    def until(self, kind: type[FromGateway]) -> Any:
        """The next message of a kind."""
        while not isinstance(message := self.said.get(timeout=WAIT_S), kind):
            continue
        return message

    def say(self, message: object) -> None:
        assert self.loop is not None
        assert self.connection is not None
        saying = self.connection.send(str(message))
        asyncio.run_coroutine_threadsafe(saying, self.loop).result(WAIT_S)

    def hang_up(self) -> None:
        assert self.loop is not None
        assert self.connection is not None
        self.loop.call_soon_threadsafe(self.connection.transport.abort)


class Running:
    """A program with one gateway, beside its server."""

    def __init__(self, lns: Lns, program: Program, air: tuple[str, int]) -> None:
        self.lns, self.program, self.air = lns, program, air

    def count(self, name: str, **labels: str) -> float:
        return self.program.metrics.registry.get_sample_value(name, labels) or 0.0

    def until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WAIT_S
        while not holds():
            assert time.monotonic() < deadline
            threading.Event().wait(0.01)


@contextmanager
def running(error: str = "") -> Iterator[Running]:
    lns, air = Lns(), (HOST, free_port())
    lns.error = error
    started: Queue[tuple[Program, asyncio.Event]] = Queue()

    async def live() -> None:
        lns.loop, stopping = asyncio.get_running_loop(), asyncio.Event()
        program = Program(
            [CAPITOLE],
            server=LnsServer(uri=f"ws://{HOST}:{lns.port}"),
            encoding=Encoding.PROTOBUF,
            region=EU868,
            seed=SEED,
            stats_interval_s=3_600.0,
        )
        async with serve(lns.handle, HOST, lns.port):
            started.put((program, stopping))
            await program.run(*air, stopping)

    thread = threading.Thread(target=asyncio.run, args=(live(),))
    thread.start()
    program, stopping = started.get(timeout=WAIT_S)
    try:
        if not error:
            lns.until(Version)
        yield Running(lns, program, air)
    finally:
        assert lns.loop is not None
        lns.loop.call_soon_threadsafe(stopping.set)
        thread.join(WAIT_S)
    assert not thread.is_alive()


@contextmanager
def ether(city: Running) -> Iterator[socket.socket]:
    city.until(lambda: city.count("garonne_gateway_online") == 1)
    with socket.create_connection(city.air, timeout=WAIT_S) as simulator:
        yield simulator


def now_frame(**fields: Any) -> AirFrame:
    return frame(**({"start_s": time.time()} | fields))


def test_a_gateway_asks_where_to_connect_and_is_configured() -> None:
    with running() as city:
        assert DISCOVERY_PATH == city.lns.asked.get(timeout=WAIT_S)
        assert f"/here/{GATEWAY}" == city.lns.asked.get(timeout=WAIT_S)
        city.until(lambda: city.count("garonne_gateway_online") == 1)
        assert isinstance(city.lns.until(TimeSync), TimeSync)


@pytest.mark.proves("feature:basics-station")
def test_an_uplink_is_answered_on_the_air_and_reported() -> None:
    with running() as city, ether(city) as simulator:
        send(simulator, now_frame())
        up = city.lns.until(Uplink)
        city.lns.say(
            DnMsg(
                device_class=DeviceClass.A,
                dev_eui=LAMP,
                diid=77,
                pdu=bytes(12),
                rx1=RX1,
                rx2=RX2,
                x_time=up.info.x_time,
            )
        )
        answer = receive(simulator)
        report = city.lns.until(DnTxed)

    assert (bytes(12), 868_300_000, True) == (
        *(answer.phy_payload, answer.frequency_hz),
        answer.iq_inverted,
    )
    assert (77, LAMP, 5) == (report.diid, report.dev_eui, report.data_rate)


def test_a_shell_for_the_server_is_refused_and_counted() -> None:
    with running() as city:
        city.until(lambda: city.count("garonne_gateway_online") == 1)
        for text in ('{"msgtype":"runcmd","command":"id"}', '{"msgtype":"rmtsh"}', "?"):
            city.lns.say(text)
        city.lns.say(Complaint(error="only a word"))
        city.until(lambda: city.count("garonne_gateway_commands_refused_total") == 3)


def test_what_the_configuration_holds_back_is_counted_by_its_cause() -> None:
    with running() as city, ether(city) as simulator:
        send(simulator, now_frame(phy_payload=b"\x20no uplink"))
        name = "garonne_gateway_receptions_filtered_total"
        city.until(lambda: city.count(name, cause="not_lorawan") == 1)


def test_a_gateway_comes_back_to_the_address_it_knows() -> None:
    with running() as city:
        city.until(lambda: city.count("garonne_gateway_online") == 1)
        city.lns.hang_up()
        city.lns.until(Version)
        city.until(lambda: city.count("garonne_gateway_online") == 1)
        paths = [city.lns.asked.get(timeout=WAIT_S) for _ in range(3)]

    assert [DISCOVERY_PATH, *[f"/here/{GATEWAY}"] * 2] == paths


def test_a_gateway_that_loses_its_power_is_gone_and_comes_back() -> None:
    with running() as city:
        city.until(lambda: city.count("garonne_gateway_online") == 1)
        assert city.lns.loop is not None
        forwarder = city.program._forwarders[GATEWAY]
        city.lns.loop.call_soon_threadsafe(forwarder.cut)
        city.lns.until(Version)
        city.until(lambda: city.count("garonne_gateway_online") == 1)


def test_a_gateway_that_is_refused_asks_again() -> None:
    with running(error="unknown gateway") as city:
        paths = [city.lns.asked.get(timeout=WAIT_S) for _ in range(2)]
        city.lns.error = ""
        city.until(lambda: city.count("garonne_gateway_online") == 1)

    assert [DISCOVERY_PATH] * 2 == paths
