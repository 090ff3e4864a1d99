"""A server (embedded, or the real one that the environment names) and its casts."""

import os
from collections.abc import Iterator

import pytest
from tests.contract.site import Site, open_site
from tests.contract.stage import Stage
from tests.contract.world import World


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    with open_site(os.environ) as found:
        yield found


@pytest.fixture(scope="session")
def stage(site: Site) -> Iterator[Stage]:
    found = Stage(site)
    yield found
    found.close()


@pytest.fixture
def world(stage: Stage) -> World:
    return World(stage)
