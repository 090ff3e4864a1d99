"""Datagrams of a packet forwarder, both ways, and whatever else comes on the port."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import Illegal, Malformed
from wire.eui64 import EUI64
from wire.semtech import (
    Packet,
    PullAck,
    PullData,
    PullResp,
    PushAck,
    PushData,
    RxPk,
    Stat,
    TxAck,
    TxPk,
    parse,
)

GATEWAY = EUI64.parse("0016c001f1500001")
HEAD = bytes.fromhex("02abcd00") + GATEWAY
# The example of PROTOCOL.TXT, section 4, with its field names and units.
RXPK = {
    "time": "2013-03-31T16:21:17.528002Z",
    "tmst": 3512348611,
    "chan": 2,
    "rfch": 0,
    "freq": 866.349812,
    "stat": 1,
    "modu": "LORA",
    "datr": "SF7BW125",
    "codr": "4/6",
    "rssi": -35,
    "lsnr": 5.1,
    "size": 3,
    "data": "AAEC",
}
RECEIVED = RxPk(
    time="2013-03-31T16:21:17.528002Z",
    tmst=3512348611,
    channel=2,
    frequency_hz=866_349_812,
    spreading_factor=7,
    bandwidth_hz=125_000,
    coding_rate="4/6",
    rssi_dbm=-35,
    snr_db=5.1,
    phy_payload=b"\x00\x01\x02",
)
ANSWER = TxPk(
    frequency_hz=868_300_000,
    power_dbm=14,
    spreading_factor=9,
    bandwidth_hz=125_000,
    phy_payload=b"answer",
    tmst=7,
)

TOKENS = st.integers(0, 0xFFFF)
EUIS = st.binary(min_size=8, max_size=8).map(EUI64)
COUNTS = st.integers(0, 2**32 - 1)
RATES = st.sampled_from(["4/5", "4/6", "4/7", "4/8"])
RADIO: dict[str, Any] = {
    "frequency_hz": st.integers(1, 2**32 - 1),
    "spreading_factor": st.integers(5, 12),
    "bandwidth_hz": st.sampled_from([125_000, 250_000, 500_000]),
    "phy_payload": st.binary(max_size=255),
    "coding_rate": RATES,
}
RECEPTIONS = st.builds(
    RxPk,
    **RADIO,
    tmst=COUNTS,
    rssi_dbm=st.integers(-150, 20).map(float),
    snr_db=st.integers(-200, 140).map(lambda tenths: round(tenths / 10, 1)),
    channel=st.integers(0, 15),
    crc_status=st.sampled_from([-1, 0, 1]),
)
WHENS: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{"immediately": True}, {"tmst": 5}, {"gps_ms": 10**12}]
)
ANSWERS = WHENS.flatmap(
    lambda when: st.builds(
        TxPk,
        **RADIO,
        **{key: st.just(value) for key, value in when.items()},
        power_dbm=st.integers(-10, 30),
        iq_inverted=st.booleans(),
    )
)
STATS = st.builds(
    Stat,
    time=st.just("2026-11-21 10:00:00 GMT"),
    latitude=st.none() | st.floats(-90, 90),
    received=COUNTS,
    emitted=COUNTS,
)
PACKETS = st.one_of(
    st.builds(
        PushData,
        token=TOKENS,
        gateway_id=EUIS,
        received=st.lists(RECEPTIONS, max_size=3).map(tuple),
        stat=st.none() | STATS,
    ),
    st.builds(PushAck, token=TOKENS),
    st.builds(PullData, token=TOKENS, gateway_id=EUIS),
    st.builds(PullAck, token=TOKENS),
    st.builds(PullResp, token=TOKENS, packet=ANSWERS),
    st.builds(
        TxAck,
        token=TOKENS,
        gateway_id=EUIS,
        error=st.sampled_from(["NONE", "TOO_LATE", "GPS_UNLOCKED"]),
    ),
)


def pushed(document: object) -> PushData:
    read = parse(HEAD + json.dumps(document).encode())
    assert isinstance(read, PushData)
    return read


@given(PACKETS)
def test_what_is_written_is_read_again(packet: Packet) -> None:
    assert packet == parse(bytes(packet))


@given(st.binary(max_size=60) | st.binary(max_size=40).map(lambda rest: HEAD + rest))
def test_any_octets_are_read_or_malformed(datagram: bytes) -> None:
    try:
        packet = parse(datagram)
    except Malformed:
        return
    assert packet.token == int.from_bytes(datagram[1:3], "big")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*RXPK, "imme", "ipol"]), inner, max_size=9)
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_json_in_a_push_is_read_as_far_as_it_goes(document: object) -> None:
    wrapped = {"rxpk": [document], "stat": document}
    read = pushed(wrapped)

    assert 2 == len(read.received) + (read.stat is not None) + read.unreadable


@given(JSON)
def test_any_json_in_a_request_is_read_or_malformed(document: object) -> None:
    body = json.dumps({"txpk": document}).encode()
    try:
        packet = parse(bytes.fromhex("02000103") + body)
    except Malformed:
        return
    assert packet == parse(bytes(packet))


def test_the_protocols_own_example_is_read() -> None:
    assert (RECEIVED,) == pushed({"rxpk": [RXPK]}).received


def test_a_push_is_laid_out_as_the_protocol_says() -> None:
    datagram = bytes(PushData(token=0xABCD, gateway_id=GATEWAY, received=(RECEIVED,)))

    assert HEAD == datagram[:12]
    assert {"rxpk": [RXPK]} == json.loads(datagram[12:])


@pytest.mark.parametrize(
    ("packet", "octets"),
    [
        (PushAck(token=0x0102), "02010201"),
        (PullData(token=0x0102, gateway_id=GATEWAY), "02010202" + str(GATEWAY)),
        (PullAck(token=0x0102), "02010204"),
    ],
)
def test_short_packets_have_these_octets(packet: Packet, octets: str) -> None:
    assert octets == bytes(packet).hex()


def test_a_request_says_all_that_a_concentrator_needs() -> None:
    document = json.loads(bytes(PullResp(token=1, packet=ANSWER))[4:])["txpk"]

    expected = {
        "imme": False,
        "tmst": 7,
        "freq": 868.3,
        "rfch": 0,
        "powe": 14,
        "modu": "LORA",
        "datr": "SF9BW125",
        "codr": "4/5",
        "ipol": True,
        "ncrc": True,
        "size": 6,
        "data": "YW5zd2Vy",
    }
    assert expected == document


@pytest.mark.parametrize(
    "text", ["", "\x00", "{}", '{"txpk_ack":{}}', '{"txpk_ack":{"error":""}}']
)
def test_an_acknowledgement_without_an_error_is_none(text: str) -> None:
    read = parse(bytes.fromhex("02000105") + GATEWAY + text.encode())

    assert TxAck(token=1, gateway_id=GATEWAY) == read


def test_of_two_equal_keys_the_last_one_counts() -> None:
    twice = b'{"stat":{"time":"a","rxnb":1,"rxnb":2}}'
    read = parse(HEAD + twice)

    assert isinstance(read, PushData)
    assert read.stat is not None
    assert 2 == read.stat.received


def test_a_packet_that_makes_no_sense_does_not_take_the_others_with_it() -> None:
    read = pushed({"rxpk": [RXPK | {"datr": "fast"}, RXPK, None]})

    assert (1, 2) == (len(read.received), read.unreadable)


def test_what_a_packet_does_not_say_has_a_default() -> None:
    [read] = pushed({"rxpk": [{"tmst": 1, "freq": 868.1, "datr": "SF7BW125"}]}).received

    assert (1, "4/5", b"") == (read.crc_status, read.coding_rate, read.phy_payload)


def test_fsk_has_a_bit_rate() -> None:
    [read] = pushed({"rxpk": [RXPK | {"modu": "FSK", "datr": 50000}]}).received

    assert (0, 50_000) == (read.spreading_factor, read.bandwidth_hz)


@pytest.mark.parametrize(
    ("datagram", "why"),
    [
        (b"", "at least 4 octets"),
        (bytes.fromhex("01abcd00") + GATEWAY + b"{}", "version 1"),
        (bytes.fromhex("02abcd09"), "packet 0x09"),
        (bytes.fromhex("02abcd0200"), "8 octets"),
        (HEAD + b"{", "not JSON"),
        (HEAD + b"[]", "is an object"),
        (HEAD + b'{"rxpk":{}}', "rxpk is a list"),
        (HEAD + b"[" * 100_000, "not JSON"),
        (bytes.fromhex("02abcd03") + b"{}", "txpk is an object"),
    ],
)
def test_a_wrong_datagram_says_what_is_wrong(datagram: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        parse(datagram)


def test_a_request_says_when() -> None:
    body = b'{"txpk":{"freq":868.1,"datr":"SF7BW125","data":""}}'
    with pytest.raises(Malformed, match="imme, tmst or tmms"):
        parse(bytes.fromhex("02abcd03") + body)


def test_a_request_cannot_have_two_instants() -> None:
    with pytest.raises(Illegal):
        bytes(
            PullResp(
                token=1,
                packet=TxPk(
                    frequency_hz=1,
                    power_dbm=1,
                    spreading_factor=7,
                    bandwidth_hz=125_000,
                    phy_payload=b"",
                    immediately=True,
                    tmst=1,
                ),
            )
        )


def test_a_token_has_16_bits() -> None:
    with pytest.raises(Illegal, match="16 bits"):
        bytes(PushAck(token=65536))
