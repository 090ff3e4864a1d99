"""Codecs run as ChirpStack would run them, and cannot do harm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from city.codec import Codec
from city.command import Payload
from city.errors import CodecFailed


def encoder(body: str) -> Codec:
    return Codec("function encodeDownlink(input) {" + body + "}")


def test_an_object_becomes_bytes_and_a_port() -> None:
    codec = encoder("return {bytes: [input.data.level, 255], fPort: 60};")

    assert Payload(f_port=60, data=b"\x07\xff") == codec.encode({"level": 7})


def test_bytes_become_an_object() -> None:
    codec = Codec(
        "function decodeUplink(i) {"
        " return {data: {n: i.bytes.length, port: i.fPort, t: i.recvTime.getTime()}}; }"
    )

    assert {"n": 2, "port": 5, "t": 1500} == codec.decode(b"ab", 5, received_at=1.5)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("while (true) {}", "interrupted"),
        ("let a = []; while (true) a.push(new Array(1e6).fill(1));", "memory"),
        ("return /(a+)+$/.test('a'.repeat(40) + 'b');", "interrupted"),
        ("undeclared = 1;", "not defined"),
        ("throw new Error('no lamp');", "no lamp"),
        ("return {errors: ['too bright', 'too late']};", "too bright, too late"),
        ("return {bytes: [256], fPort: 1};", "gave no bytes"),
        ("return {bytes: [1.5], fPort: 1};", "gave no bytes"),
        ("return {bytes: 'ab', fPort: 1};", "gave no bytes"),
        ("return {bytes: [1]};", "gave no application FPort"),
        ("return {bytes: [1], fPort: 0};", "gave no application FPort"),
        ("return {bytes: [1], fPort: 224};", "gave no application FPort"),
        ("", "returned no object"),
        ("return 5;", "returned no object"),
    ],
)
def test_a_bad_codec_is_an_error_that_says_so(body: str, said: str) -> None:
    codec = encoder(body)

    with pytest.raises(CodecFailed, match=said):
        codec.encode({"level": 1})


def test_a_codec_that_looped_can_be_used_again() -> None:
    codec = encoder("while (input.data.level) {} return {bytes: [0], fPort: 1};")
    with pytest.raises(CodecFailed):
        codec.encode({"level": 1})

    assert Payload(f_port=1, data=b"\0") == codec.encode({"level": 0})


@pytest.mark.parametrize("script", ["function (", "throw new Error('x')", "while(1){}"])
def test_a_script_that_does_not_load_is_an_error(script: str) -> None:
    with pytest.raises(CodecFailed, match="does not load"):
        Codec(script)


def test_a_codec_without_an_encoder_says_so() -> None:
    with pytest.raises(CodecFailed, match="encodeDownlink is not defined"):
        Codec("function decodeUplink(input) {}").encode({})


ECHO = Codec("function decodeUplink(input) { return {data: {bytes: input.bytes}}; }")


@given(st.binary(max_size=242), st.integers(0, 255))
def test_every_payload_reaches_the_codec_whole(data: bytes, f_port: int) -> None:
    assert {"bytes": list(data)} == ECHO.decode(data, f_port)
