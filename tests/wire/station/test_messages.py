"""Every message of the LNS protocol, both ways, and whatever else comes."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import Illegal, Malformed
from wire.eui64 import EUI64
from wire.station import (
    Complaint,
    DeviceClass,
    DnMsg,
    DnSched,
    DnTxed,
    RefusedCommand,
    RouterInfo,
    RouterInfoRequest,
    Scheduled,
    TimeSync,
    UpInfo,
    Uplink,
    Version,
    Window,
    parse_from_gateway,
    parse_from_server,
)

GATEWAY = EUI64.parse("0016c001f1500001")
LAMP = EUI64.parse("a81758fffe0301c4")
INFO = UpInfo(
    x_time=0x00A5_0000_1234_5678,
    r_ctx=1,
    gps_time_us=1_400_000_000_000_000,
    rssi_dbm=-87,
    snr_db=6.5,
    rx_time_s=1_800_000_001.5,
)
# Values that chirpstack-gateway-bridge's own tests state for these fields.
UPDF = {
    "msgtype": "updf",
    "MHdr": 0x40,
    "DevAddr": -10,
    "FCtrl": 0x80,
    "FCnt": 400,
    "FOpts": "0102",
    "FPort": 1,
    "FRMPayload": "04030201",
    "MIC": -20,
    "DR": 5,
    "Freq": 868_100_000,
    "upinfo": {"rctx": 1, "xtime": 2, "rssi": 120, "snr": 5.5},
}


def uplink(phy_payload: bytes) -> Uplink:
    return Uplink(
        phy_payload=phy_payload,
        data_rate=5,
        frequency_hz=868_100_000,
        info=INFO,
        ref_time_s=1.25,
    )


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        ({}, "40f6ffffff809001010201" + "04030201" + "ecffffff"),
        ({"FRMPayload": ""}, "40f6ffffff809001010201ecffffff"),
        ({"FPort": -1, "FRMPayload": ""}, "40f6ffffff8090010102ecffffff"),
    ],
)
def test_a_data_frame_is_put_together_as_published(
    port: dict[str, Any], expected: str
) -> None:
    message = parse_from_gateway(json.dumps(UPDF | port))

    assert isinstance(message, Uplink)
    assert expected == message.phy_payload.hex()
    assert (5, 868_100_000, 2, 1) == (
        *(message.data_rate, message.frequency_hz),
        *(message.info.x_time, message.info.r_ctx),
    )


@pytest.mark.parametrize(
    "frame",
    [
        "40f6ffffff809001ecffffff",
        "80f6ffffff82900101020104030201ecffffff",
        "40f6ffffff80900101ecffffff",
        "00" + "0807060504030201" + "c40103fefff51758a8" + "2c01" + "ecffffff"[2:],
        "c0" + bytes(range(22)).hex(),
        "e0deadbeef",
    ],
)
def test_a_frame_taken_apart_is_the_same_put_together(frame: str) -> None:
    sent = uplink(bytes.fromhex(frame))

    assert sent == parse_from_gateway(str(sent))


def test_a_join_request_names_its_euis_in_display_order() -> None:
    frame = b"\x00" + GATEWAY.to_le() + LAMP.to_le() + b"\x2c\x01" + b"\xec\xff\xff\xff"
    document = json.loads(str(uplink(frame)))

    assert "jreq" == document["msgtype"]
    assert "00-16-c0-01-f1-50-00-01" == document["JoinEui"]
    assert "a8-17-58-ff-fe-03-01-c4" == document["DevEui"]
    assert (300, -20, 0) == (document["DevNonce"], document["MIC"], document["MHdr"])


@pytest.mark.parametrize(
    "frame", ["", "20aabb", "40", "41f6ffffff809001ecffffff", "00"]
)
def test_what_is_no_uplink_is_not_forwarded(frame: str) -> None:
    with pytest.raises(Malformed):
        str(uplink(bytes.fromhex(frame)))


FROM_GATEWAY = [
    Version(station="2.0.6", firmware="1", package="2", model="sim", features="gps"),
    TimeSync(tx_time=123_456),
    DnTxed(
        diid=77,
        dev_eui=LAMP,
        data_rate=3,
        frequency_hz=869_525_000,
        r_ctx=1,
        x_time=INFO.x_time,
        tx_time_s=1.5,
        gps_time_us=3,
    ),
]
CLASS_A = DnMsg(
    device_class=DeviceClass.A,
    dev_eui=LAMP,
    diid=77,
    pdu=b"to a lamp",
    priority=1,
    rx_delay_s=5,
    rx1=Window(data_rate=5, frequency_hz=868_100_000),
    rx2=Window(data_rate=0, frequency_hz=869_525_000),
    x_time=INFO.x_time,
    r_ctx=0,
    mux_time_s=1_800_000_000.5,
)
CLASS_B = DnMsg(
    device_class=DeviceClass.B,
    dev_eui=LAMP,
    diid=78,
    pdu=b"\x01",
    slot=Window(data_rate=3, frequency_hz=869_525_000),
    gps_time_us=1_400_000_000_000_000,
)
CLASS_C = DnMsg(
    device_class=DeviceClass.C,
    dev_eui=LAMP,
    diid=79,
    pdu=b"\x01",
    rx2=Window(data_rate=3, frequency_hz=869_525_000),
)
FROM_SERVER = [
    *(CLASS_A, CLASS_B, CLASS_C),
    DnSched(
        schedule=(
            Scheduled(
                pdu=b"\x01", window=Window(data_rate=3, frequency_hz=1), x_time=9
            ),
            Scheduled(
                pdu=b"\x02",
                window=Window(data_rate=3, frequency_hz=1),
                gps_time_us=9,
                r_ctx=1,
            ),
        )
    ),
    TimeSync(tx_time=123_456, gps_time_us=1),
    TimeSync(x_time=INFO.x_time, gps_time_us=1),
    Complaint(error="no such gateway"),
]


@pytest.mark.parametrize("message", FROM_GATEWAY, ids=lambda one: type(one).__name__)
def test_what_a_gateway_writes_a_server_reads(message: object) -> None:
    assert message == parse_from_gateway(str(message))


@pytest.mark.parametrize("message", FROM_SERVER, ids=lambda one: type(one).__name__)
def test_what_a_server_writes_a_gateway_reads(message: object) -> None:
    assert message == parse_from_server(str(message))


@pytest.mark.parametrize("kind", ["runcmd", "rmtsh"])
def test_a_shell_for_the_server_is_recognized_and_nothing_more(kind: str) -> None:
    text = json.dumps({"msgtype": kind, "command": "/bin/sh", "arguments": ["-c"]})

    assert RefusedCommand(kind=kind) == parse_from_server(text)


def test_discovery_asks_with_an_id6_and_is_told_an_address() -> None:
    asked = RouterInfoRequest(router=GATEWAY)
    told = RouterInfo(router=GATEWAY, muxs=GATEWAY, uri="ws://127.0.0.1:3001/gateway/1")

    assert '{"router":"16:c001:f150:1"}' == str(asked)
    assert asked == RouterInfoRequest.parse(str(asked))
    assert told == RouterInfo.parse(str(told))


def test_discovery_may_answer_an_error_instead_of_an_address() -> None:
    told = RouterInfo(router=GATEWAY, muxs=GATEWAY, error="unknown gateway")

    assert told == RouterInfo.parse(str(told))
    with pytest.raises(Malformed, match="ws://"):
        RouterInfo.parse('{"router":"::1","uri":"http://127.0.0.1"}')


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"xtime": None}, "xtime"),
        ({"RX1DR": None}, "RX1DR and RX1Freq together"),
        ({"RX1DR": None, "RX1Freq": None, "RX2DR": None, "RX2Freq": None}, "RX1DR"),
        ({"dC": 1}, "gpstime"),
        ({"dC": 3}, "dC"),
        ({"pdu": ""}, "pdu"),
        ({"pdu": "00" * 256}, "255"),
        ({"pdu": "0x"}, "hexadecimal"),
        ({"RxDelay": 16}, "RxDelay"),
        ({"diid": "77"}, "diid"),
        ({"diid": 10**4000}, "bits"),
        ({"DevEui": "lamp"}, "DevEui"),
    ],
)
def test_a_downlink_that_lacks_something_says_what(
    change: dict[str, Any], missing: str
) -> None:
    document = json.loads(str(CLASS_A)) | change

    with pytest.raises(Malformed, match=missing):
        parse_from_server(json.dumps(document))


def test_a_delay_of_zero_is_one_second() -> None:
    document = json.loads(str(CLASS_A)) | {"RxDelay": 0}
    message = parse_from_server(json.dumps(document))

    assert isinstance(message, DnMsg)
    assert 1 == message.rx_delay_s


def test_a_downlink_without_a_window_cannot_be_written() -> None:
    nowhere = DnMsg(device_class=DeviceClass.C, dev_eui=LAMP, diid=1, pdu=b"\x01")

    with pytest.raises(Illegal, match="RX2"):
        str(nowhere)


JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
GOOD = [json.loads(str(one)) for one in [*FROM_GATEWAY, *FROM_SERVER]] + [UPDF]


@given(st.sampled_from(GOOD), st.data())
def test_a_bent_message_is_read_or_malformed(
    good: dict[str, Any], data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from(sorted(good)))
    bent = json.dumps(good | {key: data.draw(JSON_VALUES)})

    for parse in (parse_from_gateway, parse_from_server):
        with suppress(Malformed):
            parse(bent)


@given(st.text() | st.binary())
def test_any_text_is_read_or_malformed(text: str | bytes) -> None:
    for parse in (parse_from_gateway, parse_from_server, RouterInfo.parse):
        with pytest.raises(Malformed):
            parse(text)


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5000, '{"msgtype":NaN}', "null"])
def test_deep_and_huge_json_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse_from_gateway(text)
