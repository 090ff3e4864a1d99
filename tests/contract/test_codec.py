"""JavaScript codecs as the real server runs them (contract §4.2)."""

from typing import Any

import pytest
from chirpstack_api import api
from tests.contract.caller import Refusal
from tests.contract.world import World


def decoded(world: World, body: str, payload: bytes = b"\x01\x02\x03") -> Any:
    """Return what ``decodeUplink`` with this body makes of an uplink."""
    world.given_joined()
    world.given_codec(f"function decodeUplink(input) {{\n{body}\n}}")
    world.when_uplink(payload)
    return world.then_event("up").get("object")


def complaint(world: World, script: str, payload: bytes = b"\x01") -> str:
    """Return the description of the UPLINK_CODEC log; ``up`` has no object."""
    world.given_joined()
    world.given_codec(script)
    world.when_uplink(payload)
    assert "object" not in world.then_event("up")
    log = world.then_event("log")
    assert ("ERROR", "UPLINK_CODEC") == (log["level"], log["code"])
    text: str = log["description"]
    return text


@pytest.mark.proves("codec:js")
def test_the_codec_sees_bytes_port_time_and_variables(world: World) -> None:
    world.given_joined()
    cast = world.cast
    device = api.Device(
        dev_eui=cast.dev_eui,
        name="lamp-0147",
        application_id=cast.application_id,
        device_profile_id=cast.profile.id,
        variables={"offset": "7"},
    )
    world.when_asked("DeviceService/Update", api.UpdateDeviceRequest(device=device))
    world.given_codec(
        """
        function decodeUplink(input) {
          return { data: {
            keys: Object.keys(input).sort(), bytes: input.bytes, port: input.fPort,
            isArray: Array.isArray(input.bytes), isDate: input.recvTime instanceof Date,
            year: input.recvTime.getFullYear() > 2020, offset: input.variables.offset,
          } };
        }
        """
    )
    world.when_uplink(b"\x01\xff", f_port=9)

    seen = world.then_event("up")["object"]

    assert {
        "keys": ["bytes", "fPort", "recvTime", "variables"],
        "bytes": [1.0, 255.0],
        "port": 9.0,
        "isArray": True,
        "isDate": True,
        "year": True,
        "offset": "7",
    } == seen


@pytest.mark.proves("codec:js-numbers", "trap:11")
def test_every_number_is_a_double(world: World) -> None:
    seen = decoded(
        world,
        """return { data: { a: 21, b: 26.6, c: -0.5, d: 1e21, e: 1e-7, f: NaN,
        g: [1, 2], h: 0, i: 123456789012, j: -0, k: 0.1 + 0.2, l: 5e-324 } };""",
    )

    assert (21.0, 26.6, None, [1.0, 2.0]) == (
        seen["a"],
        seen["b"],
        seen["f"],
        seen["g"],
    )
    assert isinstance(seen["a"], float)


@pytest.mark.proves("codec:js-numbers")
def test_what_json_does_not_know_becomes_null_or_an_object(world: World) -> None:
    seen = decoded(
        world,
        """return { data: { undef: undefined, fn: function() {}, sym: Symbol('x'),
        nul: null, date: new Date(0), typed: new Uint8Array([7, 8]), yes: true,
        text: 'é€😀', nested: { a: [{ b: [] }] }, map: new Map([[1, 2]]),
        big: 10n, re: /x/, nothing: {}, words: new String('ab') } };""",
    )

    assert (None, True, "é€😀") == (seen["nul"], seen["yes"], seen["text"])


@pytest.mark.proves("codec:js-numbers")
def test_infinity_loses_the_event(world: World) -> None:
    world.given_joined()
    world.given_codec("function decodeUplink(i) { return { data: { a: Infinity } }; }")
    world.when_uplink()

    world.then_nothing("up")


@pytest.mark.proves("check:13", "codec:js-errors")
def test_an_exception_is_logged_and_the_uplink_told(world: World) -> None:
    text = complaint(
        world, "function decodeUplink(input) {\n  throw new Error('boom');\n}"
    )

    assert "JS error: Error: boom\n    at decodeUplink (main:5:13)\n" in text


@pytest.mark.proves("codec:js-errors")
@pytest.mark.parametrize(
    "result",
    [
        "{ errors: ['a', 'b'] }",
        "{ errors: ['a'], data: {} }",
        "{}",
        "{ data: 1 }",
        "{ data: null }",
        "{ data: [1] }",
        "null",
        "7",
        "undefined",
        "'text'",
    ],
)
def test_what_is_no_result_is_logged(world: World, result: str) -> None:
    complaint(world, f"function decodeUplink(input) {{ return {result}; }}")


@pytest.mark.proves("codec:js-errors")
@pytest.mark.parametrize(
    "result",
    [
        "{ data: { a: 1 }, errors: [] }",
        "{ data: { a: 1 }, errors: 'text' }",
        "{ data: { a: 1 }, warnings: ['w'] }",
        "{ data: {} }",
    ],
)
def test_what_is_a_result_is_told(world: World, result: str) -> None:
    world.given_joined()
    world.given_codec(f"function decodeUplink(input) {{ return {result}; }}")
    world.when_uplink()

    assert "object" in world.then_event("up")


