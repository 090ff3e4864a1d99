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
from argparse import Namespace
from typing import Any

import grpc
from bench_chirpstack import Api, Target, embedded, given, provision, register
from bench_crowd import GATEWAYS, Crowd, join_all, listen, uplinks
from bench_mqtt import Wire, open_loop
from bench_processes import CpuMeter, pss_kib, share
from bench_report import arguments, latencies, publish
from chirpstack_api import api

DEDUPLICATION_S = 0.2
FIRST_PARTY = 1_000
SETTLING, SETTLING_RATE = 2, 500
FULL_VIEWS = 10_000  # uplinks after which the server's log views forget


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
