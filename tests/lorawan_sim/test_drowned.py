"""A downlink is heard at its end, unless another one drowned it on the way."""

from tests.lorawan_sim.network import CARD, CLASS_C, NOON, Network, Script, rx1

from lorawan_sim.device import Device
from lorawan_sim.fleet import Fleet
from wire.air import AirFrame
from wire.radio.plan import RadioPlan


class City:
    """One class C lamp that has joined, by way of its fleet."""

    def __init__(self, **radio: str) -> None:
        self.script = Script()
        self.network = Network(rx2_data_rate=3)
        self.fleet = Fleet(radio=RadioPlan(**radio))  # type: ignore[arg-type] # two texts
        self.fleet.add(Device(CARD, self.script, CLASS_C), starts_at=NOON)
        self.fleet.tick(NOON)
        [request] = self.fleet.transmissions()
        [self.accept] = self.network.hear(request)

    def hear(self, *frames: AirFrame) -> None:
        """Put frames on the air as they start, and let them end."""
        for frame in sorted(frames, key=lambda one: one.start_s):
            self.fleet.receive(frame, frame.start_s)
        for frame in sorted(frames, key=lambda one: one.end_s):
            self.fleet.tick(frame.end_s)

    def joined(self) -> "City":
        self.hear(self.accept)
        assert 1 == self.fleet.joined
        return self

    def command(self, start_s: float, power_dbm: float = 16) -> AirFrame:
        phy = self.network.down(b"\x3c", f_port=60)
        frame = rx1(self.accept, phy)
        return frame._replace(
            start_s=start_s,
            frequency_hz=869_525_000,
            spreading_factor=9,
            power_dbm=power_dbm,
        )


def test_a_join_accept_is_heard_when_it_ends() -> None:
    city = City()
    city.fleet.receive(city.accept, city.accept.start_s - 0.04)
    city.fleet.tick(city.accept.end_s - 0.001)
    assert 0 == city.fleet.joined

    assert city.fleet.next_deadline() == city.accept.end_s
    city.fleet.tick(city.accept.end_s)

    assert 1 == city.fleet.joined


def test_the_second_window_does_not_close_on_a_long_first_answer() -> None:
    city = City()
    long = city.accept._replace(airtime_s=2.5)

    city.fleet.receive(long, long.start_s)
    while (at := city.fleet.next_deadline()) is not None and at <= long.end_s:
        city.fleet.tick(at)

    assert 1 == city.fleet.joined


def test_two_gateways_in_one_window_drown_each_other() -> None:
    city = City(profile="ns3")

    city.hear(city.accept, city.accept._replace(phy_payload=b"\x60" + bytes(16)))

    assert 0 == city.fleet.joined


def test_the_much_stronger_gateway_is_heard() -> None:
    city = City(profile="ns3")
    weaker = city.accept._replace(power_dbm=city.accept.power_dbm - 10)

    city.hear(city.accept, weaker)

    assert 1 == city.fleet.joined


def test_what_starts_later_can_still_drown_a_command() -> None:
    city = City(profile="ns3").joined()
    at_s = city.accept.end_s + 5
    first = city.command(at_s)

    city.hear(first, city.command(at_s + first.airtime_s / 4))
    assert [] == city.script.inbox
    city.hear(city.command(at_s + 10))

    assert [(60, b"\x3c")] == city.script.inbox


def test_another_channel_does_no_harm() -> None:
    city = City(profile="ns3").joined()
    command = city.command(city.accept.end_s + 5)

    city.hear(command, command._replace(frequency_hz=868_100_000))

    assert [(60, b"\x3c")] == city.script.inbox
