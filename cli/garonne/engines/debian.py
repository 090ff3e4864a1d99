"""A program from the distribution's packages, unpacked without root."""

import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from garonne.state import private_folder

__all__ = ["library_path", "unpack"]

# A machine on which nobody ever ran `apt-get update` has no package lists:
# then our own are fetched into the state folder, beside the system's, as any user.
UPDATE_TIMEOUT_S = 120
DOWNLOAD_TIMEOUT_S = 120


def unpack(package: str, folder: Path) -> str | None:
    """
    Unpack the package and what it lacks here under folder/root.

    Returns None, or why it did not work. Asks `apt-get --simulate install` what
    this machine lacks, downloads that with `apt-get download` and unpacks it with
    `dpkg-deb -x`; none needs root. The folder is a cache: a second call finds it done.
    """
    done = folder / "done"
    if done.exists():
        return None
    missing = [tool for tool in ("apt-get", "dpkg-deb") if not shutil.which(tool)]
    if missing:
        return f"{' and '.join(missing)} not found: not a Debian-like system"
    downloads = _fresh(private_folder(folder) / "downloads")
    problem = _download(package, downloads, folder / "apt")
    if problem:
        return problem
    for archive in sorted(downloads.glob("*.deb")):
        answer = _run(["dpkg-deb", "-x", str(archive), str(folder / "root")], folder)
        if answer.problem:
            return answer.problem
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


def _download(package: str, into: Path, apt: Path) -> str | None:
    if _download_with([], package, into) is None:
        return None
    options = _own_state(apt)
    answer = _run(["apt-get", *options, "update"], into, UPDATE_TIMEOUT_S)
    return answer.problem or _download_with(options, package, into)


def _download_with(options: list[str], package: str, into: Path) -> str | None:
    simulate = ["--simulate", "--no-install-recommends", "install", package]
    plan = _run(["apt-get", *options, *simulate], into)
    if plan.problem:
        return plan.problem
    lacking = [
        line.split()[1] for line in plan.said.splitlines() if line.startswith("Inst ")
    ]
    download = ["apt-get", *options, "download", *(lacking or [package])]
    return _run(download, into, DOWNLOAD_TIMEOUT_S).problem


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


@dataclass(frozen=True, slots=True)
class _Answer:
    said: str = ""
    problem: str | None = None


def _run(command: list[str], folder: Path, timeout_s: float = 60) -> _Answer:
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
        took = f"`{' '.join(command[:2])}` did not end within {timeout_s:.0f} s"
        return _Answer(problem=took)
    if done.returncode == 0:
        return _Answer(said=done.stdout)
    last = (done.stderr.strip().splitlines() or ["no message"])[-1]
    return _Answer(problem=f"`{command[0]}` said: {last}")
