"""
`python -m garonne.api_key`: the key with which our programs talk to ChirpStack.

With GARONNE_CHIRPSTACK_PASSWORD the first user also gets that password, once.
"""

import os
import sys
from pathlib import Path

from city.errors import BadSettings, NetworkError, NotAllowed, Unsupported
from city.network import Network
from city.settings import Reader
from garonne.state import write_private

__all__ = ["ensure", "main"]

# The account every new ChirpStack starts with; ours listens on loopback only.
FIRST_EMAIL = FIRST_PASSWORD = "admin"  # noqa: S105 -- ChirpStack's documented first account
NAME = "garonne"


def ensure(target: str, file: Path, password: str = "") -> bool:
    """
    Make the file hold a key that works; tell whether a new one was made.

    A password becomes the first user's. Raises NetworkError when the server cannot be
    asked.
    """
    if file.exists() and _works(target, file.read_text(encoding="utf-8").strip()):
        return False
    with Network(target, _user_token(target, password)) as admin:
        write_private(file, admin.create_api_key(NAME))
    return True


def _user_token(target: str, password: str) -> str:
    with Network(target) as stranger:
        if not password:
            return stranger.login(FIRST_EMAIL, FIRST_PASSWORD)
        try:
            return stranger.login(FIRST_EMAIL, password)
        except NotAllowed:
            first = stranger.login(FIRST_EMAIL, FIRST_PASSWORD)
    with Network(target, first) as user:
        try:
            user.change_own_password(password)
        except Unsupported as error:
            print(f"chirpstack.password.keep reason={str(error)!r}", file=sys.stderr)
            return first
    with Network(target) as stranger:
        return stranger.login(FIRST_EMAIL, password)


def _works(target: str, token: str) -> bool:
    try:
        with Network(target, token) as network:
            network.tenants()
    except NetworkError:
        return False
    return True


def main() -> int:
    """Do it once, with what the environment says."""
    read = Reader(os.environ)
    target = read.text("GARONNE_CHIRPSTACK_GRPC")
    file = os.environ.get("GARONNE_CHIRPSTACK_TOKEN_FILE", "")
    if not file:
        read.fault("GARONNE_CHIRPSTACK_TOKEN_FILE is not set")
    password = read.perhaps("GARONNE_CHIRPSTACK_PASSWORD")
    try:
        read.check()
        made = ensure(target, Path(file), password)
    except (BadSettings, NetworkError, OSError) as error:
        print(f"chirpstack.apikey.fail reason={str(error)!r}", file=sys.stderr)
        return 1
    print(f"chirpstack.apikey.{'create' if made else 'keep'} file={file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
