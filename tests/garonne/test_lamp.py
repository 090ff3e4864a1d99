"""What the operator reads while a lamp is on its way, each line once."""

from dataclasses import replace

import pytest

from city.commands import NOT_TAKEN, GroupStatus, Status
from garonne.commands.lamp import Story, wanted, way_sentence, where_of
from garonne.errors import Refused
from wire.declared import DeclaredDevice
from wire.eui64 import EUI64

ASKED_AT = 1000.0


def status(state: str, why_not_yet: str = "", **at: float) -> Status:
    return Status(
        id="1",
        dev_eui="00000000000000a1",
        device_type="street-light",
        object={"level": 60},
        why="test",
        requested_by="operator",
        requested_at=ASKED_AT,
        expires_at=ASKED_AT + 60,
        state=state,
        reason="",
        why_not_yet=why_not_yet,
        at=at,
    )


def test_each_step_is_told_once_and_the_reason_while_it_waits() -> None:
    story = Story("lamp-03", {"level": 60}, ASKED_AT)
    queued = status("queued", "class C waits", requested=1000.1, queued=1000.4)

    assert [f"  not yet: {NOT_TAKEN}"] == story.tell(None)
    assert [] == story.tell(None)
    assert [
        "requested        0.1 s",
        "queued           0.4 s",
        "  not yet: class C waits",
    ] == story.tell(queued)
    assert [] == story.tell(queued)
    assert ["  not yet: something else"] == story.tell(
        replace(queued, why_not_yet="something else")
    )


def test_the_end_is_the_lamps_own_word() -> None:
    story = Story("lamp-03", {"level": 60}, ASKED_AT)

    assert [
        "confirmed        8.2 s",
        "lamp-03 is at 60 %: its own report says so, 8.2 s after you asked",
    ] == story.tell(status("confirmed", confirmed=1008.2))


def test_the_way_of_an_order_is_told_with_its_air_time() -> None:
    together = GroupStatus(
        devices=12, grouped=11, gateways=1, airtime_s=0.33, instead_s=1.98
    )
    each = replace(together, grouped=0, airtime_s=1.98)

    assert (
        "one frame to 11 of 12 devices, sent by 1 gateway, 1 told alone as they have no"
        " keys yet: 0.330 s of air instead of 1.980 s"
    ) == way_sentence(together)
    assert "one frame to each of 12 devices: 1.980 s of air" == way_sentence(each)


@pytest.mark.parametrize(
    ("word", "by", "value"),
    [("rue valade", "street", "Rue Valade"), ("NORD", "district", "Nord")],
)
def test_a_word_names_a_street_or_a_district(word: str, by: str, value: str) -> None:
    lamps = [
        DeclaredDevice(
            name=f"lamp-{number}",
            device_type="street-light",
            dev_eui=EUI64(bytes(7) + bytes((number,))),
            join_eui=EUI64(bytes(8)),
            latitude=43.6,
            longitude=1.44,
            street="Rue Valade",
            district="Nord",
            box=False,
        )
        for number in range(2)
    ]

    found = where_of(lamps, word)

    assert ("street-light", by, value) == (found.device_type, found.by, found.value)


def test_a_lamp_is_asked_for_a_level_perhaps_for_some_minutes() -> None:
    assert {"level": 60} == wanted(60, None)
    assert {"level": 0, "minutes": 5} == wanted(0, 5)
    with pytest.raises(Refused, match="--level 60"):
        wanted(None, None)


@pytest.mark.parametrize(("on", "word"), [(True, "on"), (False, "off")])
def test_a_relay_is_on_or_off_at_the_end(on: bool, word: str) -> None:
    story = Story("meter-01", {"on": on}, ASKED_AT)

    assert (
        f"meter-01 is {word}: its own report says so, 2.0 s after you asked"
        == story.tell(status("confirmed", confirmed=1002.0))[-1]
    )
