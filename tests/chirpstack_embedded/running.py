"""The whole program, started as a person would, with ears on both its sides."""

import os
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

from wire.lorawan.join import JoinAccept, JoinRequest
from wire.lorawan.keys import derive_session_keys
from wire.lorawan.session import Session

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
