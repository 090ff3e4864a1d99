import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import handlers
from faas import collect
from faas.errors import Miswired
from faas.functions import OnEvent, Retry
from faas.loader import package_at

GOOD = """
from faas import Commands, Retry, Uplink, on_uplink

@on_uplink(device_type="lamp", message="status", pool="slow", retry=Retry(attempts=2))
def {name}(event: Uplink, commands: Commands) -> None:
    commands.send(event.dev_eui, {{"level": 1}}, why="test")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder of handlers; what is imported from it is forgotten afterwards."""
    before = dict(sys.modules)
    yield tmp_path
    for name in [n for n in sys.modules if n.partition(".")[0] == "handlers"]:
        del sys.modules[name]
    sys.modules.update({n: m for n, m in before.items() if n.startswith("handlers")})


def faults(folder: Path) -> tuple[str, ...]:
    with pytest.raises(Miswired) as refusal:
        collect(package_at(folder))
    return refusal.value.faults


def test_the_handlers_of_the_city_can_run() -> None:
    assert {"parking_occupancy", "street_light_motion"} <= set(collect(handlers))


def test_a_function_keeps_what_its_label_says(folder: Path) -> None:
    (folder / "lamps.py").write_text(GOOD.format(name="brighten"))
    (found,) = collect(package_at(folder)).values()

    assert ("brighten", "slow", ("commands",)) == (found.name, found.pool, found.ports)
    assert OnEvent(kind="up", device_type="lamp", message="status") == found.trigger
    assert Retry(attempts=2) == found.retry
    assert f"{folder}/lamps.py:4" == found.place


def test_private_modules_and_imported_functions_are_not_collected(folder: Path) -> None:
    (folder / "lamps.py").write_text(GOOD.format(name="brighten"))
    (folder / "others.py").write_text("from handlers.lamps import brighten\n")
    (folder / "_units.py").write_text(GOOD.format(name="hidden"))

    assert ["brighten"] == list(collect(package_at(folder)))


def test_a_port_nobody_offers_is_refused_with_those_that_are(folder: Path) -> None:
    text = GOOD.format(name="brighten").replace("commands: Commands", "downlinks: None")
    (folder / "lamps.py").write_text(text)

    assert (
        (
            f"brighten ({folder}/lamps.py:4) asks for 'downlinks'; this runtime offers "
            "clock, commands, notices, state, twin"
        ),
    ) == faults(folder)


def test_two_functions_of_one_name_are_refused_naming_both_files(folder: Path) -> None:
    (folder / "a.py").write_text(GOOD.format(name="brighten"))
    (folder / "b.py").write_text(GOOD.format(name="brighten"))

    assert (
        f"two functions are named 'brighten': {folder}/a.py:4 and {folder}/b.py:4",
    ) == faults(folder)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import nowhere_to_be_found\n", "lamps.py:1 does not import: ModuleNotFound"),
        ("a = 1\nb = a / 0\n", "lamps.py:2 does not import: ZeroDivisionError"),
        ("a = 1\ndef f(:\n", "lamps.py:2 does not import: invalid syntax"),
    ],
)
def test_a_file_that_does_not_import_is_named_with_its_line(
    folder: Path, text: str, said: str
) -> None:
    (folder / "lamps.py").write_text(text)
    (fault,) = faults(folder)

    assert fault.startswith(f"{folder}/{said}")


def test_an_event_that_does_not_exist_is_refused(folder: Path) -> None:
    text = "from faas import on_event\n\n@on_event(kind='uplink')\ndef f(event): ...\n"
    (folder / "a.py").write_text(text)
    (fault,) = faults(folder)

    assert "waits for 'uplink'; the kinds of events are up, join" in fault


def test_a_handler_must_take_an_event_and_be_a_plain_function(folder: Path) -> None:
    label = "from faas import on_uplink\n\n@on_uplink()\n"
    (folder / "a.py").write_text(label + "def nothing(): ...\n")
    (folder / "b.py").write_text(label + "async def later(event): ...\n")

    assert (
        f"nothing ({folder}/a.py:3) takes no event",
        f"later ({folder}/b.py:3) is async; write a plain def",
    ) == faults(folder)


def test_all_faults_are_told_at_once(folder: Path) -> None:
    (folder / "a.py").write_text("1 / 0\n")
    (folder / "b.py").write_text("import nowhere_to_be_found\n")

    assert 2 == len(faults(folder))


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Miswired, match="there is no such folder"):
        package_at(tmp_path / "none")
