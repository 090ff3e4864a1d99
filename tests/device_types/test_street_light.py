"""A street light reports, obeys, and comes back by itself."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chirpstack_embedded.codec import Codec, DecodedObject
from lorawan_sim.devices import maker
from lorawan_sim.devices.street_light import NIGHT_LEVEL, StreetLight, behaviour
from lorawan_sim.world import SimulatedWorld

CODEC = Codec()
SCRIPT = (
    Path(__file__).parents[2] / "chirpstack/device-types/street-light/codec.js"
).read_text("utf-8")
START = 1_768_000_000.0
EVENING = datetime(2026, 1, 16, 20, 0, tzinfo=UTC).timestamp()
NOON = datetime(2026, 1, 16, 12, 0, tzinfo=UTC).timestamp()


class Street:
    """A lamp, the world around it, and everything it has said, decoded."""

    def __init__(
        self,
        *,
        begins: float = EVENING,
        speed: float = 1.0,
        people_per_hour: float = 1e-6,
        seed: int = 7,
    ) -> None:
        self.now = START
        self.world = SimulatedWorld(
            seed=1,
            starts_at=START,
            begins=begins,
            speed=speed,
            people_per_hour=people_per_hour,
        )
        self.lamp = behaviour(
            seed=seed, world=self.world, latitude=43.6, longitude=1.44
        )
        self.said: list[dict[str, Any]] = []
        self.times: list[float] = []
        self.lamp.joined(self.now)
        self._listen()

    def pass_time(self, seconds: float) -> list[dict[str, Any]]:
        """Let time pass, waking the lamp when it wants; return what it said."""
        before, until = len(self.said), self.now + seconds
        while (due := self.lamp.next_deadline()) is not None and due <= until:
            self.now = max(self.now, due)
            self.lamp.tick(self.now)
            self._listen()
        self.now = until
        return self.said[before:]

    def tell(self, payload: str, f_port: int = 60) -> list[dict[str, Any]]:
        """Send it a downlink; return what it says at once."""
        before = len(self.said)
        self.lamp.received(f_port, bytes.fromhex(payload), self.now)
        self._listen()
        return self.said[before:]

    def _listen(self) -> None:
        for message in self.lamp.uplinks():
            found = CODEC.decode(SCRIPT, message.f_port, message.payload, self.now, {})
            assert isinstance(found, DecodedObject), found
            self.said.append(found.object)
            self.times.append(self.now)


def statuses(said: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in said if one["message"] == "status"]


def test_it_says_at_once_who_it_is_and_how_it_is() -> None:
    street = Street()

    assert ["boot", "status"] == [one["message"] for one in street.said]
    assert [START, START] == street.times


def test_after_dark_it_is_at_its_night_level() -> None:
    (status,) = statuses(Street().said)

    assert (NIGHT_LEVEL, "light-0", True) == (
        status["level"],
        status["reason"],
        status["lamp_on"],
    )


def test_by_day_it_is_off() -> None:
    (status,) = statuses(Street(begins=NOON).said)

    assert (0, "light-1", False) == (
        status["level"],
        status["reason"],
        status["lamp_on"],
    )
    assert status["lux"] > 1000


def test_dusk_switches_it_on_once_and_is_reported() -> None:
    street = Street(begins=NOON, speed=120)

    said = statuses(street.pass_time(6 * 3600 / 120))

    assert [(NIGHT_LEVEL, "light-0")] == [(s["level"], s["reason"]) for s in said]


@pytest.mark.parametrize("level", [0, 1, 60, 100])
def test_a_command_is_echoed_at_once_and_reported_within_ten_seconds(
    level: int,
) -> None:
    street = Street()
    street.pass_time(5)

    echo = street.tell(f"01fe{level:02x}")
    (status,) = statuses(street.pass_time(10))

    assert [("dimming", level)] == [(one["message"], one["level"]) for one in echo]
    assert (level, "manual", level > 0) == (
        status["level"],
        status["reason"],
        status["lamp_on"],
    )


def test_a_command_that_changes_nothing_is_reported_too() -> None:
    street = Street()
    street.tell("01fe50")
    street.pass_time(11)

    street.tell("01fe50")

    assert [80] == [one["level"] for one in statuses(street.pass_time(11))]


def test_two_commands_in_a_row_make_one_report_of_the_last() -> None:
    street = Street()

    street.tell("01fe50")
    street.tell("01fe0a")

    assert [10] == [one["level"] for one in statuses(street.pass_time(11))]


def test_timed_light_ends_by_itself() -> None:
    street = Street()

    street.tell("09fe6401")
    bright, dim = statuses(street.pass_time(75))

    assert (100, "manual") == (bright["level"], bright["reason"])
    assert (NIGHT_LEVEL, "light-0") == (dim["level"], dim["reason"])
    assert START + 60 <= street.times[-1] <= START + 70


def test_a_later_command_ends_the_timer() -> None:
    street = Street()

    street.tell("09fe6401")
    street.tell("01fe32")

    assert {50} == {one["level"] for one in statuses(street.pass_time(120))}


def test_resume_leads_back_to_the_profile() -> None:
    street = Street()
    street.tell("01fe64")
    street.pass_time(11)

    street.tell("01feff")

    (status,) = statuses(street.pass_time(11))
    assert (NIGHT_LEVEL, "light-0") == (status["level"], status["reason"])


def test_what_was_set_by_hand_ends_with_the_night() -> None:
    street = Street(begins=EVENING, speed=120)
    street.tell("01fe64")

    said = statuses(street.pass_time(16 * 3600 / 120))

    assert (0, "light-1") == (said[-1]["level"], said[-1]["reason"])


def test_dusk_does_not_undo_what_was_just_set_by_hand() -> None:
    street = Street(begins=NOON, speed=120)
    dark_s = next(
        second
        for second in range(6 * 30)
        if street.world.lux(43.6, 1.44, START + second) < 8
    )
    street.pass_time(dark_s - 5)
    street.tell("01fe64")

    soon = statuses(street.pass_time(20))
    late = statuses(street.pass_time(60))

    assert {(100, "manual")} == {(one["level"], one["reason"]) for one in soon}
    assert (NIGHT_LEVEL, "light-0") == (late[-1]["level"], late[-1]["reason"])


def test_a_timer_outlives_the_dusk() -> None:
    street = Street(begins=NOON, speed=120)
    street.pass_time(5 * 30)
    street.tell("09fe6404")

    said = statuses(street.pass_time(200))

    assert {"manual"} == {one["reason"] for one in said}


def test_a_status_request_is_answered_at_once() -> None:
    assert ["request", "status"] == [one["message"] for one in Street().tell("0502")]
    assert ["request", "usage"] == [one["message"] for one in Street().tell("0501")]


@pytest.mark.parametrize(
    ("f_port", "payload", "reason"),
    [
        (60, "7f", "unsupported-header"),
        (60, "01fe65", "value"),
        (60, "01fe", "size"),
        (60, "0164", "size"),
        (60, "010a64", "address-unavailable"),
        (60, "05", "too-short"),
        (60, "05ff", "feature-unavailable"),
        (50, "0701000000", "value"),
        (50, "07ffffffff00", "too-long"),
        (7, "00", "unknown-port"),
        (60, "", "too-short"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(
    f_port: int, payload: str, reason: str
) -> None:
    street = Street()

    (answer,) = street.tell(payload, f_port)

    assert ("rejection", f_port, reason) == (
        answer["message"],
        answer["f_port"],
        answer["reason"],
    )
    assert [] == statuses(street.pass_time(11))


def test_movement_after_dark_is_told_with_light_and_level() -> None:
    street = Street(people_per_hour=400)

    said = statuses(street.pass_time(120))

    assert said
    assert said[0]["motion"]
    assert said[0]["lux"] < 10


def test_movement_is_told_at_most_every_three_minutes() -> None:
    street = Street(people_per_hour=2000)

    street.pass_time(3600)

    moved = [
        time
        for time, one in zip(street.times, street.said, strict=True)
        if one["message"] == "status" and one["motion"]
    ]
    periodic = 3600 / 900
    assert 15 <= len(moved) <= 3600 / 180 + 1 + periodic


def test_a_status_comes_every_quarter_of_an_hour_unless_told_otherwise() -> None:
    street = Street()
    street.pass_time(900)
    assert 3 <= len(statuses(street.pass_time(3600))) <= 4

    street.tell("0758020000", 50)

    assert 6 == len(statuses(street.pass_time(3600)))


def test_usage_counts_what_the_lamp_takes() -> None:
    street = Street()
    street.tell("01fe64")
    street.pass_time(3600)

    (_, usage) = street.tell("0501")

    assert pytest.approx(1.2 + 3 + 45, abs=1) == usage["power_w"]
    assert pytest.approx(usage["power_w"], abs=1) == usage["energy_wh"]
    assert pytest.approx(3600, abs=1) == usage["lamp_on_s"]


def test_a_broken_lamp_raises_an_alarm_and_takes_no_power() -> None:
    street = Street()

    street.lamp.fail(street.now)
    street._listen()
    street.pass_time(11)

    alarm, status = street.said[-2:]
    assert ("driver", ["lamp-failure"]) == (alarm["alarm"], alarm["faults"])
    assert (False, NIGHT_LEVEL) == (status["lamp_on"], status["level"])
    assert "lamp-failure" in status["faults"]
    assert 1 == street.tell("0501")[-1]["power_w"]


def test_the_strength_of_the_last_downlink_is_told() -> None:
    street = Street()
    street.lamp.heard(-97.4, 6.6)

    (_, status) = street.tell("0502")

    assert (-97, 7) == (status["downlink_rssi_dbm"], status["downlink_snr_db"])


def test_the_same_seed_says_the_same() -> None:
    one, two = (Street(people_per_hour=60) for _ in range(2))
    other = Street(people_per_hour=60, seed=8)

    one.pass_time(3600)
    two.pass_time(3600)
    other.pass_time(3600)

    assert one.said == two.said != other.said


def test_a_second_join_says_again_who_it_is() -> None:
    street = Street()
    street.tell("01fe64")
    street.pass_time(60)

    street.lamp.joined(street.now)
    street._listen()

    boot, status = street.said[-2:]
    assert ("boot", 100) == (boot["message"], status["level"])


def test_it_is_found_by_its_type() -> None:
    lamp = maker("street-light")(
        seed=1, world=Street().world, latitude=43.6, longitude=1.4
    )

    assert isinstance(lamp, StreetLight)
    assert 0 == lamp.battery
    with pytest.raises(LookupError, match="toaster"):
        maker("toaster")


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([50, 60, 61]), st.binary(max_size=8)), max_size=6
    )
)
def test_whatever_comes_down_it_goes_on(downlinks: list[tuple[int, bytes]]) -> None:
    street = Street()
    for f_port, payload in downlinks:
        street.tell(payload.hex(), f_port)
        street.pass_time(3)

    (*_, status) = street.tell("0502")
    assert 0 <= status["level"] <= 100
