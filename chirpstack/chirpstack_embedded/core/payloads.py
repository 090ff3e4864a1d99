"""Decode and encode application payloads by the profile's runtime (contract §4)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from chirpstack_api import api

from chirpstack_embedded import cayenne_lpp
from chirpstack_embedded.codec import CodecError, DecodedObject, EncodedPayload, Uplink
from chirpstack_embedded.model import Device

_NONE, _CAYENNE = api.CodecRuntime.NONE, api.CodecRuntime.CAYENNE_LPP
_JS = api.CodecRuntime.JS


MOST_PROFILES = 256


class Codec(Protocol):
    """Runs a profile's script."""

    def expect(self, uplinks: Sequence[Uplink]) -> None:
        """Begin with what ``decode`` will be asked for soon."""

    def decode(
        self,
        script: str,
        f_port: int,
        data: bytes,
        recv_time: float,
        variables: Mapping[str, str],
    ) -> DecodedObject | CodecError:
        """Call ``decodeUplink``."""

    def encode(
        self, script: str, obj: Mapping[str, Any], variables: Mapping[str, str]
    ) -> EncodedPayload | CodecError:
        """Call ``encodeDownlink``."""


class Payloads:
    """The codec of every profile."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._scripts: dict[int, tuple[api.DeviceProfile, str]] = {}

    def expect(self, uplinks: Iterable[tuple[Device, int, bytes, float]]) -> None:
        """Begin with uplinks that will be decoded: device, port, payload, time."""
        self._codec.expect(
            [
                Uplink(
                    self._script(device.profile),
                    f_port,
                    data,
                    recv_time,
                    device.variables,
                )
                for device, f_port, data, recv_time in uplinks
                if device.profile.payload_codec_runtime == _JS
            ]
        )

    def decode(
        self,
        profile: api.DeviceProfile,
        variables: Mapping[str, str],
        f_port: int,
        data: bytes,
        recv_time: float,
    ) -> DecodedObject | CodecError | None:
        """Return the object, why there is none, or None for a profile without codec."""
        if profile.payload_codec_runtime == _NONE:
            return None
        if profile.payload_codec_runtime == _CAYENNE:
            return _decode_cayenne(data)
        script = self._script(profile)
        return self._codec.decode(script, f_port, data, recv_time, variables)

    def encode(
        self,
        profile: api.DeviceProfile,
        variables: Mapping[str, str],
        f_port: int,
        obj: Mapping[str, Any],
    ) -> EncodedPayload | CodecError:
        """Return bytes and port; without codec the payload is empty."""
        if profile.payload_codec_runtime == _NONE:
            return EncodedPayload(b"", f_port)
        if profile.payload_codec_runtime == _CAYENNE:
            return _encode_cayenne(obj, f_port)
        found = self._codec.encode(profile.payload_codec_script, obj, variables)
        if isinstance(found, EncodedPayload) and found.f_port is None:
            return EncodedPayload(found.data, f_port)
        return found

    def _script(self, profile: api.DeviceProfile) -> str:
        """Return the same text for the same message: its hash is known then."""
        found = self._scripts.get(id(profile))
        if found is None or found[0] is not profile:
            if len(self._scripts) >= MOST_PROFILES:
                self._scripts.clear()
            found = self._scripts[id(profile)] = (profile, profile.payload_codec_script)
        return found[1]


def _decode_cayenne(data: bytes) -> DecodedObject | CodecError:
    try:
        return DecodedObject(cayenne_lpp.decode(data))
    except cayenne_lpp.CayenneError as error:
        return CodecError(str(error))


def _encode_cayenne(obj: Mapping[str, Any], f_port: int) -> EncodedPayload | CodecError:
    try:
        return EncodedPayload(cayenne_lpp.encode(obj), f_port)
    except cayenne_lpp.CayenneError as error:
        return CodecError(str(error))
