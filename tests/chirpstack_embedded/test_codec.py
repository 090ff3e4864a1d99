"""Codecs run as ChirpStack v4 runs them, and none can harm the server."""

import json
import math
import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


# What a script is given


def test_bytes_are_a_plain_array() -> None:
    seen = "return {data: {plain: Array.isArray(input.bytes), all: input.bytes}}"

    assert {"plain": True, "all": [1.0, 2.0]} == decoded(seen)


def test_port_variables_and_time_of_reception_are_given() -> None:
    seen = (
        "return {data: {port: input.fPort, unit: input.variables.unit, "
        "date: input.recvTime instanceof Date, at: input.recvTime.toISOString()}}"
    )

    expected = {
        "port": 10.0,
        "unit": "lamp",
        "date": True,
        "at": "2014-07-08T09:10:11.250Z",
    }
    assert expected == decoded(seen)


def test_nothing_else_is_given() -> None:
    seen = "return {data: {keys: Object.keys(input).sort()}}"

    assert ["bytes", "fPort", "recvTime", "variables"] == decoded(seen)["keys"]


@pytest.mark.parametrize(
    "name", ["require", "fetch", "setTimeout", "console", "TextDecoder", "module"]
)
def test_what_the_server_lacks_is_missing_here(name: str) -> None:
    assert "undefined" == decoded(f"return {{data: {{is: typeof {name}}}}}")["is"]


# What a script may answer


def test_every_number_is_a_float() -> None:
    value = decoded("return {data: {level: 21}}")["level"]

    assert (float, 21.0) == (type(value), value)


def test_what_json_cannot_hold_is_null() -> None:
    nothing = "[null, undefined, NaN, () => 1, 5n, Symbol(), new Error('x')]"

    assert [None] * 7 == decoded(f"return {{data: {{list: {nothing}}}}}")["list"]


def test_infinity_passes_here_and_costs_the_event_later() -> None:
    found = decoded("return {data: {a: [Infinity, -Infinity]}}")["a"]

    assert [math.inf, -math.inf] == found


def test_a_date_is_an_empty_object_and_a_typed_array_an_object() -> None:
    body = "return {data: {date: new Date(), typed: new Uint8Array([7, 8])}}"

    assert {"date": {}, "typed": {"0": 7.0, "1": 8.0}} == decoded(body)


def test_minus_zero_keeps_its_sign() -> None:
    assert -1.0 == math.copysign(1.0, decoded("return {data: {x: -0}}")["x"])


def test_a_long_answer_arrives_whole() -> None:
    body = "let s = ''; for (let i = 0; i < 5000; i++) s += i; return {data: {s}}"

    assert ["".join(map(str, range(5000)))] * 3 == [
        decoded(body)["s"] for _ in range(3)
    ]


def test_half_a_character_is_replaced() -> None:
    assert "\ufffd!" == decoded("return {data: {x: '\\ud83d!'}}")["x"]


def test_to_json_is_not_called() -> None:
    assert {"x": {"a": 1.0, "toJSON": None}} == decoded(
        "return {data: {x: {a: 1, toJSON() { return 5 }}}}"
    )


@pytest.mark.parametrize("data", ["undefined", "null", "5", "[1]", "'text'", "NaN"])
def test_data_must_be_an_object(data: str) -> None:
    assert "decodeUplink did not return 'data'" == failure(f"return {{data: {data}}}")


@pytest.mark.parametrize(
    ("result", "kind"),
    [("", "undefined"), ("null", "null"), ("5", "int"), ("'x'", "string")],
)
def test_the_result_must_be_an_object(result: str, kind: str) -> None:
    expected = f"JS error: Error converting from js '{kind}' into type 'object'"

    assert expected == failure(f"return {result}")


def test_errors_are_joined() -> None:
    body = "return {errors: ['too short', 'unknown port'], data: {}}"

    assert "decodeUplink returned errors: too short, unknown port" == failure(body)


@pytest.mark.parametrize("errors", ["[]", "'text'", "[1]", "{0: 'x'}", "null"])
def test_errors_of_another_type_are_ignored(errors: str) -> None:
    assert {"x": 1.0} == decoded(f"return {{errors: {errors}, data: {{x: 1}}}}")


def test_warnings_are_ignored() -> None:
    assert {} == decoded("return {warnings: ['hot'], data: {}}")


# How a script fails


def test_strict_mode_refuses_an_undeclared_variable() -> None:
    message = failure("x = 1; return {data: {}}")

    assert message.startswith("JS error: Error: x is not defined\n    at decodeUplink")


def test_the_first_line_of_a_script_is_line_four() -> None:
    assert "at decodeUplink (main:4:" in failure("return foo")


