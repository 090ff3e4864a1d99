"""One partition against a real Redis and real handler processes."""

from typing import Any

import orjson
import pytest
from redis import Redis
from tests.faas.worker.pool import (
    NUMBER,
    TWIN,
    Make,
    entries,
    pending,
    publish,
    state,
    up,
)

from city import keys
from city.twin import Report, Twins
from faas import dead_letters, scripts
from faas.testing import DEV_EUI, document, uplink_document
from faas.worker.dispatch import HandlersChanged, Job
from faas.worker.entries import read_entries


def test_an_uplink_becomes_twin_command_and_acknowledgement(
    either_redis: Redis, make: Make
) -> None:
    worker = make(either_redis)
    publish(either_redis, up("lamp", f_cnt=7, level=30))

    assert 1 == worker.step()
    twin = Twins(either_redis).read(DEV_EUI)
    assert twin is not None
    assert (7, "lamp", 5, -97, 6.5) == (
        twin.f_cnt,
        twin.device_type,
        twin.dr,
        twin.rssi_dbm,
        twin.snr_db,
    )
    status = {"message": "status", "level": 30}
    assert Report(at=1789387200.0, document=status) == twin.reported["status"]
    assert 1789387200.0 == twin.last_seen_at
    ((_, fields),) = entries(either_redis, keys.outbox(NUMBER))
    order = orjson.loads(fields[b"command"])
    assert (DEV_EUI, "lamp", {"level": 100}, "test", "brighten", True) == tuple(
        order[name]
        for name in (
            "dev_eui",
            "device_type",
            "object",
            "why",
            "requested_by",
            "supersedes",
        )
    )
    assert 60 == pytest.approx(order["expires_at"] - order["requested_at"])
    assert 0 == pending(either_redis)


def test_the_same_event_names_its_commands_the_same(redis: Redis, make: Make) -> None:
    worker = make(redis)
    publish(redis, up("lamp", 1), up("lamp", 2))
    worker.step()
    first = entries(redis, keys.outbox(NUMBER))
    redis.delete(keys.outbox(NUMBER))
    redis.xgroup_destroy(keys.events(NUMBER), worker.group)
    scripts.send(redis, [["XGROUP", "CREATE", keys.events(NUMBER), worker.group, "0"]])
    worker.step()

    assert [f for _, f in first] == [f for _, f in entries(redis, keys.outbox(NUMBER))]
    assert 2 == len({f[b"command"] for _, f in first})


def test_what_a_function_remembers_goes_from_event_to_event_and_is_kept(
    redis: Redis, make: Make
) -> None:
    worker = make(redis)
    publish(redis, up("bay", 1), up("bay", 2))
    worker.step()
    publish(redis, up("bay", 3))
    worker.step()

    assert {f"device:{DEV_EUI}": {"told": 3}, "count:told": 3} == state(redis, "tally")
    assert 3 == redis.xlen(keys.notices(NUMBER))
    assert b'{"f_cnt":3}' == redis.hget(TWIN, "view:Bay")


def test_an_older_uplink_never_overwrites_the_twin(redis: Redis, make: Make) -> None:
    worker = make(redis)
    publish(redis, up("bay", 2, level=2), up("bay", 1, level=1))
    publish(redis, uplink_document({"message": "usage"}, f_cnt=1))
    worker.step()
    twin = Twins(redis).read(DEV_EUI)

    assert twin is not None
    assert (2, {"f_cnt": 2}) == (twin.f_cnt, twin.views["Bay"])
    assert 2 == twin.reported["status"].document["level"]
    assert {"message": "usage"} == twin.reported["usage"].document


