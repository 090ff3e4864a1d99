"""Short ways to call a codec."""

from typing import Any

from chirpstack_embedded.codec import (
    Codec,
    CodecError,
    DecodedObject,
    EncodedPayload,
)

CODEC = Codec()
RECV_TIME = 1_404_810_611.25


def decode(
    body: str, data: bytes = b"\x01\x02", codec: Codec = CODEC, before: str = ""
) -> DecodedObject | CodecError:
    script = f"{before}function decodeUplink(input) {{ {body} }}"
    return codec.decode(script, 10, data, RECV_TIME, {"unit": "lamp"})


def decoded(body: str, data: bytes = b"\x01\x02", before: str = "") -> dict[str, Any]:
    found = decode(body, data, before=before)
    assert isinstance(found, DecodedObject), found
    return found.object


def failure(body: str, before: str = "") -> str:
    found = decode(body, before=before)
    assert isinstance(found, CodecError), found
    return found.message


def encode(body: str, obj: dict[str, Any] | None = None) -> EncodedPayload | CodecError:
    return CODEC.encode(f"function encodeDownlink(input) {{ {body} }}", obj or {}, {})
