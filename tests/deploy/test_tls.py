"""Every program that speaks to the broker does so over TLS, and believes one CA."""

import gc
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.faas.programs import until
from tests.servers import HOST, Server, _find, free_port, valkey

from city.errors import BadSettings, Unreachable
from city.mqtt import Publisher, Subscriber
from city.redis import connect
from city.settings import Mqtt, Reader
from garonne.parts import MqttAnswers
from garonne.probes import ask
from garonne.ready import verdict

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent
USER, PASSWORD = "city", "only-for-tests"
BIG = 40_000  # more than one TLS record, and more than one read


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """A Mosquitto that speaks TLS only; `stranger` is a CA that signed nothing."""

    server: Server
    ca: str
    stranger: str

    @property
    def url(self) -> str:
        return f"mqtts://{USER}:{PASSWORD}@{HOST}:{self.server.port}"

    def settings(self, ca: str) -> Mqtt:
        return Reader({"GARONNE_MQTT": self.url, "GARONNE_MQTT_CA": ca}).mqtt()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    folder = tmp_path_factory.mktemp("tls")
    key, authority = signed("throw-away CA")
    certify(folder, key, authority)
    _, stranger = signed("somebody else")
    (folder / "stranger.pem").write_bytes(pem(stranger))
    users = folder / "users"
    users.touch()
    passwords = [_find("mosquitto_passwd"), "-b", str(users), USER, PASSWORD]
    subprocess.run(passwords, check=True, capture_output=True)
    port = free_port()
    conf = folder / "mosquitto.conf"
    conf.write_text(
        f"{'user root' if os.geteuid() == 0 else ''}\nlistener {port} {HOST}\n"
        f"password_file {users}\nallow_anonymous false\n"
        f"certfile {folder}/broker.pem\nkeyfile {folder}/broker.key\n"
    )
    argv = [_find("mosquitto"), "-c", str(conf)]
    server = Server(name="mosquitto", port=port, url="", folder=folder, argv=argv)
    server.start()
    yield Broker(
        server=server, ca=str(folder / "ca.pem"), stranger=str(folder / "stranger.pem")
    )
    server.kill()


