"""`python -m garonne.api_key`: the key with which our programs talk to ChirpStack."""

import os
import sys
from pathlib import Path

from city.errors import NetworkError
from city.network import Network
from garonne.state import write_private

__all__ = ["ensure", "main"]

# The account every new ChirpStack starts with; ours listens on loopback only.
FIRST_EMAIL = FIRST_PASSWORD = "admin"  # noqa: S105 -- ChirpStack's documented first account
NAME = "garonne"


def ensure(target: str, file: Path) -> bool:
    """
    Make the file hold a key that works; tell whether a new one was made.

    Raises NetworkError when the server cannot be asked.
    """
    if file.exists() and _works(target, file.read_text(encoding="utf-8").strip()):
        return False
    with Network(target) as stranger:
        token = stranger.login(FIRST_EMAIL, FIRST_PASSWORD)
    with Network(target, token) as admin:
        write_private(file, admin.create_api_key(NAME))
    return True


def _works(target: str, token: str) -> bool:
    try:
        with Network(target, token) as network:
            network.tenants()
    except NetworkError:
        return False
    return True


def main() -> int:
    """Do it once, with what the environment says."""
    target = os.environ["GARONNE_CHIRPSTACK_GRPC"]
    file = Path(os.environ["GARONNE_CHIRPSTACK_TOKEN_FILE"])
    try:
        made = ensure(target, file)
    except NetworkError as error:
        print(f"chirpstack.apikey.fail reason={str(error)!r}", file=sys.stderr)
        return 1
    print(f"chirpstack.apikey.{'create' if made else 'keep'} file={file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
