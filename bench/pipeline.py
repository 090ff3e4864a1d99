"""
How many events a second go from MQTT into committed twins, the archive following.

Real broker, Valkey that answers once it is on the disk, S3 server, and our ingest,
worker (with every handler of the checkout) and batcher as processes. The generator
publishes ChirpStack ``up`` events made beforehand at QoS 1, at instants that wait for
nobody. First 1,000 a second: latency, from the instant an event was due to the write
of its device's twin, as Redis tells it. Then more than it can take: throughput, until
the pool has committed all. Lost is what the archive does not give back at the end.

``scripts/bench pipeline [--seconds S] [--rate N] [--flood N] [--report FILE]``
"""

import os
import socket
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hiredis
import orjson
from bench_mqtt import Wire, open_loop, publish_packet
from bench_processes import HOST, CpuMeter, program, share
from bench_report import arguments, latencies, publish
from redis import Redis
from servers import Server, free_port, mosquitto, rclone_s3, valkey

from city import keys
from city.archive import Archive
from city.s3 import Bucket
from city.settings import Reader

APPLICATION = "1b7f4c0e-0e4d-4a53-9f0a-2f6b6a2d7c31"
DEVICES = 1_000
POOL = "pool:default"
PROGRAMS = ("faas.ingest", "faas.worker", "faas.batcher")
DRAIN_S = 90.0
LOOK_S = 0.05
LARGEST_MID = 0xFFFF
FIRST_HEARD = datetime(2026, 11, 21, 10, tzinfo=UTC)
HEARD_APART_S = 1e-3
GATEWAYS = ("0016c001f1500a01", "0016c001f1500a02", "0016c001f1500a03")


class Feed:
    """Makes events: their packets, in the order in which they are due."""

    def __init__(self) -> None:
        self.made = 0

    def packets(self, count: int) -> list[bytes]:
        """Return so many more, one device after the other."""
        numbers = range(self.made, self.made + count)
        self.made += count
        return [
            publish_packet(
                f"application/{APPLICATION}/device/{dev_eui(number)}/event/up",
                event(number),
                number % LARGEST_MID + 1,
            )
            for number in numbers
        ]


def dev_eui(number: int) -> str:
    """Name the device that says the event of this number."""
    return f"be4c{number % DEVICES:012x}"


def heard_at(number: int, place: int) -> str:
    """Return when the server heard of an event from one of the gateways."""
    after = timedelta(seconds=number * HEARD_APART_S, microseconds=1 + 137 * place)
    return (FIRST_HEARD + after).isoformat()


def event(number: int) -> bytes:
    """Return an ``up`` event of a parking bay as ChirpStack writes it."""
    device, f_cnt = number % DEVICES, number // DEVICES
    document: dict[str, Any] = {
        "deduplicationId": f"3ac7e3c4-4401-4b8d-9386-{number:012x}",
        "time": heard_at(number, 0),
        "deviceInfo": {
            "tenantId": "52f14cd4-c6f1-4fbd-8f87-4025e1d49242",
            "tenantName": "Toulouse",
            "applicationId": APPLICATION,
            "applicationName": "city",
            "deviceProfileId": "14855bf7-d10d-4aee-b618-ebfcb64dc7ad",
            "deviceProfileName": "parking-bay",
            "deviceName": f"bay-{device:04}",
            "devEui": dev_eui(number),
            "deviceClassEnabled": "CLASS_A",
            "tags": {
                "device_type": "parking-bay",
                "street": f"street-{device % 40}",
                "district": f"district-{device % 20}",
            },
        },
        "devAddr": f"01{device:06x}",
        "adr": True,
        "dr": 5,
        "fCnt": f_cnt,
        "fPort": 1,
        "confirmed": False,
        "data": "AQ==" if f_cnt & 1 else "AA==",
        "object": {"message": "status", "occupied": bool(f_cnt & 1)},
        "rxInfo": [
            {
                "gatewayId": gateway_id,
                "uplinkId": number,
                "nsTime": heard_at(number, place),
                "rssi": -80 - 7 * place,
                "snr": 9.2 - place,
                "channel": 1,
                "location": {"latitude": 43.6, "longitude": 1.44},
                "context": "EFwMtA==",
                "crcStatus": "CRC_OK",
            }
            for place, gateway_id in enumerate(GATEWAYS)
        ],
        "txInfo": {
            "frequency": 868_100_000,
            "modulation": {
                "lora": {
                    "bandwidth": 125_000,
                    "spreadingFactor": 7,
                    "codeRate": "CR_4_5",
                }
            },
        },
        "regionConfigId": "eu868",
    }
    return orjson.dumps(document)


class Commits(threading.Thread):
    """Hears from Redis whenever a twin is written, and notes the instants."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.instants: defaultdict[bytes, list[float]] = defaultdict(list)
        self.count = 0
        self._reader = hiredis.Reader()
        self._socket = socket.create_connection((HOST, port))
        self._socket.sendall(
            hiredis.pack_command(("PSUBSCRIBE", "__keyspace@0__:{p*}:twin:*"))
        )

    def run(self) -> None:
        """Read until the connection is closed."""
        while data := self._socket.recv(1 << 16):
            now = time.monotonic()
            self._reader.feed(data)
            while answer := self._reader.gets():
                if answer[0] == b"pmessage":
                    self.instants[answer[2][-16:]].append(now)
                    self.count += 1

    def close(self) -> None:
        """Hang up."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self.join()


