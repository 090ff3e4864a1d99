"""Of all that gateways say, the doctor keeps what is of his patient."""

from chirpstack_api import gw
from google.protobuf.json_format import MessageToJson
from hypothesis import given
from hypothesis import strategies as st
from tests.contract.radio import uplink_frame

from city.doctor.radio import Radio
from wire.eui64 import EUI64
from wire.lorawan.join import JoinRequest
from wire.lorawan.keys import Key

DEV_EUI = "a81758fffe0301c4"
KEY = Key(bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c"))
GATEWAY = "0016c001f1500a2b"
UP = f"eu868/gateway/{GATEWAY}/event/up"


def join(dev_eui: str = DEV_EUI, key: Key = KEY) -> gw.UplinkFrame:
    request = JoinRequest.sealed(
        key,
        join_eui=EUI64.parse("70b3d57ed0000a01"),
        dev_eui=EUI64.parse(dev_eui),
        dev_nonce=1,
    )
    return uplink_frame(bytes(request), GATEWAY)


def test_a_join_request_is_known_by_its_dev_eui_in_both_encodings() -> None:
    radio = Radio(DEV_EUI, app_key=KEY.hex())
    radio.take(UP, join().SerializeToString(), 1.0)
    radio.take(UP, MessageToJson(join()).encode(), 2.0)
    radio.take(UP, join("ffffffffffffffff").SerializeToString(), 3.0)

    assert [(1.0, True), (2.0, True)] == [(h.at, h.mic_is_good) for h in radio.heard]


def test_a_key_that_does_not_fit_is_seen_without_the_server() -> None:
    radio = Radio(DEV_EUI, app_key=KEY.hex())
    radio.take(UP, join(key=Key(bytes(16))).SerializeToString(), 1.0)

    assert [False] == [one.mic_is_good for one in radio.heard]


@given(
    st.binary(max_size=60), st.sampled_from(["event/up", "event/ack", "command/down"])
)
def test_nonsense_is_passed_over(payload: bytes, end: str) -> None:
    radio = Radio(DEV_EUI, dev_addr="01a7c3e5")
    radio.take(f"eu868/gateway/{GATEWAY}/{end}", payload, 1.0)
    radio.take(f"eu868/gateway/{GATEWAY}/{end}", b'"gatewayId"' + payload, 1.0)

    assert [] == [one for one in radio.heard if one.is_join]
