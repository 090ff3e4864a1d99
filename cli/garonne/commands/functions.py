"""What functions said to people, and which events they failed on."""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

from redis import Redis
from redis.exceptions import RedisError

from city import keys
from city.errors import CityError
from city.redis import connect
from city.settings import Reader
from faas import dead_letters
from garonne.errors import Refused
from garonne.running import environment_of
from garonne.settings import Settings
from garonne.words import counted

__all__ = ["failed", "notices"]

WAIT_MS = 1_000
SHOWN = 20


def notices(settings: Settings, *, follow: bool = False) -> int:
    """Print the latest notices, oldest first; stay for new ones if asked to."""
    with _redis(settings) as redis:
        try:
            _notices(redis, follow=follow)
        except RedisError as error:
            raise Refused(f"the city's Redis does not answer: {error}") from None
    return 0


def failed(settings: Settings, *, send_back: bool = False) -> int:
    """Print the events that functions failed on; return 1 if one was given up."""
    with _redis(settings) as redis:
        try:
            given_up = dead_letters.dead(redis)
            waiting = dead_letters.waiting(redis)
        except (RedisError, CityError) as error:
            raise Refused(f"the city's Redis does not answer: {error}") from None
        for letter in waiting:
            print(_line(letter, "is tried again at"))
        for letter in given_up:
            print(_line(letter, "was given up at"))
        if not given_up and not waiting:
            print("no function has failed on an event that it has not handled since")
        if send_back:
            sent = sum(dead_letters.send_back(redis, letter) for letter in given_up)
            print(f"{sent} sent back: another full round of attempts each")
            return 0
    return 1 if given_up else 0


def _redis(settings: Settings) -> Redis:
    return connect(Reader(environment_of(settings)).redis())


def _notices(redis: Redis, *, follow: bool) -> None:
    streams = [keys.notices(p) for p in range(keys.read_partitions(redis))]
    last = dict.fromkeys(streams, "0-0")
    latest = _latest(redis, streams)
    if not latest:
        print("no function has told anything yet", file=sys.stderr)
    for name, entry, notice in latest:
        last[name] = entry
        print(_said(entry, notice), flush=True)
    while follow:
        # One hash slot per call, so that the same loop follows a Redis Cluster.
        for name in streams:
            for entry, notice in _newer(redis, name, last[name]):
                last[name] = entry
                print(_said(entry, notice), flush=True)


def _latest(redis: Redis, streams: list[str]) -> list[tuple[str, str, dict[str, Any]]]:
    found = [
        (name, entry, notice)
        for name in streams
        for entry, notice in _read(redis.xrevrange(name, count=SHOWN))
    ]
    return sorted(found, key=lambda one: _milliseconds(one[1]))[-SHOWN:]


def _newer(redis: Redis, name: str, last: str) -> Iterator[tuple[str, dict[str, Any]]]:
    found = cast("Any", redis.xread({name: last}, block=WAIT_MS // 4))
    for _, entries in found or ():
        yield from _read(entries)


def _read(entries: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for entry, fields in entries:
        yield entry.decode(), json.loads(fields[b"notice"])


def _said(entry: str, notice: dict[str, Any]) -> str:
    level = "" if notice.get("level") == "info" else f"{notice.get('level')}: "
    return f"{_clock(_milliseconds(entry) / 1e3)}  {level}{notice.get('text')}"


def _line(letter: dead_letters.Letter, what: str) -> str:
    return (
        f"{letter.function} failed on {letter.event} "
        f"{counted(letter.attempts, 'time')} and {what} {_clock(letter.at_s)}: "
        f"{letter.reason}"
    )


def _milliseconds(entry: str) -> int:
    return int(entry.partition("-")[0])


def _clock(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%H:%M:%S UTC")
