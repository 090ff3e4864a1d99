"""The words of the command line, told from values."""

from typing import Any

import pytest

from city.objects import Activation
from city.types import read_catalogue
from garonne.commands.device import ago, new_device, tell, waits_for
from garonne.errors import Refused
from garonne.settings import find_home
from provisioning.watch import JoinNews

LABEL = "LW:D0:02746C6A00000001:02746C6C0000000B:00002011:C6F64"
NOTHING: dict[str, Any] = dict.fromkeys(
    ("qr", "dev_eui", "join_eui", "app_key", "device_type", "name")
)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3, "3 s ago"), (125, "2 min ago"), (7300, "2 h ago"), (200_000, "2 d ago")],
)
def test_last_heard_is_told_in_the_largest_whole_unit(
    seconds: float, words: str
) -> None:
    assert words == ago(1e9, 1e9 + seconds)
    assert "never" == ago(None, 1e9)


def test_a_label_says_device_and_type_and_what_is_typed_wins() -> None:
    types = read_catalogue(find_home())

    found = new_device(types, **{**NOTHING, "qr": LABEL, "name": "corner"})
    typed = new_device(types, **{**NOTHING, "qr": LABEL, "device_type": "parking-bay"})

    assert ("02746c6c0000000b", "street-light", "corner") == (
        found.dev_eui,
        found.device_type,
        found.name,
    )
    assert "parking-bay" == typed.device_type


def test_neither_label_nor_dev_eui_is_refused() -> None:
    with pytest.raises(Refused, match="QR code, or --dev-eui"):
        new_device({}, **NOTHING)


def test_news_of_a_join_are_told_with_their_second_and_the_values() -> None:
    joined = JoinNews(kind="joined", at=106.2, sentence="it has joined, as 01")
    values = JoinNews(kind="values", at=108, sentence="it speaks", values={"lux": 4})
    wrong = JoinNews(kind="refused", at=101, sentence="the key is wrong")

    assert ["   6.2 s  it has joined, as 01"] == tell(joined, 100)
    assert ["   8.0 s  it speaks", "          lux              4"] == tell(values, 100)
    assert ["  not yet: the key is wrong"] == tell(wrong, 100)


def test_a_device_with_a_session_is_not_said_to_wait_for_its_join() -> None:
    session = Activation(dev_addr="0102", f_cnt_up=7, n_f_cnt_down=0, a_f_cnt_down=0)

    assert "waiting for its join" == waits_for(None)
    assert "it has joined before, as 0102; waiting for its next report" == waits_for(
        session
    )


def test_decoded_values_are_told_as_people_write_them() -> None:
    values = {"lux": 4.0, "dark": True, "features": ["input", "metering"]}
    news = JoinNews(kind="values", at=108, sentence="it speaks", values=values)

    assert ["4", "yes", "input, metering"] == [
        line.split(maxsplit=1)[1] for line in tell(news, 100)[1:]
    ]
