"""The sender as processes: killed, doubled, cut off; each command goes out once."""

import signal
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
from tests.faas.lamps import LAMP, OTHER_LAMP, City, a_city, until

from city import keys
from city.command import Command

pytestmark = pytest.mark.slow


@pytest.fixture
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with a_city(tmp_path_factory.mktemp("home")) as city:
        yield city


def ask(city: City, level: int, dev_eui: str = LAMP) -> str:
    return city.commands().request(
        city.lamp(dev_eui), {"level": level}, why="test", requested_by="ada"
    )


def is_in(city: City, wish: str, state: str, dev_eui: str = LAMP) -> bool:
    status = city.commands().status(dev_eui, wish)
    return status is not None and status.state == state


def killed_after_publishing(city: City, wish: str) -> None:
    """Run a sender that dies when the broker has the command and nobody wrote it."""
    with city.sender(GARONNE_FAILPOINT="after_publish_before_mark") as process:
        assert -signal.SIGKILL == process.wait(30)
    city.double.await_received(1)
    assert is_in(city, wish, "planned")


def test_killed_between_publish_and_mark_the_device_gets_it_once(city: City) -> None:
    wish = ask(city, 60)
    killed_after_publishing(city, wish)
    with city.sender():
        until(lambda: is_in(city, wish, "queued"), "found in the queue")
        city.double.transmit(LAMP)
        city.double.report(LAMP, 60)
        until(lambda: is_in(city, wish, "confirmed"), "confirmed")

    assert [wish] == [command["id"] for command in city.double.received]
    assert [wish] == [sent.id for sent in city.double.sent]


def test_killed_between_forward_and_acknowledgement_the_device_gets_it_once(
    city: City,
) -> None:
    home, elsewhere = keys.partition_of(LAMP, 4), (keys.partition_of(LAMP, 4) + 1) % 4
    city.double.types[LAMP] = "lamp"
    command = Command(
        id=str(uuid4()), dev_eui=LAMP, object={"level": 60}, requested_at=time.time()
    )
    city.redis.xadd(keys.outbox(elsewhere), {"command": bytes(command)})
    with city.sender(GARONNE_FAILPOINT="after_forward_before_ack") as process:
        assert -signal.SIGKILL == process.wait(30)

    assert (1, 1) == tuple(city.redis.xlen(keys.outbox(n)) for n in (elsewhere, home))

    with city.sender():
        until(lambda: is_in(city, command.id, "queued"), "queued")
        city.double.transmit(LAMP)
        city.double.report(LAMP, 60)
        until(lambda: is_in(city, command.id, "confirmed"), "confirmed")
        outboxes = [keys.outbox(number) for number in range(4)]
        until(lambda: not any(map(city.redis.xlen, outboxes)), "all taken")

    assert [command.id] == [received["id"] for received in city.double.received]
    assert 1 == city.commands().tally().requested


def test_killed_and_sent_meanwhile_the_tx_ack_settles_it(city: City) -> None:
    wish = ask(city, 60)
    killed_after_publishing(city, wish)
    city.double.transmit(LAMP)
    with city.sender():
        until(lambda: is_in(city, wish, "transmitted"), "its tx ack read")
        city.double.report(LAMP, 60)
        until(lambda: is_in(city, wish, "confirmed"), "confirmed")

    assert [wish] == [command["id"] for command in city.double.received]


def test_killed_and_lost_on_the_way_it_is_sent_again_with_the_same_id(
    city: City,
) -> None:
    wish = ask(city, 60)
    killed_after_publishing(city, wish)
    city.double.queues[LAMP].clear()  # as if ChirpStack had never read it
    with city.sender():
        city.double.await_received(2)
        city.double.transmit(LAMP)
        city.double.report(LAMP, 60)
        until(lambda: is_in(city, wish, "confirmed"), "confirmed")

    assert [wish, wish] == [command["id"] for command in city.double.received]
    assert [wish] == [sent.id for sent in city.double.sent]


def test_killed_and_sent_without_a_tx_ack_the_device_is_asked_and_not_told_again(
    city: City,
) -> None:
    wish = ask(city, 60)
    killed_after_publishing(city, wish)
    city.double.transmit(LAMP, tell=False)
    with city.sender():
        city.double.await_received(2)
        city.double.transmit(LAMP)
        city.double.report(LAMP, 60)
        until(lambda: is_in(city, wish, "confirmed"), "confirmed")

    assert [b"\x01\x3c", b"\x00"] == [sent.data for sent in city.double.sent]


def test_of_two_copies_one_writes_and_the_other_takes_over(city: City) -> None:
    lease = keys.lease(keys.partition_of(LAMP, 4), keys.SENDER_GROUP)
    with city.sender() as first:
        wish = ask(city, 10)
        until(lambda: is_in(city, wish, "queued"), "queued by the first")
        token = city.redis.get(lease)
        with city.sender():
            other = ask(city, 20, OTHER_LAMP)
            until(lambda: is_in(city, other, "queued", OTHER_LAMP), "the other queued")

            assert token == city.redis.get(lease)

            first.kill()
            first.wait(10)
            city.double.transmit(LAMP)
            until(lambda: is_in(city, wish, "transmitted"), "taken over")

    assert sorted([wish, other]) == sorted(c["id"] for c in city.double.received)


def test_a_redis_that_was_away_is_found_again(city: City) -> None:
    with city.sender():
        wish = ask(city, 10)
        until(lambda: is_in(city, wish, "queued"), "queued")
        city.redis_server.kill()
        city.redis_server.start()
        city.double.transmit(LAMP)
        until(lambda: is_in(city, wish, "transmitted"), "transmitted")

    assert [wish] == [command["id"] for command in city.double.received]


def test_a_broker_that_is_away_keeps_the_command_waiting(city: City) -> None:
    with city.sender():
        city.broker.stop()
        wish = ask(city, 10)
        commands = city.commands()

        def told() -> bool:
            status = commands.status(LAMP, wish)
            return status is not None and "broker" in status.why_not_yet

        until(told, "told that the broker is away")
        city.broker.start()
        until(lambda: is_in(city, wish, "queued"), "queued")
    city.double.await_received(1)

    assert {wish} == {command["id"] for command in city.double.received}


def test_wrong_settings_are_all_told_and_nothing_starts(
    city: City, capfd: pytest.CaptureFixture[str]
) -> None:
    with city.sender(
        GARONNE_REDIS="http://x", GARONNE_MQTT="", GARONNE_LOG="loud"
    ) as p:
        assert 2 == p.wait(30)
    said = capfd.readouterr().err

    assert ["GARONNE_REDIS", "GARONNE_MQTT", "GARONNE_LOG"] == [
        name
        for name in ("GARONNE_REDIS", "GARONNE_MQTT", "GARONNE_LOG")
        if name in said
    ]
    assert "Traceback" not in said
