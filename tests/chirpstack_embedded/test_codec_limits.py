"""No codec can harm the server, nor the next call."""

import threading

import pytest
from tests.chirpstack_embedded.codec_calls import decode, decoded, failure

from chirpstack_embedded.codec import (
    Codec,
    CodecError,
    DecodedObject,
)

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
