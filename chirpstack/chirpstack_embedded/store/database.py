"""One SQLite connection, one lock, and transactions that commit whole."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chirpstack_embedded.errors import NotStored
from chirpstack_embedded.store.schema import MIGRATIONS, SCHEMA_VERSION

_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    "busy_timeout = 5000",
)


class Database:
    """
    The server's database; every use holds ``lock``.

    ``path`` may be ``:memory:``.  Transactions nest: only the outermost commits.
    """

    def __init__(self, path: str | Path) -> None:
        self.lock = threading.RLock()
        self.connection = sqlite3.connect(
            str(path), check_same_thread=False, isolation_level=None
        )
        self.connection.row_factory = sqlite3.Row
        self._depth = 0
        for pragma in _PRAGMAS:
            self.connection.execute(f"pragma {pragma}")
        self.is_new = self._migrate()

    def close(self) -> None:
        """Release the file."""
        with self.lock:
            self.connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything inside together, or nothing."""
        with self.lock:
            if self._depth:
                yield
                return
            self.connection.execute("begin immediate")
            self._depth += 1
            try:
                yield
                self.connection.execute("commit")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("rollback")
                raise
            finally:
                self._depth -= 1

    def execute(self, sql: str, parameters: Iterable[Any] = ()) -> sqlite3.Cursor:
        """Run one statement; a broken constraint becomes ``NotStored``."""
        with self.lock:
            try:
                return self.connection.execute(sql, tuple(parameters))
            except sqlite3.IntegrityError as error:
                # ChirpStack passes SQLite's own words on (contract §5.3).
                raise NotStored(str(error)) from error

    def executemany(self, sql: str, rows: Iterable[Iterable[Any]]) -> None:
        """Run one statement for many rows."""
        with self.lock:
            self.connection.executemany(sql, [tuple(row) for row in rows])

    def one(self, sql: str, *parameters: Any) -> sqlite3.Row | None:
        """Return the first row, or None."""
        row: sqlite3.Row | None = self.execute(sql, parameters).fetchone()
        return row

    def all(self, sql: str, *parameters: Any) -> list[sqlite3.Row]:
        """Return all rows."""
        return self.execute(sql, parameters).fetchall()

    def count(self, sql: str, *parameters: Any) -> int:
        """Return the one number a statement answers."""
        return int(self.execute(sql, parameters).fetchone()[0])

    def _migrate(self) -> bool:
        version = self.count("pragma user_version")
        if version > SCHEMA_VERSION:
            raise NotStored(
                f"the database has schema {version}, this server knows {SCHEMA_VERSION}"
            )
        for number, script in enumerate(MIGRATIONS[version:], version + 1):
            # One step, one transaction: what stops in between goes on from there.
            self.connection.executescript(
                f"begin immediate; {script} pragma user_version = {number}; commit;"
            )
        return version == 0