def test_an_exception_loses_its_class() -> None:
    assert failure("throw new RangeError('far')").startswith("JS error: Error: far\n")


def test_something_thrown_that_is_no_error_is_told() -> None:
    expected = 'JS error: Exception generated by quickjs: String(Ok("boo"))\n'

    assert expected == failure("throw 'boo'")


def test_a_missing_function_is_told() -> None:
    found = CODEC.decode("function Decode(fPort, bytes) {}", 1, b"", 0.0, {})

    assert isinstance(found, CodecError)
    assert found.message.startswith("JS error: Error: decodeUplink is not defined")


@pytest.mark.parametrize("script", ["function (", "}", "`", "return 1", "import"])
def test_a_syntax_error_is_told(script: str) -> None:
    assert isinstance(CODEC.decode(script, 1, b"", 0.0, {}), CodecError)


def test_module_exports_throws_as_in_the_real_server() -> None:
    message = failure("return {data: {}}", before="module.exports = {};\n")

    assert message.startswith("JS error: Error: module is not defined")


def test_an_unknown_module_is_told() -> None:
    message = failure("return {data: {}}", before="import fs from 'fs';\n")

    assert message.startswith("JS error: Error: could not load module 'fs'")


def test_a_second_buffer_collides() -> None:
    message = failure("return {data: {}}", before="const Buffer = 1;\n")

    assert message.startswith("JS error: Error: ")


# What a script may not do


@pytest.mark.parametrize(
    "body",
    [
        "while (true) {}",
        "for (;;) { try { while (true) {} } catch (e) {} }",
        "return {data: {x: /(a+)+$/.test('a'.repeat(40) + 'b')}}",
        "return {data: {get x() { while (true) {} }}}",
        "return {data: {x: Array.prototype.indexOf.call({length: 2 ** 40}, 1)}}",
    ],
)
def test_what_never_ends_is_interrupted(body: str) -> None:
    assert failure(body).startswith("JS error: Error: interrupted")


def test_a_loop_outside_the_function_is_interrupted() -> None:
    message = failure("return {data: {}}", before="while (true) {}\n")

    assert message.startswith("JS error: Error: interrupted")


def test_endless_jobs_are_interrupted() -> None:
    before = "const again = () => Promise.resolve().then(again); await again();\n"

    assert failure("return {data: {}}", before).startswith("JS error: Error: inter")


@pytest.mark.parametrize(
    "body",
    [
        "return {data: {x: 'x'.repeat(2 ** 28)}}",
        "return {data: {x: new ArrayBuffer(2 ** 29)}}",
        "let s = 'x'; while (true) s += s",
    ],
)
def test_what_eats_memory_is_stopped(body: str) -> None:
    assert failure(body).startswith("JS error: Error: ")


def test_endless_recursion_is_stopped() -> None:
    message = failure("const f = () => f(); return f()")

    assert message.startswith("JS error: Error: Maximum call stack size exceeded")


def test_a_result_that_contains_itself_is_refused() -> None:
    message = failure("const a = {}; a.a = a; return {data: a}")

    assert message.startswith("JS error: Error: the result is nested too deeply")


def test_the_codec_works_after_every_accident() -> None:
    codec = Codec()
    fine = "return {data: {n: input.bytes.length}}"
    bombs = ["while (true) {}", "let a = []; while (true) a.push(a.length + 'x')"]

    for bomb in bombs:
        body = f"if (input.bytes[0] === 9) {{ {bomb} }} {fine}"
        first = decode(body, b"\x01", codec)
        second = decode(body, b"\x01", codec)
        assert isinstance(decode(body, b"\x09", codec), CodecError)
        assert [DecodedObject({"n": 1.0})] * 3 == [
            first,
            second,
            decode(body, b"\x01", codec),
        ]


# No state stays behind


