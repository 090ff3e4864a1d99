"""
`python -m garonne.ready`: whether the program of this container is ready.

It asks the Prometheus page that GARONNE_METRICS names, as the supervisor does, and
imports next to nothing: it runs every few seconds.
"""

import http.client
import os
import sys
from collections.abc import Mapping

__all__ = ["main", "verdict"]

TIMEOUT_S = 3.0
EVERYWHERE = "0.0.0.0"


def verdict(environment: Mapping[str, str]) -> str:
    """Return nothing when ready, else a sentence that says what was found."""
    address = environment.get("GARONNE_METRICS", "")
    if not address:
        return "GARONNE_METRICS is not set: nobody can ask this program"
    host, _, port = address.rpartition(":")
    asked = f"{'127.0.0.1' if host == EVERYWHERE else host}:{port}"
    try:
        page = _page(asked)
    except (OSError, http.client.HTTPException) as error:
        return f"no metrics on {asked}: {error}"
    if "\ngaronne_ready 1.0" not in f"\n{page}":
        return f"garonne_ready is not 1 on {asked}: it is not ready yet"
    return ""


def _page(address: str) -> str:
    connection = http.client.HTTPConnection(address, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode("utf-8", "replace")
    finally:
        connection.close()


def main() -> int:
    """Return 0 when ready; else say why not and return 1."""
    found = verdict(os.environ)
    if found:
        print(found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
