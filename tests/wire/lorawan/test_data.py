import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import Illegal, Malformed
from wire.lorawan.data import DataFrame
from wire.lorawan.fhdr import FCtrl
from wire.lorawan.ids import DevAddr
from wire.lorawan.keys import Key
from wire.lorawan.mhdr import Direction, MType, m_type_of
from wire.lorawan.session import Session

SESSION = Session(
    dev_addr=DevAddr.parse("01a7c3e5"),
    nwk_s_key=Key(b"n" * 16),
    app_s_key=Key(b"a" * 16),
)
UP_BITS = st.builds(
    FCtrl,
    adr=st.booleans(),
    adr_ack_req=st.booleans(),
    ack=st.booleans(),
    class_b=st.booleans(),
)
DOWN_BITS = st.builds(
    FCtrl, adr=st.booleans(), ack=st.booleans(), f_pending=st.booleans()
)
COUNTERS = st.integers(0, 0xFFFFFFFF)
PAYLOADS = st.binary(max_size=227)


@given(
    f_ctrl=UP_BITS,
    f_cnt=COUNTERS,
    f_port=st.integers(1, 255),
    payload=PAYLOADS,
    f_opts=st.binary(max_size=15),
    confirmed=st.booleans(),
)
def test_what_a_device_builds_a_server_reads(
    *,
    f_ctrl: FCtrl,
    f_cnt: int,
    f_port: int,
    payload: bytes,
    f_opts: bytes,
    confirmed: bool,
) -> None:
    phy_payload = SESSION.uplink(
        f_cnt=f_cnt,
        f_port=f_port,
        payload=payload,
        f_opts=f_opts,
        f_ctrl=f_ctrl,
        confirmed=confirmed,
    )
    frame = DataFrame.parse(phy_payload)

    assert SESSION.verify(phy_payload, f_cnt)
    assert payload == SESSION.decrypt(frame, f_cnt)
    assert (f_ctrl, f_opts, f_port) == (frame.f_ctrl, frame.f_opts, frame.f_port)
    assert (Direction.UP, confirmed) == (frame.direction, frame.confirmed)
    assert f_cnt & 0xFFFF == frame.f_cnt_16
    assert phy_payload == bytes(frame)


@given(f_ctrl=DOWN_BITS, f_cnt=COUNTERS, payload=PAYLOADS, confirmed=st.booleans())
def test_what_a_server_builds_a_device_reads(
    *, f_ctrl: FCtrl, f_cnt: int, payload: bytes, confirmed: bool
) -> None:
    phy_payload = SESSION.downlink(
        f_cnt=f_cnt, f_port=10, payload=payload, f_ctrl=f_ctrl, confirmed=confirmed
    )
    frame = DataFrame.parse(phy_payload)

    assert SESSION.verify(phy_payload, f_cnt)
    assert payload == SESSION.decrypt(frame, f_cnt)
    assert (Direction.DOWN, f_ctrl) == (frame.direction, frame.f_ctrl)
    assert phy_payload == bytes(frame)


@given(st.binary(max_size=80))
def test_any_octets_are_a_frame_or_malformed(octets: bytes) -> None:
    try:
        frame = DataFrame.parse(octets)
    except Malformed:
        return
    assert len(octets) == len(bytes(frame))


@given(st.binary(min_size=12, max_size=80), COUNTERS)
def test_a_frame_read_from_any_octets_can_be_judged(octets: bytes, f_cnt: int) -> None:
    phy_payload = b"\x40" + octets[1:]
    try:
        frame = DataFrame.parse(phy_payload)
    except Malformed:
        return
    SESSION.verify(phy_payload, f_cnt)
    assert len(frame.frm_payload) == len(SESSION.decrypt(frame, f_cnt))


@given(COUNTERS, st.integers(0, 15))
def test_no_flipped_octet_passes(f_cnt: int, at: int) -> None:
    phy_payload = bytearray(SESSION.uplink(f_cnt=f_cnt, f_port=2, payload=b"abc"))
    phy_payload[at] ^= 0x10

    assert not SESSION.verify(bytes(phy_payload), f_cnt)


def test_the_upper_half_of_the_counter_is_in_the_mic() -> None:
    phy_payload = SESSION.uplink(f_cnt=70_000, f_port=2, payload=b"abc")

    assert not SESSION.verify(phy_payload, 70_000 & 0xFFFF)


