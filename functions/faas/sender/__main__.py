"""`python -m faas.sender`: bring commands to ChirpStack."""

import logging
import os
import signal
import sys
from collections.abc import Sequence

from redis.exceptions import RedisError

from city.errors import BadDeviceType, BadSettings, WrongLayout
from faas.sender.service import Sender
from faas.sender.settings import Settings

_REFUSED = 2


def main() -> int:
    """Run until told to stop; 2 when it cannot start as it is set."""
    try:
        settings = Settings.read(os.environ)
        logging.basicConfig(
            level=settings.log_level.upper(),
            format="%(asctime)s %(levelname)s %(name)s %(message)s",
        )
        sender = Sender(settings)
    except BadSettings as error:
        return _refuse(error.faults)
    except BadDeviceType as error:
        return _refuse([str(error)])
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sender.stop())
    try:
        sender.run()
    except (WrongLayout, RedisError) as error:
        return _refuse([str(error)])
    return 0


def _refuse(faults: Sequence[str]) -> int:
    for fault in faults:
        print(f"faas.sender: {fault}", file=sys.stderr)  # noqa: T201 -- the way out
    return _REFUSED


if __name__ == "__main__":
    sys.exit(main())
