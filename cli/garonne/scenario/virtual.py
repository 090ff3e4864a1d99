"""
A whole city in one process, one loop and virtual time.

Devices, radio and network server are the pure cores that the programs run; here they
are joined by a heap of deadlines, with no socket, no broker and no sleep. The same
scenario gives the same bytes.
"""

import json
import random
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from typing import Any

import orjson

from chirpstack_embedded.core.context import Event, Transmission
from chirpstack_embedded.core.gateway_codec import write_downlink
from garonne.errors import Refused
from garonne.scenario.files import Prepared
from garonne.scenario.network import VirtualNetwork
from garonne.scenario.operator import VirtualOperator
from garonne.scenario.tally import Tally, report
from gateway_sim.chirpstack import Codec, Encoding
from gateway_sim.faults import Faults
from gateway_sim.gateway import Gateway, Uplink
from gateway_sim.medium import Medium, Outcome
from gateway_sim.program import kind_of, uptimes_s
from gateway_sim.radio import Radio
from lorawan_sim.catalogue import Kind, Plan, build, read_profile
from lorawan_sim.device import Device
from lorawan_sim.devices import maker
from lorawan_sim.events import DeviceEvent, What
from lorawan_sim.fleet import Fleet
from lorawan_sim.world import SimulatedWorld
from wire.air import AirFrame
from wire.chirpstack.topics import gateway_topic
from wire.eui64 import EUI64
from wire.lorawan.keys import Key
from wire.lorawan.region.catalogue import find_region
from wire.radio.propagation import Propagation
from wire.scenario import Side

BACKHAUL_S = 0.02  # one way between a gateway and the network server
STATS_EVERY_S = 30.0
NEVER = float("inf")

Log = Callable[[bytes], None]