def certify(
    folder: Path, key: ec.EllipticCurvePrivateKey, authority: x509.Certificate
) -> None:
    """Write the CA's certificate, and the broker's with its key."""
    broker_key, certificate = signed("broker", by=(key, authority))
    (folder / "ca.pem").write_bytes(pem(authority))
    (folder / "broker.pem").write_bytes(pem(certificate))
    (folder / "broker.key").write_bytes(
        broker_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def signed(
    name: str,
    by: tuple[ec.EllipticCurvePrivateKey, x509.Certificate] | None = None,
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """Make a certificate: an authority's own, or one that it signed for loopback."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signing, issuer = (key, subject) if by is None else (by[0], by[1].subject)
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), False
        )
    )
    return key, builder.sign(signing, hashes.SHA256())


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


@contextmanager
def program(
    folder: Path, *words: str, environment: Mapping[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], Path, dict[str, str]]]:
    """Start `python -m …` with nothing else in its environment."""
    told = {
        "PATH": os.environ["PATH"],
        "GARONNE_HOME": str(ROOT),
        "GARONNE_STATE": str(folder),
        "GARONNE_CITY": "first-light",
        "GARONNE_AIR": f"{HOST}:{free_port()}",
        "GARONNE_METRICS": f"{HOST}:{free_port()}",
        **environment,
    }
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *words], env=told, stdout=out, stderr=out
        )
    try:
        yield process, log, told
    finally:
        process.terminate()
        process.wait(20)


def server_config(folder: Path, ca: str) -> str:
    """Write the shared configuration with a `ca_cert` at each connection."""
    config = folder / "config"
    config.mkdir()
    for file in (ROOT / "chirpstack/server-config").glob("*.toml"):
        text = file.read_text(encoding="utf-8")
        line = 'server = "$CHIRPSTACK_MQTT_SERVER"\n'
        text = text.replace(line, f'{line}ca_cert = "{ca}"\n')
        (config / file.name).write_text(text, encoding="utf-8")
    return str(config)


def chirpstack_environment(broker: Broker, folder: Path) -> dict[str, str]:
    return {
        "CHIRPSTACK_MQTT_SERVER": f"ssl://{HOST}:{broker.server.port}",
        "CHIRPSTACK_MQTT_USERNAME": USER,
        "CHIRPSTACK_MQTT_PASSWORD": PASSWORD,
        "CHIRPSTACK_API_BIND": f"{HOST}:{free_port()}",
        "CHIRPSTACK_API_SECRET": "only for tests, and long enough for them",
        "GARONNE_CHIRPSTACK_DB": str(folder / "server.sqlite"),
    }


def words_of(name: str, folder: Path, ca: str) -> list[str]:
    if name == "chirpstack_embedded":
        return [name, "-c", server_config(folder, ca)]
    return [name]


def environment_of(
    name: str, broker: Broker, folder: Path, redis: Server, ca: str
) -> dict[str, str]:
    if name == "chirpstack_embedded":
        return chirpstack_environment(broker, folder)
    return {
        "GARONNE_MQTT": broker.url,
        "GARONNE_MQTT_CA": ca,
        "GARONNE_REDIS": redis.url,
    }


PROGRAMS = ("faas.ingest", "gateway_sim", "chirpstack_embedded")


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_ready_over_tls(name: str, broker: Broker, tmp_path: Path) -> None:
    with valkey() as redis:
        environment = environment_of(name, broker, tmp_path, redis, broker.ca)
        words = words_of(name, tmp_path, broker.ca)
        with program(tmp_path, *words, environment=environment) as running:
            process, log, told = running
            until(lambda: process.poll() is not None or not verdict(told))
            assert process.poll() is None, log.read_text()
            assert "SSL" not in log.read_text()


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_does_not_believe_another_ca_and_says_so_in_a_line(
    name: str, broker: Broker, tmp_path: Path
) -> None:
    with valkey() as redis:
        environment = environment_of(name, broker, tmp_path, redis, broker.stranger)
        words = words_of(name, tmp_path, broker.stranger)
        with program(tmp_path, *words, environment=environment) as running:
            process, log, told = running
            until(lambda: process.poll() is not None or "CERTIFI" in log.read_text())
            assert "certificate verify failed" in log.read_text()
            assert "Traceback" not in log.read_text()
            assert PASSWORD not in log.read_text()
            assert "" != verdict(told)


def test_ingest_takes_messages_of_several_tls_records(
    broker: Broker, tmp_path: Path
) -> None:
    topic = "application/a/device/a81758fffe0301c4/event/up"
    with valkey() as redis:
        environment = environment_of("faas.ingest", broker, tmp_path, redis, broker.ca)
        with program(tmp_path, "faas.ingest", environment=environment) as running:
            process, log, told = running
            until(lambda: process.poll() is not None or not verdict(told))
            says = Publisher(broker.settings(broker.ca), "says")
            says.publish([(topic, b"%d" % n * BIG) for n in range(20)])
            says.close()
            store = connect(Reader({"GARONNE_REDIS": redis.url}).redis())
            until(lambda: stored(store) == 20)
            assert process.poll() is None, log.read_text()


def stored(store: object) -> int:
    keys = store.keys("{p*}:events")  # type: ignore[attr-defined] # a Redis client
    return sum(store.xlen(key) for key in keys)  # type: ignore[attr-defined] # same


def test_the_sender_and_a_subscriber_speak_tls(broker: Broker) -> None:
    heard: list[bytes] = []
    ears = Subscriber(
        broker.settings(broker.ca), "ears", ["t"], lambda _t, body: heard.append(body)
    )
    ears.start()
    says = Publisher(broker.settings(broker.ca), "mouth")
    says.publish([("t", b"x" * BIG)])

    until(lambda: heard)
    assert [b"x" * BIG] == heard
    says.close()
    ears.close()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_senders_word_for_a_certificate_nobody_signed(broker: Broker) -> None:
    says = Publisher(broker.settings(broker.stranger), "mouth")

    with pytest.raises(Unreachable) as caught:
        says.publish([("t", b"x")])
    assert (
        f"the certificate of the broker at {HOST}:{broker.server.port} is not signed"
        f" by {broker.stranger}, or not for this name"
    ) in str(caught.value)
    # paho forgets to close a socket whose handshake failed: collected here, not later.
    del says, caught
    gc.collect()


def test_the_supervisors_probe_trusts_the_same_ca(broker: Broker) -> None:
    assert ask(MqttAnswers(url=broker.url, ca_file=broker.ca)) is None
    said = ask(MqttAnswers(url=broker.url, ca_file=broker.stranger))
    assert said is not None
    assert "is not to be trusted" in said


def test_a_file_without_a_certificate_is_a_fault_of_the_settings(
    tmp_path: Path,
) -> None:
    empty = tmp_path / "ca.pem"
    empty.write_text("no certificate")
    read = Reader({"GARONNE_MQTT": "mqtts://b", "GARONNE_MQTT_CA": str(empty)})
    assert 8883 == read.mqtt().port

    with pytest.raises(BadSettings, match=r"GARONNE_MQTT_CA: .*ca.pem: "):
        read.check()
