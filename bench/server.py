"""
How many uplinks a second the embedded server takes, three gateways hearing each.

Real broker, real server process, devices joined over the air. The generator publishes
protobuf frames made beforehand, at instants that do not wait for anybody, and counts
``up`` events at QoS 1. First a steady rate (latency, from the instant the last of the
three copies was due), then more than the server can take (throughput).

``scripts/bench server [--seconds S] [--rate N] [--flood N] [--report FILE]``
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import orjson
from bench_mqtt import Wire, open_loop, publish_packet
from bench_processes import HOST, ROOT, CpuMeter, program, share
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
JOIN_RATE = 150
SERVER = (sys.executable, "-m", "chirpstack_embedded", "-c", str(CONFIG))
DRAIN_S = 60.0
KEY = Key(bytes(range(16)))
JOIN_EUI = EUI64(bytes(8))
NO_ADR = FCtrl()
CHANNELS_HZ = (868_100_000, 868_300_000, 868_500_000)


@dataclass(slots=True, kw_only=True)
class Crowd:
    """The devices: their sessions, and what was heard of them."""

    sessions: dict[str, Session] = field(default_factory=dict)
    f_cnt: int = 0
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


def provision(env: dict[str, str], devices: int) -> None:
    """Register gateways and devices through the API, as anybody would."""
    made = subprocess.run(
        [*SERVER, "create-api-key", "--name", "bench"],
        env=os.environ | env,
        check=True,
        capture_output=True,
        text=True,
    )
    token = made.stdout.splitlines()[1].removeprefix("token: ")
    metadata = [("authorization", f"Bearer {token}")]
    with grpc.insecure_channel(env["CHIRPSTACK_API_BIND"]) as channel:

        def call(service: str, method: str, request: Any) -> Any:
            stub = getattr(api, f"{service}ServiceStub")(channel)
            return getattr(stub, method)(request, metadata=metadata, timeout=30)

        tenant_id = call("Tenant", "List", api.ListTenantsRequest(limit=1)).result[0].id
        application = api.Application(name="bench", tenant_id=tenant_id)
        application_id = call(
            "Application",
            "Create",
            api.CreateApplicationRequest(application=application),
        ).id
        profile = api.DeviceProfile(
            name="bay",
            tenant_id=tenant_id,
            region=common.Region.EU868,
            mac_version=common.MacVersion.LORAWAN_1_0_3,
            supports_otaa=True,
            payload_codec_runtime=api.CodecRuntime.JS,
            payload_codec_script=CODEC.read_text(encoding="utf-8"),
        )
        profile_id = call(
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
            call("Gateway", "Create", api.CreateGatewayRequest(gateway=gateway))
        for number in range(devices):
            eui = str(dev_eui(number))
            device = api.Device(
                dev_eui=eui,
                name=f"bay-{number}",
                application_id=application_id,
                device_profile_id=profile_id,
            )
            keys = api.DeviceKeys(dev_eui=eui, nwk_key=KEY.hex())
            call("Device", "Create", api.CreateDeviceRequest(device=device))
            call("Device", "CreateKeys", api.CreateDeviceKeysRequest(device_keys=keys))


def join_all(wire: Wire, crowd: Crowd, devices: int) -> None:
    """Join every device over the air."""
    packets = [
        copies(
            bytes(
                JoinRequest.sealed(
                    KEY, join_eui=JOIN_EUI, dev_eui=dev_eui(number), dev_nonce=number
                )
            ),
            number,
        )
        for number in range(devices)
    ]
    open_loop(wire, packets, JOIN_RATE)
    listen(wire, lambda: len(crowd.joined) == len(crowd.accepts) == devices)
    for number in range(devices):
        eui = str(dev_eui(number))
        accept = crowd.accepts[crowd.joined[eui]]
        keys = derive_session_keys(
            KEY,
            join_nonce=accept.join_nonce,
            net_id=accept.net_id,
            dev_nonce=number,
        )
        crowd.sessions[eui] = Session(
            dev_addr=accept.dev_addr,
            nwk_s_key=keys.nwk_s_key,
            app_s_key=keys.app_s_key,
        )


def listen(wire: Wire, done: Callable[[], bool]) -> None:
    """Take in what comes until there is enough, or nothing comes any more."""
    until = time.monotonic() + DRAIN_S
    while not done() and time.monotonic() < until:
        wire.poll(0.1)


def uplinks(crowd: Crowd, rounds: int) -> list[tuple[tuple[str, int], bytes]]:
    """Build rounds of one uplink a device: what it is called, and its packets."""
    found = []
    for f_cnt in range(crowd.f_cnt, crowd.f_cnt + rounds):
        for number, (eui, session) in enumerate(crowd.sessions.items()):
            phy_payload = session.uplink(
                f_cnt=f_cnt, f_port=1, payload=bytes([f_cnt & 1]), f_ctrl=NO_ADR
            )
            found.append(((eui, f_cnt), copies(phy_payload, f_cnt << 12 | number)))
    crowd.f_cnt += rounds
    return found


def run(
    wire: Wire, crowd: Crowd, rate: float, seconds: float, pids: dict[str, int]
) -> dict[str, Any]:
    """Offer so many uplinks a second for so long; say what became of them."""
    rounds = max(1, round(rate * seconds / len(crowd.sessions)))
    made = uplinks(crowd, rounds)
    crowd.heard.clear()
    meter = CpuMeter(pids)
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
        "cpu_us_per_uplink": costs,
        "generator_share": share(costs, "generator"),
        "cores_busy": meter.busy(),
    }


def main() -> None:
    """Run it and report."""
    parser = arguments(__doc__, seconds=10)
    parser.add_argument("--rate", type=float, default=750)
    parser.add_argument("--flood", type=float, default=3_000)
    parser.add_argument("--devices", type=int, default=1_000)
    options = parser.parse_args()
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
            provision(env, options.devices)
            crowd = Crowd()
            wire = Wire(broker.port, "bench", crowd.hear)
            wire.subscribe("application/#")
            wire.subscribe("eu868/gateway/+/command/down")
            join_all(wire, crowd, options.devices)
            pids = {"generator": os.getpid(), "server": pid, "mosquitto": broker.pid}
            run(wire, crowd, options.rate, 2, pids)  # settles MAC commands
            steady = run(wire, crowd, options.rate, options.seconds, pids)
            flood = run(wire, crowd, options.flood, options.seconds, pids)
    figures = {
        "devices": options.devices,
        "gateways_per_uplink": len(GATEWAYS),
        "deduplication_ms": DEDUPLICATION_S * 1e3,
        "uplinks_per_s": flood["uplinks_per_s"],
        "p99_ms": steady["p99_ms"],
        "lost": steady["lost"] + flood["lost"],
        "steady": steady,
        "flood": flood,
    }
    publish("server", figures, options.report)


if __name__ == "__main__":
    main()
