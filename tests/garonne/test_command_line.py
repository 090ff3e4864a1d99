"""Every error of the command line is a sentence, never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.garonne.processes import gone

pytestmark = pytest.mark.slow


def garonne(state: Path, *words: str, **environ: str) -> tuple[int, str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("GARONNE_")}
    done = subprocess.run(
        [sys.executable, "-m", "garonne", *words],
        env={**env, "GARONNE_STATE": str(state), **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    "words", [["status"], ["down"], ["lamp", "lamp-01", "--level", "60"]]
)
def test_when_nothing_runs_it_says_so(tmp_path: Path, words: list[str]) -> None:
    code, said = garonne(tmp_path, *words)

    assert (1, True) == (code, f"nothing runs in {tmp_path}" in said)


def test_wrong_settings_are_all_listed_and_end_with_2(tmp_path: Path) -> None:
    code, said = garonne(
        tmp_path, "up", GARONNE_LOG="loud", GARONNE_MQTT="x", GARONNE_CITY="atlantis"
    )

    assert 2 == code
    assert [True] * 3 == [word in said for word in ("'loud'", "MQTT", "'atlantis'")]


def test_a_level_beyond_100_is_refused_by_its_value(tmp_path: Path) -> None:
    code, said = garonne(tmp_path, "lamp", "lamp-01", "--level", "101")

    assert (2, True) == (code, "from 0 to 100, found '101'" in said)


@pytest.mark.parametrize("wrong", ["0", "-3", "nan", "inf", "soon"])
def test_a_time_that_is_no_time_is_refused_by_its_value(
    tmp_path: Path, wrong: str
) -> None:
    for words in (["lamp", "x", "--on", "--timeout"], ["demo", "--seconds"]):
        code, said = garonne(tmp_path, *words, wrong)
        assert (2, True) == (code, f"seconds above 0, found '{wrong}'" in said)


def test_a_state_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    code, said = garonne(tmp_path / "file" / "state", "up")

    assert (1, True) == (code, "state cannot be made: Not a directory" in said)


def test_a_report_that_cannot_be_written_is_refused_before_the_run(
    tmp_path: Path,
) -> None:
    code, said = garonne(tmp_path, "demo", "--report", str(tmp_path / "no" / "file"))

    assert (1, True) == (code, "cannot be written: No such file" in said)


def test_reset_empties_our_folder_but_no_stranger_s(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    assert 1 == garonne(tmp_path, "reset")[0]
    assert (tmp_path / "precious").exists()

    for mark in ("lock", "ports.json"):
        (tmp_path / mark).touch()
    (tmp_path / "chirpstack").mkdir()
    assert 0 == garonne(tmp_path, "reset")[0]
    assert ["lock", "ports.json"] == sorted(path.name for path in tmp_path.iterdir())


def test_an_address_where_nobody_answers_is_told_at_the_start(tmp_path: Path) -> None:
    code, said = garonne(tmp_path, "up", GARONNE_REDIS="redis://127.0.0.1:1/0")

    assert 1 == code
    assert "GARONNE_REDIS was given, but no Redis answers on 127.0.0.1:1/0" in said


def test_the_help_of_every_command_works(tmp_path: Path) -> None:
    for words in ([], ["up"], ["lamp"], ["demo"], ["reset"], ["logs"]):
        code, said = garonne(tmp_path, *words, "--help")
        assert (0, True) == (code, "usage: garonne" in said)


def test_gone_is_told_from_alive() -> None:
    assert not gone([os.getpid()], within_s=0)
