"""A fleet is one device with many bodies, and a downlink costs what it reaches."""

from dataclasses import replace

from tests.lorawan_sim.network import (
    CARD,
    CLASS_A,
    CLASS_C,
    NOON,
    Network,
    Script,
    transmission,
)

from lorawan_sim.card import Profile
from lorawan_sim.device import Device
from lorawan_sim.fleet import Fleet
from wire.air import AirFrame
from wire.eui64 import EUI64
from wire.radio.profiles import PROFILES
from wire.radio.propagation import Link, Propagation, Site


class Counted(Propagation):
    """Remembers for which frames it was asked."""

    def __init__(self) -> None:
        super().__init__(PROFILES["urban"], seed=1)
        self.tried: list[float] = []

    def link(self, frame: AirFrame, at: Site) -> Link:
        self.tried.append(frame.start_s)
        return super().link(frame, at)


class City:
    """A fleet, one network per device, and a count of who was tried."""

    def __init__(self, size: int, profile: Profile, spread_s: float) -> None:
        self.propagation = Counted()
        self.fleet = Fleet(propagation=self.propagation)
        self.networks: dict[EUI64, Network] = {}
        self.scripts: dict[EUI64, Script] = {}
        self.now = NOON
        for number in range(size):
            eui = EUI64((number + 1).to_bytes(8))
            card = replace(CARD, dev_eui=eui)
            self.scripts[eui] = Script()
            self.networks[eui] = Network(rx2_data_rate=3, join_nonce=number)
            device = Device(card, self.scripts[eui], profile)
            self.fleet.add(device, starts_at=NOON + spread_s * number)

    def run(self, until: float) -> None:
        coming: list[AirFrame] = []
        while True:
            deadline = self.fleet.next_deadline()
            times = [frame.start_s for frame in coming]
            at = min([*times, *([] if deadline is None else [deadline])], default=None)
            if at is None or at > until:
                break
            self.now = max(self.now, at)
            while coming and coming[0].start_s <= self.now:
                self.fleet.receive(coming.pop(0), self.now)
            self.fleet.tick(self.now)
            for air in self.fleet.transmissions():
                coming += self.networks[air.sender].hear(air)
                coming.sort(key=lambda frame: frame.start_s)
        self.now = until

    def command(self, eui: EUI64) -> AirFrame:
        """A class C downlink for one device, now."""
        phy = self.networks[eui].down(b"\x64", f_port=60)
        return transmission(phy, self.now, 869_525_000, 9)


def test_every_device_of_a_fleet_joins() -> None:
    city = City(20, CLASS_A, spread_s=0.5)

    city.run(NOON + 60)

    assert 20 == len(city.fleet) == city.fleet.joined


def test_devices_that_start_in_the_same_instant_are_told_apart() -> None:
    city = City(6, CLASS_A, spread_s=0.0)

    city.run(NOON + 600)

    assert 6 == city.fleet.joined


def test_a_join_accept_is_not_offered_to_devices_that_do_not_wait_for_it() -> None:
    city = City(200, CLASS_A, spread_s=1.0)

    city.run(NOON + 300)

    assert 200 == city.fleet.joined
    assert len(city.propagation.tried) < 1.5 * 200


def test_a_class_c_downlink_is_offered_to_its_address_only() -> None:
    city = City(50, CLASS_C, spread_s=1.0)
    city.run(NOON + 100)
    city.propagation.tried.clear()
    wanted = EUI64((7).to_bytes(8))

    command = city.command(wanted)
    city.fleet.receive(command, city.now)
    city.run(command.end_s)

    assert 1 == len(city.propagation.tried)
    assert [(60, b"\x64")] == city.scripts[wanted].inbox


def test_a_device_is_found_by_its_eui() -> None:
    city = City(3, CLASS_A, spread_s=1.0)

    device = city.fleet.device("0000000000000002")

    assert "0000000000000002" == str(device.card.dev_eui)


def test_flash_that_changed_is_handed_out_once() -> None:
    city = City(3, CLASS_A, spread_s=1.0)
    city.run(NOON + 60)

    first, second = city.fleet.unsaved(), city.fleet.unsaved()

    assert [1, 1, 1] == [record.dev_nonce for record in first]
    assert [] == second


def test_what_happened_is_told_with_its_device() -> None:
    city = City(2, CLASS_A, spread_s=1.0)
    city.run(NOON + 60)

    names = {str(device.card.dev_eui) for device, _ in city.fleet.events()}

    assert {"0000000000000001", "0000000000000002"} == names
    assert [] == city.fleet.events()


def test_the_sender_of_a_lost_frame_learns_of_it() -> None:
    city = City(1, CLASS_A, spread_s=0.0)
    city.fleet.tick(NOON)
    (frame,) = city.fleet.transmissions()

    city.fleet.lose(frame, "ether_away", NOON)
    city.run(NOON + 0.1)
    city.fleet.tick(NOON + 20)

    (failed,) = [event for _, event in city.fleet.events() if event.what == "join.fail"]
    assert "never left: ether_away" in str(failed.fact("reason"))
