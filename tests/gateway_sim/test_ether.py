"""What a simulator may put on the air."""

import asyncio
import socket
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given as given_any
from hypothesis import strategies as st
from tests.gateway_sim.given import (
    BOOT_S,
    CAPITOLE,
    JOLIMONT,
    frame,
    gateway,
    medium,
)
from tests.servers import HOST

from gateway_sim.chirpstack import Codec, Encoding
from gateway_sim.ether import Ether, check
from gateway_sim.radio import Radio
from wire.air import AirFrame, AirMessage, AirStream, encode
from wire.errors import Malformed

NOW = BOOT_S + 1.0


def test_a_frame_of_this_moment_is_let_through() -> None:
    check(AirMessage.UPLINK, frame(), NOW)


@pytest.mark.parametrize(
    "wrong",
    [
        {"start_s": NOW + 31},
        {"start_s": NOW - 31},
        {"start_s": float("nan")},
        {"airtime_s": float("nan")},
        {"airtime_s": -1.0},
        {"airtime_s": 11.0},
        {"power_dbm": float("inf")},
        {"latitude": 91.0},
        {"longitude": float("-inf")},
    ],
    ids=str,
)
def test_a_frame_of_another_time_or_world_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Malformed, match=next(iter(wrong))):
        check(AirMessage.UPLINK, frame(**wrong), NOW)


def test_a_simulator_cannot_send_downlinks() -> None:
    with pytest.raises(Malformed, match="downlink"):
        check(AirMessage.DOWNLINK, frame(), NOW)


ANY_FRAME = st.builds(
    frame,
    phy_payload=st.binary(max_size=255),
    frequency_hz=st.sampled_from([868_100_000, 868_200_000, 0]),
    spreading_factor=st.integers(0, 255),
    bandwidth_hz=st.sampled_from([0, 125_000, 250_000, 2**32 - 1]),
    coding_rate=st.sampled_from(["4/5", "4/8"]),
    power_dbm=st.floats(width=32),
    iq_inverted=st.booleans(),
    start_s=st.floats() | st.just(NOW),
    airtime_s=st.floats(),
    latitude=st.floats(),
    longitude=st.floats(),
)


@given_any(ANY_FRAME)
def test_any_frame_is_refused_or_gets_an_outcome(anything: AirFrame) -> None:
    [(kind, sent)] = AirStream().feed(encode(AirMessage.UPLINK, anything))
    try:
        check(kind, sent, NOW)
    except Malformed:
        return
    radio = Radio(medium(CAPITOLE, JOLIMONT), [gateway(CAPITOLE), gateway(JOLIMONT)])
    radio.transmit(sent)
    radio.tick(NOW + 100)

    [(outcome, uplinks)] = radio.outcomes()
    assert (outcome.cause is None) == bool(uplinks)
    for uplink in uplinks:
        assert Codec(CAPITOLE, Encoding.PROTOBUF).up(uplink)


def test_a_simulator_that_does_not_read_is_cut_off_and_the_other_hears_all() -> None:
    async def scene() -> int:
        ether = Ether(on_frame=lambda _: None, clock=lambda: NOW)
        address = await ether.listen(HOST, 0)
        with closing(socket.create_connection(address)):
            good, writer = await asyncio.open_connection(*address)
            while ether.simulators < 2:  # noqa: ASYNC110 - one turn of the loop or two
                await asyncio.sleep(0)
            stream, sent, heard = AirStream(), 0, 0
            while ether.simulators == 2:
                ether.send([frame(phy_payload=bytes(255))] * 1_000)
                sent += 1_000
                while heard < sent:
                    heard += len(stream.feed(await good.read(65_536)))
            writer.close()
            await ether.close()
        return sent - heard

    assert 0 == asyncio.run(scene())
