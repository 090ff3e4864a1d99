"""What `init` writes: every service its own words, no password twice, none lost."""

import json
from pathlib import Path

import pytest
from tests.deploy.composed import services

from garonne.deployment.__main__ import main
from garonne.deployment.secrets import (
    OWNERS,
    PASSWORDS,
    broker_line,
    owner_of,
    secret_files,
)

SERVICES = services()


def prepare(folder: Path) -> int:
    return main(["--secrets", str(folder / "secrets"), "--data", str(folder / "data")])


def test_every_password_is_drawn_once_and_kept(tmp_path: Path) -> None:
    kept = tmp_path / "secrets/init/passwords.json"

    assert 0 == prepare(tmp_path)
    first = json.loads(kept.read_text())
    assert 0 == prepare(tmp_path)
    assert first == json.loads(kept.read_text())
    assert len(PASSWORDS) == len(set(first.values()))
    assert {40} == {len(password) for password in first.values()}


def test_a_password_that_is_new_in_a_release_is_added(tmp_path: Path) -> None:
    prepare(tmp_path)
    kept = tmp_path / "secrets/init/passwords.json"
    older = json.loads(kept.read_text())
    gone = older.pop("redis")
    kept.write_text(json.dumps(older))

    assert 0 == prepare(tmp_path)
    newer = json.loads(kept.read_text())
    assert older == {name: word for name, word in newer.items() if name != "redis"}
    assert gone != newer["redis"]


def test_nobody_else_may_read_a_secret(tmp_path: Path) -> None:
    prepare(tmp_path)
    files = [p for p in (tmp_path / "secrets").rglob("*") if p.is_file()]
    folders = list((tmp_path / "secrets").iterdir())

    assert files
    assert set() == {file.stat().st_mode & 0o077 for file in files} - {0}
    assert set() == {folder.stat().st_mode & 0o077 for folder in folders} - {0}


def test_a_service_gets_no_password_that_is_not_its_own() -> None:
    files = secret_files({name: name for name in PASSWORDS}, lambda: bytes(12))
    words: dict[str, set[str]] = {}
    for file in files:
        held = {n for n in PASSWORDS if f":{n}@" in file.text or n == file.text.strip()}
        words.setdefault(file.service, set()).update(held)

    assert {"broker-ingest", "redis"} == words["ingest"]
    assert {"broker-sender", "redis"} == words["sender"]
    assert {"redis"} == words["worker"]


@pytest.mark.parametrize("name", OWNERS)
def test_a_folder_belongs_to_the_user_of_its_service(name: str) -> None:
    assert f"{owner_of(name)}:{owner_of(name)}" == SERVICES[name]["user"]


def test_no_word_for_chirpstack_holds_a_dollar_sign() -> None:
    """ChirpStack would take it for the name of a variable (trap 20)."""
    files = secret_files(dict.fromkeys(PASSWORDS, "ab12"), lambda: bytes(12))

    assert "$" not in "".join(f.text for f in files if f.service == "chirpstack")


def test_a_salt_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="a salt has 12 bytes, this has 3"):
        broker_line("user", "password", b"abc")


def test_a_folder_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "secrets").write_text("a file")

    assert 1 == prepare(tmp_path)
    assert "deployment.init.fail" in capsys.readouterr().err


def test_a_gateway_gets_a_user_of_its_own_that_the_next_start_keeps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = ["--secrets", f"{tmp_path}/secrets", "--data", f"{tmp_path}/data"]

    assert 0 == main([*folders, "--gateway", "0016C001F1500A2B"])
    first = capsys.readouterr().out.splitlines()[-1]
    assert 0 == main([*folders, "--gateway", "0016c001f1500a2b"])
    assert first == capsys.readouterr().out.splitlines()[-1]
    assert first.startswith("user 0016c001f1500a2b password ")
    assert 0 == main(folders)
    users = (tmp_path / "secrets/mosquitto/users").read_text().splitlines()
    assert "0016c001f1500a2b" in {line.partition(":")[0] for line in users}


def test_a_gateway_id_that_is_none_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = ["--secrets", f"{tmp_path}/secrets", "--data", f"{tmp_path}/data"]

    assert 1 == main([*folders, "--gateway", "roof"])
    assert "roof" in capsys.readouterr().err
