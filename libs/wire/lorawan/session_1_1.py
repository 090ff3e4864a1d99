"""One LoRaWAN 1.1 session: two halves of a MIC, encrypted FOpts, two down counters."""

from hmac import compare_digest
from struct import Struct

from cryptography.hazmat.primitives.ciphers import CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from wire.errors import Illegal
from wire.lorawan.data import HEADER, MIC_SIZE, DataFrame, after_header
from wire.lorawan.fhdr import F_OPTS_MAX, FCtrl
from wire.lorawan.fields import fits
from wire.lorawan.ids import DevAddr
from wire.lorawan.keys_1_1 import SessionKeys11
from wire.lorawan.mhdr import Direction, MType
from wire.lorawan.session import F_CNT_MAX, Session, key_stream

_BLOCK = Struct("<BHBBB4sIBB").pack  # B0 and B1: 49, ConfFCnt, TxDr, TxCh, direction, …
_A = Struct("<B3xBB4sIBB").pack  # of FOpts: 01, which counter, direction, …
_HALF = 2
_ACK = 0x20
_NO_BITS = FCtrl()
# Erratum of 1.1 §4.3.1.6: which counter the block is made of is written into it.
_F_CNT_UP_OR_N, _A_F_CNT_DOWN = 1, 2


class Session11(Session):
    """
    A 1.1 session; the same object serves device and server.

    ``f_cnt`` of a downlink is AFCntDown when its FPort is above 0, else NFCntDown.
    ``conf_f_cnt`` is the counter of the frame that an ACK bit is about, ``tx_dr``
    and ``tx_ch`` what the uplink is really sent with: they are in its MIC, so a
    repetition elsewhere is signed anew. Not to be shared between threads.
    """

    __slots__ = ("_enc", "_s_mac", "nwk_s_enc_key", "s_nwk_s_int_key")

    def __init__(self, *, dev_addr: DevAddr, keys: SessionKeys11) -> None:
        super().__init__(
            dev_addr=dev_addr, nwk_s_key=keys.f_nwk_s_int_key, app_s_key=keys.app_s_key
        )
        self.s_nwk_s_int_key = keys.s_nwk_s_int_key
        self.nwk_s_enc_key = keys.nwk_s_enc_key
        self._s_mac = CMAC(AES(keys.s_nwk_s_int_key)).copy
        self._enc = key_stream(keys.nwk_s_enc_key)

    @property
    def keys(self) -> SessionKeys11:
        """All four keys."""
        return SessionKeys11(
            f_nwk_s_int_key=self.nwk_s_key,
            s_nwk_s_int_key=self.s_nwk_s_int_key,
            nwk_s_enc_key=self.nwk_s_enc_key,
            app_s_key=self.app_s_key,
        )

    def uplink(
        self,
        *,
        f_cnt: int,
        f_port: int | None = None,
        payload: bytes = b"",
        f_opts: bytes = b"",
        f_ctrl: FCtrl = _NO_BITS,
        confirmed: bool = False,
        conf_f_cnt: int = 0,
        tx_dr: int = 0,
        tx_ch: int = 0,
    ) -> bytes:
        """Build an uplink's PHYPayload from clear octets; ``f_cnt`` is FCntUp."""
        m_type = MType.CONFIRMED_DATA_UP if confirmed else MType.UNCONFIRMED_DATA_UP
        message = self._message(
            m_type, f_ctrl.octet_up(), f_cnt, f_port, payload, f_opts
        )
        return self.signed(
            message, f_cnt, conf_f_cnt=conf_f_cnt, tx_dr=tx_dr, tx_ch=tx_ch
        )

    def downlink(
        self,
        *,
        f_cnt: int,
        f_port: int | None = None,
        payload: bytes = b"",
        f_opts: bytes = b"",
        f_ctrl: FCtrl = _NO_BITS,
        confirmed: bool = False,
        conf_f_cnt: int = 0,
    ) -> bytes:
        """Build a downlink's PHYPayload from clear octets."""
        m_type = MType.CONFIRMED_DATA_DOWN if confirmed else MType.UNCONFIRMED_DATA_DOWN
        message = self._message(
            m_type, f_ctrl.octet_down(), f_cnt, f_port, payload, f_opts
        )
        return message + self.mic_down(f_cnt, message, conf_f_cnt=conf_f_cnt)

    def signed(
        self, message: bytes, f_cnt: int, *, conf_f_cnt: int, tx_dr: int, tx_ch: int
    ) -> bytes:
        """Return an uplink's message with the MIC of this way of sending it."""
        return message + self.mic_up(
            f_cnt, message, conf_f_cnt=conf_f_cnt, tx_dr=tx_dr, tx_ch=tx_ch
        )

    def verify(
        self,
        phy_payload: bytes,
        f_cnt: int,
        *,
        conf_f_cnt: int = 0,
        tx_dr: int = 0,
        tx_ch: int = 0,
    ) -> bool:
        """Whether the MIC is that of this session at the full counter ``f_cnt``."""
        if not 0 <= f_cnt <= F_CNT_MAX:
            return False
        message, mic = phy_payload[:-MIC_SIZE], phy_payload[-MIC_SIZE:]
        if phy_payload[0] >> 5 & 1:
            wanted = self.mic_down(f_cnt, message, conf_f_cnt=conf_f_cnt)
        else:
            wanted = self.mic_up(
                f_cnt, message, conf_f_cnt=conf_f_cnt, tx_dr=tx_dr, tx_ch=tx_ch
            )
        return compare_digest(wanted, mic)

    def clear_f_opts(self, frame: DataFrame, f_cnt: int) -> bytes:
        """Clear FOpts of a frame whose MIC was verified at ``f_cnt``."""
        return self._crypt_f_opts(frame.m_type & 1, f_cnt, frame.f_port, frame.f_opts)

    def mic_up(
        self, f_cnt: int, message: bytes, *, conf_f_cnt: int, tx_dr: int, tx_ch: int
    ) -> bytes:
        """Half of it is of the serving network, half of the forwarding one (§4.4)."""
        conf = self._conf(message, conf_f_cnt)
        way, size = Direction.UP, len(message)
        addr = self._dev_addr_le
        b0 = _BLOCK(0x49, 0, 0, 0, way, addr, f_cnt, 0, size)
        b1 = _BLOCK(0x49, conf, tx_dr, tx_ch, way, addr, f_cnt, 0, size)
        serving, forwarding = self._s_mac(), self._mac()
        serving.update(b1 + message)
        forwarding.update(b0 + message)
        return serving.finalize()[:_HALF] + forwarding.finalize()[:_HALF]

    def mic_down(self, f_cnt: int, message: bytes, *, conf_f_cnt: int) -> bytes:
        """The MIC of a downlink, bound to the uplink it acknowledges (§4.4)."""
        conf = self._conf(message, conf_f_cnt)
        mac = self._s_mac()
        mac.update(
            _BLOCK(
                *(0x49, conf, 0, 0, Direction.DOWN, self._dev_addr_le),
                *(f_cnt, 0, len(message)),
            )
            + message
        )
        return mac.finalize()[:MIC_SIZE]

    @staticmethod
    def _conf(message: bytes, conf_f_cnt: int) -> int:
        return conf_f_cnt & 0xFFFF if message[5] & _ACK else 0

    def _message(
        self,
        m_type: MType,
        control: int,
        f_cnt: int,
        f_port: int | None,
        payload: bytes,
        f_opts: bytes,
    ) -> bytes:
        fits("a frame counter", f_cnt, 32)
        if len(f_opts) > F_OPTS_MAX:
            raise Illegal(f"FOpts hold {F_OPTS_MAX} octets, not {len(f_opts)}")
        way = m_type & 1
        if payload and f_port is not None:
            payload = self._crypt(way, f_cnt, f_port, payload)
        hidden = self._crypt_f_opts(way, f_cnt, f_port, f_opts)
        return HEADER.pack(
            m_type << 5, self._dev_addr_le, control | len(f_opts), f_cnt & 0xFFFF
        ) + after_header(hidden, f_port, payload)

    def _crypt_f_opts(
        self, way: int, f_cnt: int, f_port: int | None, f_opts: bytes
    ) -> bytes:
        if not f_opts:
            return b""
        which = _A_F_CNT_DOWN if way and f_port else _F_CNT_UP_OR_N
        self._enc.reset_nonce(_A(1, which, way, self._dev_addr_le, f_cnt, 0, 1))
        return self._enc.update(f_opts)

    def _nwk_stream(self) -> CipherContext:
        return self._enc
