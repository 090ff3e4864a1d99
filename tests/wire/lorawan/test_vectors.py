"""Every published vector we know, held against the library."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from wire.lorawan import mac
from wire.lorawan.airtime import fsk_airtime_s, lora_airtime_s, payload_symbols
from wire.lorawan.counters import full_f_cnt_up
from wire.lorawan.crypto import aes_encrypt, cmac4
from wire.lorawan.data import DataFrame
from wire.lorawan.gps import gps_from_unix
from wire.lorawan.ids import DevAddr, NetID
from wire.lorawan.join import DLSettings, JoinAccept, JoinRequest
from wire.lorawan.keys import Key, derive_session_keys
from wire.lorawan.mhdr import Direction
from wire.lorawan.session import Session

VECTORS = json.loads(
    (Path(__file__).parent.parent / "vectors/lorawan.json").read_text(encoding="utf-8")
)["vectors"]
NO_KEY = "00" * 16


def of_kind(*kinds: str) -> list[Any]:
    return [
        pytest.param(vector["given"], vector["expect"], id=vector["id"])
        for vector in VECTORS
        if vector["kind"] in kinds
    ]


Given = dict[str, Any]


def octets(text: str) -> bytes:
    return bytes.fromhex(text)


def test_so_many_vectors_hold() -> None:
    assert 136 == len(VECTORS)


def test_every_vector_names_its_source() -> None:
    assert [] == [vector["id"] for vector in VECTORS if not vector["source"]]


def test_no_kind_of_vector_is_left_out() -> None:
    tested = {
        "airtime",
        "beacon",
        "data",
        "data_1_1",
        "f_cnt_up",
        "fsk_airtime",
        "gps_time",
        "join_accept",
        "join_accept_1_1",
        "join_request",
        "join_server_keys",
        "mac_command",
        "mic",
        "mic_1_1",
        "multicast_keys",
        "multicast_setup",
        "package_command",
        "payload_symbols",
        "ping_slot",
        "rejoin",
        "relay_keys",
        "session_keys",
        "session_keys_1_1",
    }

    assert tested == {vector["kind"] for vector in VECTORS}


@pytest.mark.parametrize(("given", "expect"), of_kind("join_request"))
def test_a_join_request_reads_verifies_and_builds(given: Given, expect: Given) -> None:
    phy_payload, key = octets(given["phy_payload"]), Key.parse(given["key"])
    request = JoinRequest.parse(phy_payload)

    assert expect["join_eui"] == str(request.join_eui)
    assert expect["dev_eui"] == str(request.dev_eui)
    assert expect["dev_nonce"] == request.dev_nonce
    assert expect["mic"] == request.mic.hex()
    assert request.verify(key)
    assert phy_payload == bytes(
        JoinRequest.sealed(
            key,
            join_eui=request.join_eui,
            dev_eui=request.dev_eui,
            dev_nonce=request.dev_nonce,
        )
    )


@pytest.mark.parametrize(("given", "expect"), of_kind("join_accept"))
def test_a_join_accept_opens_and_seals(given: Given, expect: Given) -> None:
    phy_payload, key = octets(given["phy_payload"]), Key.parse(given["key"])
    accept = JoinAccept.open(phy_payload, key)

    assert accept is not None
    assert expect["join_nonce"] == accept.join_nonce
    assert expect["net_id"] == str(accept.net_id)
    assert expect["dev_addr"] == str(accept.dev_addr)
    assert (
        DLSettings(
            rx1_dr_offset=expect["rx1_dr_offset"],
            rx2_data_rate=expect["rx2_data_rate"],
            opt_neg=expect["opt_neg"],
        )
        == accept.dl_settings
    )
    assert expect["rx_delay"] == accept.rx_delay
    frequencies_hz = accept.cf_list.frequencies_hz if accept.cf_list else ()
    assert expect.get("cf_list_hz", []) == list(frequencies_hz)
    message = bytes(accept)
    assert expect["clear_with_mic"] == (message + cmac4(key, message)).hex()
    assert phy_payload == accept.seal(key)


@pytest.mark.parametrize(("given", "expect"), of_kind("session_keys"))
def test_session_keys_derive(given: Given, expect: Given) -> None:
    keys = derive_session_keys(
        Key.parse(given["app_key"]),
        join_nonce=given["join_nonce"],
        net_id=NetID.parse(given["net_id"]),
        dev_nonce=given["dev_nonce"],
    )

    assert expect["nwk_s_key"] == keys.nwk_s_key.hex()
    assert expect["app_s_key"] == keys.app_s_key.hex()


@pytest.mark.parametrize(("given", "expect"), of_kind("data"))
def test_a_data_frame_reads_verifies_and_builds(given: Given, expect: Given) -> None:
    phy_payload = octets(given["phy_payload"])
    frame = DataFrame.parse(phy_payload)
    session = Session(
        dev_addr=frame.dev_addr,
        nwk_s_key=Key.parse(given["nwk_s_key"]),
        app_s_key=Key.parse(given.get("app_s_key", NO_KEY)),
    )
    f_cnt = given.get("f_cnt", frame.f_cnt_16)

    assert expect["m_type"] == frame.m_type.name
    assert expect["dev_addr"] == str(frame.dev_addr)
    assert expect["f_cnt_16"] == frame.f_cnt_16
    assert expect["f_opts"] == frame.f_opts.hex()
    assert expect["f_port"] == frame.f_port
    assert expect["mic"] == frame.mic.hex()
    bits = ("adr", "ack", "adr_ack_req", "class_b", "f_pending")
    assert {bit: expect.get(bit, False) for bit in bits} == {
        bit: getattr(frame.f_ctrl, bit) for bit in bits
    }
    assert session.verify(phy_payload, f_cnt)
    clear = session.decrypt(frame, f_cnt)
    assert expect.get("clear", "") == clear.hex()
    assert phy_payload == bytes(frame)
    build = session.uplink if frame.direction is Direction.UP else session.downlink
    assert phy_payload == build(
        f_cnt=f_cnt,
        f_port=frame.f_port,
        payload=clear,
        f_opts=frame.f_opts,
        f_ctrl=frame.f_ctrl,
        confirmed=frame.confirmed,
    )


@pytest.mark.parametrize(("given", "expect"), of_kind("mic"))
def test_a_mic_depends_on_the_direction(given: Given, expect: Given) -> None:
    session = Session(
        dev_addr=DevAddr.parse(given["dev_addr"]),
        nwk_s_key=Key.parse(given["key"]),
        app_s_key=Key.parse(NO_KEY),
    )
    message, f_cnt = octets(given["message"]), given["f_cnt"]

    assert expect["mic_up"] == session.mic(Direction.UP, f_cnt, message).hex()
    assert expect["mic_down"] == session.mic(Direction.DOWN, f_cnt, message).hex()


@pytest.mark.parametrize(("given", "expect"), of_kind("mac_command"))
def test_a_mac_command_builds_and_reads(given: Given, expect: Given) -> None:
    fields = dict(given["fields"])
    if given["command"] == "RXParamSetupReq":
        fields["dl_settings"] = DLSettings(
            rx1_dr_offset=fields.pop("rx1_dr_offset"),
            rx2_data_rate=fields.pop("rx2_data_rate"),
        )
    if given["command"] == "DeviceModeInd":
        fields = {"device_class": mac.DeviceMode[fields["class"]]}
    command = getattr(mac, given["command"])(**fields)

    assert expect["octets"] == bytes(command).hex()
    direction = Direction[given["direction"]]
    assert command == mac.parse_command(octets(expect["octets"]), direction)


@pytest.mark.parametrize(("given", "expect"), of_kind("f_cnt_up"))
def test_the_server_completes_the_counter(given: Given, expect: Given) -> None:
    assert expect["f_cnt"] == full_f_cnt_up(**given)


@pytest.mark.parametrize(("given", "expect"), of_kind("airtime"))
def test_a_frame_is_that_long_in_the_air(given: Given, expect: Given) -> None:
    assert expect["airtime_ms"] == pytest.approx(lora_airtime_s(**given) * 1000)


@pytest.mark.parametrize(("given", "expect"), of_kind("fsk_airtime"))
def test_an_fsk_frame_is_that_long(given: Given, expect: Given) -> None:
    assert expect["airtime_ms"] == pytest.approx(fsk_airtime_s(**given) * 1000)


@pytest.mark.parametrize(("given", "expect"), of_kind("payload_symbols"))
def test_a_payload_has_that_many_symbols(given: Given, expect: Given) -> None:
    assert expect["symbols"] == payload_symbols(**given)


@pytest.mark.parametrize(("given", "expect"), of_kind("gps_time"))
def test_gps_time_has_no_leap_seconds(given: Given, expect: Given) -> None:
    unix_s = datetime.fromisoformat(given["utc"]).timestamp()

    assert expect["gps_seconds"] == gps_from_unix(unix_s)


def test_aes_is_the_published_one() -> None:
    # FIPS 197, appendix C.1
    key = octets("000102030405060708090a0b0c0d0e0f")
    clear = octets("00112233445566778899aabbccddeeff")

    assert "69c4e0d86a7b0430d8cdb78070b4c55a" == aes_encrypt(key, clear).hex()


def test_cmac_is_the_published_one() -> None:
    # RFC 4493, section 4, example 2
    key = octets("2b7e151628aed2a6abf7158809cf4f3c")
    message = octets("6bc1bee22e409f96e93d7e117393172a")

    assert "070a16b4" == cmac4(key, message).hex()
