"""
What a fault does to one frame: pure functions from frame to frame.

An uplink has just been signed and is about to leave; what comes back leaves instead.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from wire.air import AirFrame
from wire.errors import WireError
from wire.lorawan.data import MIC_SIZE, DataFrame
from wire.lorawan.ids import DevAddr
from wire.lorawan.keys import Key
from wire.lorawan.session import Session as Crypto
from wire.lorawan.session_1_1 import Session11

_NOHOW: Final = {"conf_f_cnt": 0, "tx_dr": 0, "tx_ch": 0}
NOWHERE_HZ: Final = 869_800_000  # no channel of any plan here
UNHEARD_HZ: Final = 500_000
NOTHING_DBM: Final = -200.0
_M_TYPE_SHIFT, _CONFIRMED_UP, _UNCONFIRMED_UP = 5, 0b100, 0b010


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """What tampering needs: dice, parameters, and the session that signed."""

    dice: Random
    parameters: Mapping[str, float]
    crypto: Crypto | None = None
    f_cnt: int = 0
    how: Mapping[str, int] = field(default_factory=dict)
    """What a 1.1 MIC holds beside the frame: conf_f_cnt, tx_dr, tx_ch."""


Tampering = Callable[[AirFrame, Hand], AirFrame]


def is_data(frame: AirFrame) -> bool:
    """Whether it is a data frame going up."""
    return bool(frame.phy_payload) and frame.phy_payload[0] >> _M_TYPE_SHIFT in {
        _CONFIRMED_UP,
        _UNCONFIRMED_UP,
    }


def flipped(data: bytes, dice: Random, bits: int = 2) -> bytes:
    """The octets with so many different bits the other way round."""
    changed = bytearray(data)
    for bit in dice.sample(range(8 * len(data)), min(bits, 8 * len(data))):
        changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def resigned(
    frame: AirFrame,
    hand: Hand,
    *,
    crypto: Crypto | None = None,
    payload: Callable[[bytes], bytes] = bytes,
    f_opts: Callable[[bytes], bytes] = bytes,
) -> AirFrame:
    """The same frame with other contents or other keys and a right MIC of those."""
    if hand.crypto is None:
        return frame
    try:
        data = DataFrame.parse(frame.phy_payload)
        clear = hand.crypto.decrypt(data, hand.f_cnt)
        commands = _commands(hand.crypto, data, hand.f_cnt)
    except WireError:  # some other tampering came first
        return frame
    signing = crypto or hand.crypto
    phy_payload = signing.uplink(
        f_cnt=hand.f_cnt,
        f_port=data.f_port,
        payload=payload(clear),
        f_opts=f_opts(commands),
        f_ctrl=data.f_ctrl,
        confirmed=data.confirmed,
    )
    if isinstance(signing, Session11):
        phy_payload = signing.signed(
            phy_payload[:-MIC_SIZE], hand.f_cnt, **{**_NOHOW, **hand.how}
        )
    return frame._replace(phy_payload=phy_payload)


def _commands(crypto: Crypto, data: DataFrame, f_cnt: int) -> bytes:
    if isinstance(crypto, Session11):
        return crypto.clear_f_opts(data, f_cnt)
    return data.f_opts


def _mic_corrupt(frame: AirFrame, hand: Hand) -> AirFrame:
    body, mic = frame.phy_payload[:-MIC_SIZE], frame.phy_payload[-MIC_SIZE:]
    return frame._replace(phy_payload=body + flipped(mic, hand.dice))


def _mic_wrong_key(frame: AirFrame, hand: Hand) -> AirFrame:
    if hand.crypto is None:
        return frame
    wrong = _like(hand.crypto, nwk_s_key=Key(hand.dice.randbytes(16)))
    return resigned(frame, hand, crypto=wrong)


def _wrong_dev_addr(frame: AirFrame, hand: Hand) -> AirFrame:
    if hand.crypto is None:
        return frame
    dev_addr = DevAddr(b"\x01" + hand.dice.randbytes(3))
    other = _like(hand.crypto, dev_addr=dev_addr)
    return resigned(frame, hand, crypto=other)


def _like(
    crypto: Crypto, *, dev_addr: DevAddr | None = None, nwk_s_key: Key | None = None
) -> Crypto:
    """The same session with another address or another signing key."""
    dev_addr, nwk_s_key = dev_addr or crypto.dev_addr, nwk_s_key or crypto.nwk_s_key
    if isinstance(crypto, Session11):
        keys = replace(crypto.keys, f_nwk_s_int_key=nwk_s_key)
        return Session11(dev_addr=dev_addr, keys=keys)
    return Crypto(dev_addr=dev_addr, nwk_s_key=nwk_s_key, app_s_key=crypto.app_s_key)


def _payload_corrupt(frame: AirFrame, hand: Hand) -> AirFrame:
    return resigned(frame, hand, payload=lambda clear: hand.dice.randbytes(len(clear)))


def _mac_corrupt(frame: AirFrame, hand: Hand) -> AirFrame:
    # From 0x80 on CIDs are proprietary: no network knows what they mean.
    return resigned(
        frame,
        hand,
        f_opts=lambda octets: bytes(0x80 | one for one in octets),
    )


def _other_bandwidth(frame: AirFrame, _: Hand) -> AirFrame:
    return frame._replace(bandwidth_hz=UNHEARD_HZ)


def _beside_the_channels(frame: AirFrame, _: Hand) -> AirFrame:
    return frame._replace(frequency_hz=NOWHERE_HZ)


def _weak(frame: AirFrame, hand: Hand) -> AirFrame:
    return frame._replace(power_dbm=frame.power_dbm - hand.parameters["loss_db"])


def _spiking(frame: AirFrame, hand: Hand) -> AirFrame:
    lost_db = hand.dice.uniform(0.0, hand.parameters["loss_db"])
    return frame._replace(power_dbm=frame.power_dbm - lost_db)


def _nothing_leaves(frame: AirFrame, _: Hand) -> AirFrame:
    return frame._replace(power_dbm=NOTHING_DBM)


ON_DATA: Final[Mapping[str, Tampering]] = {
    "mic_corrupt": _mic_corrupt,
    "mic_wrong_key": _mic_wrong_key,
    "wrong_devaddr": _wrong_dev_addr,
    "payload_corrupt": _payload_corrupt,
    "mac_corrupt": _mac_corrupt,
}
"""Faults of data frames."""

ON_ANY: Final[Mapping[str, Tampering]] = {
    "invalid_datarate": _other_bandwidth,
    "invalid_frequency": _beside_the_channels,
    "signal_weak": _weak,
    "signal_spike": _spiking,
    "random_drop": _nothing_leaves,
    "silence": _nothing_leaves,
}
"""Faults of the transmitter: of join-requests too."""
