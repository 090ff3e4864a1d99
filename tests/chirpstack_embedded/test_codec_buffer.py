"""The modules a codec may import behave as Node's, as far as they go."""

import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chirpstack_embedded.codec import Codec, DecodedObject

CODEC = Codec()


def value(expression: str, data: bytes = b"", before: str = "") -> Any:
    script = (
        f"{before}function decodeUplink(input) {{ "
        f"const b = Buffer.from(input.bytes); return {{data: {{x: {expression}}}}} }}"
    )
    found = CODEC.decode(script, 1, data, 0.0, {})
    assert isinstance(found, DecodedObject), found
    return found.object["x"]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("new Buffer([1, 2, 255]).toString('hex')", "0102ff"),
        ("Buffer.from('0aFf0', 'hex').toString('hex')", "0aff"),
        ("Buffer.from('aGVsbG8=', 'base64').toString()", "hello"),
        ("Buffer.from('é€😀').toString('base64')", "w6nigqzwn5iA"),
        ("Buffer.from([0xff, 0x41]).toString()", "\ufffdA"),
        ("Buffer.from([0xfb, 0xff]).toString('base64url')", "-_8"),
        ("Buffer.concat([Buffer.from([1]), Buffer.from([2, 3])]).length", 3.0),
        ("Buffer.isBuffer(Buffer.alloc(2))", True),
        ("Buffer.alloc(3, 7)[2]", 7.0),
        ("Buffer.from([1, 2, 3]).slice(1).toString('hex')", "0203"),
        ("Buffer.from([1, 2]).equals(Buffer.from([1, 2]))", True),
        ("Buffer.from('abcabc').indexOf('ca')", 2.0),
        ("Buffer.from('abc').includes(98)", True),
        ("Buffer.byteLength('é')", 2.0),
        ("Buffer.from('ab').toJSON().type", "Buffer"),
        ("Buffer.alloc(4).writeUInt16BE(513, 1)", 3.0),
        ("Buffer.alloc(2).fill('ab').toString('latin1')", "ab"),
    ],
)
def test_buffer_does_as_node_says(expression: str, expected: Any) -> None:
    assert expected == value(expression)


@pytest.mark.parametrize(
    ("method", "layout"),
    [
        ("readUInt8", "B"),
        ("readInt8", "b"),
        ("readUInt16LE", "<H"),
        ("readUint16BE", ">H"),
        ("readInt16LE", "<h"),
        ("readInt16BE", ">h"),
        ("readUInt32LE", "<I"),
        ("readUInt32BE", ">I"),
        ("readInt32LE", "<i"),
        ("readInt32BE", ">i"),
    ],
)
@settings(max_examples=10, deadline=None)
@given(data=st.binary(min_size=6, max_size=6))
def test_numbers_are_read_as_struct_reads_them(
    method: str, layout: str, data: bytes
) -> None:
    assert float(*struct.unpack_from(layout, data, 1)) == value(f"b.{method}(1)", data)


def test_three_octets_are_a_number_too() -> None:
    assert [0x030201, -2.0] == value(
        "[b.readUIntLE(0, 3), b.readIntBE(3, 3)]", b"\x01\x02\x03\xff\xff\xfe"
    )


def test_floats_are_read() -> None:
    data = struct.pack("<f", 1.5) + struct.pack(">d", -2.25)

    assert [1.5, -2.25] == value("[b.readFloatLE(0), b.readDoubleBE(4)]", data)


def test_reading_past_the_end_is_an_error() -> None:
    script = "function decodeUplink(i) { Buffer.from(i.bytes).readUInt16LE(1) }"

    assert "Index out of range" in str(CODEC.decode(script, 1, b"ab", 0.0, {}))


@pytest.mark.parametrize(
    "before",
    [
        'import { toByteArray } from "base64-js";\n',
        "import { toByteArray } from 'base64-js'\n",
        "import { toByteArray, fromByteArray as y } from 'base64-js';\n",
        "import * as b64 from 'base64-js'; const { toByteArray } = b64;\n",
        "import b64 from 'base64-js'; const { toByteArray } = b64;\n",
    ],
)
def test_the_three_modules_can_be_imported(before: str) -> None:
    assert [104.0, 105.0] == value("Array.from(toByteArray('aGk='))", before=before)


def test_ieee754_reads_and_writes() -> None:
    before = (
        "import * as f from 'ieee754';\n"
        "const there = [];\n"
        "f.write(there, 0.5, 0, true, 23, 4);\n"
    )

    assert 0.5 == value("f.read(there, 0, true, 23, 4)", before=before)
