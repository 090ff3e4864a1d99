"""
`python -m city.bootstrap`: create the raw archive's bucket unless it is there.

Settings: GARONNE_S3, GARONNE_S3_ACCESS_KEY, GARONNE_S3_SECRET_KEY, GARONNE_S3_BUCKET.
"""

import os
import sys
from collections.abc import Mapping

from city.errors import BadSettings, CityError
from city.s3 import Bucket
from city.settings import S3, Reader


def main() -> int:
    """Create the bucket; 2 when the settings are wrong, 1 when the store refuses."""
    try:
        settings = _settings(os.environ)
        created = Bucket(settings).ensure()
    except BadSettings as error:
        return _refuse(2, *error.faults)
    except CityError as error:
        return _refuse(1, str(error))
    verb = "created" if created else "was there"
    sys.stderr.write(f"bucket {settings.bucket} {verb}\n")
    return 0


def _settings(environment: Mapping[str, str]) -> S3:
    read = Reader(environment)
    settings = read.s3()
    read.check()
    return settings


def _refuse(code: int, *faults: str) -> int:
    for fault in faults:
        sys.stderr.write(f"city.bootstrap: {fault}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
