"""A ChirpStack to measure: started here or given, with gateways and devices in it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from bench_crowd import GATEWAYS, KEY, dev_eui
from bench_mqtt import Broker
from bench_processes import (
    HOST,
    ROOT,
    by_module,
    program,
)
from chirpstack_api import api, common
from servers import free_port, mosquitto

CONFIG = ROOT / "chirpstack" / "server-config"
CODEC = ROOT / "chirpstack" / "device-types" / "parking-bay" / "codec.js"
AT_ONCE = 32
SERVER = (sys.executable, "-m", "chirpstack_embedded", "-c", str(CONFIG))
NAMES = (
    "GARONNE_BENCH_CHIRPSTACK_GRPC",
    "GARONNE_BENCH_CHIRPSTACK_MQTT",
    "GARONNE_BENCH_CHIRPSTACK_TOKEN",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server under test; ``pids`` are its processes, where they can be seen."""

    grpc: str
    token: str
    broker: Broker
    pids: Mapping[str, int] = field(default_factory=dict)
    broker_pid: int | None = None


def environment(broker_port: int, folder: Path) -> dict[str, str]:
    """Return what the server is told."""
    return {
        "CHIRPSTACK_MQTT_SERVER": f"tcp://{HOST}:{broker_port}",
        "CHIRPSTACK_MQTT_USERNAME": "",
        "CHIRPSTACK_MQTT_PASSWORD": "",
        "CHIRPSTACK_API_BIND": f"{HOST}:{free_port()}",
        "CHIRPSTACK_API_SECRET": "of benches only, and long enough for them",
        "GARONNE_CHIRPSTACK_DB": str(folder / "server.sqlite"),
    }


class Api:
    """The API, as anybody would use it."""

    def __init__(self, channel: grpc.Channel, token: str) -> None:
        self._channel = channel
        self._metadata = [("authorization", f"Bearer {token}")]

    def call(self, service: str, method: str, request: Any) -> Any:
        """Call and wait."""
        return self.begin(service, method, request).result()

    def begin(self, service: str, method: str, request: Any) -> Any:
        """Call; the answer comes later."""
        stub = getattr(api, f"{service}ServiceStub")(self._channel)
        return getattr(stub, method).future(
            request, metadata=self._metadata, timeout=60
        )

    def all(self, service: str, method: str, requests: Sequence[Any]) -> None:
        """Call with every request, so many at once."""
        for at in range(0, len(requests), AT_ONCE):
            calls = [
                self.begin(service, method, request)
                for request in requests[at : at + AT_ONCE]
            ]
            for call in calls:
                call.result()


def provision(server: Api) -> tuple[str, str]:
    """Register three gateways; return an application and a profile for devices."""
    tenants = server.call("Tenant", "List", api.ListTenantsRequest(limit=1))
    tenant_id = tenants.result[0].id
    application = api.Application(name=f"bench {os.getpid()}", tenant_id=tenant_id)
    application_id = server.call(
        "Application", "Create", api.CreateApplicationRequest(application=application)
    ).id
    profile = api.DeviceProfile(
        name="bay",
        tenant_id=tenant_id,
        region=common.Region.EU868,
        mac_version=common.MacVersion.LORAWAN_1_0_3,
        supports_otaa=True,
        adr_algorithm_id="default",
        payload_codec_runtime=api.CodecRuntime.JS,
        payload_codec_script=CODEC.read_text(encoding="utf-8"),
    )
    profile_id = server.call(
        "DeviceProfile",
        "Create",
        api.CreateDeviceProfileRequest(device_profile=profile),
    ).id
    for gateway_id in GATEWAYS:
        gateway = api.Gateway(
            gateway_id=gateway_id,
            name=gateway_id,
            tenant_id=tenant_id,
            stats_interval=30,
        )
        try:
            server.call("Gateway", "Create", api.CreateGatewayRequest(gateway=gateway))
        except grpc.RpcError as refusal:  # of an earlier run against the same server
            if "exists" not in str(refusal).lower():
                raise
    return application_id, profile_id


def register(
    server: Api, application_id: str, profile_id: str, numbers: Sequence[int]
) -> None:
    """Register devices of these numbers."""
    devices = [
        api.Device(
            dev_eui=str(dev_eui(number)),
            name=f"bay-{number}",
            application_id=application_id,
            device_profile_id=profile_id,
        )
        for number in numbers
    ]
    keys = [
        api.DeviceKeys(dev_eui=device.dev_eui, nwk_key=KEY.hex()) for device in devices
    ]
    server.all(
        "Device",
        "Create",
        [api.CreateDeviceRequest(device=device) for device in devices],
    )
    server.all(
        "Device",
        "CreateKeys",
        [api.CreateDeviceKeysRequest(device_keys=key) for key in keys],
    )


@contextmanager
def embedded() -> Iterator[Target]:
    """Start a broker and the embedded server with its database on disk."""
    with tempfile.TemporaryDirectory() as name, mosquitto() as broker:
        folder, metrics_port = Path(name), free_port()
        env = environment(broker.port, folder)
        server = program(
            "chirpstack_embedded",
            env,
            folder / "log",
            "-c",
            str(CONFIG),
            metrics_port=metrics_port,
        )
        with server as pid:
            yield Target(
                grpc=env["CHIRPSTACK_API_BIND"],
                token=new_token(env),
                broker=Broker(port=broker.port),
                pids={"judging": pid, **by_module(pid)},
                broker_pid=broker.pid,
            )


def new_token(env: Mapping[str, str]) -> str:
    """Make an API key."""
    made = subprocess.run(
        [*SERVER, "create-api-key", "--name", "bench"],
        env={**os.environ, **env},
        check=True,
        capture_output=True,
        text=True,
    )
    return made.stdout.splitlines()[1].removeprefix("token: ")


def given(environ: Mapping[str, str]) -> Target | None:
    """Return the ChirpStack that the environment names."""
    values = [environ.get(name, "") for name in NAMES]
    if not any(values):
        return None
    if not all(values):
        raise SystemExit(f"to measure a ChirpStack, set all of {', '.join(NAMES)}")
    address, mqtt, token = values
    return Target(grpc=address, token=token, broker=Broker.parse(mqtt))
