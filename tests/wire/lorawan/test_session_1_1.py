"""
What no published vector shows of 1.1: counters of acknowledged frames in the MIC.

The blocks are written out by hand from LoRaWAN 1.1 §4.4, the MIC is RFC 4493's.
"""

import pytest

from wire.errors import Illegal, Malformed
from wire.eui64 import EUI64
from wire.lorawan.crypto import aes_encrypt, cmac4
from wire.lorawan.data import DataFrame
from wire.lorawan.fhdr import FCtrl
from wire.lorawan.ids import DevAddr, NetID
from wire.lorawan.join import DLSettings, JoinAccept
from wire.lorawan.join_1_1 import Asked, JoinReqType, open_accept, seal_accept
from wire.lorawan.keys import Key
from wire.lorawan.keys_1_1 import SessionKeys11
from wire.lorawan.rejoin import RejoinRequest
from wire.lorawan.session_1_1 import Session11

F, S, ENC, APP = (Key(bytes([n]) * 16) for n in (1, 2, 3, 4))
SESSION = Session11(
    dev_addr=DevAddr.parse("01020304"),
    keys=SessionKeys11(
        f_nwk_s_int_key=F, s_nwk_s_int_key=S, nwk_s_enc_key=ENC, app_s_key=APP
    ),
)
ACK = FCtrl(ack=True)
EUI = EUI64.parse("0102030405060708")


def octets(text: str) -> bytes:
    return bytes.fromhex(text)


def test_an_uplink_that_acknowledges_is_bound_to_what_it_acknowledges() -> None:
    phy = SESSION.uplink(f_cnt=0x1_0005, f_ctrl=ACK, conf_f_cnt=0x2_0304, tx_dr=5)
    message = octets("40 04030201 20 0500")

    b1 = octets("49 0403 05 00 00 04030201 05000100 00 08")
    b0 = octets("49 0000 00 00 00 04030201 05000100 00 08")
    mic = cmac4(S, b1 + message)[:2] + cmac4(F, b0 + message)[:2]
    assert (message + mic).hex() == phy.hex()
    assert SESSION.verify(phy, 0x1_0005, conf_f_cnt=0x2_0304, tx_dr=5)
    assert not SESSION.verify(phy, 0x1_0005, conf_f_cnt=0x2_0305, tx_dr=5)


def test_a_downlink_that_acknowledges_is_bound_too() -> None:
    phy = SESSION.downlink(f_cnt=7, f_ctrl=ACK, conf_f_cnt=0x0304)
    message = octets("60 04030201 20 0700")

    b0 = octets("49 0403 00 00 01 04030201 07000000 00 08")
    assert (message + cmac4(S, b0 + message)).hex() == phy.hex()
    assert not SESSION.verify(phy, 7, conf_f_cnt=0)


def test_without_an_ack_bit_the_counter_is_not_in_the_mic() -> None:
    up, down = SESSION.uplink(f_cnt=1), SESSION.downlink(f_cnt=1)

    assert SESSION.verify(up, 1, conf_f_cnt=99)
    assert SESSION.verify(down, 1, conf_f_cnt=99)


@pytest.mark.parametrize(("tx_dr", "tx_ch"), [(4, 3), (5, 2)])
def test_a_repetition_elsewhere_is_signed_anew(tx_dr: int, tx_ch: int) -> None:
    phy = SESSION.uplink(f_cnt=1, tx_dr=5, tx_ch=3)
    again = SESSION.signed(phy[:-4], 1, conf_f_cnt=0, tx_dr=tx_dr, tx_ch=tx_ch)

    assert phy[:-4] == again[:-4]
    assert not SESSION.verify(phy, 1, tx_dr=tx_dr, tx_ch=tx_ch)
    assert SESSION.verify(again, 1, tx_dr=tx_dr, tx_ch=tx_ch)


