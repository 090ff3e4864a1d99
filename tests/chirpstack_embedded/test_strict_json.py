"""JSON that protobuf's reader would take and the real server does not."""

import pytest
from chirpstack_api import gw

from chirpstack_embedded.core.strict_json import fault, is_base64

UP, ACK = gw.UplinkFrame.DESCRIPTOR, gw.DownlinkTxAck.DESCRIPTOR


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "expected an object, found list"),
        ('{"phyPayload": "AA==", "phy_payload": "AA=="}', "phy_payload is said twice"),
        ('{"rxInfo": {"rssi": null}}', "null is no value of rssi"),
        ('{"rxInfo": {"rssi": -80.0}}', "-80.0 is no whole number, rssi is one"),
        ('{"rxInfo": {"crcStatus": "NO"}}', "'NO' is no CRCStatus"),
        ('{"rxInfo": {"crcStatus": [1]}}', "[1] is no CRCStatus"),
        ('{"rxInfo": {"context": "AwDI=="}}', "context is not base64"),
        ('{"rxInfo": null, "unknown": null}', ""),
        ('{"rxInfo": {"metadata": {"a": "b"}, "snr": 6}}', ""),
    ],
)
def test_what_the_real_server_refuses_is_said(text: str, said: str) -> None:
    assert said == fault(text, UP)


def test_lists_are_looked_into() -> None:
    text = '{"items": [{"status": "OK"}, {"status": "NO"}]}'

    assert "'NO' is no TxAckStatus" == fault(text, ACK)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("", True),
        ("AwDI", True),
        ("_-79", True),
        ("AA", True),
        ("AA==", True),
        ("AA=", False),
        ("AB==", False),
        ("A", False),
        ("AwDI\n", False),
    ],
)
def test_base64_is_exact(text: str, right: bool) -> None:
    assert right == is_base64(text)
