"""
How many uplinks a second the embedded server takes, three gateways hearing each.

Real broker, real server process, devices joined over the air. The generator publishes
protobuf frames made beforehand, at instants that do not wait for anybody, and counts
``up`` events at QoS 1. First more than the server can take (throughput), then half of
what it took (latency, from the instant the last of the three copies was due).

With more than 1,000 devices the memory of a device is measured, too: the growth of the
server's processes from 1,000 devices, in use, to all of them.

With GARONNE_BENCH_CHIRPSTACK_GRPC, …_MQTT (host:port) and …_TOKEN (an admin's API key)
the same is done to the ChirpStack that runs there, which has to take part in the
region ``eu868`` of ``chirpstack/server-config``; …_MQTT may begin ``user:password@``.

``scripts/bench server [--devices N] [--seconds S] [--flood N] [--rate N]``
"""

import os
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import orjson
from bench_mqtt import Broker, Wire, open_loop, publish_packet
from bench_processes import (
    HOST,
    ROOT,
    CpuMeter,
    by_module,
    program,
    pss_kib,
    share,
)
from bench_report import arguments, latencies, publish
from chirpstack_api import api, common, gw
from servers import free_port, mosquitto

from wire.eui64 import EUI64
from wire.lorawan.fhdr import FCtrl
from wire.lorawan.join import JoinAccept, JoinRequest
from wire.lorawan.keys import Key, derive_session_keys
from wire.lorawan.session import Session

