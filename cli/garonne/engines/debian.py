"""A program from the distribution's packages, unpacked without root."""

import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from garonne.state import private_folder

__all__ = ["library_path", "unpack"]

# A machine on which nobody ever ran `apt-get update` has no package lists:
# then our own are fetched into the state folder, beside the system's, as any user.
UPDATE_TIMEOUT_S = 120
DOWNLOAD_TIMEOUT_S = 120


def unpack(packages: Sequence[str], folder: Path) -> str | None:
    """
    Unpack the packages under folder/root; return None, or why it did not work.

    Downloads with `apt-get download` (which needs no root) and unpacks with
    `dpkg-deb -x`; the folder is a cache, and a second call finds it done.
    """
    done = folder / "done"
    if done.exists():
        return None
    missing = [tool for tool in ("apt-get", "dpkg-deb") if not shutil.which(tool)]
    if missing:
        return f"{' and '.join(missing)} not found: not a Debian-like system"
    downloads = _fresh(private_folder(folder) / "downloads")
    problem = _download(packages, downloads, folder / "apt")
    if problem:
        return problem
    for archive in sorted(downloads.glob("*.deb")):
        problem = _run(["dpkg-deb", "-x", str(archive), str(folder / "root")], folder)
        if problem:
            return problem
    shutil.rmtree(downloads)
    shutil.rmtree(folder / "apt", ignore_errors=True)
    done.touch()
    return None


def library_path(folder: Path) -> str:
    """Return the LD_LIBRARY_PATH of what was unpacked under folder/root."""
    root = folder / "root"
    multiarch = f"{platform.machine()}-linux-gnu"
    places = ("usr/lib", "lib")
    folders = [root / place / multiarch for place in places]
    return ":".join(str(place) for place in folders)


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    return private_folder(folder)


def _download(packages: Sequence[str], into: Path, apt: Path) -> str | None:
    problem = _run(["apt-get", "download", *packages], into, DOWNLOAD_TIMEOUT_S)
    if problem is None:
        return None
    options = _own_state(apt)
    update = ["apt-get", *options, "update"]
    return _run(update, into, UPDATE_TIMEOUT_S) or _run(
        ["apt-get", *options, "download", *packages], into, DOWNLOAD_TIMEOUT_S
    )


def _own_state(apt: Path) -> list[str]:
    for name in ("state/lists/partial", "cache/archives/partial"):
        private_folder(apt / name)
    return [
        "-o",
        f"Dir::State={apt / 'state'}",
        "-o",
        f"Dir::State::lists={apt / 'state' / 'lists'}",
        "-o",
        "Dir::State::status=/var/lib/dpkg/status",
        "-o",
        f"Dir::Cache={apt / 'cache'}",
        "-o",
        "APT::Sandbox::User=",
    ]


def _run(command: list[str], folder: Path, timeout_s: float = 60) -> str | None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"`{' '.join(command[:2])}` did not end within {timeout_s:.0f} s"
    if done.returncode == 0:
        return None
    last = (done.stderr.strip().splitlines() or ["no message"])[-1]
    return f"`{command[0]}` said: {last}"
