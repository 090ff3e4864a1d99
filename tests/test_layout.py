"""The layout is a promise: one folder, one program, and the README says so."""

import importlib
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES: list[str] = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"][
    "packages"
]


@pytest.mark.parametrize("folder", PACKAGES)
def test_each_package_is_imported_from_its_own_folder(folder: str) -> None:
    module = importlib.import_module(Path(folder).name)

    assert module.__file__ is not None
    assert ROOT / folder / "__init__.py" == Path(module.__file__)


def test_the_readme_names_every_folder_with_its_import() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|", readme, re.MULTILINE)

    assert {folder: Path(folder).name for folder in PACKAGES} == dict(rows)


def test_the_last_segments_are_unique() -> None:
    names = [Path(folder).name for folder in PACKAGES]

    assert sorted(set(names)) == sorted(names)


def test_the_repository_root_is_never_on_the_path() -> None:
    assert str(ROOT) not in sys.path


def test_no_lock_file_holds_an_address() -> None:
    locks = [*ROOT.glob("*.lock"), *ROOT.glob("console/**/package-lock.json")]

    assert locks
    assert [] == [lock for lock in locks if "://" in lock.read_text(encoding="utf-8")]
