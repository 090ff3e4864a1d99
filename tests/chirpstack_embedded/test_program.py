"""The whole program: real broker, real sockets, real death."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from chirpstack_api import api, common, gw
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from tests.chirpstack_embedded.conftest import (
    APP_KEY,
    DEV_EUI,
    GATEWAYS,
    JOIN_EUI,
    uplink_frame,
)
from tests.servers import HOST, Server, free_port, mosquitto

from chirpstack_embedded.__main__ import main
from wire.lorawan.data import DataFrame
from wire.lorawan.join import JoinAccept, JoinRequest
from wire.lorawan.keys import derive_session_keys
from wire.lorawan.session import Session

pytestmark = pytest.mark.slow

SERVER_CONFIG = Path(__file__).parents[2] / "chirpstack" / "server-config"
PATIENCE_S = 15.0
GATEWAY = GATEWAYS[0]
NOWHERE = Server(name="none", port=1, url="", folder=Path(), argv=[])


class Ears:
    """A subscriber that remembers everything and lets a test wait."""

    def __init__(self, broker: Server) -> None:
        self._changed = threading.Condition()
        self.heard: list[tuple[str, bytes]] = []
        self._client = Client(
            CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5
        )
        self._client.on_message = self._take
        self._subscribed = threading.Event()
        self._client.on_subscribe = lambda *_details: self._subscribed.set()
        self._client.connect(HOST, broker.port)
        self._client.loop_start()
        self._client.subscribe([("application/#", 1), ("+/gateway/+/command/#", 1)])
        assert self._subscribed.wait(PATIENCE_S)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def say(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload, qos=1).wait_for_publish(PATIENCE_S)

    def up(self, phy_payload: bytes) -> None:
        frame = uplink_frame(phy_payload, GATEWAY)
        topic = f"eu868/gateway/{GATEWAY}/event/up"
        self.say(topic, frame.SerializeToString())

    def all(self, ending: str) -> list[bytes]:
        return [payload for topic, payload in self.heard if topic.endswith(ending)]

    def wait(self, ending: str, number: int = 1) -> bytes:
        """The n-th message on a topic that ends so."""
        with self._changed:
            came = self._changed.wait_for(
                lambda: len(self.all(ending)) >= number, PATIENCE_S
            )
        assert came, f"{ending} {number} did not come; heard {self.heard}"
        return self.all(ending)[number - 1]

    def _take(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        with self._changed:
            self.heard.append((message.topic, bytes(message.payload)))
            self._changed.notify_all()


class Running:
    """One server process in a folder of its own."""

    def __init__(self, broker: Server, folder: Path) -> None:
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

    def command(self, *arguments: str) -> list[str]:
        program = [sys.executable, "-m", "chirpstack_embedded"]
        return [*program, "-c", str(SERVER_CONFIG), *arguments]

    def start(self, *, failpoint: str = "") -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                env={**self.environment, "GARONNE_FAILPOINT": failpoint},
                stdout=log,
                stderr=log,
            )
        wait_until(lambda: self.metric("garonne_ready") == 1.0, self.log)

    def died_of(self) -> int:
        assert self._process is not None
        return self._process.wait(PATIENCE_S)

    def stop(self) -> int:
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(PATIENCE_S)

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(PATIENCE_S)

    def children(self) -> list[int]:
        """The processes that the server has started."""
        assert self._process is not None
        tasks = Path(f"/proc/{self._process.pid}/task")
        return [
            int(pid)
            for found in tasks.glob("*/children")
            for pid in found.read_text().split()
        ]

    def child(self, module: str) -> int:
        """The process that runs a module."""
        (found,) = (
            pid
            for pid in self.children()
            if module in Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        )
        return found

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def metric(self, name: str) -> float | None:
        try:
            url = f"http://{self.environment['GARONNE_METRICS']}/metrics"
            with urllib.request.urlopen(url, timeout=1) as answer:
                text = answer.read().decode()
        except OSError:
            return None
        values = [line for line in text.splitlines() if line.startswith(name)]
        return sum(float(line.split()[-1]) for line in values) if values else None

    def token(self) -> str:
        made = subprocess.run(
            self.command("create-api-key", "--name", "test"),
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        )
        id_line, token_line = made.stdout.splitlines()
        assert id_line.startswith("id: ")
        return token_line.removeprefix("token: ")

    def provision(self, **profile: Any) -> str:
        """One gateway and one lamp; returns the application's id."""
        metadata = [("authorization", f"Bearer {self.token()}")]
        with grpc.insecure_channel(self.environment["CHIRPSTACK_API_BIND"]) as channel:

            def call(service: str, method: str, request: Any) -> Any:
                stub = getattr(api, f"{service}ServiceStub")(channel)
                return getattr(stub, method)(request, metadata=metadata, timeout=10)

            tenants = call("Tenant", "List", api.ListTenantsRequest(limit=1))
            return provision(call, tenants.result[0].id, **profile)