def test_joins_status_and_logs_are_kept_in_the_twin(redis: Redis, make: Make) -> None:
    worker = make(redis)
    publish(redis, document(devAddr="01a7c3e5"), kind="join")
    publish(redis, document(margin=11, batteryLevel=98.5), kind="status")
    told: dict[str, Any] = {"level": "ERROR", "code": "OTAA", "description": "d"}
    publish(redis, document(**told), kind="log")
    worker.step()
    twin = redis.hgetall(TWIN)

    joined, status, logged = (
        orjson.loads(twin[name]) for name in (b"joined", b"status", b"logged")
    )
    assert "01a7c3e5" == joined["dev_addr"]
    assert {"margin": 11, "battery": 98.5, "external_power": False} == {
        name: status[name] for name in ("margin", "battery", "external_power")
    }
    assert told == {name: logged[name] for name in told}


def test_what_is_no_event_is_reported_and_does_not_stop_the_pool(
    redis: Redis, make: Make
) -> None:
    worker = make(redis)
    publish(redis, {"deviceInfo": {}}, up("bay"))
    worker.step()
    notices = [
        orjson.loads(f[b"notice"]) for _, f in entries(redis, keys.notices(NUMBER))
    ]

    assert "is no event: asked for a ChirpStack 'up' event" in notices[0]["text"]
    assert {"told": 1} == state(redis, "tally")[f"device:{DEV_EUI}"]
    assert 0 == pending(redis)


def test_poison_is_tried_again_and_buried_while_the_pool_goes_on(
    redis: Redis, make: Make
) -> None:
    worker = make(redis)
    publish(redis, up("poison", 1, bad=True), up("poison", 2), up("poison", 3))
    worker.step(1)
    assert {"count:seen": 3} == state(redis, "neighbour")
    assert ["poison"] == [letter.function for letter in dead_letters.waiting(redis)]
    while dead_letters.waiting(redis):
        worker._retries_at = 0.0
        worker.step(1)
    (letter,) = dead_letters.dead(redis)

    assert ("poison", 3, NUMBER) == (letter.function, letter.attempts, letter.partition)
    assert letter.reason.startswith("ValueError: poison (in poison:")
    assert {"count:seen": 3} == state(redis, "neighbour")
    assert 0 == pending(redis)


def test_an_event_is_not_tried_again_before_its_time(redis: Redis, make: Make) -> None:
    worker = make(redis)
    now = worker.now()
    worker.now = lambda: now
    publish(redis, up("late"))
    worker.step(1)
    worker._retries_at = 0.0
    worker.step(1)
    assert [1] == [letter.attempts for letter in dead_letters.waiting(redis)]
    worker.now = lambda: now + 61
    worker.step(1)

    assert [2] == [letter.attempts for letter in dead_letters.waiting(redis)]


def test_a_handler_that_gives_up_is_buried_at_once(redis: Redis, make: Make) -> None:
    worker = make(redis)
    publish(redis, up("hopeless"))
    worker.step(1)

    assert [("hopeless", 1, "no use")] == [
        (letter.function, letter.attempts, letter.reason)
        for letter in dead_letters.dead(redis)
    ]


def test_a_dead_letter_sent_back_gets_a_full_round_again(
    redis: Redis, make: Make
) -> None:
    worker = make(redis)
    publish(redis, up("hopeless"))
    worker.step(1)
    (letter,) = dead_letters.dead(redis)
    moved = [dead_letters.send_back(redis, letter) for _ in range(2)]
    assert ([True, False], []) == (moved, dead_letters.dead(redis))
    worker._retries_at = 0.0
    worker.step(1)

    assert [1] == [letter.attempts for letter in dead_letters.dead(redis)]


