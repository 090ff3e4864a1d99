"""
What a gateway is asked to send, and that it did: ``dnmsg``, ``dnsched``, ``dntxed``.

A gateway says nothing of a frame that it did not send: there is no refusal in this
protocol.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from wire.errors import Illegal, Malformed
from wire.eui64 import EUI64
from wire.station.fields import Fields, write
from wire.station.id6 import write_eui

_DR = range(16)
_HZ = range(1, 2**32)
_MAX_PDU = 255
_RX_DELAY = range(16)
_PRIORITY = range(256)
_NO_EUI = EUI64(bytes(8))


class DeviceClass(IntEnum):
    """``dC``: which of a device's windows is meant."""

    A = 0
    B = 1
    C = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A data rate (an index into ``DRs``) and a frequency."""

    data_rate: int
    frequency_hz: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DnMsg:
    """
    One frame for one device.

    Class A has ``rx1`` or ``rx2`` or both, ``rx_delay_s`` (RX1; RX2 is a second later)
    after ``x_time``. Class B has ``slot`` at ``gps_time_us``. Class C has ``rx2``, and
    ``rx1`` as well when it answers an uplink. A gateway whose ``dev_eui`` is zero tells
    nobody that it sent the frame.
    """

    device_class: DeviceClass
    dev_eui: EUI64
    diid: int
    pdu: bytes
    priority: int = 0
    rx_delay_s: int = 1
    rx1: Window | None = None
    rx2: Window | None = None
    slot: Window | None = None
    x_time: int | None = None
    r_ctx: int | None = None
    gps_time_us: int | None = None
    mux_time_s: float | None = None

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Read it; raises Malformed."""
        message = cls(
            device_class=DeviceClass(fields.whole("dC", within=range(3))),
            dev_eui=fields.eui("DevEUI" if fields.has("DevEUI") else "DevEui"),
            diid=fields.whole("diid"),
            pdu=_pdu(fields),
            priority=fields.whole("priority", 0, within=_PRIORITY),
            rx_delay_s=max(1, fields.whole("RxDelay", 1, within=_RX_DELAY)),
            rx1=_window(fields, "RX1DR", "RX1Freq"),
            rx2=_window(fields, "RX2DR", "RX2Freq"),
            slot=_window(fields, "DR", "Freq"),
            x_time=fields.optional("xtime") or None,  # 0 is none
            r_ctx=fields.optional("rctx"),
            gps_time_us=fields.optional("gpstime"),
            mux_time_s=fields.number("MuxTime", 0.0) or None,
        )
        if lacking := message.lacks():
            raise Malformed(f"dnmsg of class {message.device_class.name}: {lacking}")
        return message

    def __str__(self) -> str:
        """Return the JSON; raises Illegal for what no gateway could send."""
        if lacking := self.lacks():
            raise Illegal(f"dnmsg of class {self.device_class.name}: {lacking}")
        is_b = self.device_class is DeviceClass.B
        return write(
            {
                "msgtype": "dnmsg",
                "DevEui": write_eui(self.dev_eui),
                "dC": int(self.device_class),
                "diid": self.diid,
                "pdu": self.pdu.hex(),
                "priority": self.priority,
                "RxDelay": None if is_b else self.rx_delay_s,
                **_window_fields(self.rx1, "RX1DR", "RX1Freq"),
                **_window_fields(self.rx2, "RX2DR", "RX2Freq"),
                **_window_fields(self.slot, "DR", "Freq"),
                "gpstime": self.gps_time_us,
                "xtime": self.x_time,
                "rctx": self.r_ctx,
                "MuxTime": self.mux_time_s,
            }
        )

    @property
    def is_reported(self) -> bool:
        """Whether the gateway says when it has sent the frame."""
        return self.dev_eui != _NO_EUI

    def lacks(self) -> str:
        """Why this cannot be sent; empty when it can."""
        if self.device_class is DeviceClass.B:
            known = self.slot is not None and self.gps_time_us is not None
            return "" if known else "it needs DR, Freq and gpstime"
        if self.rx1 is None and self.rx2 is None:
            return "it needs RX1DR and RX1Freq, or RX2DR and RX2Freq"
        if self.device_class is DeviceClass.A and self.x_time is None:
            return "it needs xtime"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """One frame of a ``dnsched``: at an xtime, or at GPS time."""

    pdu: bytes
    window: Window
    priority: int = 0
    x_time: int | None = None
    gps_time_us: int | None = None
    r_ctx: int | None = None

    @classmethod
    def read(cls, document: object) -> Self:
        """Read one object of ``schedule``; raises Malformed."""
        fields = Fields.of(document, "schedule")
        window = _window(fields, "DR", "Freq")
        frame = cls(
            pdu=_pdu(fields),
            window=window or Window(data_rate=0, frequency_hz=0),
            priority=fields.whole("priority", 0, within=_PRIORITY),
            x_time=fields.optional("xtime") or None,
            gps_time_us=fields.optional("gpstime") or None,
            r_ctx=fields.optional("rctx"),
        )
        if window is None or (frame.x_time is None and frame.gps_time_us is None):
            raise Malformed("schedule needs DR, Freq and either xtime or gpstime")
        return frame

    def document(self) -> dict[str, object]:
        """One object of ``schedule``."""
        fields = {
            "pdu": self.pdu.hex(),
            **_window_fields(self.window, "DR", "Freq"),
            "priority": self.priority,
            "xtime": self.x_time,
            "gpstime": self.gps_time_us,
            "rctx": self.r_ctx,
        }
        return {key: value for key, value in fields.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class DnSched:
    """Frames at fixed instants, for groups; nothing is reported of them."""

    schedule: tuple[Scheduled, ...]

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Read it; raises Malformed."""
        return cls(schedule=tuple(map(Scheduled.read, fields.array("schedule"))))

    def __str__(self) -> str:
        """Return the JSON."""
        schedule = [one.document() for one in self.schedule]
        return write({"msgtype": "dnsched", "schedule": schedule})


@dataclass(frozen=True, slots=True, kw_only=True)
class DnTxed:
    """``dntxed``: the frame ``diid`` is on the air, as the fields say."""

    diid: int
    dev_eui: EUI64
    data_rate: int = 0
    frequency_hz: int = 0
    r_ctx: int = 0
    x_time: int = 0
    tx_time_s: float = 0.0
    gps_time_us: int = 0

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Read it; only ``diid`` must be there. Raises Malformed."""
        has_eui = fields.has("DevEui") or fields.has("DevEUI")
        name = "DevEUI" if fields.has("DevEUI") else "DevEui"
        return cls(
            diid=fields.whole("diid"),
            dev_eui=fields.eui(name) if has_eui else _NO_EUI,
            data_rate=fields.whole("DR", 0, within=_DR),
            frequency_hz=fields.whole("Freq", 0, within=range(2**32)),
            r_ctx=fields.whole("rctx", 0),
            x_time=fields.whole("xtime", 0),
            tx_time_s=fields.number("txtime", 0.0),
            gps_time_us=fields.whole("gpstime", 0),
        )

    def __str__(self) -> str:
        """Return the JSON."""
        return write(
            {
                "msgtype": "dntxed",
                "seqno": self.diid,  # of older servers
                "diid": self.diid,
                "DR": self.data_rate,
                "Freq": self.frequency_hz,
                "DevEui": write_eui(self.dev_eui),
                "rctx": self.r_ctx,
                "xtime": self.x_time,
                "txtime": self.tx_time_s,
                "gpstime": self.gps_time_us,
            }
        )


def _pdu(fields: Fields) -> bytes:
    pdu = fields.octets("pdu")
    if not 0 < len(pdu) <= _MAX_PDU:
        raise Malformed(f"{fields.name}.pdu has 1 to {_MAX_PDU} octets, not {len(pdu)}")
    return pdu


def _window(fields: Fields, rate: str, frequency: str) -> Window | None:
    if fields.has(rate) != fields.has(frequency):
        raise Malformed(f"{fields.name} has {rate} and {frequency} together or neither")
    if not fields.has(rate):
        return None
    return Window(
        data_rate=fields.whole(rate, within=_DR),
        frequency_hz=fields.whole(frequency, within=_HZ),
    )


def _window_fields(window: Window | None, rate: str, frequency: str) -> dict[str, int]:
    if window is None:
        return {}
    return {rate: window.data_rate, frequency: window.frequency_hz}
