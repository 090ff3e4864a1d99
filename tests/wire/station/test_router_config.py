"""The configuration of a gateway: filters, channels, data rates, power."""

import json
from typing import Any

import pytest

from wire.errors import Malformed
from wire.eui64 import EUI64
from wire.station import (
    Beaconing,
    Rate,
    RouterConfig,
    UpChannel,
    boards_for,
    parse_from_server,
)

EU868_HZ = [868_100_000, 868_300_000, 868_500_000]
EXTRA_HZ = [867_100_000 + step * 200_000 for step in range(5)]
RATES = (
    *(Rate(spreading_factor=12 - index, bandwidth_hz=125_000) for index in range(6)),
    Rate(spreading_factor=7, bandwidth_hz=250_000),
    Rate(spreading_factor=0, bandwidth_hz=0),
    *[None] * 8,
)
CONFIG = RouterConfig(
    region="EU863",
    hwspec="sx1301/1",
    frequency_range_hz=(863_000_000, 870_000_000),
    data_rates=RATES,
    boards=boards_for(EU868_HZ + EXTRA_HZ),
    net_ids=(0, 0x13),
    join_euis=((1, 0xFF), (2**63, 2**64 - 1)),
    up_channels=(UpChannel(frequency_hz=868_800_000, min_dr=7, max_dr=7),),
    max_eirp_dbm=16.0,
    beaconing=Beaconing(data_rate=3, frequencies_hz=(869_525_000,), layout=(2, 8, 17)),
    no_duty_cycle=True,
    mux_time_s=1_800_000_000.5,
)


def read(**change: Any) -> RouterConfig:
    document = json.loads(str(CONFIG)) | change
    message = parse_from_server(json.dumps(document))
    assert isinstance(message, RouterConfig)
    return message


def test_a_configuration_is_read_as_it_was_written() -> None:
    assert CONFIG == read()


def test_data_rates_are_sixteen_rows_of_factor_khz_and_direction() -> None:
    rows = json.loads(str(CONFIG))["DRs"]

    assert [12, 125, 0] == rows[0]
    assert [7, 250, 0] == rows[6]
    assert [0, 0, 0] == rows[7]
    assert [[-1, 0, 0]] * 8 == rows[8:]


def test_an_uplink_has_the_data_rate_of_its_modulation() -> None:
    # US902-928: SF8 at 500 kHz goes up as DR4 and down as DR12.
    rows = [[-1, 0, 0]] * 4 + [[8, 500, 0]] + [[-1, 0, 0]] * 7 + [[8, 500, 1]]
    config = read(DRs=rows)

    assert 4 == config.data_rate_of(8, 500_000)
    assert 7 == CONFIG.data_rate_of(0, 50_000)
    assert config.data_rate_of(12, 125_000) is None
    assert Rate(spreading_factor=8, bandwidth_hz=500_000, is_downlink_only=True) == (
        config.rate(12)
    )
    assert config.rate(15) is None


def test_the_net_id_filter_looks_at_the_upper_seven_bits() -> None:
    config = read(NetID=[0x13])

    assert config.admits_dev_addr(0x2612_3456)  # NwkID 0x13
    assert not config.admits_dev_addr(0x0112_3456)
    assert read(NetID=None).admits_dev_addr(0x0112_3456)
    assert not read(NetID=[]).admits_dev_addr(0x0112_3456)


def test_the_join_eui_filter_is_ranges_with_their_ends() -> None:
    def admits(number: int) -> bool:
        return CONFIG.admits_join_eui(EUI64(number.to_bytes(8)))

    assert [True, True, False, True] == [
        *(admits(1), admits(0xFF), admits(0x100), admits(2**64 - 1))
    ]
    assert read(JoinEui=None).admits_join_eui(EUI64(bytes(8)))


def test_eight_channels_are_one_board_of_two_radios() -> None:
    [board] = boards_for(EU868_HZ + EXTRA_HZ)

    assert {"enable": True, "freq": 867_500_000} == board["radio_0"]
    assert {"enable": True, "freq": 868_300_000} == board["radio_1"]
    assert {"enable": True, "radio": 0, "if": -400_000} == board["chan_multiSF_0"]
    assert {"enable": True, "radio": 1, "if": 200_000} == board["chan_multiSF_7"]


def test_what_does_not_fit_one_board_needs_two() -> None:
    wide = [863_100_000, 865_100_000, 868_100_000]

    assert 2 == len(boards_for(wide))
    assert 2 == len(boards_for(range(902_300_000, 902_300_000 + 9 * 200_000, 200_000)))


def test_a_gateway_hears_its_channels_only() -> None:
    assert CONFIG.hears(867_900_000, 0)
    assert CONFIG.hears(868_800_000, 7)  # by upchannels
    assert not CONFIG.hears(868_300_000, 6)
    assert not CONFIG.hears(864_100_000, 0)


def test_the_single_channel_is_for_one_modulation() -> None:
    fast = Rate(spreading_factor=7, bandwidth_hz=250_000)
    boards = boards_for(EU868_HZ, (868_300_000, fast))
    config = read(sx1301_conf=list(boards))

    assert config.hears(868_300_000, 6)
    assert not config.hears(868_100_000, 6)


def test_a_downlink_stays_inside_the_frequency_range() -> None:
    assert CONFIG.holds(863_000_000)
    assert CONFIG.holds(870_000_000)
    assert not CONFIG.holds(870_000_001)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"freq_range": [1]}, "freq_range"),
        ({"DRs": []}, "DRs"),
        ({"DRs": [[12, 125]]}, "DRs"),
        ({"DRs": [[12, 125, 0]] * 17}, "DRs"),
        ({"sx1301_conf": []}, "concentrator"),
        ({"sx1301_conf": None}, "concentrator"),
        ({"hwspec": None}, "hwspec"),
        ({"NetID": ["0"]}, "NetID"),
        ({"JoinEui": [[1]]}, "JoinEui"),
        ({"upchannels": [[1, 2]]}, "upchannels"),
        ({"bcning": {"layout": [1]}}, "layout"),
        ({"max_eirp": "high"}, "max_eirp"),
    ],
)
def test_a_configuration_that_cannot_be_obeyed_is_malformed(
    change: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Malformed, match=reason):
        read(**change)
