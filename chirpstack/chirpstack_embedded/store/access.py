"""Who may call the API: users and API keys."""

import hashlib
import hmac
import os
from dataclasses import dataclass
from sqlite3 import Row

from chirpstack_embedded.store.database import Database

_ITERATIONS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who logs in."""

    id: str
    email: str
    is_admin: bool
    is_active: bool
    created_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key for programs: of the server (admin) or of one tenant."""

    id: str
    name: str
    is_admin: bool
    is_read_only: bool
    tenant_id: str | None
    created_at: float = 0.0


class Access:
    """The tables ``user`` and ``api_key``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_user(
        self, user_id: str, email: str, password: str, now: float, *, admin: bool
    ) -> None:
        """Insert an active user."""
        self._database.execute(
            "insert into user values (?, ?, ?, ?, 1, ?)",
            (user_id, now, email, admin, hash_password(password)),
        )

    def login(self, email: str, password: str) -> User | None:
        """The user, if the password is right."""
        row = self._database.one("select * from user where email = ?", email)
        if row is None or not _matches(password, row["password_hash"]):
            return None
        return _user(row)

    def user(self, user_id: str) -> User | None:
        """The user, or None."""
        row = self._database.one("select * from user where id = ?", user_id)
        return _user(row) if row else None

    def add_key(self, key: ApiKey, now: float) -> None:
        """Insert an API key."""
        self._database.execute(
            "insert into api_key values (?, ?, ?, ?, ?, ?)",
            (key.id, now, key.name, key.is_admin, key.is_read_only, key.tenant_id),
        )

    def key(self, key_id: str) -> ApiKey | None:
        """The API key, or None if it was deleted."""
        row = self._database.one("select * from api_key where id = ?", key_id)
        return _key(row) if row else None

    def keys(self, *, is_admin: bool, tenant_id: str) -> list[ApiKey]:
        """The admin keys, or the keys of a tenant, by name."""
        rows = self._database.all(
            "select * from api_key where is_admin = ? and coalesce(tenant_id, '') = ?"
            " order by name",
            is_admin,
            tenant_id,
        )
        return [_key(row) for row in rows]

    def delete_key(self, key_id: str) -> bool:
        """Remove an API key; its token is void from now on."""
        cursor = self._database.execute("delete from api_key where id = ?", (key_id,))
        return cursor.rowcount == 1


def hash_password(password: str) -> str:
    """Return a salted PBKDF2-SHA512 hash as one text."""
    salt = os.urandom(16)
    return f"{salt.hex()}${_derive(password, salt).hex()}"


def _matches(password: str, stored: str) -> bool:
    salt, _, wanted = stored.partition("$")
    found = _derive(password, bytes.fromhex(salt))
    return hmac.compare_digest(found, bytes.fromhex(wanted))


def _derive(password: str, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)


def _user(row: Row) -> User:
    return User(
        id=row["id"],
        email=row["email"],
        is_admin=bool(row["is_admin"]),
        is_active=bool(row["is_active"]),
        created_at=row["created_at"],
    )


def _key(row: Row) -> ApiKey:
    return ApiKey(
        id=row["id"],
        name=row["name"],
        is_admin=bool(row["is_admin"]),
        is_read_only=bool(row["is_read_only"]),
        tenant_id=row["tenant_id"],
        created_at=row["created_at"],
    )
