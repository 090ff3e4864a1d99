"""The published vectors of LoRaWAN 1.1 and of the relay's key."""

import pytest
from tests.wire.lorawan.test_vectors import NO_KEY, Given, octets, of_kind

from wire.eui64 import EUI64
from wire.lorawan.data import DataFrame
from wire.lorawan.ids import DevAddr, NetID
from wire.lorawan.join import DLSettings
from wire.lorawan.join_1_1 import Asked, JoinReqType, open_accept, seal_accept
from wire.lorawan.keys import Key
from wire.lorawan.keys_1_1 import (
    SessionKeys11,
    derive_session_keys_1_1,
    js_enc_key,
    js_int_key,
    root_wor_s_key,
)
from wire.lorawan.mhdr import Direction
from wire.lorawan.rejoin import RejoinRequest
from wire.lorawan.session_1_1 import Session11


def session_of(given: Given, dev_addr: DevAddr) -> Session11:
    names = ("f_nwk_s_int_key", "s_nwk_s_int_key", "nwk_s_enc_key", "app_s_key")
    keys = {name: Key.parse(given.get(name, NO_KEY)) for name in names}
    return Session11(dev_addr=dev_addr, keys=SessionKeys11(**keys))


@pytest.mark.parametrize(("given", "expect"), of_kind("join_accept_1_1"))
def test_a_1_1_join_accept_opens_and_seals(given: Given, expect: Given) -> None:
    phy_payload, key = octets(given["phy_payload"]), Key.parse(given["key"])
    signing = Key.parse(given["mic_key"])
    asked = Asked(
        join_eui=EUI64.parse(given["join_eui"]),
        nonce=given["dev_nonce"],
        join_req_type=JoinReqType(given["join_req_type"]),
    )
    accept = open_accept(phy_payload, key, js_int_key=signing, asked=asked)

    assert accept is not None
    assert expect["join_nonce"] == accept.join_nonce
    assert expect["net_id"] == str(accept.net_id)
    assert expect["dev_addr"] == str(accept.dev_addr)
    assert expect["rx_delay"] == accept.rx_delay
    assert accept.dl_settings == DLSettings(
        rx1_dr_offset=expect["rx1_dr_offset"],
        rx2_data_rate=expect["rx2_data_rate"],
        opt_neg=True,
    )
    frequencies_hz = accept.cf_list.frequencies_hz if accept.cf_list else ()
    assert expect.get("cf_list_hz", []) == list(frequencies_hz)
    assert expect["clear_with_mic"] == bytes(accept).hex() + expect["mic"]
    assert phy_payload == seal_accept(accept, key, js_int_key=signing, asked=asked)


@pytest.mark.parametrize(("given", "expect"), of_kind("rejoin"))
def test_a_rejoin_request_reads_verifies_and_builds(
    given: Given, expect: Given
) -> None:
    phy_payload, key = octets(given["phy_payload"]), Key.parse(given["mic_key"])
    request = RejoinRequest.parse(phy_payload)

    assert expect["rejoin_type"] == request.rejoin_type
    assert expect["dev_eui"] == str(request.dev_eui)
    assert expect["rj_count"] == request.rj_count
    assert expect.get("net_id") == (str(request.net_id) if request.net_id else None)
    asked = str(request.join_eui) if request.join_eui else None
    assert expect.get("join_eui") == asked
    assert expect["mic"] == request.mic.hex()
    assert request.verify(key)
    built = RejoinRequest(
        rejoin_type=expect["rejoin_type"],
        dev_eui=EUI64.parse(expect["dev_eui"]),
        rj_count=expect["rj_count"],
        net_id=NetID.parse(expect["net_id"]) if "net_id" in expect else None,
        join_eui=EUI64.parse(expect["join_eui"]) if "join_eui" in expect else None,
    )
    assert phy_payload == bytes(built.sealed(key))


