"""What a device keeps in flash, for a whole fleet, in one SQLite file."""

import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

_SCHEMA = """
CREATE TABLE IF NOT EXISTS device (
  dev_eui   TEXT PRIMARY KEY,
  dev_nonce INTEGER NOT NULL,  -- of the next join-request
  session   TEXT               -- JSON, NULL before the first join
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mc_groups (
  dev_eui   TEXT PRIMARY KEY,
  groups    TEXT NOT NULL      -- JSON
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS run (id INTEGER PRIMARY KEY CHECK (id = 1), clean INTEGER);
INSERT OR IGNORE INTO run VALUES (1, 1);
"""
_SAVE = """
INSERT INTO device (dev_eui, dev_nonce, session) VALUES (?, ?, ?)
ON CONFLICT (dev_eui) DO UPDATE SET
  dev_nonce = max(dev_nonce, excluded.dev_nonce), session = excluded.session
"""


class Record(NamedTuple):
    """One device's flash: the next DevNonce, its session and its groups as JSON."""

    dev_eui: str
    dev_nonce: int
    session: str | None
    groups: str | None = None


class State:
    """
    The flash of every device.

    A DevNonce saved here never goes back. `save` returns when the records are
    durable. `stopped_cleanly` is false when the run before was killed: its
    last frame counters may then be missing.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(_SCHEMA)
        (clean,) = self._db.execute("SELECT clean FROM run").fetchone()
        self.stopped_cleanly = bool(clean)
        self._db.execute("UPDATE run SET clean = 0")

    def load(self) -> Mapping[str, Record]:
        """Every record, by DevEUI."""
        rows = self._db.execute(
            "SELECT dev_eui, dev_nonce, session, groups"
            " FROM device LEFT JOIN mc_groups USING (dev_eui)"
        )
        return {
            dev_eui: Record(
                dev_eui=dev_eui, dev_nonce=dev_nonce, session=session, groups=groups
            )
            for dev_eui, dev_nonce, session, groups in rows
        }

    def save(self, records: Iterable[Record]) -> None:
        """Write the records in one transaction and wait until it is durable."""
        kept = list(records)
        rows = [(r.dev_eui, r.dev_nonce, r.session) for r in kept]
        groups = [(r.dev_eui, r.groups) for r in kept if r.groups is not None]
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany(_SAVE, rows)
        self._db.executemany("INSERT OR REPLACE INTO mc_groups VALUES (?, ?)", groups)
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Say that this run ended with everything saved."""
        self._db.execute("UPDATE run SET clean = 1")
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._db.close()
