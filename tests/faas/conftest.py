"""Real servers, and a folder of handlers that succeed, fail, hang and crash."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from tests.servers import Server, valkey

from city.redis import connect
from city.settings import Reader
from faas.worker.executor import Executors

HANDLERS = """
import os, signal, time
from datetime import timedelta
from faas import (
    Commands, GiveUp, Notices, Retry, State, Tick, Twin, Uplink, on_schedule, on_uplink
)

SOON = Retry(attempts=3, first_s=0.0)

@on_uplink(device_type="lamp")
def brighten(event: Uplink, commands: Commands) -> None:
    commands.send(event.dev_eui, {"level": 100}, why="test", expires_s=60)

@on_uplink(device_type="bay")
def tally(event: Uplink, state: State, twin: Twin, notices: Notices) -> None:
    told = state.read().get("told", 0) + 1
    state.write({"told": told})
    state.add("told")
    twin.show("Bay", {"f_cnt": event.f_cnt})
    notices.send(f"told {told} times")

@on_uplink(device_type="poison", retry=SOON)
def poison(event: Uplink) -> None:
    if event.data.get("bad"):
        raise ValueError("poison")

@on_uplink(device_type="poison")
def neighbour(event: Uplink, state: State) -> None:
    state.add("seen")

@on_uplink(device_type="late", retry=Retry(attempts=3, first_s=60))
def late(event: Uplink) -> None:
    raise ValueError("not yet")

@on_uplink(device_type="hopeless")
def hopeless(event: Uplink) -> None:
    raise GiveUp("no use")

@on_uplink(device_type="hanging", retry=Retry(attempts=1))
def hang(event: Uplink, state: State) -> None:
    while event.data.get("bad"):
        time.sleep(1)
    state.write({"told": state.read().get("told", 0) + 1})

@on_uplink(device_type="crashing", retry=Retry(attempts=1))
def crash(event: Uplink, state: State) -> None:
    if event.data.get("bad"):
        os.kill(os.getpid(), signal.SIGKILL)
    state.write({"told": state.read().get("told", 0) + 1})

@on_schedule(every=timedelta(minutes=1))
def dusk(tick: Tick, commands: Commands, notices: Notices) -> None:
    for number in range(4):
        commands.send(f"{number:016x}", {"level": 30}, why=f"{tick.time:%H:%M}")
    notices.send("it is dusk")

@on_schedule(every=timedelta(minutes=1), retry=Retry(attempts=2, first_s=5))
def broken(tick: Tick) -> None:
    raise ValueError("broken clock")
"""


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Server]:
    """A Valkey with a password, for the whole run."""
    with valkey(password="only-for-tests") as server:
        yield server


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def either_redis(
    redis_server: Server, request: pytest.FixtureRequest
) -> Iterator[Redis]:
    """An empty Redis, spoken to in either protocol."""
    host, port = "127.0.0.1", redis_server.port
    client = Redis(
        host=host, port=port, password=redis_server.password, protocol=request.param
    )
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def redis(redis_server: Server) -> Iterator[Redis]:
    """An empty Redis, connected as the programs do."""
    client = connect(Reader({"GARONNE_REDIS": redis_server.url}).redis())
    client.flushall()
    yield client
    client.close()


@pytest.fixture(scope="session")
def handlers_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the handlers above."""
    folder = tmp_path_factory.mktemp("handlers")
    (folder / "stories.py").write_text(HANDLERS, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def executors(handlers_folder: Path) -> Iterator[Executors]:
    """One executor with the handlers above."""
    found = Executors(handlers_folder, 1)
    yield found
    found.close()
