"""EUIs and xtimes as Basics Station writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import Illegal, Malformed
from wire.eui64 import EUI64
from wire.station import XTime, read_eui, write_eui, write_id6

# The examples of the published glossary, term ID6.
ID6 = {
    "::0": "0000000000000000",
    "1::": "0001000000000000",
    "::a:b": "00000000000a000b",
    "f::1": "000f000000000001",
    "f:a123:f8:100": "000fa12300f80100",
}


@pytest.mark.parametrize(("text", "eui"), ID6.items())
def test_the_published_id6_are_read_and_written(text: str, eui: str) -> None:
    assert EUI64.parse(eui) == read_eui(text)
    assert text == write_id6(EUI64.parse(eui))


def test_an_eui_is_also_octets_with_dashes_or_an_integer() -> None:
    eui = EUI64.parse("91a2b3c4d5e6f708")

    assert eui == read_eui("91-A2-B3-C4-D5-E6-F7-08")
    assert eui == read_eui(0x91A2B3C4D5E6F708)
    assert eui == read_eui(0x91A2B3C4D5E6F708 - 2**64)
    assert "91-a2-b3-c4-d5-e6-f7-08" == write_eui(eui)


@pytest.mark.parametrize(
    "value",
    [
        *("", ":", ":::", "1", "1:2", "1:2:3", "1:2:3:4:5", "1:2:3:4::", "::1::"),
        *("12345::", "g::", "01-02", "0016c001f1500001", 2**64, -(2**63) - 1),
        *(True, None, 1.5, ["::1"], {}),
    ],
)
def test_what_is_no_eui_is_malformed(value: object) -> None:
    with pytest.raises(Malformed):
        read_eui(value)


@given(st.binary(min_size=8, max_size=8))
def test_every_eui_survives_all_three_forms(octets: bytes) -> None:
    eui = EUI64(octets)

    assert eui == read_eui(write_id6(eui))
    assert eui == read_eui(write_eui(eui))
    assert eui == read_eui(int.from_bytes(eui))


def test_an_xtime_is_radio_session_and_microseconds() -> None:
    # Bits 62-56, 55-48 and 47-0.
    parts = XTime(radio=3, session=0xA5, count_us=0x0000_1234_5678)

    assert 0x03A5_0000_1234_5678 == int(parts)
    assert parts == XTime.of(0x03A5_0000_1234_5678)


@pytest.mark.parametrize(
    ("radio", "session", "count_us"),
    [(0, 0, 1), (128, 1, 1), (0, 256, 1), (0, 1, 2**48)],
)
def test_an_xtime_that_does_not_fit_is_illegal(
    radio: int, session: int, count_us: int
) -> None:
    with pytest.raises(Illegal):
        int(XTime(radio=radio, session=session, count_us=count_us))
