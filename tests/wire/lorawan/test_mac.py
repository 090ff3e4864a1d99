import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import Illegal, Malformed
from wire.lorawan.join import DLSettings
from wire.lorawan.mac import (
    COMMANDS,
    MAX_EIRP_DBM,
    DeviceTimeAns,
    DevStatusAns,
    DevStatusReq,
    DutyCycleReq,
    LinkADRAns,
    LinkADRReq,
    LinkCheckAns,
    LinkCheckReq,
    MacCommand,
    NewChannelAns,
    NewChannelReq,
    RXParamSetupAns,
    RXParamSetupReq,
    RXTimingSetupAns,
    RXTimingSetupReq,
    TXParamSetupReq,
    build_block,
    parse_block,
    parse_command,
)
from wire.lorawan.mhdr import Direction

UP, DOWN = Direction.UP, Direction.DOWN
FREQUENCIES = st.integers(0, 0xFFFFFF).map(lambda steps: steps * 100)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "margin_db": st.integers(0, 255),
    "gateway_count": st.integers(0, 255),
    "data_rate": st.integers(0, 15),
    "tx_power": st.integers(0, 15),
    "ch_mask": st.integers(0, 0xFFFF),
    "ch_mask_cntl": st.integers(0, 7),
    "nb_trans": st.integers(0, 15),
    "max_duty_cycle": st.integers(0, 15),
    "dl_settings": st.builds(
        DLSettings,
        rx1_dr_offset=st.integers(0, 7),
        rx2_data_rate=st.integers(0, 15),
        opt_neg=st.booleans(),
    ),
    "frequency_hz": FREQUENCIES,
    "battery": st.integers(0, 255),
    "ch_index": st.integers(0, 255),
    "max_dr": st.integers(0, 15),
    "min_dr": st.integers(0, 15),
    "delay": st.integers(0, 15),
    "max_eirp_dbm": st.sampled_from(MAX_EIRP_DBM),
    "gps_seconds": st.integers(0, 0xFFFFFFFF),
    "fraction_256": st.integers(0, 255),
}


def commands(kind: type[Any]) -> st.SearchStrategy[MacCommand]:
    fields = {
        field.name: FIELDS.get(field.name, st.booleans())
        for field in dataclasses.fields(kind)
    }
    if kind is DevStatusAns:
        fields["margin_db"] = st.integers(-32, 31)
    return st.builds(kind, **fields)


def any_command(direction: Direction) -> st.SearchStrategy[MacCommand]:
    return st.one_of(
        *(commands(kind) for (_, way), kind in COMMANDS.items() if way is direction)
    )


@pytest.mark.parametrize("key", COMMANDS, ids=lambda key: COMMANDS[key].__name__)
@given(data=st.data())
def test_every_command_reads_as_it_was_built(
    key: tuple[int, Direction], data: st.DataObject
) -> None:
    kind = COMMANDS[key]
    command = data.draw(commands(kind))

    assert (kind.cid, kind.direction) == key
    assert 1 + kind.size == len(bytes(command))
    assert command == parse_command(bytes(command), kind.direction)


@given(
    st.sampled_from(Direction).flatmap(
        lambda way: st.tuples(st.just(way), st.lists(any_command(way), max_size=6))
    )
)
def test_a_block_reads_as_it_was_built(
    case: tuple[Direction, list[MacCommand]],
) -> None:
    direction, sent = case
    block = parse_block(build_block(sent), direction)

    assert tuple(sent) == block.commands
    assert (b"", "") == (block.rest, block.why_not)


@given(st.binary(max_size=40), st.sampled_from(Direction))
def test_any_octets_read_without_loss(octets: bytes, direction: Direction) -> None:
    block = parse_block(octets, direction)
    read = octets[: len(octets) - len(block.rest)]

    assert len(read) == len(build_block(block.commands))
    assert bool(block.rest) == bool(block.why_not)