def committed(redis: Redis) -> int:
    """Count what the pool has read and acknowledged, over all partitions."""
    total = 0
    for number in range(keys.EMBEDDED_PARTITIONS):
        for group in redis.xinfo_groups(keys.events(number)):
            if group["name"] == POOL.encode():
                total += (group["entries-read"] or 0) - group["pending"]
    return total


def steady(
    wire: Wire, feed: Feed, rate: float, seconds: float, site: "Site"
) -> dict[str, Any]:
    """Offer a steady rate; latency to the write of the twin."""
    count = round(rate * seconds / DEVICES) * DEVICES
    packets = feed.packets(count)
    site.redis.config_set("notify-keyspace-events", "Kh")
    commits = Commits(site.redis_port)
    commits.start()
    time.sleep(0.2)
    meter = CpuMeter(site.pids)
    first, late = open_loop(wire, packets, rate)
    wait(wire, lambda: commits.count >= count)
    costs = meter.us_per_event(count)
    busy = meter.busy()
    commits.close()
    site.redis.config_set("notify-keyspace-events", "")
    waits = [
        instant - (first + (turn * DEVICES + device) / rate)
        for device in range(DEVICES)
        for turn, instant in enumerate(commits.instants[dev_eui(device).encode()])
    ]
    return {
        "offered_per_s": rate,
        "events": count,
        "committed": commits.count,
        **latencies(waits),
        "generator_late_ms": round(late * 1e3, 1),
        "cpu_us_per_event": costs,
        "generator_share": share(costs, "generator"),
        "cores_busy": busy,
    }


def flood(
    wire: Wire, feed: Feed, rate: float, seconds: float, site: "Site"
) -> dict[str, Any]:
    """Offer more than fits; throughput until everything is committed."""
    before, count = feed.made, round(rate * seconds)
    packets = feed.packets(count)
    meter = CpuMeter(site.pids)
    first, late = open_loop(wire, packets, rate)
    wait(wire, lambda: committed(site.redis) >= before + count)
    took = time.monotonic() - first
    costs = meter.us_per_event(count)
    return {
        "offered_per_s": rate,
        "events": count,
        "events_per_s": round(count / took),
        "generator_late_ms": round(late * 1e3, 1),
        "cpu_us_per_event": costs,
        "generator_share": share(costs, "generator"),
        "cores_busy": meter.busy(),
    }


def wait(wire: Wire, done: Any) -> None:
    """Keep the connection read until it is done; an end when it never is."""
    until = time.monotonic() + DRAIN_S
    while not done():
        if time.monotonic() > until:
            raise SystemExit("not everything was committed; see the programs' logs")
        wire.poll(LOOK_S)


def read_back(archive: Archive, expected: int) -> tuple[int, float]:
    """Count the different events the archive gives back, and how long it took."""
    began = time.monotonic()
    while archive.count(kind="up") < expected and time.monotonic() < began + DRAIN_S:
        time.sleep(LOOK_S)
    took = time.monotonic() - began
    return len({(r.topic, r.payload) for r in archive.read(kind="up")}), took


class Site:
    """Servers and programs, and where they are."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        engines: dict[str, Server] = {
            "mosquitto": stack.enter_context(mosquitto()),
            "valkey": stack.enter_context(valkey()),
            "rclone": stack.enter_context(rclone_s3()),
        }
        self.broker_port = engines["mosquitto"].port
        self.redis_port = engines["valkey"].port
        environment = {
            "GARONNE_MQTT": engines["mosquitto"].url,
            "GARONNE_REDIS": engines["valkey"].url,
            "GARONNE_S3": engines["rclone"].url,
            "GARONNE_S3_ACCESS_KEY": engines["rclone"].user,
            "GARONNE_S3_SECRET_KEY": engines["rclone"].password,
        }
        bucket = Bucket(Reader(environment).s3())
        bucket.ensure()
        self.archive = Archive(bucket)
        self.redis = Redis(HOST, self.redis_port, protocol=2)
        self.pids = {"generator": os.getpid()}
        for module in PROGRAMS:
            self.pids[module] = stack.enter_context(
                program(
                    module,
                    environment,
                    folder / f"{module}.log",
                    metrics_port=free_port(),
                )
            )
        self.pids |= {name: server.pid for name, server in engines.items()}


def main(arguments_: Sequence[str] | None = None) -> None:
    """Run it and report."""
    parser = arguments(__doc__, seconds=10)
    parser.add_argument("--rate", type=float, default=1_000)
    parser.add_argument("--flood", type=float, default=8_000)
    options = parser.parse_args(arguments_)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        site, feed = Site(stack, folder), Feed()
        wire = Wire(site.broker_port, "bench")
        flood(wire, feed, options.rate, 2, site)  # warms the programs up
        calm = steady(wire, feed, options.rate, options.seconds, site)
        full = flood(wire, feed, options.flood, options.seconds, site)
        found, followed_s = read_back(site.archive, feed.made)
    figures = {
        "event_octets": len(event(0)),
        "devices": DEVICES,
        "events_per_s": full["events_per_s"],
        "p50_ms": calm["p50_ms"],
        "p99_ms": calm["p99_ms"],
        "lost": feed.made - found,
        "archive_behind_s": round(followed_s, 1),
        "steady": calm,
        "flood": full,
    }
    publish("pipeline", figures, options.report)


if __name__ == "__main__":
    main()
