"""A small device type for the sender's tests, and a city's addresses around it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from tests.faas.chirpstack_double import APPLICATION, Double, chirpstack_double
from tests.servers import Server, mosquitto, valkey

from city.commands import Commands, Target
from city.network import Network
from city.redis import connect
from city.settings import Mqtt, Reader
from city.types import read_catalogue

LAMP = "a81758fffe0301c4"
OTHER_LAMP = "a81758fffe0301c5"

TYPE = """
[device_type]
name = "Test lamp"

[profile]
supports_class_c = true

[commands]
confirm_message = "status"
confirm_fields = ["level"]
confirm_reason = "manual"
echo_message = "dimming"
status_request = { request = "status" }
confirm_within_s = 15
expires_s = 600
"""

CODEC = """
function encodeDownlink(input) {
  if (input.data.request === "status") return {bytes: [0], fPort: 60};
  if (!(input.data.level >= 0 && input.data.level <= 100))
    return {errors: ["level must be 0 to 100"]};
  return {bytes: [1, input.data.level], fPort: 60};
}
function decodeUplink(input) { return {data: {message: "status"}}; }
"""


@dataclass(kw_only=True)
class City:
    """Real Redis and broker, and ChirpStack's double."""

    redis: Redis
    redis_server: Server
    broker: Server
    mqtt: Mqtt
    double: Double
    home: Path
    environment: dict[str, str]

    def commands(self) -> Commands:
        """Return what the command line would use."""
        return Commands(self.redis, read_catalogue(self.home))

    def lamp(self, dev_eui: str = LAMP) -> Target:
        """Return a lamp as a target."""
        return Target(dev_eui=dev_eui, device_type="lamp", application_id=APPLICATION)

    def network(self) -> Network:
        """Return a client of the double."""
        return Network(self.double.target, "token")

    @contextmanager
    def sender(self, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run `python -m faas.sender`."""
        process = subprocess.Popen(
            [sys.executable, "-m", "faas.sender"],
            env={**os.environ, **self.environment, **environment},
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


@contextmanager
def a_city(folder: Path) -> Iterator[City]:
    """Start the servers with passwords, as outside of the embedded stack."""
    write_type(folder)
    with (
        valkey(password="pw") as stored,
        mosquitto(user="city", password="pw") as broker,
    ):
        environment = {
            "GARONNE_HOME": str(folder),
            "GARONNE_REDIS": stored.url,
            "GARONNE_MQTT": broker.url,
        }
        read = Reader(environment)
        redis = connect(read.redis())
        with chirpstack_double(redis, read.mqtt()) as double:
            environment |= {
                "GARONNE_CHIRPSTACK_GRPC": double.target,
                "GARONNE_CHIRPSTACK_TOKEN": "token",
                "GARONNE_SENDER_LEASE_S": "1",
            }
            yield City(
                redis=redis,
                redis_server=stored,
                broker=broker,
                mqtt=read.mqtt(),
                double=double,
                home=folder,
                environment=environment,
            )


def write_type(home: Path) -> None:
    """Write the catalogue's one folder."""
    folder = home / "chirpstack" / "device-types" / "lamp"
    folder.mkdir(parents=True)
    (folder / "device-type.toml").write_text(TYPE, encoding="utf-8")
    (folder / "codec.js").write_text(CODEC, encoding="utf-8")
    (folder / "examples.json").write_text(json.dumps([]), encoding="utf-8")


def until(claim: Callable[[], bool], what: str, *, timeout_s: float = 60.0) -> None:
    """Wait until something other processes do is done."""
    deadline = time.monotonic() + timeout_s
    while not claim():
        assert time.monotonic() < deadline, f"still not: {what}"
        time.sleep(0.01)
