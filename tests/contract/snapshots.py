"""
What the real server answered, as data: one file per test module.

Recording (``GARONNE_CONTRACT_RECORD=1``) writes what a scenario saw; every other run
must see the same.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "snapshots"
RECORDING = bool(os.environ.get("GARONNE_CONTRACT_RECORD"))


@dataclass(kw_only=True)
class Book:
    """The recorded scenarios of one test module."""

    path: Path
    content: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, module: str) -> "Book":
        """Open the book of a test module; a missing file is an empty book."""
        path = FOLDER / f"{module}.json"
        text = path.read_text(encoding="utf-8") if path.exists() else "{}"
        return cls(path=path, content=json.loads(text))

    def recorded(self, scenario: str) -> Any:
        """Return the steps of a scenario, or None."""
        return self.content.get("scenarios", {}).get(scenario)

    def record(self, scenario: str, steps: list[Any], server: str) -> None:
        """Write a scenario and the version that answered it."""
        scenarios = {**self.content.get("scenarios", {}), scenario: steps}
        self.content = {"server": server, "scenarios": dict(sorted(scenarios.items()))}
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_text(_written(server, self.content["scenarios"]), "utf-8")


def _written(server: str, scenarios: Mapping[str, list[Any]]) -> str:
    """Write one step per line, so that a changed answer is a changed line."""
    parts = [f"{_line(name)}: [\n{_steps(steps)}]" for name, steps in scenarios.items()]
    body = ",\n".join(parts)
    return f'{{"server": {_line(server)},\n"scenarios": {{\n{body}\n}}}}\n'


def _steps(steps: list[Any]) -> str:
    return "".join(
        f"  {_line(step)}{',' if step is not steps[-1] else ''}\n" for step in steps
    )


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def as_data(steps: list[Any]) -> Any:
    """Return steps as they look once written and read again."""
    return json.loads(json.dumps(steps, sort_keys=True))
