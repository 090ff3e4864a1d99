"""Decode and encode application payloads by the profile's runtime (contract §4)."""

from collections.abc import Mapping
from typing import Any, Protocol

from chirpstack_api import api

from chirpstack_embedded.codec import CodecError, DecodedObject, EncodedPayload

_NONE, _JS = api.CodecRuntime.NONE, api.CodecRuntime.JS
NOT_EMULATED = "the Cayenne LPP codec is not emulated by Garonne's embedded server"


class Codec(Protocol):
    """Runs a profile's script."""

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
        if profile.payload_codec_runtime != _JS:
            return CodecError(NOT_EMULATED)
        script = profile.payload_codec_script
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
        if profile.payload_codec_runtime != _JS:
            return CodecError(NOT_EMULATED)
        found = self._codec.encode(profile.payload_codec_script, obj, variables)
        if isinstance(found, EncodedPayload) and found.f_port is None:
            return EncodedPayload(found.data, f_port)
        return found