@pytest.mark.parametrize(
    ("f_port", "block"),
    [
        (None, "01 000000 01 01 04030201 09000000 00 01"),  # NFCntDown
        (10, "01 000000 02 01 04030201 09000000 00 01"),  # AFCntDown
    ],
)
def test_f_opts_are_hidden_by_the_counter_they_travel_with(
    f_port: int | None, block: str
) -> None:
    phy = SESSION.downlink(f_cnt=9, f_port=f_port, f_opts=b"\x06")
    hidden = 0x06 ^ aes_encrypt(ENC, octets(block))[0]
    frame = DataFrame.parse(phy)

    assert bytes([hidden]) == frame.f_opts
    assert b"\x06" == SESSION.clear_f_opts(frame, 9)


def test_payloads_and_commands_have_keys_of_their_own() -> None:
    for f_port, key in ((0, ENC), (1, APP)):
        frame = DataFrame.parse(SESSION.uplink(f_cnt=0, f_port=f_port, payload=b"\0"))
        a1 = octets("01 00000000 00 04030201 00000000 00 01")
        assert aes_encrypt(key, a1)[:1] == frame.frm_payload


def test_what_does_not_fit_is_illegal() -> None:
    with pytest.raises(Illegal, match="FOpts hold 15 octets, not 16"):
        SESSION.uplink(f_cnt=0, f_opts=bytes(16))
    with pytest.raises(Illegal, match="a frame counter has 32 bits"):
        SESSION.uplink(f_cnt=1 << 32)


def test_no_key_shows_itself() -> None:
    assert "Session(01020304)" == repr(SESSION)
    assert "01010101" not in repr(SESSION.keys)
    assert SESSION.keys.s_nwk_s_int_key == S


ACCEPT = JoinAccept(
    join_nonce=1,
    net_id=NetID(bytes(3)),
    dev_addr=DevAddr(bytes(4)),
    dl_settings=DLSettings(opt_neg=True),
)


@pytest.mark.parametrize(
    "other",
    [
        Asked(join_eui=EUI, nonce=8),
        Asked(join_eui=EUI64(bytes(8)), nonce=7),
        Asked(join_eui=EUI, nonce=7, join_req_type=JoinReqType.REJOIN_0),
    ],
)
def test_an_accept_answers_one_request_only(other: Asked) -> None:
    asked = Asked(join_eui=EUI, nonce=7)
    phy = seal_accept(ACCEPT, APP, js_int_key=S, asked=asked)

    assert ACCEPT == open_accept(phy, APP, js_int_key=S, asked=asked)
    assert open_accept(phy, APP, js_int_key=S, asked=other) is None


def test_an_accept_of_a_1_0_server_is_signed_by_the_root_key() -> None:
    old = JoinAccept(join_nonce=1, net_id=NetID(bytes(3)), dev_addr=DevAddr(bytes(4)))
    asked = Asked(join_eui=EUI, nonce=7)

    assert old == open_accept(old.seal(APP), APP, js_int_key=S, asked=asked)


@pytest.mark.parametrize("phy", ["40" + "00" * 18, "c0", "c003" + "00" * 17, "c001aa"])
def test_what_is_no_rejoin_request_is_malformed(phy: str) -> None:
    with pytest.raises(Malformed):
        RejoinRequest.parse(octets(phy))


def test_a_rejoin_request_needs_the_identifier_of_its_type() -> None:
    with pytest.raises(Illegal, match="of type 0 has a NetID"):
        bytes(RejoinRequest(rejoin_type=0, dev_eui=EUI, rj_count=0))
    with pytest.raises(Illegal, match="of type 1 has a JoinEUI"):
        bytes(RejoinRequest(rejoin_type=1, dev_eui=EUI, rj_count=0))
    with pytest.raises(Illegal, match="of type 0, 1 or 2, not 3"):
        bytes(RejoinRequest(rejoin_type=3, dev_eui=EUI, rj_count=0))
