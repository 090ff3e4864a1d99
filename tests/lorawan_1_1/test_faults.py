"""Faults of a 1.1 device are what they say: the frame around them is still right."""

from random import Random

import pytest

from lorawan_sim.tampering import ON_DATA, Hand
from wire.air import AirFrame
from wire.eui64 import EUI64
from wire.lorawan.data import DataFrame
from wire.lorawan.ids import DevAddr
from wire.lorawan.keys import Key
from wire.lorawan.keys_1_1 import SessionKeys11
from wire.lorawan.session_1_1 import Session11

CRYPTO = Session11(
    dev_addr=DevAddr.parse("01020304"),
    keys=SessionKeys11(
        f_nwk_s_int_key=Key(b"\1" * 16),
        s_nwk_s_int_key=Key(b"\2" * 16),
        nwk_s_enc_key=Key(b"\3" * 16),
        app_s_key=Key(b"\4" * 16),
    ),
)
HOW = {"conf_f_cnt": 0, "tx_dr": 5, "tx_ch": 2}
FRAME = AirFrame(
    phy_payload=CRYPTO.uplink(
        f_cnt=3, f_port=1, payload=b"\1\2", f_opts=b"\2", tx_dr=5, tx_ch=2
    ),
    frequency_hz=868_500_000,
    spreading_factor=7,
    bandwidth_hz=125_000,
    power_dbm=14,
    iq_inverted=False,
    start_s=0.0,
    airtime_s=0.1,
    sender=EUI64(bytes(8)),
    latitude=0.0,
    longitude=0.0,
)


def tampered(kind: str) -> bytes:
    hand = Hand(dice=Random(1), parameters={}, crypto=CRYPTO, f_cnt=3, how=HOW)
    return ON_DATA[kind](FRAME, hand).phy_payload


@pytest.mark.parametrize("kind", ["payload_corrupt", "mac_corrupt"])
def test_other_contents_are_signed_as_they_are_sent(kind: str) -> None:
    phy = tampered(kind)

    assert phy != FRAME.phy_payload
    assert CRYPTO.verify(phy, 3, tx_dr=5, tx_ch=2)


def test_spoilt_commands_are_spoilt_in_the_clear_only() -> None:
    frame = DataFrame.parse(tampered("mac_corrupt"))

    assert b"\x82" == CRYPTO.clear_f_opts(frame, 3)
    assert b"\1\2" == CRYPTO.decrypt(frame, 3)


@pytest.mark.parametrize("kind", ["mic_corrupt", "mic_wrong_key", "wrong_devaddr"])
def test_a_wrong_signature_is_wrong(kind: str) -> None:
    assert not CRYPTO.verify(tampered(kind), 3, tx_dr=5, tx_ch=2)