class VirtualCity:
    """One run of a scenario; `log` takes a line for everything that happens."""

    def __init__(
        self, prepared: Prepared, home: Path, *, log: Log | None = None
    ) -> None:
        scenario, layout = prepared.scenario, prepared.layout
        self.prepared = prepared
        self.begins = scenario.world_begins
        self._log = log
        self._number = count()
        self._wire: list[tuple[float, int, Callable[[float], None]]] = []
        keys = virtual_keys(layout.city.seed, [d.dev_eui for d in layout.city.devices])
        self.network = VirtualNetwork(
            layout.city, prepared.types, keys, home, self.begins
        )
        self.operator = VirtualOperator(prepared, self.network, self.begins)
        self.tally = Tally(
            {str(eui): name for name, euis in layout.fleets.items() for eui in euis}
        )
        city = layout.city
        propagation = city.radio.propagation(city.seed, city.indoors)
        self._faults = gateway_faults(prepared, self.begins)
        self._radio = _radio(prepared, propagation, self._faults, self.begins)
        self._codecs = {
            gateway.gateway_id: Codec(gateway, Encoding.PROTOBUF)
            for gateway in city.gateways
        }
        self.fleet = _fleet(prepared, propagation, home, keys, self.begins)

    def run(self) -> dict[str, Any]:
        """Run to the end; return the report."""
        scenario = self.prepared.scenario
        ends = self.begins + scenario.duration_s
        with self.network.open():
            self._report_gateways(self.begins)
            now, deadlines = self.begins, self._deadlines()
            while now <= ends + scenario.settle_s:
                if now >= ends and self._is_quiet():
                    break
                self._step(now, deadlines)
                deadlines = self._deadlines()
                now = max(now, min(deadlines))
        return report(self.prepared, self.tally, self.operator.states, "virtual")

    def _deadlines(self) -> tuple[float, float, float, float, float]:
        """When devices, radio, backhaul, network and operator have something to do."""
        return (
            _or_never(self.fleet.next_deadline()),
            _or_never(self._radio.next_deadline()),
            self._wire[0][0] if self._wire else NEVER,
            self.network.server.next_deadline(),
            _or_never(self.operator.next_deadline()),
        )

    def _is_quiet(self) -> bool:
        return not (self.tally.on_the_way or self.operator.open)

    def _step(self, now: float, deadlines: Sequence[float]) -> None:
        """
        Let those act who wait for this instant; most wait for another.

        What becomes due only now has its turn in the next step, at the same instant.
        """
        devices, radio, wire, network, operator = deadlines
        if devices <= now:
            self.fleet.tick(now)
            self._settle_devices()
        if radio <= now:
            self._radio.tick(now)
            self._settle_radio(now)
        if min(wire, network, operator) <= now:
            self._step_network(now, network=network, operator=operator)

    def _step_network(self, now: float, *, network: float, operator: float) -> None:
        while self._wire and self._wire[0][0] <= now:
            heappop(self._wire)[2](now)
        if network <= now:
            self.network.server.tick(now)
        if operator <= now:
            self.operator.tick(now)
        self._settle_network(now)

    # Devices

    def _settle_devices(self) -> None:
        for frame in self.fleet.transmissions():
            self._count_sent(frame)
            self._radio.transmit(frame)
        for device, event in self.fleet.events():
            self._note(device, event)

    def _count_sent(self, frame: AirFrame) -> None:
        if kind_of(frame) == "join":
            self.tally.joins_sent += 1
        else:
            self.tally.sent[self.tally.fleet(frame.sender)] += 1

    def _note(self, device: Device, event: DeviceEvent) -> None:
        eui, what = device.card.dev_eui, event.what
        if what is What.UPLINK_SENT and event.fact("times") == 1:
            self.tally.messages[self.tally.fleet(eui)] += 1
        elif what is What.JOINED:
            self.tally.joined.add(str(eui))
        elif what is What.DOWNLINK_HEARD:
            self.tally.downlinks_heard += 1
        elif what is What.FAULT_INJECTED:
            self.tally.faults[str(event.fact("fault"))] += 1
        if self._log:
            self._log(f"{event.at:.6f} device.{what} dev_eui={eui} {event}".encode())

    # Radio

    def _settle_radio(self, now: float) -> None:
        for outcome, uplinks in self._radio.outcomes():
            self._judge(outcome, uplinks, now)
        for frame in self._radio.transmissions():
            self.fleet.receive(frame, now)
            self._settle_devices()

    def _judge(self, outcome: Outcome, uplinks: tuple[Uplink, ...], now: float) -> None:
        frame, is_data = outcome.frame, kind_of(outcome.frame) != "join"
        fleet = self.tally.fleet(frame.sender)
        if self._log:
            heard = ",".join(str(one.gateway_id) for one in uplinks)
            self._log(
                f"{now:.6f} air.uplink dev_eui={frame.sender} cause={outcome.cause}"
                f" gateways={heard} phy_payload={frame.phy_payload.hex()}".encode()
            )
        if outcome.cause is not None:
            self.tally.radio_lost[fleet, str(outcome.cause)] += is_data
            return
        self.tally.heard[fleet] += is_data
        carried = [self._send_up(one, now) for one in uplinks]
        self.tally.network_lost[fleet] += is_data and not any(carried)

    def _send_up(self, uplink: Uplink, now: float) -> bool:
        payload = self._codecs[uplink.gateway_id].up(uplink)
        return self._carry(uplink.gateway_id, "up", payload, now)

    def _carry(self, gateway_id: EUI64, event: str, payload: bytes, now: float) -> bool:
        """Send a gateway's message to the server; whether it will arrive."""
        delay_s = self._faults.carry_s(gateway_id, payload, now)
        if delay_s is None:
            return False
        topic = gateway_topic(self.network.region, gateway_id, "event", event)

        def arrive(at: float) -> None:
            self.network.server.receive(self.network.region, topic, payload, at)

        self._later(now + BACKHAUL_S + delay_s, arrive)
        return True

    def _later(self, at: float, do: Callable[[float], None]) -> None:
        heappush(self._wire, (at, next(self._number), do))

    def _report_gateways(self, now: float) -> None:
        for gateway_id, gateway in self._radio.gateways.items():
            if self._faults.is_off(gateway_id, now, now):
                continue
            stats = self._codecs[gateway_id].stats(gateway.stats(now))
            self._carry(gateway_id, "stats", stats, now)
        self._later(now + STATS_EVERY_S, self._report_gateways)

    # Network server

    def _settle_network(self, now: float) -> None:
        while events := self.network.events():
            for event in events:
                self._tell(event, now)
        for transmission in self.network.transmissions():
            self._send_down(transmission, now)
        for line in self.network.server.warnings():
            self._warn(line, now)

    def _tell(self, event: Event, now: float) -> None:
        self.tally.events[event.kind] += 1
        if event.kind == "up":
            self.tally.published[self.tally.fleet(event.dev_eui)] += 1
        elif event.kind == "log":
            self.tally.logs[orjson.loads(event.payload)["code"]] += 1
        if self._log:
            head = f"{now:.6f} event topic={event.topic} ".encode()
            self._log(head + event.payload)
        self.operator.hear(event, now)

    def _warn(self, line: str, now: float) -> None:
        what, _, rest = line.partition(" cause=")
        cause = rest.partition(" ")[0]
        if what == "ns.up.join.drop":
            self.tally.joins_rejected[cause] += 1
        elif what in {"ns.up.data.drop", "ns.up.drop"}:
            self.tally.rejected[cause] += 1
        if self._log:
            self._log(f"{now:.6f} {line}".encode())

    def _send_down(self, transmission: Transmission, now: float) -> None:
        gateway_id = EUI64.parse(transmission.gateway_id)
        payload = write_downlink(transmission.frame, as_json=False)
        delay_s = self._faults.carry_s(gateway_id, payload, now)
        if delay_s is not None:
            self._later(
                now + BACKHAUL_S + delay_s,
                lambda at: self._request(gateway_id, payload, at),
            )

    def _request(self, gateway_id: EUI64, payload: bytes, now: float) -> None:
        if self._faults.is_off(gateway_id, now, now):
            return
        codec = self._codecs[gateway_id]
        ack = self._radio.request(gateway_id, codec.parse_down(payload), now)
        self.tally.tx_acks.update(map(str, ack.statuses))
        self._carry(gateway_id, "ack", codec.ack(ack), now)


