"""
`python -m garonne.deployment --secrets DIR --data DIR [--gateway ID]`: service `init`.

Draws the passwords that are missing, writes every service's files anew from them and
gives each folder to the user of its service. A second run changes no password.
With `--gateway` the gateway of this id gets a user of its own at the broker, once; its
password is printed.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from garonne.deployment.secrets import GATEWAY, PASSWORDS, owner_of, secret_files
from garonne.errors import GaronneError
from garonne.state import private_folder, write_private
from wire.errors import Malformed
from wire.eui64 import EUI64

__all__ = ["main"]

KEPT = "passwords.json"
DIGITS = 40
SALT_BYTES = 12


def main(arguments: Sequence[str] | None = None) -> int:
    """Do it once; 1 with a sentence when a folder cannot be written."""
    parser = argparse.ArgumentParser(prog="python -m garonne.deployment")
    parser.add_argument("--secrets", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--gateway", metavar="ID", help="16 hexadecimal digits")
    options = parser.parse_args(arguments)
    try:
        names = (*PASSWORDS, *_gateway(options.gateway))
        drawn = prepare(options.secrets, options.data, names)
    except (GaronneError, Malformed, OSError, ValueError) as error:
        print(f"deployment.init.fail reason={str(error)!r}", file=sys.stderr)
        return 1
    print(f"deployment.init.done drawn={drawn} kept={len(names) - drawn}")
    for name in names[len(PASSWORDS) :]:
        password = json.loads((options.secrets / "init" / KEPT).read_text())[name]
        print(f"user {name.removeprefix(GATEWAY)} password {password}")
    return 0


def _gateway(text: str | None) -> tuple[str, ...]:
    return (f"{GATEWAY}{EUI64.parse(text)}",) if text else ()


def prepare(secrets: Path, data: Path, names: Sequence[str] = PASSWORDS) -> int:
    """Write all files; return how many of these passwords were new."""
    passwords, drawn = _passwords(secrets / "init" / KEPT, names)
    for file in secret_files(passwords, lambda: os.urandom(SALT_BYTES)):
        folder = private_folder(secrets / file.service)
        write_private(folder / file.name, file.text)
        _give(folder / file.name, file.service, 0o400)
        _give(folder, file.service, 0o700)
    for folder in sorted(data.iterdir()) if data.is_dir() else ():
        _give(folder, folder.name, 0o700)
    return drawn


def _passwords(path: Path, names: Sequence[str]) -> tuple[Mapping[str, str], int]:
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    missing = [name for name in names if name not in kept]
    if missing:
        private_folder(path.parent).chmod(0o700)  # a fresh volume is open to all
        kept |= {name: os.urandom(DIGITS // 2).hex() for name in missing}
        write_private(path, json.dumps(kept, indent=1))
    return kept, len(missing)


def _give(path: Path, service: str, mode: int) -> None:
    # Only root can give a folder away; without, everything stays its caller's.
    if os.geteuid() == 0:
        os.chown(path, owner_of(service), owner_of(service))
    path.chmod(mode)


if __name__ == "__main__":
    sys.exit(main())
