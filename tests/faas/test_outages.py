"""Whatever is killed or taken away: nothing is lost and nothing is doubled."""

import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from paho.mqtt import publish
from redis import Redis
from tests.faas.programs import Program, running, until
from tests.servers import HOST, Server, mosquitto, valkey

from city import keys
from city.redis import connect
from city.settings import Reader
from faas.testing import uplink_document

pytestmark = pytest.mark.slow

TALLY = """
from faas import Commands, State, Uplink, on_uplink

@on_uplink(device_type="bay")
def tally(event: Uplink, state: State, commands: Commands) -> None:
    state.write({"told": state.read().get("told", 0) + 1})
    state.add("told")
    commands.send(event.dev_eui, {"level": 1}, why="test")
"""

TUTORIAL = '''
"""The first function of a tutorial."""

from faas import Notices, Uplink, on_uplink


@on_uplink(device_type="bay")
def say_hello(event: Uplink, notices: Notices) -> None:
    notices.send(f"hello {event.device_name}")
'''

Message = tuple[str, bytes, int, bool]


@pytest.fixture
def redis_server() -> Iterator[Server]:
    """A Valkey of this test's own, to be killed."""
    with valkey(password="only-for-tests") as server:
        yield server


@pytest.fixture
def broker() -> Iterator[Server]:
    """A Mosquitto of this test's own, to be killed."""
    with mosquitto(user="faas", password="only-for-tests") as server:
        yield server


@pytest.fixture
def redis(redis_server: Server) -> Redis:
    return connect(Reader({"GARONNE_REDIS": redis_server.url}).redis())


@pytest.fixture
def environment(broker: Server, redis_server: Server, tmp_path: Path) -> dict[str, str]:
    """The settings of a city whose only handler is TALLY."""
    folder = tmp_path / "handlers"
    folder.mkdir()
    (folder / "bays.py").write_text(TALLY, encoding="utf-8")
    return {
        "GARONNE_MQTT": broker.url,
        "GARONNE_REDIS": redis_server.url,
        "GARONNE_HANDLERS": str(folder),
        "GARONNE_WORKER_LEASE_S": "1",
        "GARONNE_WORKER_EXECUTORS": "1",
    }


def uplinks(count: int, start: int = 0) -> list[Message]:
    """Messages of ten bays."""
    return [
        message(
            n, uplink_document({"n": n}, f_cnt=n, device_type="bay", dev_eui=eui(n))
        )
        for n in range(start, start + count)
    ]


def message(number: int, document: Any) -> Message:
    topic = f"application/a/device/{eui(number)}/event/up"
    return topic, orjson.dumps(document), 1, False


def eui(number: int) -> str:
    return f"{number % 10:016x}"


def publish_all(broker: Server, messages: Sequence[Message]) -> None:
    url = urlsplit(broker.url)
    login: Any = {"username": url.username, "password": url.password}
    publish.multiple(list(messages), hostname=HOST, port=broker.port, auth=login)


def stored(redis: Redis) -> list[bytes]:
    """Every payload in the streams."""
    found: list[Any] = [redis.xrange(keys.events(n)) for n in range(4)]
    return [fields[b"payload"] for entries in found for _, fields in entries]


def total(redis: Redis) -> int:
    found: list[Any] = [
        redis.hget(keys.state(n, "tally"), "count:told") for n in range(4)
    ]
    return sum(int(value or 0) for value in found)


def ordered(redis: Redis) -> int:
    return sum(redis.xlen(keys.outbox(n)) for n in range(4))


def remembered(redis: Redis) -> int:
    found: list[Any] = [redis.hgetall(keys.state(n, "tally")) for n in range(4)]
    return sum(
        orjson.loads(value)["told"]
        for fields in found
        for name, value in fields.items()
        if name.startswith(b"device:")
    )