def provision(
    call: Callable[[str, str, Any], Any], tenant_id: str, **changed: Any
) -> str:
    application = api.Application(name="lighting", tenant_id=tenant_id)
    settings = {
        "name": "lamp",
        "tenant_id": tenant_id,
        "region": common.Region.EU868,
        "mac_version": common.MacVersion.LORAWAN_1_0_3,
        "supports_otaa": True,
        "supports_class_c": True,
    }
    profile = api.DeviceProfile(**{**settings, **changed})
    application_id: str = call(
        "Application",
        "Create",
        api.CreateApplicationRequest(application=application),
    ).id
    profile_id = call(
        "DeviceProfile",
        "Create",
        api.CreateDeviceProfileRequest(device_profile=profile),
    ).id
    device = api.Device(
        dev_eui=str(DEV_EUI),
        name="lamp-0147",
        application_id=application_id,
        device_profile_id=profile_id,
    )
    key = APP_KEY.hex()
    keys = api.DeviceKeys(dev_eui=str(DEV_EUI), nwk_key=key, app_key=key)
    gateway = api.Gateway(
        gateway_id=GATEWAY, name="g", tenant_id=tenant_id, stats_interval=30
    )
    call("Device", "Create", api.CreateDeviceRequest(device=device))
    call("Device", "CreateKeys", api.CreateDeviceKeysRequest(device_keys=keys))
    call("Gateway", "Create", api.CreateGatewayRequest(gateway=gateway))
    return application_id


