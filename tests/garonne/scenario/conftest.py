"""Virtual cities start quickly."""

import pytest

from chirpstack_embedded.store import access


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of a second of key derivation per store is for attackers, not tests."""
    monkeypatch.setattr(access, "_ITERATIONS", 1)