@pytest.mark.parametrize(
    ("before", "body"),
    [
        ("let n = 0;\n", "return {data: {n: n++}}"),
        ("var n = 0;\n", "return {data: {n: n++}}"),
        ("const seen = [];\n", "seen.push(1); return {data: {n: seen.length - 1}}"),
        (
            "",
            (
                "const n = Array.prototype.n ?? 0; Array.prototype.n = n + 1;"
                "return {data: {n}}"
            ),
        ),
        (
            "",
            "const n = globalThis.n ?? 0; globalThis.n = n + 1; return {data: {n}}",
        ),
        (
            "",
            (
                "const it = [][Symbol.iterator]().__proto__; const n = it.n ?? 0;"
                "it.n = n + 1; return {data: {n}}"
            ),
        ),
        (
            "",
            (
                "let n = Math.n ?? 0; try { Math.n = n + 1 } catch (e) { n = 99 }"
                "return {data: {n}}"
            ),
        ),
        (
            "",
            (
                "const f = decodeUplink; const n = f.n ?? 0; f.n = n + 1;"
                "return {data: {n}}"
            ),
        ),
        (
            "const tools = {...Math};\n",
            (
                "let n; try { n = tools.n ?? 0; tools.n = n + 1 } catch (e) { n = 9 }"
                "return {data: {n}}"
            ),
        ),
        ("", "const n = Buffer.n ?? 0; Buffer.n = n + 1; return {data: {n}}"),
    ],
)
def test_a_call_finds_nothing_of_the_one_before(before: str, body: str) -> None:
    assert [{"n": 0.0}] * 4 == [decoded(body, before=before) for _ in range(4)]


def test_the_quick_way_and_the_slow_way_give_the_same_answer() -> None:
    body = "return {data: {level: input.bytes[0] * 1.5, raw: input.bytes}}"
    codec = Codec()

    answers = [decode(body, bytes([n % 3]), codec) for n in (1, 1, 1)]

    assert [DecodedObject({"level": 1.5, "raw": [1.0]})] * 3 == answers


def test_an_error_after_successes_has_its_place_in_the_script() -> None:
    body = "if (input.bytes.length > 1) nowhere(); return {data: {}}"
    codec = Codec()
    for _ in range(3):
        assert DecodedObject({}) == decode(body, b"\x01", codec)

    found = decode(body, b"\x01\x02", codec)

    assert isinstance(found, CodecError)
    assert "at decodeUplink (main:4:" in found.message


def test_one_codec_serves_several_threads() -> None:
    answers: list[DecodedObject | CodecError] = []
    body = "return {data: {sum: input.bytes.reduce((a, b) => a + b, 0)}}"

    def work() -> None:
        answers.extend(decode(body, bytes([n, 1])) for n in range(50))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    expected = [DecodedObject({"sum": n + 1.0}) for n in range(50) for _ in range(3)]
    assert expected == sorted(answers, key=lambda found: found.object["sum"])  # type: ignore[union-attr] # an error would fail here, as it should


# Encoding


def test_numbers_become_octets_as_in_rust() -> None:
    body = "return {bytes: [-1, 300, 1.9, NaN, -0.5, Infinity, input.data.level]}"

    expected = EncodedPayload(b"\x00\xff\x01\x00\x00\xff\x2a", None)
    assert expected == encode(body, {"level": 42.0})


def test_the_port_is_optional() -> None:
    assert EncodedPayload(b"", 60) == encode("return {bytes: [], fPort: 60}")
    assert EncodedPayload(b"\x05", None) == encode("return {bytes: [5]}")


def test_no_port_is_in_the_input() -> None:
    body = "return {bytes: [Object.keys(input).length, 'fPort' in input ? 1 : 0]}"

    assert EncodedPayload(b"\x02\x00", None) == encode(body)


def test_an_encoder_may_refuse() -> None:
    expected = CodecError("encodeDownlink returned errors: level is missing")

    assert expected == encode("return {errors: ['level is missing']}")


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ("{}", "Error converting from js 'undefined' into type 'array'"),
        ("{bytes: 'a'}", "Error converting from js 'string' into type 'array'"),
        ("{bytes: ['a']}", "Error converting from js 'string' into type 'float'"),
    ],
)
def test_bytes_must_be_an_array_of_numbers(result: str, message: str) -> None:
    assert CodecError(message) == encode(f"return {result}")


# Whatever comes


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            # In a literal of the language, "__proto__" names no member.
            st.text(st.characters(exclude_categories=["Cs"])).filter(
                lambda name: name != "__proto__"
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(obj=st.dictionaries(st.sampled_from(["a", "b", "long name", "é", "0"]), JSON))
def test_an_object_survives_the_way_in_and_out(obj: dict[str, Any]) -> None:
    body = (
        "const text = JSON.stringify(input.data);"
        "return {bytes: Array.from(text, (c) => c.charCodeAt(0) & 255)}"
    )

    assert isinstance(encode(body, obj), EncodedPayload)
    answer = decode(f"return {{data: {json.dumps(obj)}}}")
    assert DecodedObject(json.loads(json.dumps(obj), parse_int=float)) == answer


@settings(max_examples=100, deadline=None)
@given(script=st.text(max_size=200), data=st.binary(max_size=20))
def test_no_script_is_more_than_an_error(script: str, data: bytes) -> None:
    found = CODEC.decode(script, 1, data, 0.0, {})

    assert isinstance(found, CodecError | DecodedObject)