def wait_until(true: Callable[[], bool], why: Callable[[], str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, why()
        time.sleep(0.02)


@contextmanager
def site(folder: Path) -> Iterator[tuple[Running, Ears, Server]]:
    with mosquitto() as broker:
        server, ears = Running(broker, folder), Ears(broker)
        try:
            yield server, ears, broker
        finally:
            ears.close()
            server.kill()


def join(ears: Ears, dev_nonce: int = 1, number: int = 1) -> Session:
    request = JoinRequest.sealed(
        APP_KEY, join_eui=JOIN_EUI, dev_eui=DEV_EUI, dev_nonce=dev_nonce
    )
    ears.up(bytes(request))
    frame = gw.DownlinkFrame.FromString(ears.wait(f"{GATEWAY}/command/down", number))
    accept = JoinAccept.open(frame.items[0].phy_payload, APP_KEY)
    assert accept is not None
    keys = derive_session_keys(
        APP_KEY,
        join_nonce=accept.join_nonce,
        net_id=accept.net_id,
        dev_nonce=dev_nonce,
    )
    return Session(
        dev_addr=accept.dev_addr, nwk_s_key=keys.nwk_s_key, app_s_key=keys.app_s_key
    )


def test_a_lamp_joins_reports_and_is_commanded(tmp_path: Path) -> None:
    with site(tmp_path) as (server, ears, _):
        server.start()
        application_id = server.provision()
        session = join(ears)
        ears.wait("/event/join")
        ears.up(session.uplink(f_cnt=0, f_port=2, payload=b"\x01\x67"))
        up = json.loads(ears.wait("/event/up"))
        command = {"devEui": str(DEV_EUI), "fPort": 10, "data": "AwDI"}
        topic = f"application/{application_id}/device/{DEV_EUI}/command/down"
        ears.say(topic, json.dumps(command).encode())
        frame = gw.DownlinkFrame.FromString(ears.wait(f"{GATEWAY}/command/down", 2))
        ack = gw.DownlinkTxAck(gateway_id=GATEWAY, downlink_id=frame.downlink_id)
        ack.items.add().status = gw.TxAckStatus.OK
        ears.say(f"eu868/gateway/{GATEWAY}/event/ack", ack.SerializeToString())
        txack = json.loads(ears.wait("/event/txack"))
        wait_until(
            lambda: server.metric("garonne_chirpstack_events_published_total") == 3.0,
            server.log,
        )
        code = server.stop()

    assert ("AWc=", 0, 0) == (up["data"], up["fCnt"], txack["fCntDown"])
    clear = DataFrame.parse(frame.items[0].phy_payload)
    assert (10, b"\x03\x00\xc8") == (clear.f_port, session.decrypt(clear, 0))
    assert 0 == code
    assert "Traceback" not in server.log()


@pytest.mark.parametrize(
    ("failpoint", "times"),
    [("after_commit_before_publish", 1), ("after_publish_before_delete", 2)],
)
def test_a_kill_loses_nothing_and_repeats_only_the_same_bytes(
    tmp_path: Path, failpoint: str, times: int
) -> None:
    with site(tmp_path) as (server, ears, _):
        server.start()
        server.provision()
        session = join(ears)
        wait_until(
            lambda: server.metric("garonne_chirpstack_events_published_total") == 1.0,
            server.log,
        )
        server.stop()
        server.start(failpoint=failpoint)

        ears.up(session.uplink(f_cnt=0, f_port=2, payload=b"\x01"))
        assert -signal.SIGKILL == server.died_of()
        server.start()
        ears.wait("/event/up", times)
        ears.up(session.uplink(f_cnt=1, f_port=2, payload=b"\x02"))
        ears.wait("/event/up", times + 1)
        ups = ears.all("/event/up")

    assert 2 == len(set(ups))
    assert times + 1 == len(ups)
    assert [0, 1] == [json.loads(payload)["fCnt"] for payload in dict.fromkeys(ups)]


def test_a_frame_accepted_before_a_kill_is_not_accepted_again(tmp_path: Path) -> None:
    with site(tmp_path) as (server, ears, _):
        server.start()
        server.provision()
        session = join(ears)
        server.stop()
        server.start(failpoint="after_commit_before_publish")
        phy_payload = session.uplink(f_cnt=0, f_port=2, payload=b"\x01")
        ears.up(phy_payload)
        server.died_of()

        server.start()
        ears.up(phy_payload)
        log = json.loads(ears.wait("/event/log"))

    assert "UPLINK_F_CNT_RETRANSMISSION" == log["code"]
    assert 1 == len(ears.all("/event/up"))


def test_a_broker_outage_loses_no_event(tmp_path: Path) -> None:
    with site(tmp_path) as (server, ears, broker):
        server.start()
        server.provision()
        session = join(ears)
        ears.up(session.uplink(f_cnt=0, f_port=2, payload=b"\x01"))
        broker.kill()  # the uplink is between its arrival and its event
        broker.start()
        ears.close()
        late = Ears(broker)
        wait_until(lambda: server.metric("garonne_ready") == 1.0, server.log)
        wait_until(
            lambda: server.metric("garonne_chirpstack_outbox_events") == 0.0,
            server.log,
        )
        late.up(session.uplink(f_cnt=1, f_port=2, payload=b"\x02"))
        late.wait("/event/up")
        late.close()

    assert "Traceback" not in server.log()


def is_alive(pid: int) -> bool:
    """Whether a process runs; what has ended and waits for its parent does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_a_server_that_is_killed_leaves_no_process_behind(tmp_path: Path) -> None:
    with site(tmp_path) as (server, _, _):
        server.start()
        children = server.children()
        server.kill()
        wait_until(lambda: not any(map(is_alive, children)), server.log)

    assert children


def test_a_server_that_stops_takes_its_processes_along(tmp_path: Path) -> None:
    with site(tmp_path) as (server, _, _):
        server.start()
        children = server.children()

        assert 0 == server.stop()
        assert not any(map(is_alive, children))
        assert children


def test_a_server_whose_gateways_process_dies_says_so_and_ends(tmp_path: Path) -> None:
    with site(tmp_path) as (server, _, _):
        server.start()
        os.kill(server.child("chirpstack_embedded.gateways"), signal.SIGKILL)

        assert 1 == server.died_of()
        sentence = "the process that talks to gateways ended with signal 9"
        assert f"chirpstack_embedded: {sentence}" in server.log()
        assert "Traceback" not in server.log()


def test_a_taken_udp_port_is_one_sentence(tmp_path: Path) -> None:
    server = Running(NOWHERE, tmp_path)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((HOST, 0))
        address = f"{HOST}:{taken.getsockname()[1]}"
        second = subprocess.run(
            server.command(),
            env={**server.environment, "GARONNE_CHIRPSTACK_UDP": address},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    assert 1 == second.returncode
    assert f"cannot listen on {address}" in second.stderr
    assert "Traceback" not in second.stderr


def test_wrong_settings_are_all_said_with_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["-c", str(SERVER_CONFIG)], {"GARONNE_CHIRPSTACK_DB": str(tmp_path)})

    said = capsys.readouterr().err
    assert 2 == code
    assert "CHIRPSTACK_API_SECRET is not set" in said
    assert "CHIRPSTACK_MQTT_SERVER is not set" in said
    assert "Traceback" not in said


def test_a_database_that_cannot_be_opened_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Running(NOWHERE, tmp_path)
    environment = {**server.environment, "GARONNE_CHIRPSTACK_DB": str(tmp_path)}

    code = main(["-c", str(SERVER_CONFIG)], environment)

    assert 2 == code
    assert f"the database {tmp_path} cannot be used" in capsys.readouterr().err


def test_a_taken_metrics_port_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Running(NOWHERE, tmp_path)
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        address = f"{HOST}:{taken.getsockname()[1]}"
        code = main(
            ["-c", str(SERVER_CONFIG)],
            {**server.environment, "GARONNE_METRICS": address},
        )

    assert 2 == code
    assert f"GARONNE_METRICS: {address} cannot be used" in capsys.readouterr().err


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with site(tmp_path) as (server, _, _):
        server.start()
        environment = {
            **server.environment,
            "GARONNE_CHIRPSTACK_DB": str(tmp_path / "second.sqlite"),
            "GARONNE_METRICS": "",
        }
        second = subprocess.run(
            server.command(),
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    assert 2 == second.returncode
    assert "cannot be used, is it taken?" in second.stderr
    assert "Traceback" not in second.stderr


def test_each_created_key_is_a_new_one(tmp_path: Path) -> None:
    with mosquitto() as broker:
        server = Running(broker, tmp_path)
        assert server.token() != server.token()
