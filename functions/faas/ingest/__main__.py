"""`python -m faas.ingest [--number N]`: move events from the broker to the streams."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence

from city.errors import BadSettings, WrongLayout
from faas.garbage import collect_seldom
from faas.ingest.service import Ingest
from faas.ingest.settings import Settings

_WRONG_SETTINGS = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ingest until it is told to stop; 2 when it cannot start as it is set."""
    parser = argparse.ArgumentParser(prog="python -m faas.ingest")
    parser.add_argument("--number", type=int, default=0, help="place among its copies")
    number = parser.parse_args(arguments).number
    try:
        settings = Settings.read(os.environ, number=number)
    except BadSettings as error:
        return _refuse(error.faults)
    logging.basicConfig(
        level=settings.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    ingest = Ingest(settings)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ingest.stop())
    collect_seldom()
    try:
        ingest.run()
    except WrongLayout as error:
        return _refuse([str(error)])
    return 0


def _refuse(faults: Sequence[str]) -> int:
    for fault in faults:
        print(f"faas.ingest: {fault}", file=sys.stderr)  # noqa: T201 - the way out
    return _WRONG_SETTINGS


if __name__ == "__main__":
    sys.exit(main())
