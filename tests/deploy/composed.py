"""docker-compose.yml as values, and its services as processes of this machine."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
CONTAINER_FOLDERS = re.compile(
    r"(?<![\w./])/(?=(?:run/garonne|secrets|data|var/lib/garonne|opt/garonne|etc/"
    r"chirpstack|etc/monitoring|etc/valkey|mosquitto|tmp/chirpstack)\b)"
)


def read_compose(**variables: str) -> dict[str, Any]:
    """Return the file with ${NAME:-default} replaced as Compose does it."""

    def value(found: re.Match[str]) -> str:
        return variables.get(found["name"]) or found["default"]

    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    filled = re.sub(r"(?<!\$)\$\{(?P<name>\w+):-(?P<default>[^}]*)\}", value, text)
    document: dict[str, Any] = yaml.safe_load(filled)
    return document


def services(**variables: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = read_compose(**variables)["services"]
    return found


@dataclass(slots=True)
class Machine:
    """
    The folders that the volumes of a deployment would be, and where its parts listen.

    `addresses` says what stands for each `service:port` on this machine.
    """

    folder: Path
    services: Mapping[str, Mapping[str, Any]]
    addresses: dict[str, str] = field(default_factory=dict)

    def root_of(self, name: str) -> Path:
        """Lay out what the container of a service would see; return its root."""
        root = self.folder / "containers" / name
        for source, target in [*_copied(self.services[name]), *self._mounted(name)]:
            place = root / target.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            if not (place.is_symlink() or place.exists()):
                place.symlink_to(source)
        return root

    def here(self, name: str, text: str) -> str:
        """Rewrite a service's words: its paths to its folders, addresses to ours."""
        moved = CONTAINER_FOLDERS.sub(f"{self.root_of(name)}/", text)
        for address, ours in self.addresses.items():
            moved = re.sub(rf"(?<![\w-]){re.escape(address)}\b", ours, moved)
        return moved

    def environment(self, name: str, **more: str) -> dict[str, str]:
        """Return a service's environment and that of its image, and nothing else."""
        told = _image_environment() | dict(self.services[name].get("environment", {}))
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        words = {key: self.here(name, str(value)) for key, value in told.items()}
        return {"PATH": path, **words, **more}

    def argv(self, name: str) -> list[str]:
        """Return a service's command, with our Python."""
        return [self.here(name, word) for word in self.services[name]["command"]]

    def run(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run a one-shot service to its end."""
        return subprocess.run(
            self.argv(name),
            env=self.environment(name),
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def rewrite_secrets(self) -> None:
        """Put our addresses into the files that `init` wrote."""
        for file in (self.folder / "volumes").glob("secrets-*/*"):
            text = file.read_text(encoding="utf-8")
            for address, ours in self.addresses.items():
                text = re.sub(rf"(?<=[@/]){re.escape(address)}\b", ours, text)
            file.unlink()
            file.write_text(text, encoding="utf-8")

    def _mounted(self, name: str) -> list[tuple[Path, str]]:
        return [
            (self._source(mount), mount["target"])
            for mount in self.services[name].get("volumes", ())
        ]

    def _source(self, mount: Mapping[str, Any]) -> Path:
        if mount["type"] == "bind":
            return ROOT / str(mount["source"])
        volume = self.folder / "volumes" / str(mount["source"])
        volume.mkdir(parents=True, exist_ok=True)
        return volume


def stages() -> dict[str, list[str]]:
    """Return the lines of each stage of the Dockerfile, its base's lines first."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if start := re.match(r"FROM (\S+) AS (\S+)", line):
            lines = found[start[2]] = list(found.get(start[1], ()))
        lines.append(line)
    return found


def _copied(service: Mapping[str, Any]) -> list[tuple[Path, str]]:
    """What the image brings under /opt/garonne; a mount may lie over it."""
    target = service["image"].rpartition("/")[2]
    mounted = {mount["target"] for mount in service.get("volumes", ())}
    copies = [
        re.match(r"COPY (\S+) (/opt/garonne/\S+)", line)
        for line in stages().get(target, ())
    ]
    return [
        (ROOT / copy[1], copy[2]) for copy in copies if copy and copy[2] not in mounted
    ]


def _image_environment() -> dict[str, str]:
    lines = " ".join(stages()["program"])
    return dict(re.findall(r"(GARONNE_[A-Z]+)=(\S+)", lines))