@pytest.mark.parametrize(
    ("octets", "commands", "rest", "why"),
    [
        ("0206", (LinkCheckReq(),), "06", "DevStatusAns has 2 octets, 0 came"),
        ("02800102", (LinkCheckReq(),), "800102", "CID 80 is not known up"),
        ("7f01", (), "7f01", "CID 7f is not known up"),
    ],
)
def test_an_unknown_or_cut_command_ends_the_block_and_says_so(
    octets: str, commands: tuple[MacCommand, ...], rest: str, why: str
) -> None:
    block = parse_block(bytes.fromhex(octets), UP)

    assert commands == block.commands
    assert rest == block.rest.hex()
    assert why == block.why_not


def test_a_cid_means_another_command_the_other_way() -> None:
    assert (DevStatusReq(),) == parse_block(b"\x06", DOWN).commands
    assert DevStatusAns(battery=254, margin_db=-1) == parse_command(b"\x06\xfe\x3f", UP)


def test_one_command_means_one() -> None:
    with pytest.raises(Malformed, match="one command, not 2"):
        parse_command(b"\x06\x06", DOWN)


@pytest.mark.parametrize(
    ("octets", "command"),
    [
        (
            "0350ff0001",
            LinkADRReq(data_rate=5, tx_power=0, ch_mask=0x00FF, nb_trans=1),
        ),
        (
            "0521d2ad84",
            RXParamSetupReq(
                dl_settings=DLSettings(rx1_dr_offset=2, rx2_data_rate=1),
                frequency_hz=869_525_000,
            ),
        ),
        (
            "0703184f8450",
            NewChannelReq(ch_index=3, frequency_hz=867_100_000, max_dr=5, min_dr=0),
        ),
        ("0805", RXTimingSetupReq(delay=5)),
    ],
)
def test_a_request_is_these_octets(octets: str, command: MacCommand) -> None:
    assert octets == bytes(command).hex()


@pytest.mark.parametrize(
    ("octet", "answer"),
    [
        (4, LinkADRAns(power_ack=True, data_rate_ack=False, channel_mask_ack=False)),
        (2, LinkADRAns(power_ack=False, data_rate_ack=True, channel_mask_ack=False)),
        (1, LinkADRAns(power_ack=False, data_rate_ack=False, channel_mask_ack=True)),
        (
            4,
            RXParamSetupAns(
                rx1_dr_offset_ack=True, rx2_data_rate_ack=False, channel_ack=False
            ),
        ),
        (
            1,
            RXParamSetupAns(
                rx1_dr_offset_ack=False, rx2_data_rate_ack=False, channel_ack=True
            ),
        ),
        (2, NewChannelAns(data_rate_range_ok=True, frequency_ok=False)),
        (1, NewChannelAns(data_rate_range_ok=False, frequency_ok=True)),
    ],
)
def test_each_status_bit_has_its_place(octet: int, answer: MacCommand) -> None:
    assert bytes((answer.cid, octet)) == bytes(answer)


@pytest.mark.parametrize(("delay", "delay_s"), [(0, 1), (1, 1), (15, 15)])
def test_a_timing_of_zero_means_one_second(delay: int, delay_s: int) -> None:
    assert delay_s == RXTimingSetupReq(delay=delay).rx1_delay_s


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (LinkCheckAns(margin_db=256, gateway_count=1), "Margin has 8 bits"),
        (LinkADRReq(data_rate=16, tx_power=0, ch_mask=1), "DataRate has 4 bits"),
        (LinkADRReq(data_rate=0, tx_power=0, ch_mask=1 << 16), "ChMask has 16 bits"),
        (DutyCycleReq(max_duty_cycle=-1), "MaxDCycle has 4 bits"),
        (DevStatusAns(battery=1, margin_db=32), "-32 to 31 dB"),
        (DevStatusAns(battery=1, margin_db=-33), "-32 to 31 dB"),
        (DeviceTimeAns(gps_seconds=1 << 32), "seconds has 32 bits"),
        (
            TXParamSetupReq(downlink_dwell=False, uplink_dwell=False, max_eirp_dbm=9),
            "MaxEIRP is one of",
        ),
    ],
)
def test_an_impossible_command_is_illegal(command: MacCommand, why: str) -> None:
    with pytest.raises(Illegal, match=why):
        bytes(command)


def test_an_answer_without_payload_is_its_cid() -> None:
    assert b"\x08" == bytes(RXTimingSetupAns())
