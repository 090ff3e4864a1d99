"""A metered relay measures, switches when told, and opens by itself."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chirpstack_embedded.codec import Codec, DecodedObject, EncodedPayload
from lorawan_sim.devices import maker
from lorawan_sim.devices.metered_relay import behaviour
from lorawan_sim.world import SimulatedWorld

CODEC = Codec()
SCRIPT = (
    Path(__file__).parents[2] / "chirpstack/device-types/metered-relay/codec.js"
).read_text("utf-8")
START = 1_768_000_000.0
NIGHT = datetime(2026, 1, 16, 3, 0, tzinfo=UTC).timestamp()
NOON = datetime(2026, 1, 16, 12, 0, tzinfo=UTC).timestamp()


class Cabinet:
    """A relay in its cabinet, and everything it has said, decoded."""

    def __init__(self, *, begins: float = NOON, seed: int = 7) -> None:
        self.now = START
        world = SimulatedWorld(seed=1, starts_at=START, begins=begins)
        self.relay = behaviour(seed=seed, world=world, latitude=43.6, longitude=1.44)
        self.said: list[dict[str, Any]] = []
        self.relay.joined(self.now)
        self._listen()

    def pass_time(self, seconds: float) -> list[dict[str, Any]]:
        """Let time pass; return what it said."""
        before, until = len(self.said), self.now + seconds
        while (due := self.relay.next_deadline()) is not None and due <= until:
            self.now = max(self.now, due)
            self.relay.tick(self.now)
            self._listen()
        self.now = until
        return self.said[before:]

    def tell(self, command: dict[str, Any]) -> list[dict[str, Any]]:
        """Send it what the codec makes of a command; return what it says at once."""
        found = CODEC.encode(SCRIPT, command, {})
        assert isinstance(found, EncodedPayload), found
        assert found.f_port is not None
        return self.send(found.f_port, found.data)

    def send(self, f_port: int, payload: bytes) -> list[dict[str, Any]]:
        before = len(self.said)
        self.relay.received(f_port, payload, self.now)
        self._listen()
        return self.said[before:]

    def _listen(self) -> None:
        for message in self.relay.uplinks():
            assert len(message.payload) <= 51
            found = CODEC.decode(SCRIPT, message.f_port, message.payload, self.now, {})
            assert isinstance(found, DecodedObject), found
            self.said.append(found.object)


def kinds(said: list[dict[str, Any]]) -> list[str]:
    return [one["message"] for one in said]


def measured(said: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in said if one["message"] == "measurement"]


def test_it_says_at_once_who_it_is_and_how_it_stands() -> None:
    cabinet = Cabinet()

    assert ["information", "state"] == kinds(cabinet.said)
    assert ("C", True) == (cabinet.said[0]["device_class"], cabinet.said[1]["on"])


def test_it_measures_every_quarter_of_an_hour() -> None:
    found = measured(Cabinet().pass_time(60 + 3 * 900))

    assert [1, 2, 3, 4] == [one["index"] for one in found]


@pytest.mark.parametrize("on", [True, False])
def test_a_command_is_acknowledged_at_once_and_its_state_follows(
    on: bool,
) -> None:
    cabinet = Cabinet()

    said = cabinet.tell({"on": on})
    later = cabinet.pass_time(5)

    assert "acknowledgement" == said[0]["message"]
    assert [{"message": "state", "on": on}] == later


def test_switching_tells_why() -> None:
    cabinet = Cabinet()

    (_, opened) = cabinet.tell({"on": False})
    cabinet.pass_time(5)
    (_, closed) = cabinet.tell({"on": True})

    assert "network" == opened["off_reason"] == closed["on_reason"]
    assert opened["off_power_w"] > 100


def test_an_open_relay_lets_nothing_through() -> None:
    cabinet = Cabinet()
    cabinet.pass_time(60)
    cabinet.tell({"on": False})
    before, after = measured(cabinet.pass_time(1800))

    assert before["power_w"] == after["power_w"] == 2
    assert after["energy_import_t1_wh"] - before["energy_import_t1_wh"] <= 1


def test_energy_is_power_by_time() -> None:
    cabinet = Cabinet()
    first, *_, last = measured(cabinet.pass_time(60 + 4 * 900))

    used_wh = last["energy_import_t1_wh"] - first["energy_import_t1_wh"]
    mean_w = (first["power_w"] + last["power_w"]) / 2
    assert pytest.approx(mean_w, rel=0.1) == used_wh


def test_nights_draw_less_than_noons() -> None:
    night, noon = (measured(Cabinet(begins=b).pass_time(60)) for b in (NIGHT, NOON))

    assert night[0]["power_w"] * 3 < noon[0]["power_w"]


def test_above_its_limit_it_opens_and_waits_for_a_reset() -> None:
    cabinet = Cabinet()
    cabinet.tell({"current_limit_a": 0.5})

    said = cabinet.pass_time(65)
    reset = cabinet.tell({"reset": True})

    assert ["measurement", "switching", "state"] == kinds(said)
    assert ("current-limit", False) == (said[1]["off_reason"], said[2]["on"])
    assert "network-reset" == reset[1]["on_reason"]


def test_a_request_for_its_state_is_answered_by_a_state() -> None:
    cabinet = Cabinet()

    told = cabinet.tell({"request": "on"})

    assert {"message": "information", "on": True} == told[1]
    assert ["state"] == kinds(cabinet.pass_time(5))


def test_a_limit_is_told_as_it_was_set() -> None:
    cabinet = Cabinet()
    cabinet.tell({"current_limit_a": 12.5, "fallback_reset_amount": 4})

    (_, limit) = cabinet.tell({"request": "current_limit_a"})
    (_, resets) = cabinet.tell({"request": "fallback_reset_amount"})

    assert 12.5 == limit["current_limit_a"]
    assert 4 == resets["fallback_reset_amount"]


def test_it_measures_as_often_as_it_is_told_and_starts_again() -> None:
    cabinet = Cabinet()
    cabinet.tell({"report_every_min": 1})

    assert 10 == len(measured(cabinet.pass_time(600)))
    cabinet.tell({"restart": True})
    assert ["information", "state"] == kinds(cabinet.pass_time(2))[:2]


@pytest.mark.parametrize(
    ("f_port", "payload"),
    [
        (50, ""),
        (60, "074801"),
        (50, "074802"),
        (50, "0748"),
        (50, "020bee"),
        (50, "09"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    f_port: int, payload: str
) -> None:
    cabinet = Cabinet()

    said = cabinet.send(f_port, bytes.fromhex(payload))

    assert [{"message": "acknowledgement", "done": False}] == said
    assert [] == [one for one in cabinet.pass_time(5) if one["message"] == "state"]


def test_it_hangs_on_the_mains_and_is_found_by_its_type() -> None:
    world = SimulatedWorld(seed=1, starts_at=START, begins=NOON)
    found = maker("metered-relay")(seed=1, world=world, latitude=43.6, longitude=1.4)

    assert 0 == found.battery


def test_the_same_seed_says_the_same() -> None:
    one, two, other = Cabinet(), Cabinet(), Cabinet(seed=8)
    for cabinet in (one, two, other):
        cabinet.pass_time(7200)

    assert one.said == two.said != other.said


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=12), max_size=6))
def test_whatever_comes_down_it_goes_on(downlinks: list[bytes]) -> None:
    cabinet = Cabinet()
    for payload in downlinks:
        cabinet.send(50, payload)
        cabinet.pass_time(3)

    assert "acknowledgement" == cabinet.tell({"on": True})[0]["message"]
    assert cabinet.pass_time(5)[-1] == {"message": "state", "on": True}