@pytest.mark.parametrize(("given", "expect"), of_kind("session_keys_1_1"))
def test_1_1_session_keys_derive(given: Given, expect: Given) -> None:
    keys = derive_session_keys_1_1(
        nwk_key=Key.parse(given["nwk_key"]),
        app_key=Key.parse(given["app_key"]),
        join_nonce=given["join_nonce"],
        join_eui=EUI64.parse(given["join_eui"]),
        dev_nonce=given["dev_nonce"],
    )

    assert expect["f_nwk_s_int_key"] == keys.f_nwk_s_int_key.hex()
    assert expect["s_nwk_s_int_key"] == keys.s_nwk_s_int_key.hex()
    assert expect["nwk_s_enc_key"] == keys.nwk_s_enc_key.hex()
    assert expect["app_s_key"] == keys.app_s_key.hex()
    if "js_int_key" in expect:
        dev_eui = EUI64.parse(given["dev_eui"])
        found = js_int_key(Key.parse(given["nwk_key"]), dev_eui)
        assert expect["js_int_key"] == found.hex()


@pytest.mark.parametrize(("given", "expect"), of_kind("join_server_keys"))
def test_join_server_keys_derive(given: Given, expect: Given) -> None:
    nwk_key = Key.parse(given["nwk_key"])
    dev_eui = EUI64.parse(given["dev_eui"])

    assert expect["js_int_key"] == js_int_key(nwk_key, dev_eui).hex()
    assert expect["js_enc_key"] == js_enc_key(nwk_key, dev_eui).hex()


@pytest.mark.parametrize(("given", "expect"), of_kind("relay_keys"))
def test_a_relays_root_key_derives(given: Given, expect: Given) -> None:
    found = root_wor_s_key(Key.parse(given["nwk_s_key"]))

    assert expect["root_wor_s_key"] == found.hex()


@pytest.mark.parametrize(("given", "expect"), of_kind("mic_1_1"))
def test_a_1_1_uplink_mic_has_two_halves(given: Given, expect: Given) -> None:
    key = Key.parse(given["key"])
    session = Session11(
        dev_addr=DevAddr.parse(given["dev_addr"]),
        keys=SessionKeys11(
            f_nwk_s_int_key=key, s_nwk_s_int_key=key, nwk_s_enc_key=key, app_s_key=key
        ),
    )
    mic = session.mic_up(
        given["f_cnt"],
        octets(given["message"]),
        conf_f_cnt=given["conf_f_cnt"],
        tx_dr=given["tx_dr"],
        tx_ch=given["tx_ch"],
    )

    assert expect["mic_up"] == mic.hex()


@pytest.mark.parametrize(("given", "expect"), of_kind("data_1_1"))
def test_a_1_1_data_frame_reads_verifies_and_builds(
    given: Given, expect: Given
) -> None:
    phy_payload = octets(given["phy_payload"])
    frame = DataFrame.parse(phy_payload)
    session = session_of(given, frame.dev_addr)
    f_cnt, up = frame.f_cnt_16, frame.direction is Direction.UP
    how = {"tx_dr": given["tx_dr"], "tx_ch": given["tx_ch"]} if up else {}

    assert expect["f_port"] == frame.f_port
    assert expect["mic"] == frame.mic.hex()
    assert expect.get("f_opts", "") == frame.f_opts.hex()
    assert session.verify(phy_payload, f_cnt, **how)
    clear, f_opts = session.decrypt(frame, f_cnt), session.clear_f_opts(frame, f_cnt)
    assert expect.get("clear", "") == clear.hex()
    assert expect.get("f_opts_clear", "") == f_opts.hex()
    build = session.uplink if up else session.downlink
    assert phy_payload == build(
        f_cnt=f_cnt,
        f_port=frame.f_port,
        payload=clear,
        f_opts=f_opts,
        f_ctrl=frame.f_ctrl,
        confirmed=frame.confirmed,
        **how,
    )
