"""
Where the server under test lives: the embedded one, or any ChirpStack v4.

The embedded one is started here, on free ports, from the configuration that both
servers share. With ``GARONNE_CHIRPSTACK_GRPC``, ``GARONNE_CHIRPSTACK_MQTT`` and
``GARONNE_CHIRPSTACK_TOKEN`` set it is somebody else's, and nothing is started.
"""

import os
import shlex
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers import HOST, Server, free_port, mosquitto

SERVER_CONFIG = Path(__file__).parents[2] / "chirpstack" / "server-config"
PATIENCE_S = 20.0
POLL_S = 0.02
NEEDED = (
    "GARONNE_CHIRPSTACK_GRPC",
    "GARONNE_CHIRPSTACK_MQTT",
    "GARONNE_CHIRPSTACK_TOKEN",
)
# Both servers obey these; shorter windows and locks make a quick suite.
QUICK = {
    'deduplication_delay = "200ms"\n': 'deduplication_delay = "60ms"\n',
    'get_downlink_data_delay = "100ms"\n': 'get_downlink_data_delay = "60ms"\n',
    'interval = "250ms"\n': """interval = "100ms"
class_a_lock_duration = "500ms"
class_c_lock_duration = "500ms"
scheduler_lock_duration = "200ms"
multicast_class_c_margin = "1s"
""",
    # Parallel writers would make the real server's SQLite build lose joins.
    "[sqlite]\n": "[sqlite]\nmax_open_connections = 1\n",
}


@dataclass(kw_only=True)
class Site:
    """The faces of one server; ``restart`` is None where nobody may do that."""

    grpc: str
    mqtt: str
    token: str
    is_embedded: bool
    email: str = "admin"
    password: str = field(default="admin", repr=False)
    restart: Callable[[], None] | None = None


def write_configuration(folder: Path) -> Path:
    """Copy the shared configuration, with the quick windows of the suite."""
    for file in SERVER_CONFIG.glob("*.toml"):
        text = file.read_text(encoding="utf-8")
        for stock, quick in QUICK.items():
            text = text.replace(stock, quick)
        (folder / file.name).write_text(text, encoding="utf-8")
    written = (folder / "chirpstack.toml").read_text(encoding="utf-8")
    assert all(quick in written for quick in QUICK.values())
    return folder


@contextmanager
def open_site(environ: Mapping[str, str]) -> Iterator[Site]:
    """Yield the server the environment names, else an embedded one."""
    given = [name for name in NEEDED if environ.get(name)]
    if not given:
        with _embedded() as site:
            yield site
        return
    if len(given) < len(NEEDED):
        raise RuntimeError(f"a real server needs all of {NEEDED}, found only {given}")
    yield Site(
        grpc=environ["GARONNE_CHIRPSTACK_GRPC"],
        mqtt=environ["GARONNE_CHIRPSTACK_MQTT"],
        token=environ["GARONNE_CHIRPSTACK_TOKEN"],
        is_embedded=False,
        restart=_restarter(environ.get("GARONNE_CHIRPSTACK_RESTART", "")),
    )


def _restarter(command: str) -> Callable[[], None] | None:
    if not command:
        return None
    argv = shlex.split(command)
    return lambda: _run(argv)


def _run(argv: list[str]) -> None:
    subprocess.run(argv, check=True, timeout=60)


class Embedded:
    """One process of the embedded server in a folder of its own."""

    def __init__(self, broker: Server, folder: Path) -> None:
        self.configuration = write_configuration(folder)
        self.environment = {
            "PATH": os.environ["PATH"],
            "CHIRPSTACK_MQTT_SERVER": f"tcp://{HOST}:{broker.port}",
            "CHIRPSTACK_MQTT_USERNAME": broker.user,
            "CHIRPSTACK_MQTT_PASSWORD": broker.password,
            "CHIRPSTACK_API_BIND": f"{HOST}:{free_port()}",
            "CHIRPSTACK_API_SECRET": "only for tests, and long enough for them",
            "GARONNE_CHIRPSTACK_DB": str(folder / "server.sqlite"),
            "GARONNE_METRICS": f"{HOST}:{free_port()}",
        }
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until every connection is subscribed."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(), env=self.environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + PATIENCE_S
        while not self._is_ready():
            assert time.monotonic() < deadline, self.log
            time.sleep(POLL_S)

    def stop(self) -> None:
        """Ask it to end and wait for that."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE_S)
            self._process = None

    def restart(self) -> None:
        """End it and bring it back on the same ports and data."""
        self.stop()
        self.start()

    def create_token(self) -> str:
        """Make an admin key with the server's own command."""
        made = subprocess.run(
            self._command("create-api-key", "--name", "contract"),
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return made.stdout.splitlines()[1].removeprefix("token: ")

    @property
    def log(self) -> str:
        """What it has said so far."""
        return self._log.read_text(encoding="utf-8")

    def _command(self, *arguments: str) -> list[str]:
        program = [sys.executable, "-m", "chirpstack_embedded"]
        return [*program, "-c", str(self.configuration), *arguments]

    def _is_ready(self) -> bool:
        address = self.environment["GARONNE_METRICS"]
        try:
            with urllib.request.urlopen(f"http://{address}/metrics") as answer:
                return "\ngaronne_ready 1.0" in answer.read().decode()
        except OSError:
            return False


@contextmanager
def _embedded() -> Iterator[Site]:
    with (
        tempfile.TemporaryDirectory(prefix="garonne-contract-") as folder,
        mosquitto(user="contract", password="only-for-tests") as broker,
    ):
        server = Embedded(broker, Path(folder))
        token = server.create_token()
        try:
            server.start()
            yield Site(
                grpc=server.environment["CHIRPSTACK_API_BIND"],
                mqtt=broker.url,
                token=token,
                is_embedded=True,
                restart=server.restart,
            )
            assert "Traceback" not in server.log
        finally:
            server.stop()
