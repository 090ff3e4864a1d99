"""The program on a real socket and a real disk; only the ether's other end is ours."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from tests.lorawan_sim.network import CARD, Network, Script

from lorawan_sim.card import Profile
from lorawan_sim.device import Device
from lorawan_sim.program import Program
from lorawan_sim.state import State
from wire.air import AirFrame, AirMessage, AirStream, encode
from wire.lorawan.region.eu868 import EU868
from wire.settings import Address

# Receive windows soon after the request: these tests run in real time.
HASTY = replace(EU868, join_accept_delay1_s=0, join_accept_delay2_s=1)
PATIENT_S = 10.0


class Ether:
    """The other end of the socket, with one network behind it."""

    def __init__(self) -> None:
        self.network = Network()
        self.heard: list[AirFrame] = []
        self.arrived = asyncio.Event()
        self.gone = asyncio.Event()
        self.before_answer: Callable[[AirFrame], None] = lambda _: None
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []

    async def listen(self, port: int = 0) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()
        await self._server.wait_closed()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._writers.append(writer)
        stream = AirStream()
        while data := await reader.read(4096):
            for kind, frame in stream.feed(data):
                assert kind is AirMessage.UPLINK
                self._hear(frame, writer)
        self.gone.set()

    def _hear(self, frame: AirFrame, writer: asyncio.StreamWriter) -> None:
        self.before_answer(frame)
        self.heard.append(frame)
        for down in self.network.hear(frame):
            start_s = frame.end_s + HASTY.join_accept_delay1_s
            writer.write(encode(AirMessage.DOWNLINK, down._replace(start_s=start_s)))
        self.arrived.set()


def one_device() -> tuple[Device, Script]:
    script = Script()
    return Device(CARD, script, Profile(region=HASTY, late_s=0.2)), script


def metric(registry: CollectorRegistry, name: str, **labels: str) -> float:
    value = registry.get_sample_value(name, labels)
    return 0.0 if value is None else value


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENT_S):
        while not condition():  # noqa: ASYNC110 -- a metric has no event to wait for
            await asyncio.sleep(0.01)


def run(path: Path, story: Callable[[Program, Ether, int], Awaitable[None]]) -> Program:
    """Run one device against an ether while the story is told."""

    async def main() -> Program:
        ether = Ether()
        port = await ether.listen()
        with State(path) as state:
            program = Program(
                [one_device()[0]],
                air=Address(host="127.0.0.1", port=port),
                state=state,
                seed=1,
                spread_s=0.0,
            )
            stopping = asyncio.Event()
            running = asyncio.create_task(program.run(stopping))
            try:
                await story(program, ether, port)
            finally:
                stopping.set()
                await asyncio.wait_for(running, PATIENT_S)
                with suppress(AssertionError):
                    await ether.close()
        return program

    return asyncio.run(main())


def test_a_device_joins_over_the_socket_and_its_flash_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "flash.sqlite"

    async def story(program: Program, ether: Ether, _: int) -> None:
        del ether
        registry = program.metrics.registry
        await until(lambda: metric(registry, "garonne_sim_devices_joined") == 1)
        assert 1 == metric(registry, "garonne_ready")

    program = run(path, story)

    assert 0 == metric(program.metrics.registry, "garonne_ready")
    with State(path) as state:
        (record,) = state.load().values()
    assert 1 == record.dev_nonce
    assert record.session is not None


def test_a_nonce_is_on_disk_when_its_request_arrives(tmp_path: Path) -> None:
    path = tmp_path / "flash.sqlite"
    on_disk: list[int] = []

    def look(_: AirFrame) -> None:
        disk = sqlite3.connect(path)
        on_disk.extend(row[0] for row in disk.execute("SELECT dev_nonce FROM device"))
        disk.close()

    async def story(_: Program, ether: Ether, __: int) -> None:
        ether.before_answer = look
        await asyncio.wait_for(ether.arrived.wait(), PATIENT_S)

    run(path, story)

    assert [1] == on_disk


def test_frames_are_counted_as_lost_while_the_ether_is_away(tmp_path: Path) -> None:
    async def story(program: Program, ether: Ether, _: int) -> None:
        registry = program.metrics.registry
        ether.network.answers_joins = False
        await asyncio.wait_for(ether.arrived.wait(), PATIENT_S)
        await ether.close()
        device = program._devices[0]
        assert device._joining is not None
        await until(lambda: program._ether._writer is None)
        program._send(ether.heard)

        away = {"cause": "ether_away", "kind": "join"}
        name = "garonne_sim_uplinks_radio_lost_total"
        assert 1 == metric(registry, name, **away)

    program = run(tmp_path / "flash.sqlite", story)

    sent = metric(
        program.metrics.registry, "garonne_sim_uplinks_sent_total", kind="join"
    )
    assert 2 == sent


def test_an_ether_that_comes_back_is_used_again(tmp_path: Path) -> None:
    async def story(program: Program, ether: Ether, port: int) -> None:
        ether.network.answers_joins = False
        await asyncio.wait_for(ether.arrived.wait(), PATIENT_S)
        await ether.close()
        await until(lambda: not program._ether.connected.is_set())
        again = Ether()
        await again.listen(port)
        await asyncio.wait_for(program._ether.connected.wait(), PATIENT_S)
        program._send(ether.heard)
        await asyncio.wait_for(again.arrived.wait(), PATIENT_S)
        await again.close()

    run(tmp_path / "flash.sqlite", story)


def test_a_fault_of_the_program_ends_it_loudly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: State, __: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(State, "save", broken)

    async def main() -> None:
        ether = Ether()
        port = await ether.listen()
        state = State(tmp_path / "flash.sqlite")
        program = Program(
            [one_device()[0]],
            air=Address(host="127.0.0.1", port=port),
            state=state,
            seed=1,
            spread_s=0.0,
        )
        try:
            async with asyncio.timeout(PATIENT_S):
                await program.run(asyncio.Event())
        finally:
            await ether.close()
            state.close()

    with pytest.raises(OSError, match="disk full"):
        asyncio.run(main())