CONFIG = ROOT / "chirpstack" / "server-config"
CODEC = ROOT / "chirpstack" / "device-types" / "parking-bay" / "codec.js"
GATEWAYS = ("0016c001f1500a01", "0016c001f1500a02", "0016c001f1500a03")
DEDUPLICATION_S = 0.2
JOIN_RATE = 300
FIRST_PARTY = 1_000
SETTLING, SETTLING_RATE = 2, 500
FULL_VIEWS = 10_000  # uplinks after which the server's log views forget
AT_ONCE = 32
SERVER = (sys.executable, "-m", "chirpstack_embedded", "-c", str(CONFIG))
DRAIN_S = 60.0
NAMES = (
    "GARONNE_BENCH_CHIRPSTACK_GRPC",
    "GARONNE_BENCH_CHIRPSTACK_MQTT",
    "GARONNE_BENCH_CHIRPSTACK_TOKEN",
)
KEY = Key(bytes(range(16)))
JOIN_EUI = EUI64(bytes(8))
NO_ADR = FCtrl()
CHANNELS_HZ = (868_100_000, 868_300_000, 868_500_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server under test; ``pids`` are its processes, where they can be seen."""

    grpc: str
    token: str
    broker: Broker
    pids: Mapping[str, int] = field(default_factory=dict)
    broker_pid: int | None = None


@dataclass(slots=True, kw_only=True)
class Crowd:
    """The devices: their sessions, and what was heard of them."""

    sessions: dict[str, Session] = field(default_factory=dict)
    f_cnts: dict[str, int] = field(default_factory=dict)
    heard: dict[tuple[str, int], float] = field(default_factory=dict)
    accepts: dict[str, JoinAccept] = field(default_factory=dict)
    joined: dict[str, str] = field(default_factory=dict)
    last_at: float = 0.0

    def hear(self, topic: bytes, payload: bytes, now: float) -> None:
        """Take an ``up`` event or a downlink."""
        if topic.endswith(b"/event/up"):
            event = orjson.loads(payload)
            self.heard.setdefault((event["deviceInfo"]["devEui"], event["fCnt"]), now)
            self.last_at = now
        elif topic.endswith(b"/command/down"):
            frame = gw.DownlinkFrame.FromString(payload)
            accept = JoinAccept.open(frame.items[0].phy_payload, KEY)
            if accept is not None:
                self.accepts[str(accept.dev_addr)] = accept
        elif topic.endswith(b"/event/join"):
            event = orjson.loads(payload)
            self.joined[event["deviceInfo"]["devEui"]] = event["devAddr"]


def dev_eui(number: int) -> EUI64:
    """Name the device of this number."""
    return EUI64((0xBE4C << 48 | number).to_bytes(8))


def copies(phy_payload: bytes, number: int) -> bytes:
    """Return the PUBLISH packets with which three gateways report one frame."""
    packets = b""
    for place, gateway_id in enumerate(GATEWAYS):
        frame = gw.UplinkFrame(
            phy_payload=phy_payload,
            rx_info=gw.UplinkRxInfo(
                gateway_id=gateway_id,
                uplink_id=(number * 3 + place) & 0xFFFFFFFF,
                rssi=-80 - 7 * place,
                snr=9.0 - 3 * place,
                context=(number & 0xFFFFFFFF).to_bytes(4),
                crc_status=gw.CRCStatus.CRC_OK,
            ),
        )
        frame.tx_info.frequency = CHANNELS_HZ[number % len(CHANNELS_HZ)]
        lora = frame.tx_info.modulation.lora
        lora.bandwidth, lora.spreading_factor = 125_000, 7
        lora.code_rate = gw.CodeRate.CR_4_5
        topic = f"eu868/gateway/{gateway_id}/event/up"
        packets += publish_packet(topic, frame.SerializeToString())
    return packets


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


def join_all(wire: Wire, crowd: Crowd, numbers: Sequence[int]) -> None:
    """Join these devices over the air."""
    packets = [
        copies(
            bytes(
                JoinRequest.sealed(
                    KEY,
                    join_eui=JOIN_EUI,
                    dev_eui=dev_eui(number),
                    dev_nonce=number & 0xFFFF,
                )
            ),
            number,
        )
        for number in numbers
    ]
    wanted = len(crowd.joined) + len(numbers)
    open_loop(wire, packets, JOIN_RATE)
    listen(wire, lambda: len(crowd.joined) == len(crowd.accepts) == wanted)
    for number in numbers:
        eui = str(dev_eui(number))
        accept = crowd.accepts[crowd.joined[eui]]
        keys = derive_session_keys(
            KEY,
            join_nonce=accept.join_nonce,
            net_id=accept.net_id,
            dev_nonce=number & 0xFFFF,
        )
        crowd.sessions[eui] = Session(
            dev_addr=accept.dev_addr,
            nwk_s_key=keys.nwk_s_key,
            app_s_key=keys.app_s_key,
        )
        crowd.f_cnts[eui] = 0


def listen(wire: Wire, done: Callable[[], bool]) -> None:
    """Take in what comes until there is enough, or nothing comes any more."""
    until = time.monotonic() + DRAIN_S
    while not done() and time.monotonic() < until:
        wire.poll(0.1)


def uplinks(crowd: Crowd, number: int) -> list[tuple[tuple[str, int], bytes]]:
    """Build so many uplinks, of one device after the other."""
    found = []
    while len(found) < number:
        for place, (eui, session) in enumerate(crowd.sessions.items()):
            f_cnt = crowd.f_cnts[eui]
            crowd.f_cnts[eui] = f_cnt + 1
            phy_payload = session.uplink(
                f_cnt=f_cnt, f_port=1, payload=bytes([f_cnt & 1]), f_ctrl=NO_ADR
            )
            found.append(((eui, f_cnt), copies(phy_payload, f_cnt << 14 | place)))
    return found


def run(
    wire: Wire, crowd: Crowd, rate: float, seconds: float, target: Target
) -> dict[str, Any]:
    """Offer so many uplinks a second for so long; say what became of them."""
    made = uplinks(crowd, max(1, round(rate * seconds)))
    crowd.heard.clear()
    pids = {**target.pids, "generator": os.getpid()}
    if target.broker_pid:
        pids["mosquitto"] = target.broker_pid
    meter = CpuMeter(pids, alone=True)
    first, late = open_loop(wire, [packets for _, packets in made], rate)
    listen(wire, lambda: len(crowd.heard) == len(made))
    costs = meter.us_per_event(len(made))
    waits = [
        crowd.heard[name] - (first + place / rate)
        for place, (name, _) in enumerate(made)
        if name in crowd.heard
    ]
    took = crowd.last_at - first - DEDUPLICATION_S
    return {
        "offered_per_s": rate,
        "sent": len(made),
        "uplinks_per_s": round(len(waits) / took),
        **latencies(waits),
        "lost": len(made) - len(waits),
        "generator_late_ms": round(late * 1e3, 1),
        "server_us_per_uplink": round(sum(costs[name] for name in target.pids), 1),
        "cpu_us_per_uplink": costs,
        "generator_share": share(costs, "generator"),
        "cores_busy": meter.busy(),
    }


def measure(target: Target, options: Namespace) -> dict[str, Any]:
    """Provision, join, flood, and run at half of that; and weigh the devices."""
    crowd = Crowd()
    wire = Wire(target.broker, f"bench-{os.getpid()}", crowd.hear)
    wire.subscribe("application/#")
    wire.subscribe("eu868/gateway/+/command/down")
    figures: dict[str, Any] = {"devices": options.devices}
    with grpc.insecure_channel(target.grpc) as channel:
        server = Api(channel, target.token)
        application_id, profile_id = provision(server)
        weights: list[float] = []
        for numbers in parties(options.devices):
            register(server, application_id, profile_id, numbers)
            join_all(wire, crowd, numbers)
            settle(wire, crowd, target)
            weights.append(sum(map(pss_kib, target.pids.values())))
        flood = run(wire, crowd, options.flood, options.seconds, target)
        rate = options.rate or flood["uplinks_per_s"] / 2
        steady = run(wire, crowd, rate, options.seconds, target)
        server.call(
            "Application", "Delete", api.DeleteApplicationRequest(id=application_id)
        )
    if len(weights) > 1 and target.pids:
        more = options.devices - FIRST_PARTY
        figures["kib_per_device"] = round((weights[-1] - weights[0]) / more, 2)
    return figures | {
        "uplinks_per_s": flood["uplinks_per_s"],
        "p99_ms": steady["p99_ms"],
        "lost": steady["lost"] + flood["lost"],
        "flood": flood,
        "steady": steady,
    }


def parties(devices: int) -> list[range]:
    """Return the numbers of those that come first, and of the others."""
    first = range(min(devices, FIRST_PARTY))
    return [first, range(len(first), devices)] if devices > FIRST_PARTY else [first]


def settle(wire: Wire, crowd: Crowd, target: Target) -> None:
    """Let the devices speak: MAC commands, caches, histories, full log views."""
    spoken = max(FULL_VIEWS, SETTLING * len(crowd.sessions))
    run(wire, crowd, SETTLING_RATE, spoken / SETTLING_RATE, target)


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


def main() -> None:
    """Run it and report."""
    parser = arguments(__doc__, seconds=10)
    parser.add_argument("--rate", type=float, help="else half of what the flood gave")
    parser.add_argument("--flood", type=float, default=3_000)
    parser.add_argument("--devices", type=int, default=1_000)
    options = parser.parse_args()
    with embedded() as target:
        figures = measure(target, options)
    figures |= {
        "gateways_per_uplink": len(GATEWAYS),
        "deduplication_ms": DEDUPLICATION_S * 1e3,
    }
    real = given(os.environ)
    if real is not None:
        figures["chirpstack"] = measure(real, options)
        theirs = figures["chirpstack"]["uplinks_per_s"]
        figures["ratio"] = round(figures["uplinks_per_s"] / theirs, 2)
    publish("server", figures, options.report)


if __name__ == "__main__":
    main()
