"""The engine in a process of its own: same answers, and nothing stops the server."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from chirpstack_embedded.adapters.codecs import CodecProcess
from chirpstack_embedded.codec import Codec, CodecError, DecodedObject, Uplink
from chirpstack_embedded.codec_engine import Limits

TYPES = sorted((Path(__file__).parents[2] / "chirpstack" / "device-types").iterdir())
ECHO = "function decodeUplink(input) { return {data: {first: input.bytes[0]}}; }"
HANGS = """
function decodeUplink(input) {
  if (input.bytes[0] === 13) {
    const needle = "a".repeat(200000) + "b";
    return {data: {found: "a".repeat(1000000).indexOf(needle)}};
  }
  return {data: {first: input.bytes[0]}};
}
"""
INTERRUPTED = CodecError("JS error: Error: interrupted\n")


@pytest.fixture
def process() -> Iterator[CodecProcess]:
    process = CodecProcess(Limits(seconds=0.05))
    yield process
    process.stop()


def uplink(script: str, first: int) -> Uplink:
    return Uplink(script, 1, bytes([first]), 0.0, {})


def answer(codec: Codec, asked: Uplink) -> DecodedObject | CodecError:
    return codec.decode(*asked)


def test_what_was_expected_is_answered_as_what_was_not(process: CodecProcess) -> None:
    codec = Codec(runner=process)
    codec.expect([uplink(ECHO, first) for first in range(40)])

    answers = [answer(codec, uplink(ECHO, first)) for first in range(42)]

    assert [DecodedObject({"first": float(first)}) for first in range(42)] == answers


def test_equal_uplinks_are_decoded_each_for_itself(process: CodecProcess) -> None:
    drawn = "function decodeUplink() { return {data: {drawn: Math.random()}}; }"
    codec = Codec(runner=process)
    codec.expect([uplink(drawn, 1)] * 3)

    answers = {repr(answer(codec, uplink(drawn, 1))) for _ in range(3)}

    assert 3 == len(answers)


def test_a_call_that_no_limit_stops_is_interrupted_and_harms_no_other(
    process: CodecProcess, caplog: pytest.LogCaptureFixture
) -> None:
    codec = Codec(runner=process)
    codec.expect([uplink(HANGS, first) for first in (12, 13, 14)])

    answers = [answer(codec, uplink(HANGS, first)) for first in (12, 13, 14, 15)]

    assert [
        DecodedObject({"first": 12.0}),
        INTERRUPTED,
        DecodedObject({"first": 14.0}),
        DecodedObject({"first": 15.0}),
    ] == answers
    assert 1 == caplog.text.count("codec.kill")


def test_a_process_that_dies_is_started_again(process: CodecProcess) -> None:
    codec = Codec(runner=process)
    answer(codec, uplink(ECHO, 1))
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)

    assert DecodedObject({"first": 2.0}) == answer(codec, uplink(ECHO, 2))


def test_what_nobody_asked_for_is_forgotten(process: CodecProcess) -> None:
    codec = Codec(runner=process)
    codec.expect([uplink(ECHO, first) for first in (1, 2)])
    codec.expect([uplink(ECHO, 3)])

    assert DecodedObject({"first": 3.0}) == answer(codec, uplink(ECHO, 3))
    assert DecodedObject({"first": 1.0}) == answer(codec, uplink(ECHO, 1))


def test_more_scripts_than_it_keeps_are_still_answered(
    process: CodecProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chirpstack_embedded.adapters.codecs.MOST_SCRIPTS", 1)
    codec = Codec(runner=process)
    scripts = [f"{ECHO} // {number}" for number in range(4)]

    answers = [answer(codec, uplink(script, 7)) for script in scripts]

    assert [DecodedObject({"first": 7.0})] * 4 == answers


@pytest.mark.parametrize("folder", TYPES, ids=lambda folder: str(folder.name))
def test_both_ways_of_running_a_script_give_the_same_answers(
    process: CodecProcess, folder: Path
) -> None:
    script = (folder / "codec.js").read_text("utf-8")
    examples = json.loads((folder / "examples.json").read_text("utf-8"))
    uplinks = [
        Uplink(script, one["input"]["fPort"], bytes(one["input"]["bytes"]), 1e9, {})
        for one in examples
        if one["type"] == "uplink"
    ]
    there, here = Codec(runner=process), Codec()
    there.expect(uplinks)

    assert uplinks
    assert [answer(here, one) for one in uplinks] == [
        answer(there, one) for one in uplinks
    ]
