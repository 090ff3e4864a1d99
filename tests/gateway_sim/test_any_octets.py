"""Whatever a server sends, a gateway goes on, and counts and logs what it refuses."""

import asyncio
import json
import logging
from typing import Any

import pytest
from chirpstack_api import gw
from hypothesis import example, given
from hypothesis import strategies as st
from tests.gateway_sim.given import BOOT_S, CAPITOLE, gateway, item

from gateway_sim.chirpstack import Codec, Encoding
from gateway_sim.forwarder import MqttForwarder
from gateway_sim.gateway import Downlink, Gateway, TxAck
from gateway_sim.jit import TxStatus
from gateway_sim.mqtt import Broker
from gateway_sim.udp import Server, UdpForwarder
from wire.errors import Malformed

NOW = BOOT_S + 100.0
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
SENSIBLE: dict[str, Any] = {
    "imme": True,
    "freq": 869.525,
    "powe": 14,
    "modu": "LORA",
    "datr": "SF9BW125",
    "codr": "4/5",
    "ipol": True,
    "size": 3,
    "data": "YWJj",
}
ODD_KEYS = (*SENSIBLE, "tmst", "tmms", "ncrc", "rfch", "prea")
CODEC = Codec(CAPITOLE, Encoding.PROTOBUF)
COUNTS = st.integers(0, 2**32 - 1)


class Ends:
    """Both ends of one gateway's line: what reached the gateway, what was refused."""

    def __init__(self) -> None:
        self.downlinks: list[Downlink] = []
        self.refused = 0

    def downlink(self, at: Gateway, downlink: Downlink) -> None:
        del at
        self.downlinks.append(downlink)

    def refuse(self) -> None:
        self.refused += 1


def udp(ends: Ends) -> UdpForwarder:
    return UdpForwarder(
        gateway(),
        server=Server(host="127.0.0.1", port=1),
        on_downlink=ends.downlink,
        on_refused=ends.refuse,
        on_online=lambda _: None,
    )


def requested(downlink: Downlink) -> TxAck:
    """A gateway's decision, which it must still be able to say in both protocols."""
    at = gateway()
    ack = at.request(downlink, NOW)
    CODEC.ack(ack)
    for frame in at.transmissions(NOW + 1e6):
        assert frame.start_s >= NOW
    fine = Downlink(downlink_id=1, items=(item(),))
    assert (TxStatus.OK,) == at.request(fine, NOW + 2e6).statuses
    return ack


def taken(payload: bytes) -> None:
    """Decide what a command asks for, if it asks for something."""
    try:
        downlink = CODEC.parse_down(payload)
    except Malformed:
        return
    requested(downlink)


def heard(datagram: bytes) -> Ends:
    """What one datagram comes to; the loop's clock is asked when a server answers."""
    ends = Ends()

    async def hear() -> None:
        udp(ends).datagram_received(datagram, ("127.0.0.1", 1))

    asyncio.run(hear())
    return ends


@given(datagram=st.binary(max_size=300))
@example(datagram=b"")
@example(datagram=b"\x02\x00\x00\x03" + b'{"txpk":' * 5_000)
def test_any_datagram_is_a_downlink_an_answer_or_a_counted_drop(
    datagram: bytes,
) -> None:
    ends = heard(datagram)

    is_answer = len(datagram) >= 4 and datagram[3] in {1, 4} and datagram[0] == 2
    assert 1 == len(ends.downlinks) + ends.refused + (is_answer and not ends.refused)


@given(odd=st.dictionaries(st.sampled_from(ODD_KEYS), ANYTHING, max_size=4))
@example(odd={"freq": float("nan")})
@example(odd={"powe": 1e400, "tmst": -1})
def test_any_txpk_is_decided_or_a_counted_drop(odd: dict[str, Any]) -> None:
    document = json.dumps({"txpk": SENSIBLE | odd}).encode()

    ends = heard(b"\x02\x12\x34\x03" + document)

    assert 1 == len(ends.downlinks) + ends.refused
    for downlink in ends.downlinks:
        assert 1 == len(requested(downlink).statuses)


@pytest.mark.parametrize(
    "datagram", [b"\x01", b"\x02\x00\x00\x00" + bytes(8) + b"{}", b"\x02\x00\x00\x99"]
)
def test_a_datagram_that_means_nothing_is_logged(
    datagram: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        ends = heard(datagram)

    assert (1, 1) == (ends.refused, caplog.text.count("gateway.down.drop"))


@given(payload=st.binary(max_size=300) | st.binary(max_size=200).map(b"{".__add__))
@example(payload=b'{"items":' * 5_000)
@example(payload=b'{"gatewayId":"\xff"}')
def test_any_command_is_a_downlink_or_malformed(payload: bytes) -> None:
    taken(payload)


@given(
    odd=st.dictionaries(
        st.sampled_from(("downlinkId", "items", "gatewayId", "downlinkIdLegacy")),
        ANYTHING,
    )
)
def test_any_json_command_is_a_downlink_or_malformed(odd: dict[str, Any]) -> None:
    payload = json.dumps({"gatewayId": str(CAPITOLE.gateway_id)} | odd).encode()

    taken(payload)


@given(
    items=st.lists(
        st.fixed_dictionaries(
            {
                "phy_payload": st.binary(max_size=300),
                "frequency": st.just(869_525_000) | COUNTS,
                "power": st.integers(-(2**31), 2**31 - 1),
                "bandwidth": st.just(125_000) | COUNTS,
                "spreading_factor": st.integers(5, 12) | COUNTS,
                "code_rate": st.integers(0, 20),
                "seconds": st.none() | st.integers(-(2**63), 2**63 - 1),
                "nanos": st.integers(-(2**31), 2**31 - 1),
                "epoch": st.booleans(),
                "context": st.binary(max_size=6),
            }
        ),
        max_size=3,
    )
)
def test_any_downlink_frame_is_decided_item_by_item(
    items: list[dict[str, Any]],
) -> None:
    message = gw.DownlinkFrame(
        gateway_id=str(CAPITOLE.gateway_id), items=[down_item(one) for one in items]
    )
    downlink = CODEC.parse_down(message.SerializeToString())

    assert len(items) == len(requested(downlink).statuses)


def down_item(fields: dict[str, Any]) -> gw.DownlinkFrameItem:
    one = gw.DownlinkFrameItem(phy_payload=fields["phy_payload"])
    tx_info, lora = one.tx_info, one.tx_info.modulation.lora
    tx_info.frequency, tx_info.power = fields["frequency"], fields["power"]
    tx_info.context = fields["context"]
    lora.bandwidth = fields["bandwidth"]
    lora.spreading_factor = fields["spreading_factor"]
    lora.code_rate = fields["code_rate"]
    if fields["seconds"] is None:
        tx_info.timing.immediately.SetInParent()
        return one
    timing = tx_info.timing
    at = (
        timing.gps_epoch.time_since_gps_epoch if fields["epoch"] else timing.delay.delay
    )
    at.seconds, at.nanos = fields["seconds"], fields["nanos"]
    return one


def test_a_command_that_means_nothing_is_counted_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ends = Ends()
    forwarder = MqttForwarder(
        gateway(),
        broker=Broker(host="127.0.0.1", port=1),
        prefix="eu868",
        codec=CODEC,
        on_downlink=ends.downlink,
        on_refused=ends.refuse,
        on_online=lambda _: None,
    )
    with caplog.at_level(logging.WARNING):
        forwarder._command("eu868/gateway/x/command/down", b"\xff")

    assert (1, 1) == (ends.refused, caplog.text.count("gateway.down.drop"))
    assert [] == ends.downlinks
