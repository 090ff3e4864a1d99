"""Dusk over multicast, in virtual time: keys by the lamps' own message, then repair."""

import base64
import json
from typing import Any

import pytest
from chirpstack_api import api
from tests.garonne.scenario.small import HOME, LAMPS, lamps

from chirpstack_embedded.core.multicast import Wanted, schedule
from city.command import Payload
from city.group_order import GroupOrder
from city.objects import Group
from garonne.scenario.files import prepared
from garonne.scenario.virtual import VirtualCity
from lorawan_sim.device import Device
from lorawan_sim.events import DeviceEvent, What
from provisioning.group_keys import message_of
from provisioning.groups import address_of
from wire.scenario import Scenario

GROUP_ID = "8d4d7f5e-9a3c-4a53-9f0a-2f6b6a2d7c31"
NWK_S_KEY, APP_S_KEY = bytes(range(16)), bytes(range(16, 32))
GROUP = Group(
    id=GROUP_ID,
    name="street-light district Nord",
    application_id="",
    mc_addr=address_of(NWK_S_KEY),
    mc_nwk_s_key=NWK_S_KEY.hex(),
    mc_app_s_key=APP_S_KEY.hex(),
    data_rate=3,
    frequency_hz=869_525_000,
)
NIGHT = "2026-10-01T23:30:00+02:00"
NEVER_ASKED = {"fleet": "lamps", "object": {"level": 60}, "at_s": 1_000_000}


class Dusk(VirtualCity):
    """A virtual city whose hours a test lets pass, with one group of all lamps."""

    def __init__(self) -> None:
        document = lamps(
            scenario={**LAMPS["scenario"], "duration_s": 2_000_000},
            world={"begins": NIGHT},
            fleets=[{**LAMPS["fleets"][0], "count": 6, "report_every_s": 600}],
            commands=[NEVER_ASKED],
        )
        super().__init__(prepared(Scenario.of(document), HOME), HOME)
        self.now = self.begins
        self.euis = [str(d.dev_eui) for d in self.prepared.layout.city.devices]
        self.happened: list[tuple[str, DeviceEvent]] = []

    def _note(self, device: Device, event: DeviceEvent) -> None:
        self.happened.append((str(device.card.dev_eui), event))
        super()._note(device, event)

    def told(self, what: What) -> list[str]:
        """Who told of it, once each."""
        return sorted({eui for eui, event in self.happened if event.what is what})

    def until(self, second: float) -> None:
        end, deadlines = self.begins + second, self._deadlines()
        at = max(self.now, min(deadlines))
        while at <= end:
            self._step(at, deadlines)
            deadlines = self._deadlines()
            at = max(at, min(deadlines))
        self.now = end

    def make_group(self) -> None:
        self._report_gateways(self.now)  # only their stats tell gateways' region
        message = api.MulticastGroup(
            id=GROUP_ID,
            name=GROUP.name,
            application_id=self.network.application_id,
            mc_addr=GROUP.mc_addr,
            mc_nwk_s_key=GROUP.mc_nwk_s_key,
            mc_app_s_key=GROUP.mc_app_s_key,
            dr=GROUP.data_rate,
            frequency=GROUP.frequency_hz,
        )
        groups = self.network.store.multicast
        groups.create(message, self.now)
        for gateway in self.prepared.layout.city.gateways:
            groups.add_gateway(GROUP_ID, str(gateway.gateway_id), self.now)

    def give_keys(self, eui: str) -> None:
        device_type = self.prepared.types["street-light"]
        document = {
            "devEui": eui,
            "confirmed": False,
            "fPort": 50,
            "data": base64.b64encode(message_of(device_type, GROUP, slot=0)).decode(),
        }
        topic = f"application/{self.network.application_id}/device/{eui}/command/down"
        self.network.server.command(topic, json.dumps(document).encode(), self.now)

    def order(self, level: int) -> GroupOrder:
        """Tell all lamps at once, as the sender does."""
        order = GroupOrder(
            id=GROUP_ID,
            device_type="street-light",
            by="district",
            value="Nord",
            object={"level": level},
            requested_at=self.now,
            expires_at=self.now + 300,
        )
        planner = self.operator._planners["street-light"]
        payload = planner.plan(order.object)
        for eui in self.euis:
            life = self.operator._life(eui, planner.type)
            command = order.command(eui, self.network.application_id, grouped=True)
            life.request(command, payload, self.now)
            self.operator._settle(life, self.now)
        self._enqueue(payload)
        self._news(order, "queued")
        return order

    def _enqueue(self, payload: Payload) -> None:
        groups = self.network.store.multicast
        group = groups.get(GROUP_ID)
        assert group is not None
        items = schedule(
            group,
            Wanted(f_port=payload.f_port, data=payload.data, expires_at=None),
            groups.gateway_ids(GROUP_ID),
            groups.queue(GROUP_ID),
            settings=self.network._context.configuration.network.scheduler,
            now=self.now,
        )
        groups.enqueue(items, GROUP_ID, group.f_cnt + 1)

    def await_frame(self, order: GroupOrder) -> None:
        """Let every gateway send; half a minute is plenty."""
        for _ in range(60):
            self.until(self.now - self.begins + 0.5)
        assert [] == self.network.store.multicast.queue(GROUP_ID)
        self._news(order, "transmitted")

    def _news(self, order: GroupOrder, what: Any) -> None:
        for life in self.operator._lives.values():
            life.group_told(order.id, what, self.now)
            self.operator._settle(life, self.now)


@pytest.mark.slow
def test_at_dusk_one_frame_reaches_the_district_and_who_missed_it_is_repaired() -> None:
    city = Dusk()
    with city.network.open():
        city.until(60)
        city.make_group()
        *keyed, forgotten = city.euis
        for eui in keyed:
            city.give_keys(eui)
        city.until(120)
        before = city.tally.events["txack"]

        order = city.order(60)
        city.await_frame(order)
        city.until(city.now - city.begins + 90)

        states = list(city.operator.states.values())
        alone = city.tally.events["txack"] - before

    assert sorted(keyed) == city.told(What.GROUP_JOINED) == city.told(What.GROUP_HEARD)
    assert ["confirmed"] * 6 == states
    # Only the lamp without keys was asked for its state and then told by itself.
    assert 2 == alone
    assert forgotten not in city.told(What.GROUP_HEARD)


@pytest.mark.slow
def test_the_groups_frame_costs_one_transmission_per_gateway() -> None:
    city = Dusk()
    with city.network.open():
        city.until(60)
        city.make_group()
        for eui in city.euis:
            city.give_keys(eui)
        city.until(120)
        before = city.tally.events["txack"]

        order = city.order(60)
        city.await_frame(order)
        city.until(city.now - city.begins + 90)

        states = list(city.operator.states.values())
        alone = city.tally.events["txack"] - before

    assert ["confirmed"] * 6 == states
    assert 0 == alone
    heard = [event for _, event in city.happened if event.what is What.GROUP_HEARD]
    assert 6 == len(heard)  # the copy of the second gateway is a repetition