def test_an_event_trimmed_before_its_retry_is_buried_with_its_first_reason(
    redis: Redis, make: Make
) -> None:
    worker = make(redis)
    publish(redis, up("late"))
    worker.step(1)
    redis.xtrim(keys.events(NUMBER), maxlen=0, approximate=False)
    worker.now, worker._retries_at = (lambda: 1e10), 0.0
    worker.step(1)
    (letter,) = dead_letters.dead(redis)

    assert letter.reason.startswith("after ValueError: not yet")
    assert f"{letter.event} is no longer in the stream" in letter.reason
    ((_, fields),) = entries(redis, keys.notices(NUMBER))
    assert "late gave up" in orjson.loads(fields[b"notice"])["text"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("device_type", "function", "timeout_s", "said"),
    [
        ("hanging", "hang", 0.3, "ended after 0.3 s without answer"),
        ("crashing", "crash", 20.0, "its process died (signal 9)"),
    ],
)
def test_only_the_event_that_hung_or_crashed_is_blamed(
    redis: Redis,
    make: Make,
    device_type: str,
    function: str,
    timeout_s: float,
    said: str,
) -> None:
    worker = make(redis, timeout_s=timeout_s)
    publish(redis, up(device_type, 1), up(device_type, 2, bad=True), up(device_type, 3))
    publish(redis, up("bay", 4))
    worker.step()

    assert [(function, said, 1)] == [
        (letter.function, letter.reason, letter.attempts)
        for letter in dead_letters.dead(redis)
    ]
    assert {"told": 2} == state(redis, function)[f"device:{DEV_EUI}"]
    assert {"told": 1} == state(redis, "tally")[f"device:{DEV_EUI}"]
    assert 0 == pending(redis)


def test_nobody_is_blamed_when_the_process_that_holds_the_handlers_dies(
    redis: Redis, make: Make
) -> None:
    worker = make(redis)
    executors = worker.dispatcher.executors
    executors._template._process.kill()
    executors._idle[0].socket.recv(1)
    publish(redis, up("bay", 1))
    worker.step()

    assert {"told": 1} == state(redis, "tally")[f"device:{DEV_EUI}"]
    assert [] == dead_letters.waiting(redis) + dead_letters.dead(redis)


def test_an_answer_that_cannot_be_written_is_buried_and_the_pool_goes_on(
    redis: Redis, make: Make
) -> None:
    worker = make(redis)
    publish(redis, up("bay", 1), up("lamp", 2))
    run = worker.dispatcher.run

    class Odd:
        """A dispatcher whose handlers answer effects of another version."""

        executors = worker.dispatcher.executors

        def run(self, *arguments: Any) -> Any:
            first, *rest = run(*arguments)
            return [[{**a, "effects": {"counts": 7}} for a in first], *rest]

    worker.dispatcher = Odd()  # type: ignore[assignment] # stands in for it
    worker.step(1)
    (letter,) = dead_letters.dead(redis)

    assert letter.reason.startswith("its effects could not be written:")
    assert (1, 0) == (redis.xlen(keys.outbox(NUMBER)), pending(redis))


def test_functions_that_changed_meanwhile_are_chosen_again(
    redis: Redis, make: Make
) -> None:
    worker = make(redis)
    publish(redis, up("bay", 1))
    run, refused = worker.dispatcher.run, [HandlersChanged()]

    class Changing:
        """A dispatcher whose handlers are replaced while they run."""

        executors = worker.dispatcher.executors

        def run(self, *arguments: Any) -> Any:
            if refused:
                raise refused.pop()
            return run(*arguments)

    worker.dispatcher = Changing()  # type: ignore[assignment] # stands in for it
    worker.step()

    assert {"told": 1} == state(redis, "tally")[f"device:{DEV_EUI}"]


def test_answers_of_other_functions_than_asked_are_refused(
    redis: Redis, make: Make
) -> None:
    worker = make(redis)
    publish(redis, up("bay", 1))
    ((place, fields),) = entries(redis, keys.events(NUMBER))
    (entry,) = read_entries(NUMBER, [(place, [x for kv in fields.items() for x in kv])])
    others = [f for f in worker.dispatcher.executors.functions if f.name != "tally"]

    with pytest.raises(HandlersChanged):
        worker.dispatcher.run([Job(entry, others[:1])], lambda _: {})
