"""The pages tell the truth: their code runs, their links lead somewhere."""

import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from city import keys

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    page
    for page in ROOT.rglob("*.md")
    if not {".venv", ".garonne", "node_modules", ".git"} & set(page.parts)
)
TUTORIAL = ROOT / "docs/tutorial/first-function.md"


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a page in one language."""
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def links(page: Path) -> list[str]:
    """Return the relative links of a page."""
    text = page.read_text(encoding="utf-8")
    found = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    return [link for link in found if "://" not in link]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    assert [] == [at for at in links(page) if not (page.parent / at).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_script_a_page_calls_exists(page: Path) -> None:
    called = {
        word
        for block in blocks(page, "console")
        for word in re.findall(r"(?:^|\s)(scripts/[\w-]+)", block)
    }

    assert [] == [name for name in sorted(called) if not (ROOT / name).exists()]


def test_the_tutorials_function_passes_the_tutorials_test(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handler, test = blocks(TUTORIAL, "python")
    module = ModuleType("handlers.hello_lamp")
    exec(compile(handler, "hello_lamp.py", "exec"), module.__dict__)  # noqa: S102 - the page's code is what is tested
    monkeypatch.setitem(sys.modules, "handlers.hello_lamp", module)
    names: dict[str, object] = {}
    exec(compile(test, "test_hello_lamp.py", "exec"), names)  # noqa: S102 - as above

    claims = [call for name, call in names.items() if name.startswith("test_")]

    assert claims
    for claim in claims:
        assert callable(claim)
        claim()


def test_the_tutorials_function_is_ten_lines() -> None:
    handler = blocks(TUTORIAL, "python")[0]

    assert 10 == len(handler.splitlines())


def test_every_setting_of_the_code_stands_on_the_settings_page() -> None:
    sources = [path for path in ROOT.rglob("*.py") if ".venv" not in path.parts]
    read = {
        name
        for path in sources
        if "tests" not in path.parts
        for name in re.findall(
            r"\"(GARONNE_[A-Z0-9_]*[A-Z0-9])\"", path.read_text("utf-8")
        )
    }
    page = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`(GARONNE_[A-Z0-9_]+)", page))

    assert sorted(read - told) == []
    assert sorted(told - read) == []


def test_every_failpoint_of_the_code_stands_on_the_delivery_page() -> None:
    code = {
        name
        for folder in ("libs", "functions", "chirpstack")
        for path in (ROOT / folder).rglob("*.py")
        for name in re.findall(r"\"(after_[a-z]+_before_[a-z]+)\"", path.read_text())
    }
    page = (ROOT / "docs/design/delivery.md").read_text(encoding="utf-8")

    assert code == set(re.findall(r"^\| `(after_\w+)`", page, re.MULTILINE))


def test_every_redis_key_stands_on_the_keys_page() -> None:
    page = (ROOT / "docs/reference/redis-keys.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `([^`]+)`", page, re.MULTILINE))
    spelled = {keys.CONFIG} | {
        re.sub(r"\{p\d\d\}", "{pNN}", name(0, *words[1:]))
        for name in vars(keys).values()
        if inspect.isfunction(name) and (words := key_words(name))
    }

    assert spelled == told


def key_words(name: Callable[..., object]) -> list[str]:
    """Return the placeholders a key's function takes; none if it names no key."""
    spoken = {"command_id": "<id>", "partition": "0"}
    parameters = inspect.signature(name).parameters
    if next(iter(parameters), "") != "partition" or name is keys.tag:
        return []
    return [spoken.get(word, f"<{word}>") for word in parameters]
