"""One server per session, one world per test, and the comparison with the recording."""

import json
import os
from collections.abc import Generator, Iterator
from difflib import unified_diff
from typing import Any

import pytest
from chirpstack_api import api
from tests.contract.site import Site, open_site
from tests.contract.snapshots import RECORDING, Book, as_data
from tests.contract.stage import Stage
from tests.contract.world import World


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    with open_site(os.environ) as found:
        if RECORDING and found.is_embedded:
            pytest.exit("only a real server is recorded: name one (README.md)")
        yield found


@pytest.fixture(scope="session")
def stage(site: Site) -> Iterator[Stage]:
    found = Stage(site)
    yield found
    found.close()


@pytest.fixture
def world(stage: Stage) -> World:
    return World(stage)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    yield
    found = getattr(item, "funcargs", {}).get("world")
    if isinstance(found, World):
        compare(found, item)


def compare(found: World, item: pytest.Item) -> None:
    """Let what a scenario saw be what the real server was seen to say."""
    book, scenario = Book.of(item.path.stem), item.name
    if RECORDING:
        book.record(scenario, as_data(found.steps), version(found.stage))
        return
    recorded = book.recorded(scenario)
    assert recorded is not None, "the real server was not recorded in this scenario"
    difference = differences(recorded, as_data(found.steps))
    assert not difference, f"not as {book.content['server']} answered:\n{difference}"


def differences(recorded: Any, seen: Any) -> str:
    """Return what differs, line by line; - is the real server."""
    old, new = (
        json.dumps(steps, indent=1, sort_keys=True).splitlines()
        for steps in (recorded, seen)
    )
    return "\n".join(unified_diff(old, new, "recorded", "seen", lineterm="", n=6))


def version(stage: Stage) -> str:
    metadata = [("authorization", f"Bearer {stage.user_token()}")]
    answer = stage.caller.ask(
        "InternalService/GetVersion", api.GetVersionResponse(), metadata=metadata
    )
    text: str = answer.version
    return text
