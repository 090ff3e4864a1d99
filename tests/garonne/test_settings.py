"""All faults of the settings are told at once, and none shows a password."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from garonne.errors import WrongSettings
from garonne.settings import Settings


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "chirpstack" / "device-types").mkdir(parents=True)
    city = tmp_path / "cities" / "toulouse"
    city.mkdir(parents=True)
    (city / "city.toml").touch()
    return tmp_path


def faults(home: Path, **environ: str) -> list[str]:
    try:
        Settings.read({"GARONNE_HOME": str(home), **environ})
    except WrongSettings as error:
        return error.faults
    return []


def test_nothing_set_means_everything_is_started_here(home: Path) -> None:
    settings = Settings.read({"GARONNE_HOME": str(home)})

    assert {} == settings.given
    assert home / ".garonne" == settings.state
    assert home / ".garonne" / "keys.csv" == settings.keys
    assert ("toulouse", "garonne-raw", "info") == (
        settings.city,
        settings.bucket,
        settings.log,
    )


def test_all_faults_are_listed_at_once(home: Path) -> None:
    found = faults(
        home,
        GARONNE_CITY="atlantis",
        GARONNE_MQTT="http://broker",
        GARONNE_REDIS="redis://",
        GARONNE_S3="store:9000",
        GARONNE_CHIRPSTACK_GRPC="localhost",
        GARONNE_LOG="loud",
        GARONNE_S3_BUCKET="a",
    )

    words = [
        "atlantis",
        "GARONNE_MQTT",
        "GARONNE_REDIS",
        "GARONNE_S3: expected",
        "expected host:port, found 'localhost'",
        "GARONNE_S3_ACCESS_KEY and GARONNE_S3_SECRET_KEY is not",
        "GARONNE_CHIRPSTACK_TOKEN",
        "'loud'",
        "GARONNE_S3_BUCKET",
    ]
    assert [] == [word for word in words if not any(word in f for f in found)]


def test_a_real_chirpstack_needs_its_key_and_its_broker(home: Path) -> None:
    found = faults(home, GARONNE_CHIRPSTACK_GRPC="chirpstack:8080")

    assert ["GARONNE_CHIRPSTACK_TOKEN", "GARONNE_MQTT"] == [
        next(w for w in ("GARONNE_CHIRPSTACK_TOKEN", "GARONNE_MQTT") if w in fault)
        for fault in found
    ]


def test_a_token_is_read_from_its_file(home: Path) -> None:
    (home / "token").write_text("abc\n", encoding="utf-8")

    settings = Settings.read(
        {
            "GARONNE_HOME": str(home),
            "GARONNE_CHIRPSTACK_TOKEN_FILE": str(home / "token"),
        }
    )

    assert "abc" == settings.given["GARONNE_CHIRPSTACK_TOKEN"]


def test_a_token_file_that_is_not_there_is_a_fault(home: Path) -> None:
    (fault,) = faults(home, GARONNE_CHIRPSTACK_TOKEN_FILE="/nowhere/token")

    assert "GARONNE_CHIRPSTACK_TOKEN_FILE: /nowhere/token: no such file" in fault


@pytest.mark.parametrize("name", ["GARONNE_MQTT", "GARONNE_REDIS"])
def test_a_fault_never_shows_the_password(home: Path, name: str) -> None:
    (fault,) = faults(home, **{name: "ftp://us:hidden@host"})

    assert "hidden" not in fault


def test_a_home_that_is_no_checkout_is_a_fault(tmp_path: Path) -> None:
    assert any("holds no chirpstack/device-types" in f for f in faults(tmp_path))


@given(url=st.text())
def test_no_address_whatever_makes_it_stumble(url: str) -> None:
    environ = {"GARONNE_MQTT": url, "GARONNE_REDIS": url, "GARONNE_S3": url}

    with pytest.raises(WrongSettings):
        Settings.read({**environ, "GARONNE_HOME": "/nowhere"})
