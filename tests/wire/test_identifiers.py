import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import Illegal, Malformed, WireError
from wire.eui64 import EUI64
from wire.lorawan.ids import DevAddr, NetID
from wire.lorawan.keys import Key, SessionKeys


@pytest.mark.parametrize(
    "text",
    [
        "a81758fffe0301c4",
        "A81758FFFE0301C4",
        "a8-17-58-ff-fe-03-01-c4",
        "A8:17:58:FF:FE:03:01:C4",
        " a81758fffe0301c4\n",
    ],
)
def test_an_eui_reads_however_people_write_it(text: str) -> None:
    assert "a81758fffe0301c4" == str(EUI64.parse(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a81758fffe0301",
        "a81758fffe0301c4c4",
        "g81758fffe0301c4",
        "a8 1758fffe0301c4",
    ],
)
def test_a_wrong_eui_is_malformed_and_quoted(text: str) -> None:
    with pytest.raises(Malformed, match="16 hexadecimal digits"):
        EUI64.parse(text)


@given(st.binary(min_size=8, max_size=8))
def test_the_air_reverses_the_octets(octets: bytes) -> None:
    eui = EUI64(octets)

    assert octets[::-1] == eui.to_le()
    assert eui == EUI64.from_le(eui.to_le())
    assert eui == EUI64.parse(str(eui))


@given(st.text(max_size=24))
def test_no_text_breaks_the_parsers(text: str) -> None:
    for identifier in (EUI64, DevAddr, NetID, Key):
        try:
            identifier.parse(text)
        except Malformed:
            continue


def test_the_wrong_number_of_octets_is_illegal_when_we_build() -> None:
    with pytest.raises(Illegal, match="DevAddr has 4 octets, not 3"):
        DevAddr(b"abc")


def test_the_wrong_number_of_octets_is_malformed_when_they_send() -> None:
    with pytest.raises(Malformed, match="NetID has 3 octets, not 4"):
        NetID.from_le(b"abcd")


def test_both_faults_are_wire_errors() -> None:
    assert issubclass(Illegal, WireError)
    assert issubclass(Malformed, WireError)


def test_an_identifier_prints_as_the_network_prints_it() -> None:
    assert "DevAddr(01a7c3e5)" == repr(DevAddr.parse("01A7C3E5"))
    assert "01a7c3e5" == f"{DevAddr.parse('01A7C3E5')}"


def test_an_identifier_is_a_key_of_mappings_and_travels() -> None:
    eui = EUI64.parse("a81758fffe0301c4")

    assert {eui: 1} == {EUI64(bytes(eui)): 1}
    assert eui == pickle.loads(pickle.dumps(eui))  # noqa: S301 -- our own bytes


SECRET = "2b7e151628aed2a6abf7158809cf4f3c"


@pytest.mark.parametrize("form", ["{}", "{!r}", "{!s}", "{0:>8}"])
def test_a_key_never_shows_its_octets(form: str) -> None:
    key = Key.parse(SECRET)
    keys = SessionKeys(nwk_s_key=key, app_s_key=key)

    for shown in (form.format(key), repr([key]), repr({key: key}), repr(keys)):
        assert SECRET not in shown
        assert "\\x" not in shown


def test_a_wrong_key_is_not_quoted() -> None:
    with pytest.raises(Malformed) as fault:
        Key.parse(SECRET[:-1])

    assert SECRET[:-1] not in str(fault.value)


def test_a_key_says_its_octets_only_when_asked() -> None:
    assert SECRET == Key.parse(SECRET).hex()
