"""
The catalogue of device types: ``chirpstack/device-types/<type>/``.

Each folder holds ``device-type.toml``, ``codec.js`` and ``examples.json``.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from city.codec import Codec
from city.command import Payload, Rules
from city.errors import BadCommand, BadDeviceType, CodecFailed

LARGEST_BYTES = 51
"""N of the slowest data rate of EU868: longer commands may be discarded in silence."""

ECHO = "dimming"
"""What the codecs call a device's echo of a command, unless their type says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceType:
    """
    One device type as its folder describes it.

    ``name`` is the folder's: the value of the profile tag ``device_type``.
    ``profile`` has the keys of ChirpStack's DeviceProfile; ``commands`` is empty when
    the type takes none.
    """

    name: str
    title: str
    maker: str
    model: str
    vendor_id: str
    vendor_profile_id: str
    profile: Mapping[str, Any]
    commands: Mapping[str, Any]
    codec: str
    multicast: Mapping[str, Any] = field(default_factory=dict)
    """How a device is put into a group by its maker's own message; empty: it is not."""

    @property
    def has_two_root_keys(self) -> bool:
        """Whether it is a LoRaWAN 1.1 device: with a NwkKey and an AppKey."""
        return str(self.profile.get("mac_version", "")).startswith("1.1")


class Planner:
    """Turns wishes into payloads for one device type; keep it in one thread."""

    def __init__(self, device_type: DeviceType) -> None:
        self.type = device_type
        self._codec = Codec(device_type.codec)
        self.rules = self._rules() if device_type.commands else None

    def plan(self, wanted: Mapping[str, Any]) -> Payload:
        """Return what goes over the air; BadCommand says why nothing can."""
        name = self.type.name
        if self.rules is None:
            raise BadCommand(f"a {name} takes no commands")
        try:
            payload = self._codec.encode(wanted)
        except CodecFailed as error:
            raise BadCommand(
                f"a {name} does not take {dict(wanted)}: {error}"
            ) from error
        if len(payload.data) > LARGEST_BYTES:
            raise BadCommand(
                f"the command takes {len(payload.data)} bytes; {LARGEST_BYTES} fit"
            )
        return payload

    def _rules(self) -> Rules:
        found = self.type.commands
        request = found.get("status_request")
        return Rules(
            confirm_message=found["confirm_message"],
            confirm_fields=tuple(found["confirm_fields"]),
            confirm_reason=found.get("confirm_reason", ""),
            confirm_within_s=float(found["confirm_within_s"]),
            expires_s=float(found["expires_s"]),
            echo_message=found.get("echo_message", ECHO),
            status_request=self._codec.encode(request) if request else None,
        )


def read_type(folder: Path) -> DeviceType:
    """Read one folder of the catalogue; BadDeviceType names file and fault."""
    path = folder / "device-type.toml"
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        about = found["device_type"]
        return DeviceType(
            name=folder.name,
            title=about["name"],
            maker=about.get("maker", ""),
            model=about.get("model", ""),
            vendor_id=about.get("vendor_id", ""),
            vendor_profile_id=about.get("vendor_profile_id", ""),
            profile=found["profile"],
            commands=found.get("commands", {}),
            multicast=found.get("multicast", {}),
            codec=(folder / "codec.js").read_text(encoding="utf-8"),
        )
    except (OSError, ValueError) as error:
        raise BadDeviceType(f"{path}: {error}") from error
    except KeyError as error:
        raise BadDeviceType(f"{path} has no {error}") from error


def read_catalogue(home: Path) -> dict[str, DeviceType]:
    """Read every device type by name; all faults in one BadDeviceType."""
    types, faults = {}, []
    for path in sorted(
        (home / "chirpstack" / "device-types").glob("*/device-type.toml")
    ):
        try:
            types[path.parent.name] = read_type(path.parent)
        except BadDeviceType as error:
            faults.append(str(error))
    if faults:
        raise BadDeviceType("; ".join(faults))
    return types
