"""The operator of a virtual city: asks what the scenario asks, follows each command."""

import random
from collections.abc import Iterator, Mapping
from heapq import heappop, heappush

from chirpstack_embedded.core.context import Event
from city.command import Command
from city.command_life import Life
from city.errors import BadCommand
from city.line import Effect, Radio
from city.steps import NO_SESSION
from city.types import DeviceType, Planner
from faas.sender.inbox import Arrival, overhear, tell
from faas.sender.outgoing import down
from garonne.scenario.files import Prepared
from garonne.scenario.network import VirtualNetwork, uuids
from wire.eui64 import EUI64

ENDS = ("confirmed", "failed", "expired", "superseded")


class VirtualOperator:
    """Commands by the same pure life as the sender's, on the network's own books."""

    def __init__(
        self, prepared: Prepared, network: VirtualNetwork, begins: float
    ) -> None:
        self._network = network
        self._layout = prepared.layout
        self._types = {d.dev_eui: d.device_type for d in prepared.layout.city.devices}
        self._planners = {
            name: Planner(prepared.types[name])
            for name in {self._types[eui] for eui in self._asked(prepared)}
        }
        self._begins = begins
        self._until = begins + prepared.scenario.duration_s
        self._uuid = uuids(prepared.scenario.seed + 1)
        self._orders = prepared.scenario.orders
        self._dice = random.Random(f"{prepared.scenario.seed}/operator")  # noqa: S311 -- seeded, not secret
        self._due: list[tuple[float, int]] = [
            (begins + order.at_s, number) for number, order in enumerate(self._orders)
        ]
        self._due.sort()
        self._lives: dict[str, Life] = {}
        self._radios: dict[str, Radio] = {}
        self.states: dict[str, str] = {}

    @staticmethod
    def _asked(prepared: Prepared) -> Iterator[EUI64]:
        for order in prepared.scenario.orders:
            yield from prepared.layout.fleets[order.fleet]

    @property
    def open(self) -> int:
        """How many commands have not ended."""
        return sum(state not in ENDS for state in self.states.values())

    def next_deadline(self) -> float | None:
        """When to call `tick`."""
        if not self._lives:
            return self._due[0][0] if self._due else None
        deadlines = [self._due[0][0]] if self._due else []
        lives = [life.next_deadline() for life in self._lives.values() if not life.idle]
        return min([*deadlines, *(at for at in lives if at is not None)], default=None)

    def tick(self, now: float) -> None:
        """Ask for what is due, and let every unfinished command look around."""
        while self._due and self._due[0][0] <= now:
            at, number = heappop(self._due)
            order = self._orders[number]
            devices = self._layout.fleets[order.fleet]
            chosen = self._dice.sample(devices, min(order.devices, len(devices)))
            for eui in sorted(chosen):
                self._request(str(eui), self._types[eui], order.object, now)
            if order.every_s is not None and at + order.every_s < self._until:
                heappush(self._due, (at + order.every_s, number))
        for life in self._lives.values():
            deadline = None if life.idle else life.next_deadline()
            if deadline is not None and deadline <= now:
                life.tick(now)
                self._settle(life, now)

    def hear(self, event: Event, now: float) -> None:
        """Take an integration event."""
        life = self._lives.get(event.dev_eui)
        if life is None:
            overhear(self._radios.setdefault(event.dev_eui, Radio()), event.kind, now)
            return
        arrival = Arrival(
            event.application_id, event.dev_eui, event.kind, event.payload
        )
        tell(life, arrival, now)
        self._settle(life, now)

    def _request(
        self, dev_eui: str, device_type: str, wanted: Mapping[str, object], now: float
    ) -> None:
        planner = self._planners[device_type]
        life = self._life(dev_eui, planner.type)
        command = Command(
            id=str(self._uuid()),
            dev_eui=dev_eui,
            object=wanted,
            requested_at=now,
            expires_at=now + life.rules.expires_s,
            device_type=device_type,
            application_id=self._network.application_id,
            requested_by="scenario",
        )
        try:
            life.request(command, planner.plan(wanted), now)
        except BadCommand as error:
            life.refuse(command, str(error), now)
        self._settle(life, now)

    def _life(self, dev_eui: str, device_type: DeviceType) -> Life:
        if dev_eui not in self._lives:
            rules = self._planners[device_type.name].rules
            if rules is None:
                raise BadCommand(f"a {device_type.name} takes no commands")
            radio = self._radios.setdefault(dev_eui, Radio())
            radio.class_c = bool(device_type.profile.get("supports_class_c"))
            self._lives[dev_eui] = Life(dev_eui, rules, radio)
        return self._lives[dev_eui]

    def _settle(self, life: Life, now: float) -> None:
        """Do what a life wants done, until it wants nothing more at this instant."""
        while effects := life.effects():
            for effect in effects:
                self._perform(life, effect, now)
        for _, entry in life.changes():
            self.states[entry.command.id] = str(entry.state)

    def _perform(self, life: Life, effect: Effect, now: float) -> None:
        item, dev_eui = effect.item, life.dev_eui
        counter = self._network.f_cnt_down(dev_eui)
        f_cnt_down = NO_SESSION if counter is None else counter
        match effect.act:
            case "prepare":
                life.prepared(item.id, f_cnt_down, now)
            case "look":
                there = item.id in self._network.queue(dev_eui)
                life.looked(item.id, in_queue=there, f_cnt_down=f_cnt_down, now=now)
            case "flush":
                self._network.flush(dev_eui)
                life.flushed(item.id, now)
            case "publish":
                application_id = self._network.application_id
                topic, payload = down(application_id, dev_eui, item)
                self._network.server.command(topic, payload, now)
                life.published(item.id, now)
