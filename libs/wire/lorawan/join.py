"""Over-the-air activation: the request, the accept and its channel list."""

from dataclasses import dataclass
from hmac import compare_digest
from struct import Struct
from typing import Self

from wire.errors import Illegal, Malformed
from wire.eui64 import EUI64
from wire.lorawan.crypto import MIC_SIZE, aes_decrypt, aes_encrypt, cmac4
from wire.lorawan.fields import fits, frequency_hz, frequency_octets
from wire.lorawan.ids import DevAddr, NetID
from wire.lorawan.keys import Key
from wire.lorawan.mhdr import MType, m_type_of

_REQUEST = Struct("<B8s8sH4s")
_ACCEPT = Struct("<B3s3s4sBB")
_CF_LIST_SIZE = 16
ACCEPT_SIZES = (17, 33)
_FREQUENCIES = 5
_MASKS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRequest:
    """A device's wish to join, signed with its AppKey; nothing is encrypted."""

    join_eui: EUI64
    dev_eui: EUI64
    dev_nonce: int
    mic: bytes = bytes(MIC_SIZE)

    @classmethod
    def sealed(
        cls, app_key: Key, *, join_eui: EUI64, dev_eui: EUI64, dev_nonce: int
    ) -> Self:
        """Make the request with its MIC."""
        bare = bytes(cls(join_eui=join_eui, dev_eui=dev_eui, dev_nonce=dev_nonce))
        mic = cmac4(app_key, bare[:-MIC_SIZE])
        return cls(join_eui=join_eui, dev_eui=dev_eui, dev_nonce=dev_nonce, mic=mic)

    @classmethod
    def parse(cls, phy_payload: bytes) -> Self:
        """Read a PHYPayload of 23 octets; the MIC is kept, not judged."""
        if len(phy_payload) != _REQUEST.size:
            raise Malformed(f"a join-request has 23 octets, not {len(phy_payload)}")
        if m_type_of(phy_payload) is not MType.JOIN_REQUEST:
            raise Malformed(f"MHDR {phy_payload[0]:02x} does not open a join-request")
        _, join_eui, dev_eui, dev_nonce, mic = _REQUEST.unpack(phy_payload)
        return cls(
            join_eui=EUI64.from_le(join_eui),
            dev_eui=EUI64.from_le(dev_eui),
            dev_nonce=dev_nonce,
            mic=mic,
        )

    def verify(self, app_key: Key) -> bool:
        """Whether this AppKey signed the request."""
        return compare_digest(cmac4(app_key, bytes(self)[:-MIC_SIZE]), self.mic)

    def __bytes__(self) -> bytes:
        return _REQUEST.pack(
            MType.JOIN_REQUEST << 5,
            self.join_eui.to_le(),
            self.dev_eui.to_le(),
            fits("DevNonce", self.dev_nonce, 16),
            self.mic,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DLSettings:
    """Where a device listens after an uplink; ``opt_neg`` is 1.1's."""

    rx1_dr_offset: int = 0
    rx2_data_rate: int = 0
    opt_neg: bool = False

    @classmethod
    def parse(cls, octet: int) -> Self:
        """Read the octet."""
        return cls(
            rx1_dr_offset=octet >> 4 & 7,
            rx2_data_rate=octet & 15,
            opt_neg=bool(octet & 0x80),
        )

    def octet(self) -> int:
        """Return the octet."""
        return (
            0x80 * self.opt_neg
            | fits("RX1DROffset", self.rx1_dr_offset, 3) << 4
            | fits("RX2DataRate", self.rx2_data_rate, 4)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CFList:
    """
    Channels a join-accept gives: frequencies (type 0) or masks (type 1).

    ``frequencies_hz``: up to five, for channels 3 to 7, 0 = unused.
    ``masks``: 16-bit channel masks from channel 0 upward, where plans are fixed.
    """

    frequencies_hz: tuple[int, ...] = ()
    masks: tuple[int, ...] = ()

    @classmethod
    def parse(cls, octets: bytes) -> Self:
        """Read the 16 octets; Malformed when the type is neither 0 nor 1."""
        if len(octets) != _CF_LIST_SIZE:
            raise Malformed(f"a CFList has 16 octets, not {len(octets)}")
        if octets[15] == 0:
            return cls(
                frequencies_hz=tuple(
                    frequency_hz(octets[at : at + 3])
                    for at in range(0, 3 * _FREQUENCIES, 3)
                )
            )
        if octets[15] == 1:
            return cls(
                masks=tuple(
                    int.from_bytes(octets[at : at + 2], "little")
                    for at in range(0, 2 * _MASKS, 2)
                )
            )
        raise Malformed(f"CFListType is 0 or 1, not {octets[15]}")

    def __bytes__(self) -> bytes:
        if self.masks:
            return self._mask_octets().ljust(15, b"\0") + b"\x01"
        return self._frequency_octets().ljust(15, b"\0") + b"\x00"

    def _mask_octets(self) -> bytes:
        if self.frequencies_hz or len(self.masks) > _MASKS:
            raise Illegal("a CFList has up to 7 masks, or frequencies, not both")
        return b"".join(
            fits("ChMask", mask, 16).to_bytes(2, "little") for mask in self.masks
        )

    def _frequency_octets(self) -> bytes:
        if len(self.frequencies_hz) > _FREQUENCIES:
            raise Illegal(f"a CFList has 5 channels, not {len(self.frequencies_hz)}")
        return b"".join(frequency_octets(hz) for hz in self.frequencies_hz)


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinAccept:
    """What a server grants; the whole of it travels encrypted under AppKey."""

    join_nonce: int
    net_id: NetID
    dev_addr: DevAddr
    dl_settings: DLSettings = DLSettings()
    rx_delay: int = 0
    cf_list: CFList | None = None

    @property
    def rx1_delay_s(self) -> int:
        """Seconds from the end of an uplink to RX1; 0 on the air means 1."""
        return self.rx_delay or 1

    @classmethod
    def parse_plain(cls, message: bytes) -> Self:
        """Read MHDR and clear body, without MIC."""
        if len(message) + MIC_SIZE not in ACCEPT_SIZES:
            raise Malformed(
                f"a join-accept has 17 or 33 octets, not {len(message) + MIC_SIZE}"
            )
        _, nonce, net_id, dev_addr, settings, rx_delay = _ACCEPT.unpack_from(message)
        rest = message[_ACCEPT.size :]
        return cls(
            join_nonce=int.from_bytes(nonce, "little"),
            net_id=NetID.from_le(net_id),
            dev_addr=DevAddr.from_le(dev_addr),
            dl_settings=DLSettings.parse(settings),
            rx_delay=rx_delay & 15,
            cf_list=CFList.parse(rest) if rest else None,
        )

    @classmethod
    def open(cls, phy_payload: bytes, app_key: Key) -> Self | None:
        """Decrypt as the device does; None when the MIC is not of this key."""
        if len(phy_payload) not in ACCEPT_SIZES:
            raise Malformed(
                f"a join-accept has 17 or 33 octets, not {len(phy_payload)}"
            )
        if m_type_of(phy_payload) is not MType.JOIN_ACCEPT:
            raise Malformed(f"MHDR {phy_payload[0]:02x} does not open a join-accept")
        clear = phy_payload[:1] + aes_encrypt(app_key, phy_payload[1:])
        message, mic = clear[:-MIC_SIZE], clear[-MIC_SIZE:]
        if not compare_digest(cmac4(app_key, message), mic):
            return None
        return cls.parse_plain(message)

    def seal(self, app_key: Key) -> bytes:
        """Sign and encrypt as the server does: with AES *decrypt* (1.0.3 §6.2.5)."""
        message = bytes(self)
        clear = message[1:] + cmac4(app_key, message)
        return message[:1] + aes_decrypt(app_key, clear)

    def __bytes__(self) -> bytes:
        """Return MHDR and clear body, without MIC."""
        return _ACCEPT.pack(
            MType.JOIN_ACCEPT << 5,
            fits("JoinNonce", self.join_nonce, 24).to_bytes(3, "little"),
            self.net_id.to_le(),
            self.dev_addr.to_le(),
            self.dl_settings.octet(),
            fits("RxDelay", self.rx_delay, 4),
        ) + (bytes(self.cf_list) if self.cf_list else b"")