def test_ingest_killed_before_its_puback_loses_and_doubles_nothing(
    environment: dict[str, str], broker: Server, redis: Redis, tmp_path: Path
) -> None:
    messages = [*uplinks(60), ("application/a/device/b/event/up", b"\xff", 1, False)]
    messages.append((messages[0][0], b"not JSON", 1, False))
    later = [*uplinks(1, start=60), (messages[0][0], b"of QoS 0", 0, False)]
    deadly = environment | {"GARONNE_FAILPOINT": "after_xadd_before_puback"}
    with running("faas.ingest", environment, tmp_path) as first:
        first.process.terminate()
        assert 0 == first.ended()
    publish_all(broker, messages)
    with running("faas.ingest", deadly, tmp_path, ready=False) as second:
        assert -signal.SIGKILL == second.ended()
    assert stored(redis)
    with running("faas.ingest", environment, tmp_path) as third:
        publish_all(broker, later)
        until(lambda: {p for _, p, _, _ in later} <= set(stored(redis)), third)
        until(lambda: len(stored(redis)) >= len(messages) + 2, third)

    sent = [payload for _, payload, _, _ in [*messages, *later]]
    assert sorted(sent) == sorted(stored(redis))


def test_a_worker_killed_before_its_commit_applies_everything_once(
    environment: dict[str, str], broker: Server, redis: Redis, tmp_path: Path
) -> None:
    deadly = environment | {"GARONNE_FAILPOINT": "after_handlers_before_commit"}
    with running("faas.ingest", environment, tmp_path) as ingest:
        publish_all(broker, uplinks(60))
        until(lambda: len(stored(redis)) == 60, ingest)
    with running("faas.worker", deadly, tmp_path, ready=False) as first:
        assert -signal.SIGKILL == first.ended()
    assert 60 > total(redis)
    with running("faas.worker", environment, tmp_path, ready=False) as second:
        until(lambda: ordered(redis) >= 60, second)

    assert (60, 60, 60) == (total(redis), remembered(redis), ordered(redis))


