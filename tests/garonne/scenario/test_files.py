"""The scenarios of the project come as they expect, those that need no engine."""

from pathlib import Path

import pytest
from tests.garonne.scenario.small import HOME

from garonne.__main__ import main
from wire.scenario import Scenario, Side

FILES = [
    path
    for path in sorted((HOME / "scenarios").glob("*.toml"))
    if not Scenario.parse(path.read_text("utf-8")).faults_of(Side.ENGINE)
]


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_it_comes_as_expected(path: Path) -> None:
    assert 0 == main(["scenario", "run", str(path), "--virtual"])
