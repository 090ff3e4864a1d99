"""The key file is made once, is private, and is never quoted."""

import stat
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.entry import read_city
from provisioning.keys import BadKeys, ensure_keys, parse_key, parse_keys, read_keys

CITY = read_city(Path(__file__).parents[2], "first-light")
KEY = "00112233445566778899aabbccddeeff"


def test_every_device_gets_a_key_also_in_the_box(tmp_path: Path) -> None:
    keys = ensure_keys(tmp_path / "keys.csv", CITY)

    assert {str(device.dev_eui) for device in CITY.devices} == keys.keys()
    assert len(keys) == len(set(keys.values()))


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    first = ensure_keys(tmp_path / "keys.csv", CITY)
    text = (tmp_path / "keys.csv").read_text()

    assert first == ensure_keys(tmp_path / "keys.csv", CITY)
    assert text == (tmp_path / "keys.csv").read_text()


def test_a_key_that_is_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "keys.csv"
    path.write_text(f"dev_eui,app_key\n02746c6c00000001,{KEY.upper()}\n")

    keys = ensure_keys(path, CITY)

    assert KEY == keys["02746c6c00000001"]
    assert keys == read_keys(path)


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    ensure_keys(tmp_path / "deep" / "keys.csv", CITY)

    mode = (tmp_path / "deep" / "keys.csv").stat().st_mode
    assert 0o600 == stat.S_IMODE(mode)


def test_every_fault_is_told_at_once_and_no_key() -> None:
    text = (
        "dev_eui,app_key\n"
        f"0102030405060708,{KEY}\n"
        f"0102030405060708,{KEY}\n"
        f"01020304,{KEY}\n"
        "1102030405060708,shortkey\n"
        "2102030405060708\n"
    )

    with pytest.raises(BadKeys) as caught:
        parse_keys(text)

    lines = [fault.split(": ", 1)[0] for fault in caught.value.faults]
    assert ["keys.csv:3", "keys.csv:4", "keys.csv:5", "keys.csv:6"] == lines
    assert KEY not in str(caught.value)
    assert "shortkey" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "dev_eui\n", "app_key,dev_eui\n"])
def test_another_header_is_refused(text: str) -> None:
    with pytest.raises(BadKeys):
        parse_keys(text)


@given(st.text() | st.text().map("dev_eui,app_key\n{}".format))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(BadKeys):
        assert all(parse_key(key) == key for key in parse_keys(text).values())


@pytest.mark.parametrize(
    "spelling", [KEY, KEY.upper(), " ".join(KEY[i : i + 2] for i in range(0, 32, 2))]
)
def test_a_key_may_be_spelt_in_the_usual_ways(spelling: str) -> None:
    assert KEY == parse_key(spelling)
