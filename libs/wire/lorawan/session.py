"""One session's keys, ready to build and to verify its frames at speed."""

from collections.abc import Callable
from hmac import compare_digest
from struct import Struct

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.cmac import CMAC

from wire.errors import Illegal
from wire.lorawan.data import HEADER, MIC_SIZE, DataFrame, port_and_payload
from wire.lorawan.fhdr import FCtrl
from wire.lorawan.ids import DevAddr
from wire.lorawan.keys import Key
from wire.lorawan.mhdr import Direction, MType

F_CNT_MAX = 0xFFFFFFFF
_TAIL = Struct("<IBB")  # FCnt, 00, length or block number
_BLOCK = 16
_NO_BITS = FCtrl()


def _encryptor(key: Key) -> Callable[[bytes], bytes]:
    cipher = Cipher(AES(key), ECB())  # noqa: S305 -- LoRaWAN §4.3.3: single blocks
    return cipher.encryptor().update


class Session:
    """
    A 1.0.x session: DevAddr and both session keys, with their contexts kept warm.

    The same object serves device and server. Counters are the caller's and always
    32 bits wide. Not to be shared between threads.
    """

    __slots__ = (
        "_app",
        "_block_prefix",
        "_dev_addr_le",
        "_mac",
        "_mic_prefix",
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
        self._mic_prefix = tuple(
            b"\x49\0\0\0\0" + way.to_bytes() + self._dev_addr_le for way in Direction
        )
        self._block_prefix = tuple(
            b"\x01\0\0\0\0" + way.to_bytes() + self._dev_addr_le for way in Direction
        )
        self._mac = CMAC(AES(nwk_s_key)).copy
        self._app = _encryptor(app_s_key)
        self._nwk: Callable[[bytes], bytes] | None = None

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
        m_type = MType.CONFIRMED_DATA_UP if confirmed else MType.UNCONFIRMED_DATA_UP
        header = (m_type << 5, f_ctrl.octet_up())
        return self._build(Direction.UP, header, f_cnt, f_port, payload, f_opts)

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
        m_type = MType.CONFIRMED_DATA_DOWN if confirmed else MType.UNCONFIRMED_DATA_DOWN
        header = (m_type << 5, f_ctrl.octet_down())
        return self._build(Direction.DOWN, header, f_cnt, f_port, payload, f_opts)

    def verify(self, phy_payload: bytes, f_cnt: int) -> bool:
        """Whether the MIC is that of this session at the full counter ``f_cnt``."""
        if not 0 <= f_cnt <= F_CNT_MAX:
            return False
        # Types 2 and 4 go up, 3 and 5 down: the low bit of the type is the direction.
        way = (phy_payload[0] >> 5) & 1
        mic = self.mic(way, f_cnt, phy_payload[:-MIC_SIZE])
        return compare_digest(mic, phy_payload[-MIC_SIZE:])

    def decrypt(self, frame: DataFrame, f_cnt: int) -> bytes:
        """Clear payload of a frame whose MIC was verified at ``f_cnt``."""
        if not frame.frm_payload:
            return b""
        return self._crypt(frame.direction, f_cnt, frame.f_port, frame.frm_payload)

    def _build(
        self,
        way: Direction,
        header: tuple[int, int],
        f_cnt: int,
        f_port: int | None,
        payload: bytes,
        f_opts: bytes,
    ) -> bytes:
        if not 0 <= f_cnt <= F_CNT_MAX:
            raise Illegal(f"a frame counter has 32 bits, {f_cnt} does not fit")
        if payload and f_port is not None:
            payload = self._crypt(way, f_cnt, f_port, payload)
        mhdr, control = header
        message = (
            HEADER.pack(mhdr, self._dev_addr_le, control | len(f_opts), f_cnt & 0xFFFF)
            + f_opts
            + port_and_payload(f_port, payload, f_opts)
        )
        return message + self.mic(way, f_cnt, message)

    def mic(self, way: int, f_cnt: int, message: bytes) -> bytes:
        """Return the MIC of a message going up (0) or down (1) at a full counter."""
        mac = self._mac()
        mac.update(self._mic_prefix[way] + _TAIL.pack(f_cnt, 0, len(message)) + message)
        return mac.finalize()[:MIC_SIZE]

    def _crypt(self, way: int, f_cnt: int, f_port: int | None, payload: bytes) -> bytes:
        size = len(payload)
        prefix = self._block_prefix[way]
        stream = (self._app if f_port else self._nwk_block())(
            b"".join(
                prefix + _TAIL.pack(f_cnt, 0, block)
                for block in range(1, (size + _BLOCK - 1) // _BLOCK + 1)
            )
        )
        mixed = int.from_bytes(payload) ^ int.from_bytes(stream[:size])
        return mixed.to_bytes(size)

    def _nwk_block(self) -> Callable[[bytes], bytes]:
        if self._nwk is None:
            self._nwk = _encryptor(self.nwk_s_key)
        return self._nwk