@pytest.mark.proves("codec:js-strict")
@pytest.mark.parametrize(
    "script",
    [
        "function decodeUplink(input) { x = 1; return { data: { x: x } }; }",
        "function Decode(fPort, bytes, variables) { return { a: 1 }; }",
        "function decodeUplink(input) { return { data: ",
        "",
        "function decodeUplink(input) { return { data: missing }; }",
        "function decodeUplink(input) { return { data: { a: null.x } }; }",
        "function decodeUplink(input) { throw 'text'; }",
        "function decodeUplink(input) { throw { code: 7 }; }",
        "function decodeUplink(input) { return input.bytes[9].toFixed(1); }",
        "function decodeUplink(input) { throw [7.5]; }",
        "function decodeUplink(input) { throw 7.5; }",
        "function decodeUplink(input) { throw null; }",
        "throw new Error('top');\nfunction decodeUplink(input) { return {}; }",
        "function decodeUplink(input) { return require('x'); }",
        "function decodeUplink(input) { console.log('x'); return { data: {} }; }",
    ],
    ids=[
        "undeclared",
        "v3",
        "syntax",
        "empty",
        "missing",
        "null",
        "text",
        "object",
        "short",
        "array",
        "float",
        "thrown null",
        "top",
        "require",
        "console",
    ],
)
def test_a_script_at_fault_is_logged_in_the_engines_words(
    world: World, script: str
) -> None:
    complaint(world, script)


@pytest.mark.proves("codec:js-time-limit", "config:codec.js.max_execution_time")
def test_a_script_that_does_not_end_is_interrupted(world: World) -> None:
    text = complaint(world, "function decodeUplink(input) { while (true) {} }")

    assert text.startswith("JS error: Error: interrupted")


def test_nothing_of_a_script_survives_a_call(world: World) -> None:
    world.given_joined()
    world.given_codec(
        """
        let calls = 0;
        globalThis.seen = (globalThis.seen || 0) + 1;
        function decodeUplink(input) {
          calls++; return { data: { calls, seen: globalThis.seen } };
        }
        """
    )
    world.when_uplink()
    first = world.then_event("up")["object"]
    world.when_uplink()

    assert {"calls": 1.0, "seen": 1.0} == first == world.then_event("up")["object"]


@pytest.mark.proves("codec:js-modules")
def test_buffer_is_there_and_the_three_modules_may_be_imported(world: World) -> None:
    world.given_joined()
    world.given_codec(
        """
        import { read } from 'ieee754';
        import { toByteArray } from 'base64-js';
        function decodeUplink(input) {
          const b = Buffer.from(input.bytes);
          return { data: {
            be: b.readUInt16BE(0), hex: b.toString('hex'), text: b.toString('base64'),
            float: read([0, 0, 0x28, 0x41], 0, true, 23, 4),
            bytes: Array.from(toByteArray('AQI=')),
          } };
        }
        """
    )
    world.when_uplink(b"\x01\x02\x03")

    seen = world.then_event("up")["object"]

    assert (258.0, "010203", "AQID", 10.5, [1.0, 2.0]) == (
        seen["be"],
        seen["hex"],
        seen["text"],
        seen["float"],
        seen["bytes"],
    )


@pytest.mark.proves("codec:js")
def test_a_codec_runs_on_empty_payloads_too(world: World) -> None:
    world.given_joined()
    world.given_codec(
        "function decodeUplink({ bytes, fPort }) {"
        " return { data: { n: bytes.length, p: fPort } }; }"
    )
    world.when_uplink(b"", f_port=None)

    assert {"n": 0.0, "p": 0.0} == world.then_event("up")["object"]


@pytest.mark.proves("codec:none")
def test_without_a_codec_there_is_no_object(world: World) -> None:
    world.given_joined()
    world.when_uplink()

    assert "object" not in world.then_event("up")


@pytest.mark.proves("codec:js-encode", "grpc:DeviceService/Enqueue")
@pytest.mark.parametrize(
    "body",
    [
        "return { bytes: [1, 2, 3] };",
        "return { bytes: [300, -1, 1.9], fPort: 17 };",
        "return { bytes: [] };",
        "return { bytes: [1], fPort: 0 };",
        "return { bytes: [1], fPort: 300 };",
        "return { bytes: 'text' };",
        "return {};",
        "return { errors: ['no', 'way'] };",
        "throw new Error('boom');",
        "return { bytes: Object.keys(input).map(k => k.length) };",
        "return { bytes: [typeof input.fPort === 'undefined' ? 1 : 0] };",
        "return { bytes: [input.data.dim, input.data.list.length] };",
    ],
)
def test_an_object_is_encoded_or_refused(world: World, body: str) -> None:
    world.given_device()
    world.given_codec(f"function encodeDownlink(input) {{ {body} }}")
    item = api.DeviceQueueItem(dev_eui=world.cast.dev_eui, f_port=10)
    item.object.update({"dim": 40, "list": [1, "a", None, True]})
    request = api.EnqueueDeviceQueueItemRequest(queue_item=item)

    world.when_asked("DeviceService/Enqueue", request)

    world.then_queue()


@pytest.mark.proves("codec:none")
def test_an_object_enqueued_without_codec_is_an_empty_payload(world: World) -> None:
    world.given_device()
    item = api.DeviceQueueItem(dev_eui=world.cast.dev_eui, f_port=10, data=b"\x01")
    item.object.update({"dim": 40})
    request = api.EnqueueDeviceQueueItemRequest(queue_item=item)
    answer = world.when_asked("DeviceService/Enqueue", request)

    assert not isinstance(answer, Refusal)
    assert [b""] == [queued.data for queued in world.then_queue()]
