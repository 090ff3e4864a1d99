"""The pages of the device types say what the catalogue says."""

import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).parents[2]


def test_every_page_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, HOME / "scripts" / "docs-device-types", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ("", 0) == (done.stdout, done.returncode)