def _or_never(deadline: float | None) -> float:
    return NEVER if deadline is None else deadline


def virtual_keys(seed: int, devices: list[EUI64]) -> dict[EUI64, Key]:
    """Root keys that repeat themselves: for virtual devices only."""
    return {
        eui: Key(random.Random(f"{seed}/{eui}/key").randbytes(16))  # noqa: S311 -- seeded, not secret
        for eui in devices
    }


def gateway_faults(prepared: Prepared, begins: float) -> Faults:
    """The scenario's faults of gateways, as the gateways' program reads them."""
    return Faults.parse(
        json.dumps(gateway_fault_tables(prepared)),
        begins_s=begins,
        seed=prepared.scenario.seed,
    )


def gateway_fault_tables(prepared: Prepared) -> list[dict[str, Any]]:
    """The same as tables: what `GARONNE_FAULTS` takes."""
    ids = {one.name: str(one.gateway_id) for one in prepared.layout.city.gateways}
    tables = []
    for fault in prepared.scenario.faults_of(Side.GATEWAY):
        table: dict[str, Any] = {
            "kind": fault.kind.removeprefix("gateway_"),
            "from_s": fault.from_s,
            "until_s": fault.until_s,
            **fault.parameters,
        }
        if fault.gateway:
            table["gateway_id"] = ids[fault.gateway]
        if fault.kind == "backhaul_loss":
            table["share"] = fault.rate
        tables.append(table)
    return tables


def _radio(
    prepared: Prepared, propagation: Propagation, faults: Faults, begins: float
) -> Radio:
    city = prepared.layout.city
    region = find_region(city.region)
    gateways = [
        Gateway(place, region=region, boot_s=begins - uptime_s, seed=city.seed)
        for place, uptime_s in zip(city.gateways, uptimes_s(city.seed), strict=False)
    ]
    medium = Medium(
        city.gateways,
        region=region,
        seed=city.seed,
        plan=city.radio,
        propagation=propagation,
        faults=faults,
    )
    return Radio(medium, gateways)


def _fleet(
    prepared: Prepared,
    propagation: Propagation,
    home: Path,
    keys: dict[EUI64, Key],
    begins: float,
) -> Fleet:
    scenario, layout = prepared.scenario, prepared.layout
    world = SimulatedWorld(
        seed=layout.city.seed,
        starts_at=begins,
        begins=scenario.world_begins,
        speed=scenario.world_speed,
    )
    devices, faults = build(
        layout.city.provisioned,
        keys=keys,
        kinds=_kinds(prepared, home),
        flash={},
        world=world,
        seed=layout.city.seed,
        plans=plans(prepared, begins),
    )
    if faults:
        raise Refused("; ".join(faults))
    fleet = Fleet(radio=layout.city.radio, propagation=propagation)
    for device in devices:
        fleet.add(device, starts_at=begins + layout.starts_s[device.card.dev_eui])
    return fleet


def plans(prepared: Prepared, begins: float) -> dict[EUI64, Plan]:
    """What the scenario wants of single devices."""
    layout = prepared.layout
    faults = layout.device_faults(prepared.scenario)
    return {
        eui: Plan(
            faults=faults.get(eui, ()),
            begins=begins,
            report_every_s=layout.report_every_s.get(eui),
        )
        for eui in {**faults, **layout.report_every_s}
    }


def _kinds(prepared: Prepared, home: Path) -> dict[str, Kind]:
    region = find_region(prepared.layout.city.region)
    names = sorted({one.device_type for one in prepared.layout.city.devices})
    kinds = {}
    for name in names:
        path = home / "chirpstack" / "device-types" / name / "device-type.toml"
        text = path.read_text(encoding="utf-8")
        profile = read_profile(text, region=region, late_s=0.0)
        kinds[name] = Kind(profile=profile, behaviour=maker(name))
    return kinds
