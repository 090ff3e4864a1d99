"""The messages that carry no frame: version, timesync, error, and refused commands."""

from dataclasses import dataclass
from typing import Final, Self

from wire.station.fields import INT64, Fields, write

PROTOCOL_VERSION: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What a gateway says first; the server answers with its configuration."""

    station: str
    firmware: str = ""
    package: str = ""
    model: str = ""
    protocol: int = PROTOCOL_VERSION
    features: str = ""

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Read it; raises Malformed."""
        return cls(
            station=fields.text("station", ""),
            firmware=fields.text("firmware", ""),
            package=fields.text("package", ""),
            model=fields.text("model", ""),
            protocol=fields.whole("protocol", PROTOCOL_VERSION),
            features=_features(fields),
        )

    def __str__(self) -> str:
        """Return the JSON."""
        return write(
            {
                "msgtype": "version",
                "station": self.station,
                "firmware": self.firmware,
                "package": self.package,
                "model": self.model,
                "protocol": self.protocol,
                "features": self.features,
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSync:
    """
    One of three things, by the fields that are there; all in microseconds.

    A gateway asks with ``tx_time`` (its own clock); the server answers with the same
    ``tx_time`` and its ``gps_time_us``. The server tells the GPS time of an uplink it
    received with ``x_time`` and ``gps_time_us``.
    """

    tx_time: int | None = None
    x_time: int | None = None
    gps_time_us: int | None = None

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Read it; raises Malformed."""
        return cls(
            tx_time=fields.optional("txtime", within=INT64),
            x_time=fields.optional("xtime"),
            gps_time_us=fields.optional("gpstime"),
        )

    def __str__(self) -> str:
        """Return the JSON."""
        return write(
            {
                "msgtype": "timesync",
                "txtime": self.tx_time,
                "xtime": self.x_time,
                "gpstime": self.gps_time_us,
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """``error``: why the server is about to hang up, or what it did not understand."""

    error: str

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Read it; raises Malformed."""
        return cls(error=fields.text("error", ""))

    def __str__(self) -> str:
        """Return the JSON."""
        return write({"msgtype": "error", "error": self.error})


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedCommand:
    """``runcmd`` or ``rmtsh``: a shell for the server, which nobody here gives."""

    kind: str

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Read no more than its kind."""
        return cls(kind=fields.text("msgtype"))


def _features(fields: Fields) -> str:
    """A text, or the array of texts that some versions send."""
    value = fields.document.get("features")
    if isinstance(value, list):
        return " ".join(one for one in value if isinstance(one, str))
    return fields.text("features", "")
