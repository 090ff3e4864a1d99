"""
The JSON objects of Semtech's gateway protocol: rxpk, txpk and stat (PROTOCOL.TXT).

Reading is tolerant: unknown keys are passed over, missing ones have defaults.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final, Self

from wire.errors import Illegal, Malformed

CRC_OK: Final = 1
TMST_MODULUS: Final = 2**32

_DATA_RATE = re.compile(r"SF(\d{1,2})BW(\d{1,4})")
_HZ_PER_MHZ = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RxPk:
    """
    A packet as a gateway received it.

    ``tmst`` counts microseconds at the packet's end and wraps; ``time`` is the UTC
    instant in ISO 8601, if the gateway knows it. ``spreading_factor`` 0 is FSK, with
    ``bandwidth_hz`` as its bit rate.
    """

    tmst: int
    frequency_hz: int
    spreading_factor: int
    bandwidth_hz: int
    phy_payload: bytes
    coding_rate: str = "4/5"
    rssi_dbm: float = 0.0
    snr_db: float = 0.0
    channel: int = 0
    rf_chain: int = 0
    crc_status: int = CRC_OK
    time: str | None = None

    @classmethod
    def read(cls, document: object) -> Self:
        """Read one object of ``rxpk``; raises Malformed."""
        pk = _Reader.of(document, "rxpk")
        factor, bandwidth_hz = pk.modulation()
        return cls(
            tmst=pk.whole("tmst") % TMST_MODULUS,
            frequency_hz=pk.frequency_hz(),
            spreading_factor=factor,
            bandwidth_hz=bandwidth_hz,
            phy_payload=pk.data(),
            coding_rate=pk.text("codr", "4/5"),
            rssi_dbm=pk.number("rssi", 0.0),
            snr_db=pk.number("lsnr", 0.0),
            channel=pk.whole("chan", 0),
            rf_chain=pk.whole("rfch", 0),
            crc_status=pk.whole("stat", CRC_OK),
            time=pk.text("time", "") or None,
        )

    def document(self) -> dict[str, object]:
        """The object of ``rxpk``."""
        time = {} if self.time is None else {"time": self.time}
        return time | {
            "tmst": self.tmst,
            "chan": self.channel,
            "rfch": self.rf_chain,
            "freq": self.frequency_hz / _HZ_PER_MHZ,
            "stat": self.crc_status,
            **_modulation(self.spreading_factor, self.bandwidth_hz, self.coding_rate),
            "rssi": round(self.rssi_dbm),
            "lsnr": round(self.snr_db, 1),
            "size": len(self.phy_payload),
            "data": b64encode(self.phy_payload).decode(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TxPk:
    """
    A packet to send: at once, at a count of the gateway's ``tmst``, or at GPS time.

    Exactly one of ``immediately``, ``tmst`` and ``gps_ms`` says when.
    """

    frequency_hz: int
    power_dbm: int
    spreading_factor: int
    bandwidth_hz: int
    phy_payload: bytes
    coding_rate: str = "4/5"
    iq_inverted: bool = True
    immediately: bool = False
    tmst: int | None = None
    gps_ms: int | None = None
    without_crc: bool = True

    @classmethod
    def read(cls, document: object) -> Self:
        """Read the object ``txpk``; raises Malformed."""
        pk = _Reader.of(document, "txpk")
        factor, bandwidth_hz = pk.modulation()
        immediately = pk.truth("imme")
        tmst, gps_ms = pk.optional("tmst"), pk.optional("tmms")
        if not immediately and tmst is None and gps_ms is None:
            raise Malformed("a txpk says when: imme, tmst or tmms")
        return cls(
            frequency_hz=pk.frequency_hz(),
            power_dbm=pk.whole("powe", 14),
            spreading_factor=factor,
            bandwidth_hz=bandwidth_hz,
            phy_payload=pk.data(),
            coding_rate=pk.text("codr", "4/5"),
            iq_inverted=pk.truth("ipol"),
            immediately=immediately,
            tmst=None if immediately or tmst is None else tmst % TMST_MODULUS,
            gps_ms=None if immediately or tmst is not None else gps_ms,
            without_crc=pk.truth("ncrc"),
        )

    def document(self) -> dict[str, object]:
        """The object ``txpk``."""
        if [self.immediately, self.tmst is not None, self.gps_ms is not None].count(
            True
        ) != 1:
            raise Illegal("a txpk goes either at once, at a tmst or at a GPS time")
        when = {"imme": self.immediately, "tmst": self.tmst, "tmms": self.gps_ms}
        return {key: value for key, value in when.items() if value is not None} | {
            "freq": self.frequency_hz / _HZ_PER_MHZ,
            "rfch": 0,
            "powe": self.power_dbm,
            **_modulation(self.spreading_factor, self.bandwidth_hz, self.coding_rate),
            "ipol": self.iq_inverted,
            "ncrc": self.without_crc,
            "size": len(self.phy_payload),
            "data": b64encode(self.phy_payload).decode(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat:
    """
    A gateway's report since the last one; degrees, metres, and counts.

    ``received_ok`` passed their CRC, ``acked_percent`` of the pushed were acknowledged.
    """

    time: str
    latitude: float | None = None
    longitude: float | None = None
    altitude_m: float | None = None
    received: int = 0
    received_ok: int = 0
    forwarded: int = 0
    acked_percent: float = 0.0
    downlinks: int = 0
    emitted: int = 0

    @classmethod
    def read(cls, document: object) -> Self:
        """Read the object ``stat``; raises Malformed."""
        stat = _Reader.of(document, "stat")
        return cls(
            time=stat.text("time", ""),
            latitude=stat.place("lati", 90.0),
            longitude=stat.place("long", 180.0),
            altitude_m=stat.place("alti", 1e6),
            received=stat.whole("rxnb", 0),
            received_ok=stat.whole("rxok", 0),
            forwarded=stat.whole("rxfw", 0),
            acked_percent=stat.number("ackr", 0.0),
            downlinks=stat.whole("dwnb", 0),
            emitted=stat.whole("txnb", 0),
        )

    def document(self) -> dict[str, object]:
        """The object ``stat``."""
        # Whole metres: chirpstack-gateway-bridge drops a stat with 160.0.
        altitude_m = None if self.altitude_m is None else round(self.altitude_m)
        place = {"lati": self.latitude, "long": self.longitude, "alti": altitude_m}
        known = {key: value for key, value in place.items() if value is not None}
        return {
            "time": self.time,
            **known,
            "rxnb": self.received,
            "rxok": self.received_ok,
            "rxfw": self.forwarded,
            "ackr": round(self.acked_percent, 1),
            "dwnb": self.downlinks,
            "txnb": self.emitted,
        }


def _modulation(factor: int, bandwidth_hz: int, coding_rate: str) -> dict[str, object]:
    if factor == 0:
        return {"modu": "FSK", "datr": bandwidth_hz}
    rate = f"SF{factor}BW{bandwidth_hz // 1000}"
    return {"modu": "LORA", "datr": rate, "codr": coding_rate}


@dataclass(frozen=True, slots=True)
class _Reader:
    """The fields of one object, each judged as it is read."""

    name: str
    document: Mapping[str, Any]

    @classmethod
    def of(cls, document: object, name: str) -> Self:
        if not isinstance(document, dict):
            raise Malformed(f"{name} is an object, not {document!r:.40}")
        return cls(name, document)

    def number(self, key: str, default: float | None = None) -> float:
        value = self.document.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(key, "a number")
        if not isfinite(value) or abs(value) >= 2**63:
            raise self._wrong(key, "a number of 63 bits")
        return float(value)

    def whole(self, key: str, default: int | None = None) -> int:
        value = self.document.get(key, default)
        return value if isinstance(value, int) else round(self.number(key, default))

    def optional(self, key: str) -> int | None:
        return self.whole(key) if self.document.get(key) is not None else None

    def place(self, key: str, limit: float) -> float | None:
        if self.document.get(key) is None:
            return None
        value = self.number(key)
        return value if abs(value) <= limit else None

    def text(self, key: str, default: str) -> str:
        value = self.document.get(key)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self._wrong(key, "a text")
        return value

    def truth(self, key: str) -> bool:
        return self.document.get(key) is True

    def frequency_hz(self) -> int:
        frequency_hz = round(self.number("freq") * _HZ_PER_MHZ)
        if not 0 < frequency_hz < 2**32:
            raise self._wrong("freq", "a frequency in MHz")
        return frequency_hz

    def data(self) -> bytes:
        try:
            return b64decode(self.text("data", ""))
        except ValueError as error:
            raise self._wrong("data", "base64") from error

    def modulation(self) -> tuple[int, int]:
        rate = self.document.get("datr")
        if isinstance(rate, int) and not isinstance(rate, bool):
            return 0, rate
        found = _DATA_RATE.fullmatch(self.text("datr", ""))
        if found is None:
            raise self._wrong("datr", "SF7BW125 or a bit rate")
        return int(found[1]), int(found[2]) * 1000

    def _wrong(self, key: str, wanted: str) -> Malformed:
        value = self.document.get(key)
        return Malformed(f"{self.name}.{key} is {wanted}, not {value!r:.40}")
