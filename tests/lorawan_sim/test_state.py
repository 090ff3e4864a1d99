"""What a device wrote to flash is there after whatever happened."""

import sqlite3
import stat
from pathlib import Path

import pytest

from lorawan_sim.state import Record, State

RECORD = Record(dev_eui="0102030405060708", dev_nonce=3, session='{"f_cnt_up": 7}')


def test_a_record_comes_back(tmp_path: Path) -> None:
    with State(tmp_path / "flash.sqlite") as state:
        state.save([RECORD])

    with State(tmp_path / "flash.sqlite") as state:
        assert {RECORD.dev_eui: RECORD} == state.load()
        assert state.stopped_cleanly


def test_a_nonce_never_goes_back(tmp_path: Path) -> None:
    older = Record(dev_eui=RECORD.dev_eui, dev_nonce=1, session=None)
    with State(tmp_path / "flash.sqlite") as state:
        state.save([RECORD])
        state.save([older])

        assert 3 == state.load()[RECORD.dev_eui].dev_nonce


def test_a_record_is_on_disk_when_save_returns(tmp_path: Path) -> None:
    state = State(tmp_path / "flash.sqlite")
    state.save([RECORD])

    other = sqlite3.connect(tmp_path / "flash.sqlite")
    rows = other.execute("SELECT dev_nonce FROM device").fetchall()
    other.close()
    state.close()

    assert [(3,)] == rows


def test_a_run_that_was_killed_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), State(tmp_path / "flash.sqlite"):
        raise RuntimeError

    with State(tmp_path / "flash.sqlite") as state:
        assert not state.stopped_cleanly


def test_keys_in_flash_are_for_the_owner_only(tmp_path: Path) -> None:
    with State(tmp_path / "flash.sqlite"):
        mode = (tmp_path / "flash.sqlite").stat().st_mode

    assert 0o600 == stat.S_IMODE(mode)
