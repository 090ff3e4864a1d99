"""`python -m faas.worker [--pool NAME]`: run the handlers of one pool."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence

from redis.exceptions import RedisError

from city.errors import BadSettings, WrongLayout
from faas.errors import Miswired
from faas.functions import DEFAULT_POOL
from faas.garbage import collect_seldom
from faas.worker.service import Worker
from faas.worker.settings import Settings

_WRONG_WIRING = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a worker until it is told to stop; 2 when it cannot start as it is set."""
    parser = argparse.ArgumentParser(prog="python -m faas.worker")
    parser.add_argument("--pool", default=DEFAULT_POOL, help="whose functions to run")
    pool = parser.parse_args(arguments).pool
    try:
        settings = Settings.read(os.environ, pool=pool)
        logging.basicConfig(
            level=settings.log_level.upper(),
            format="%(asctime)s %(levelname)s %(name)s %(message)s",
        )
        worker = Worker(settings)
    except BadSettings as error:
        return _refuse(error.faults)
    except Miswired as error:
        return _refuse(error.faults)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    collect_seldom()
    try:
        worker.run()
    except (WrongLayout, RedisError) as error:
        return _refuse([str(error)])
    return 0


def _refuse(faults: Sequence[str]) -> int:
    for fault in faults:
        print(f"faas.worker: {fault}", file=sys.stderr)  # noqa: T201 - the way out
    return _WRONG_WIRING


if __name__ == "__main__":
    sys.exit(main())
