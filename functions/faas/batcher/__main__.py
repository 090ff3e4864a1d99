"""`python -m faas.batcher`: give exact ranges to batch functions."""

import logging
import os
import signal
import sys
from collections.abc import Sequence

from redis.exceptions import RedisError

from city.errors import BadSettings, WrongLayout
from faas.batcher.service import Batcher
from faas.batcher.settings import Settings
from faas.errors import Miswired
from faas.garbage import collect_seldom

_REFUSED = 2


def main() -> int:
    """Run until told to stop; 2 when it cannot start as it is set."""
    try:
        settings = Settings.read(os.environ)
        logging.basicConfig(
            level=settings.log_level.upper(),
            format="%(asctime)s %(levelname)s %(name)s %(message)s",
        )
        batcher = Batcher(settings)
    except BadSettings as error:
        return _refuse(error.faults)
    except Miswired as error:
        return _refuse(error.faults)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: batcher.stop())
    collect_seldom()
    try:
        batcher.run()
    except (WrongLayout, RedisError) as error:
        return _refuse([str(error)])
    return 0


def _refuse(faults: Sequence[str]) -> int:
    for fault in faults:
        print(f"faas.batcher: {fault}", file=sys.stderr)  # noqa: T201 -- the way out
    return _REFUSED


if __name__ == "__main__":
    sys.exit(main())
