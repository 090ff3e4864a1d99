"""
`python -m garonne.deployment --secrets DIR --data DIR`: the service `init`.

Draws the passwords that are missing, writes every service's files anew from them and
gives each folder to the user of its service. A second run changes no password.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from garonne.deployment.secrets import PASSWORDS, owner_of, secret_files
from garonne.errors import GaronneError
from garonne.state import private_folder, write_private

__all__ = ["main"]

KEPT = "passwords.json"
DIGITS = 40
SALT_BYTES = 12


def main(arguments: Sequence[str] | None = None) -> int:
    """Do it once; 1 with a sentence when a folder cannot be written."""
    parser = argparse.ArgumentParser(prog="python -m garonne.deployment")
    parser.add_argument("--secrets", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        drawn = prepare(options.secrets, options.data)
    except (GaronneError, OSError, ValueError) as error:
        print(f"deployment.init.fail reason={str(error)!r}", file=sys.stderr)
        return 1
    print(f"deployment.init.done drawn={drawn} kept={len(PASSWORDS) - drawn}")
    return 0


def prepare(secrets: Path, data: Path) -> int:
    """Write all files; return how many passwords were new."""
    passwords, drawn = _passwords(secrets / "init" / KEPT)
    for file in secret_files(passwords, lambda: os.urandom(SALT_BYTES)):
        folder = private_folder(secrets / file.service)
        write_private(folder / file.name, file.text)
        _give(folder / file.name, file.service, 0o400)
        _give(folder, file.service, 0o700)
    for folder in sorted(data.iterdir()) if data.is_dir() else ():
        _give(folder, folder.name, 0o700)
    return drawn


def _passwords(path: Path) -> tuple[Mapping[str, str], int]:
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    missing = [name for name in PASSWORDS if name not in kept]
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
