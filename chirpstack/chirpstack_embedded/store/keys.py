"""Root keys and used DevNonces (contract §2.2)."""

from chirpstack_embedded.model import Keys
from chirpstack_embedded.store.database import Database


class DeviceKeys:
    """The tables ``device_keys`` and ``dev_nonce``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, dev_eui: str) -> Keys | None:
        """The keys of a device, or None."""
        row = self._database.one("select * from device_keys where dev_eui = ?", dev_eui)
        if row is None:
            return None
        return Keys(
            dev_eui=dev_eui,
            nwk_key=bytes.fromhex(row["nwk_key"]),
            app_key=bytes.fromhex(row["app_key"]),
            gen_app_key=bytes.fromhex(row["gen_app_key"]),
            join_nonce=row["join_nonce"],
            created_at=row["created_at"],
            updated_at=row["updated_at"],
        )

    def create(self, keys: Keys, now: float) -> None:
        """Insert keys; a second set is ``NotStored``."""
        self._database.execute(
            "insert into device_keys (dev_eui, nwk_key, app_key, gen_app_key,"
            " join_nonce, created_at, updated_at) values (?, ?, ?, ?, 0, ?, ?)",
            (keys.dev_eui, *_key_texts(keys), now, now),
        )

    def update(self, keys: Keys, now: float) -> bool:
        """Replace the root keys and keep nonces; False if there were none."""
        cursor = self._database.execute(
            "update device_keys set nwk_key = ?, app_key = ?, gen_app_key = ?,"
            " updated_at = ? where dev_eui = ?",
            (*_key_texts(keys), now, keys.dev_eui),
        )
        return cursor.rowcount == 1

    def delete(self, dev_eui: str) -> bool:
        """Remove keys and nonces; False if there were none."""
        cursor = self._database.execute(
            "delete from device_keys where dev_eui = ?", (dev_eui,)
        )
        return cursor.rowcount == 1

    def use_dev_nonce(self, dev_eui: str, join_eui: str, dev_nonce: int) -> int | None:
        """
        Burn a DevNonce.

        Returns the JoinNonce for the answer (the value before its increment),
        or None if this DevNonce was used before with this JoinEUI.
        """
        if self._database.one(
            "select 1 from dev_nonce where dev_eui = ? and join_eui = ?"
            " and dev_nonce = ?",
            dev_eui,
            join_eui,
            dev_nonce,
        ):
            return None
        self._database.execute(
            "insert into dev_nonce values (?, ?, ?)", (dev_eui, join_eui, dev_nonce)
        )
        return self._database.count(
            "update device_keys set join_nonce = join_nonce + 1 where dev_eui = ?"
            " returning join_nonce - 1",
            dev_eui,
        )

    def flush_dev_nonces(self, dev_eui: str) -> bool:
        """Forget used DevNonces and keep the JoinNonce; False without keys."""
        if self.get(dev_eui) is None:
            return False
        self._database.execute("delete from dev_nonce where dev_eui = ?", (dev_eui,))
        return True


def _key_texts(keys: Keys) -> tuple[str, str, str]:
    return keys.nwk_key.hex(), keys.app_key.hex(), keys.gen_app_key.hex()
