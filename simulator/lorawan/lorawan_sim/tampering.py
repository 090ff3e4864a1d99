"""
What a fault does to one frame: pure functions from frame to frame.

An uplink has just been signed and is about to leave; what comes back leaves instead.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from wire.air import AirFrame
from wire.errors import WireError
from wire.lorawan.data import MIC_SIZE, DataFrame
from wire.lorawan.ids import DevAddr
from wire.lorawan.keys import Key
from wire.lorawan.session import Session as Crypto

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
    except WireError:  # some other tampering came first
        return frame
    phy_payload = (crypto or hand.crypto).uplink(
        f_cnt=hand.f_cnt,
        f_port=data.f_port,
        payload=payload(clear),
        f_opts=f_opts(data.f_opts),
        f_ctrl=data.f_ctrl,
        confirmed=data.confirmed,
    )
    return frame._replace(phy_payload=phy_payload)


def _mic_corrupt(frame: AirFrame, hand: Hand) -> AirFrame:
    body, mic = frame.phy_payload[:-MIC_SIZE], frame.phy_payload[-MIC_SIZE:]
    return frame._replace(phy_payload=body + flipped(mic, hand.dice))


def _mic_wrong_key(frame: AirFrame, hand: Hand) -> AirFrame:
    if hand.crypto is None:
        return frame
    wrong = Crypto(
        dev_addr=hand.crypto.dev_addr,
        nwk_s_key=Key(hand.dice.randbytes(16)),
        app_s_key=hand.crypto.app_s_key,
    )
    return resigned(frame, hand, crypto=wrong)


def _wrong_dev_addr(frame: AirFrame, hand: Hand) -> AirFrame:
    if hand.crypto is None:
        return frame
    other = Crypto(
        dev_addr=DevAddr(b"\x01" + hand.dice.randbytes(3)),
        nwk_s_key=hand.crypto.nwk_s_key,
        app_s_key=hand.crypto.app_s_key,
    )
    return resigned(frame, hand, crypto=other)


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
