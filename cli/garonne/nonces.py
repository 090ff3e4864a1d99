"""
`python -m garonne.nonces`: let devices without a memory join a server that has one.

Simulated devices that start for the first time begin with their first DevNonce again.
A ChirpStack that has seen them before refuses it as used, so it is asked to forget.
"""

import os
import sys
from pathlib import Path

from city.errors import BadSettings, NetworkError, NotThere
from city.network import Network
from city.settings import Reader
from garonne.errors import GaronneError
from garonne.places import city_of

__all__ = ["main"]

DEVICES_MEMORY = "lorawan_sim.sqlite"


def main() -> int:
    """Do it once, with what the environment says."""
    if (Path(os.environ["GARONNE_STATE"]) / DEVICES_MEMORY).exists():
        print("devices.nonces.keep")
        return 0
    try:
        read = Reader(os.environ)
        found = read.chirpstack()
        read.check()
        forgotten = _forget(found.target, found.token)
    except (BadSettings, GaronneError, NetworkError) as error:
        print(f"devices.nonces.fail reason={str(error)!r}", file=sys.stderr)
        return 1
    print(f"devices.nonces.forget devices={forgotten}")
    return 0


def _forget(target: str, token: str) -> int:
    forgotten = 0
    with Network(target, token) as network:
        for device in city_of(os.environ).provisioned:
            try:
                network.flush_dev_nonces(str(device.dev_eui))
            except NotThere:
                continue
            forgotten += 1
    return forgotten


if __name__ == "__main__":
    sys.exit(main())
