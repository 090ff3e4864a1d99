"""One session's keys, ready to build and to verify its frames at speed."""

from hmac import compare_digest
from struct import Struct

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.cmac import CMAC

from wire.errors import Illegal
from wire.lorawan.data import (
    HEADER_SIZE,
    MIC_SIZE,
    DataFrame,
    after_header,
)
from wire.lorawan.fhdr import FCtrl
from wire.lorawan.ids import DevAddr
from wire.lorawan.keys import Key
from wire.lorawan.mhdr import Direction, MType

F_CNT_MAX = 0xFFFFFFFF
_BLOCK = 16
_A1 = Struct("<10sIBB").pack  # 01, zeros, direction, DevAddr; FCnt; 00; 01
_B0 = Struct("<10sIBB").pack  # 49, zeros, direction, DevAddr; FCnt; 00; length
_OPENING = Struct("<10sIBBB4sBH").pack  # B0 and the frame's header behind it
_NO_BITS = FCtrl()
# The low bit of the type is the direction: 2 and 4 go up, 3 and 5 down.
_UNCONFIRMED_UP = MType.UNCONFIRMED_DATA_UP << 5
_UNCONFIRMED_DOWN = MType.UNCONFIRMED_DATA_DOWN << 5
_CONFIRMED_UP = MType.CONFIRMED_DATA_UP << 5
_CONFIRMED_DOWN = MType.CONFIRMED_DATA_DOWN << 5


def key_stream(key: Key) -> CipherContext:
    """Return what makes the key stream of §4.3.3: A_1 … A_n are a counter's blocks."""
    return Cipher(AES(key), CTR(bytes(_BLOCK))).encryptor()


class Session:
    """
    A 1.0.x session: DevAddr and both session keys, with their contexts kept warm.

    The same object serves device and server. Counters are the caller's and always
    32 bits wide. Not to be shared between threads.
    """

    __slots__ = (
        "_a_prefix",
        "_app",
        "_b0_prefix",
        "_dev_addr_le",
        "_mac",
        "_nwk",
        "app_s_key",
        "dev_addr",
        "nwk_s_key",
    )

    def __init__(self, *, dev_addr: DevAddr, nwk_s_key: Key, app_s_key: Key) -> None:
        self.dev_addr = dev_addr
        self.nwk_s_key = nwk_s_key
        self.app_s_key = app_s_key
        self._dev_addr_le = dev_addr.to_le()
        self._b0_prefix = tuple(
            b"\x49\0\0\0\0" + way.to_bytes() + self._dev_addr_le for way in Direction
        )
        self._a_prefix = tuple(
            b"\x01\0\0\0\0" + way.to_bytes() + self._dev_addr_le for way in Direction
        )
        self._mac = CMAC(AES(nwk_s_key)).copy
        self._app = key_stream(app_s_key)
        self._nwk: CipherContext | None = None

    def __repr__(self) -> str:
        return f"Session({self.dev_addr})"

    def uplink(
        self,
        *,
        f_cnt: int,
        f_port: int | None = None,
        payload: bytes = b"",
        f_opts: bytes = b"",
        f_ctrl: FCtrl = _NO_BITS,
        confirmed: bool = False,
    ) -> bytes:
        """Build an uplink's PHYPayload from clear octets; ``f_cnt`` is FCntUp."""
        mhdr = _CONFIRMED_UP if confirmed else _UNCONFIRMED_UP
        return self._build(mhdr, f_ctrl.octet_up(), f_cnt, f_port, payload, f_opts)

    def downlink(
        self,
        *,
        f_cnt: int,
        f_port: int | None = None,
        payload: bytes = b"",
        f_opts: bytes = b"",
        f_ctrl: FCtrl = _NO_BITS,
        confirmed: bool = False,
    ) -> bytes:
        """Build a downlink's PHYPayload from clear octets; ``f_cnt`` is FCntDown."""
        mhdr = _CONFIRMED_DOWN if confirmed else _UNCONFIRMED_DOWN
        return self._build(mhdr, f_ctrl.octet_down(), f_cnt, f_port, payload, f_opts)

    def verify(self, phy_payload: bytes, f_cnt: int) -> bool:
        """Whether the MIC is that of this session at the full counter ``f_cnt``."""
        if not 0 <= f_cnt <= F_CNT_MAX:
            return False
        prefix = self._b0_prefix[phy_payload[0] >> 5 & 1]
        mac = self._mac()
        message = phy_payload[:-MIC_SIZE]
        mac.update(_B0(prefix, f_cnt, 0, len(message)) + message)
        return compare_digest(mac.finalize()[:MIC_SIZE], phy_payload[-MIC_SIZE:])

    def decrypt(self, frame: DataFrame, f_cnt: int) -> bytes:
        """Clear payload of a frame whose MIC was verified at ``f_cnt``."""
        payload = frame.frm_payload
        if not payload:
            return b""
        return self._crypt(frame.m_type & 1, f_cnt, frame.f_port, payload)

    def mic(self, way: int, f_cnt: int, message: bytes) -> bytes:
        """Return the MIC of a message going up (0) or down (1) at a full counter."""
        mac = self._mac()
        mac.update(_B0(self._b0_prefix[way], f_cnt, 0, len(message)) + message)
        return mac.finalize()[:MIC_SIZE]

    def _build(
        self,
        mhdr: int,
        control: int,
        f_cnt: int,
        f_port: int | None,
        payload: bytes,
        f_opts: bytes,
    ) -> bytes:
        if not 0 <= f_cnt <= F_CNT_MAX:
            raise Illegal(f"a frame counter has 32 bits, {f_cnt} does not fit")
        way = mhdr >> 5 & 1
        if payload and f_port is not None:
            payload = self._crypt(way, f_cnt, f_port, payload)
        tail = after_header(f_opts, f_port, payload)
        covered = (
            _OPENING(
                self._b0_prefix[way],
                f_cnt,
                0,
                HEADER_SIZE + len(tail),
                mhdr,
                self._dev_addr_le,
                control | len(f_opts),
                f_cnt & 0xFFFF,
            )
            + tail
        )
        mac = self._mac()
        mac.update(covered)
        return covered[_BLOCK:] + mac.finalize()[:MIC_SIZE]

    def _crypt(self, way: int, f_cnt: int, f_port: int | None, payload: bytes) -> bytes:
        stream = self._app if f_port else self._nwk_stream()
        stream.reset_nonce(_A1(self._a_prefix[way], f_cnt, 0, 1))
        return stream.update(payload)

    def _nwk_stream(self) -> CipherContext:
        if self._nwk is None:
            self._nwk = key_stream(self.nwk_s_key)
        return self._nwk