def test_a_killed_worker_leaves_no_process_behind(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with running("faas.worker", environment, tmp_path) as worker:
        children = worker.children()
        worker.process.kill()
        worker.ended()

        assert 2 <= len(children)
        until(lambda: not any(_alive(child) for child in children))


def test_while_redis_is_away_events_wait_and_then_all_arrive(
    environment: dict[str, str],
    broker: Server,
    redis_server: Server,
    redis: Redis,
    tmp_path: Path,
) -> None:
    with (
        running("faas.ingest", environment, tmp_path) as ingest,
        running("faas.worker", environment, tmp_path) as worker,
    ):
        publish_all(broker, uplinks(10))
        until(lambda: total(redis) == 10, worker)
        redis_server.kill()
        publish_all(broker, uplinks(30, start=10))
        until(lambda: "ingest.redis.wait" in ingest.said, ingest)
        assert not ingest.ready()
        redis_server.start()
        until(lambda: total(redis) == 40, worker)

        assert (40, 40, 40) == (len(stored(redis)), remembered(redis), ordered(redis))
        until(lambda: ingest.ready() and worker.ready(), worker)


def test_while_the_broker_is_away_ingest_waits_and_then_goes_on(
    environment: dict[str, str], broker: Server, redis: Redis, tmp_path: Path
) -> None:
    with running("faas.ingest", environment, tmp_path) as ingest:
        publish_all(broker, uplinks(5))
        until(lambda: len(stored(redis)) == 5, ingest)
        broker.kill()
        until(lambda: not ingest.ready(), ingest)
        broker.start()
        until(ingest.ready, ingest)
        publish_all(broker, uplinks(5, start=5))
        until(lambda: len(stored(redis)) == 10, ingest)

        assert sorted(p for _, p, _, _ in uplinks(10)) == sorted(stored(redis))


def test_a_handler_dropped_into_the_folder_runs_on_the_next_uplink(
    environment: dict[str, str], broker: Server, redis: Redis, tmp_path: Path
) -> None:
    file = Path(environment["GARONNE_HANDLERS"]) / "hello.py"
    with (
        running("faas.ingest", environment, tmp_path),
        running("faas.worker", environment, tmp_path) as worker,
    ):
        file.write_text(TUTORIAL, encoding="utf-8")
        until(lambda: "functions=tally,say_hello" in worker.said, worker)
        publish_all(broker, uplinks(1))
        until(lambda: redis.xlen(_notices()), worker)
        file.write_text("import nowhere_to_be_found\n", encoding="utf-8")
        until(lambda: "handlers.refuse" in worker.said, worker)
        publish_all(broker, uplinks(1, start=10))
        until(lambda: redis.xlen(_notices()) == 2, worker)

        assert "hello.py:1 does not import: ModuleNotFoundError" in worker.said
        assert "garonne_worker_handlers_refused 1.0" in worker.metrics()
        assert 'garonne_function_invoked_total{function="say_hello"} 2.0' in (
            worker.metrics()
        )


@pytest.mark.parametrize("module", ["faas.ingest", "faas.worker"])
def test_a_program_stops_cleanly_when_asked(
    environment: dict[str, str], tmp_path: Path, module: str
) -> None:
    with running(module, environment, tmp_path) as program:
        program.process.terminate()

        assert 0 == program.process.wait(5)
        assert "Traceback" not in program.said


def test_handlers_that_cannot_run_stop_the_start_with_a_sentence_each(
    environment: dict[str, str], tmp_path: Path
) -> None:
    folder = Path(environment["GARONNE_HANDLERS"])
    (folder / "a.py").write_text("import nowhere_to_be_found\n", encoding="utf-8")
    (folder / "b.py").write_text(TALLY, encoding="utf-8")
    with running("faas.worker", environment, tmp_path, ready=False) as worker:
        assert 2 == worker.ended()
    _two_faults(worker, "a.py:1 does not import", "two functions are named 'tally'")


@pytest.mark.parametrize("module", ["faas.ingest", "faas.worker"])
def test_wrong_settings_stop_the_start_with_a_sentence_each(
    tmp_path: Path, module: str
) -> None:
    wrong = {
        "GARONNE_REDIS": "nonsense",
        "GARONNE_LOG": "loud",
        "GARONNE_MQTT": "m://a",
    }
    with running(module, wrong, tmp_path, ready=False) as program:
        assert 2 == program.ended()
    lines = program.said.splitlines()

    assert all(line.startswith(f"{module}: GARONNE_") for line in lines)
    assert {"GARONNE_LOG", "GARONNE_REDIS"} <= {line.split()[1] for line in lines}


def test_another_number_of_partitions_is_refused(
    environment: dict[str, str], redis: Redis, tmp_path: Path
) -> None:
    keys.declare_partitions(redis, 8)
    with running("faas.ingest", environment, tmp_path, ready=False) as ingest:
        assert 2 == ingest.ended()

    assert "asked for 4 partitions of schema 1; garonne:config says 8" in ingest.said


def _two_faults(program: Program, *faults: str) -> None:
    lines = program.said.splitlines()
    assert len(faults) == len(lines)
    for fault, line in zip(faults, lines, strict=True):
        assert fault in line


def _notices() -> str:
    return keys.notices(keys.partition_of(eui(0), 4))


def _alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_a_copy_of_the_worker_stands_by_and_takes_over(
    environment: dict[str, str], broker: Server, redis: Redis, tmp_path: Path
) -> None:
    with (
        running("faas.ingest", environment, tmp_path) as ingest,
        running("faas.worker", environment, tmp_path) as first,
        running("faas.worker", environment, tmp_path) as copy,
    ):
        first.process.kill()
        publish_all(broker, uplinks(10))
        until(lambda: total(redis) == 10, copy)

        assert (10, 10) == (remembered(redis), ordered(redis))
        assert ingest.ready()


def test_copies_of_the_worker_divide_the_partitions_and_lose_nothing(
    environment: dict[str, str], broker: Server, redis: Redis, tmp_path: Path
) -> None:
    short = environment | {"GARONNE_WORKER_LEASE_S": "1"}
    with (
        running("faas.ingest", environment, tmp_path),
        running("faas.worker", short, tmp_path) as first,
    ):
        assert "garonne_worker_partitions 4.0" in first.metrics()
        publish_all(broker, uplinks(20))
        with running("faas.worker", short, tmp_path) as second:
            for copy in (first, second):
                until(lambda c=copy: "_partitions 2.0" in c.metrics(), copy)  # type: ignore[misc] # mypy does not infer a bound default
            publish_all(broker, uplinks(20, start=20))
            until(lambda: total(redis) == 40, second)
        until(lambda: "garonne_worker_partitions 4.0" in first.metrics(), first)

    assert (40, 40) == (remembered(redis), ordered(redis))
