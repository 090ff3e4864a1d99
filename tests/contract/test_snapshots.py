"""The recordings: of scenarios that exist, by one version of the real server."""

import ast
import json
from pathlib import Path

import pytest
from tests.contract.capabilities import CAPABILITIES
from tests.contract.snapshots import FOLDER

MOST_CAPABILITIES = 8


def scenarios(module: Path) -> set[str]:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("book", sorted(FOLDER.glob("*.json")), ids=lambda b: b.stem)
def test_every_recording_is_of_a_scenario_that_exists(book: Path) -> None:
    recorded = json.loads(book.read_text(encoding="utf-8"))["scenarios"]
    module = FOLDER.parent / f"{book.stem}.py"
    known = scenarios(module) if module.exists() else set()

    assert set() == {name.partition("[")[0] for name in recorded} - known


def test_all_recordings_are_of_one_version() -> None:
    versions = {
        json.loads(book.read_text(encoding="utf-8"))["server"]
        for book in FOLDER.glob("*.json")
    }

    assert {"4.20.0-test.1"} == versions


def test_few_differences_are_permitted_and_each_is_quoted() -> None:
    assert len(CAPABILITIES) <= MOST_CAPABILITIES
    assert all("`" in one.seen for one in CAPABILITIES)