def test_no_port_differs_from_a_port_without_payload() -> None:
    bare = DataFrame.parse(SESSION.uplink(f_cnt=1))
    empty = DataFrame.parse(SESSION.uplink(f_cnt=1, f_port=1))

    assert (None, b"") == (bare.f_port, bare.frm_payload)
    assert (1, b"") == (empty.f_port, empty.frm_payload)


def test_port_0_is_encrypted_with_the_network_key() -> None:
    phy_payload = SESSION.uplink(f_cnt=1, f_port=0, payload=b"\x02")
    other = Session(
        dev_addr=SESSION.dev_addr,
        nwk_s_key=SESSION.nwk_s_key,
        app_s_key=Key(b"x" * 16),
    )

    assert b"\x02" == other.decrypt(DataFrame.parse(phy_payload), 1)


def test_commands_in_two_places_are_malformed() -> None:
    octets = bytes.fromhex("40e5c3a701010000" + "02" + "00" + "02" + "00000000")

    with pytest.raises(Malformed, match="two places"):
        DataFrame.parse(octets)


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        ("", "12 to 255 octets, not 0"),
        ("40e5c3a7010000000000", "12 to 255 octets, not 10"),
        ("40" * 256, "12 to 255 octets, not 256"),
        ("00e5c3a70100000000000000", "does not open a data frame"),
        ("c0e5c3a70100000000000000", "does not open a data frame"),
        ("41e5c3a70100000000000000", "does not open a data frame"),
        ("40e5c3a7010f000000000000", "FOptsLen 15 exceeds"),
    ],
)
def test_a_malformed_frame_says_why(octets: str, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        DataFrame.parse(bytes.fromhex(octets))


def test_a_counter_beyond_32_bits_is_illegal() -> None:
    with pytest.raises(Illegal, match="32 bits"):
        SESSION.uplink(f_cnt=1 << 32)


def test_a_payload_needs_a_port() -> None:
    with pytest.raises(Illegal, match="needs an FPort"):
        SESSION.uplink(f_cnt=0, payload=b"abc")


def test_a_port_has_eight_bits() -> None:
    with pytest.raises(Illegal, match="FPort has 8 bits"):
        SESSION.uplink(f_cnt=0, f_port=256, payload=b"abc")


@pytest.mark.parametrize(("payload", "f_opts"), [(243, 0), (228, 15), (300, 0)])
def test_no_frame_is_longer_than_the_radio_can_send(payload: int, f_opts: int) -> None:
    with pytest.raises(Illegal, match="242 octets"):
        SESSION.uplink(f_cnt=0, f_port=1, payload=bytes(payload), f_opts=bytes(f_opts))


def test_the_longest_frame_has_255_octets() -> None:
    assert 255 == len(SESSION.uplink(f_cnt=0, f_port=1, payload=bytes(242)))


def test_f_opts_hold_fifteen_octets() -> None:
    with pytest.raises(Illegal, match="15 octets, not 16"):
        SESSION.downlink(f_cnt=0, f_opts=bytes(16))


def test_port_0_and_f_opts_exclude_each_other() -> None:
    with pytest.raises(Illegal, match="cannot both"):
        SESSION.downlink(f_cnt=0, f_port=0, payload=b"\x06", f_opts=b"\x06")


def test_a_bit_of_the_other_direction_is_illegal() -> None:
    with pytest.raises(Illegal, match="FPending"):
        SESSION.uplink(f_cnt=0, f_ctrl=FCtrl(f_pending=True))
    with pytest.raises(Illegal, match="ADRACKReq"):
        SESSION.downlink(f_cnt=0, f_ctrl=FCtrl(adr_ack_req=True))


def test_only_data_types_make_a_data_frame() -> None:
    frame = DataFrame(
        m_type=MType.PROPRIETARY,
        dev_addr=SESSION.dev_addr,
        f_ctrl=FCtrl(),
        f_cnt_16=0,
        f_opts=b"",
        f_port=None,
        frm_payload=b"",
        mic=bytes(4),
    )

    with pytest.raises(Illegal, match="PROPRIETARY"):
        bytes(frame)


def test_a_session_shows_no_key() -> None:
    assert "Session(01a7c3e5)" == repr(SESSION)


@given(st.binary(max_size=3))
def test_the_message_type_is_read_from_any_octets(octets: bytes) -> None:
    try:
        m_type = m_type_of(octets)
    except Malformed:
        assert not octets or octets[0] & 3
    else:
        assert m_type == octets[0] >> 5
