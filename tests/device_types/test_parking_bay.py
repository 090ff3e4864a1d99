"""A parking bay tells who stands in it, when that changes."""

from datetime import UTC, datetime
from itertools import pairwise

from lorawan_sim.behaviour import Message
from lorawan_sim.devices import maker
from lorawan_sim.devices.parking_bay import SHORTEST_PERIOD_S, ParkingBay
from lorawan_sim.world import SimulatedWorld
from wire.lorawan.airtime import lora_airtime_s

START = 1_768_000_000.0
NOON = datetime(2026, 1, 16, 12, 0, tzinfo=UTC).timestamp()
STATUS, HEARTBEAT, STARTUP = 1, 2, 3


def bay(
    *, cars_per_hour: float = 2.0, speed: float = 1.0
) -> tuple[ParkingBay, SimulatedWorld]:
    world = SimulatedWorld(
        seed=1,
        starts_at=START,
        begins=NOON,
        speed=speed,
        cars_per_hour=cars_per_hour,
    )
    made = maker("parking-bay")(seed=5, world=world, latitude=43.6, longitude=1.44)
    assert isinstance(made, ParkingBay)
    return made, world


def live(device: ParkingBay, seconds: float) -> list[tuple[float, Message]]:
    """Let the bay live from its join on; return what it said and when."""
    device.joined(START)
    said = [(START, one) for one in device.uplinks()]
    while (due := device.next_deadline()) is not None and due <= START + seconds:
        device.tick(due)
        said += [(due, one) for one in device.uplinks()]
    return said


def test_it_says_at_once_that_it_has_started() -> None:
    device, _ = bay()

    ((_, message),) = live(device, 0)

    assert (STARTUP, 17) == (message.f_port, len(message.payload))


def test_each_change_is_told_once_and_soon() -> None:
    device, world = bay(cars_per_hour=4)

    told = [
        (time, message.payload)
        for time, message in live(device, 86_000)
        if message.f_port == STATUS
    ]

    states = [payload for _, payload in told]
    assert len(states) > 4
    assert all(a != b for a, b in pairwise(states))
    cars = world.cars(5)
    for time, payload in told:
        # What is told was so some seconds ago, when it changed.
        assert bool(payload[0]) == cars.present(world.time(time - 1.5))


def test_it_lives_once_a_day() -> None:
    device, _ = bay(cars_per_hour=1e-6)

    said = live(device, 3 * 86_400 + 60)

    beats = [time for time, one in said if one.f_port == HEARTBEAT]
    assert [START + day * 86_400 for day in (1, 2, 3)] == beats
    assert all(2 == len(one.payload) for _, one in said if one.f_port == HEARTBEAT)


def test_a_faster_world_brings_more_cars() -> None:
    slow, fast = bay(speed=1)[0], bay(speed=60)[0]

    assert len(live(slow, 3600)) < len(live(fast, 3600))


def test_a_faster_world_is_told_within_the_duty_cycle() -> None:
    device, _ = bay(speed=600)

    times = [time for time, one in live(device, 3600) if one.f_port == STATUS]

    assert len(times) > 20
    assert all(b - a >= SHORTEST_PERIOD_S for a, b in pairwise(times))
    told_s = lora_airtime_s(14, spreading_factor=9, bandwidth_hz=125_000)
    assert told_s / SHORTEST_PERIOD_S <= 0.01


def test_it_ignores_what_comes_down() -> None:
    device, _ = bay()
    device.joined(START)
    device.uplinks()

    device.received(1, b"\x01", START + 1)

    assert [] == device.uplinks()


def test_its_battery_wears_out_slowly() -> None:
    device, _ = bay(cars_per_hour=1e-6)
    device.joined(START)
    assert 254 == device.battery

    device.tick(START + 2.5 * 365.25 * 86_400)

    assert 127 == device.battery
    device.tick(START + 9 * 365.25 * 86_400)
    assert 1 == device.battery


def test_the_same_seed_says_the_same() -> None:
    assert live(bay()[0], 20_000) == live(bay()[0], 20_000)
