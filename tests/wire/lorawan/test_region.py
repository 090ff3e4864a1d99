import dataclasses

import pytest

from wire.errors import Illegal
from wire.lorawan.mhdr import Direction
from wire.lorawan.region import Modulation
from wire.lorawan.region.eu868 import EU868

# RP002-1.0.4, EU863-870: DR, SF, bandwidth, M, N
LORA_RATES = [
    (0, 12, 125_000, 59, 51),
    (1, 11, 125_000, 59, 51),
    (2, 10, 125_000, 59, 51),
    (3, 9, 125_000, 123, 115),
    (4, 8, 125_000, 250, 242),
    (5, 7, 125_000, 250, 242),
    (6, 7, 250_000, 250, 242),
]


@pytest.mark.parametrize(("index", "sf", "bandwidth_hz", "most", "app"), LORA_RATES)
def test_each_lora_data_rate_is_the_published_one(
    index: int, sf: int, bandwidth_hz: int, most: int, app: int
) -> None:
    rate = EU868.data_rate(index)

    assert (sf, bandwidth_hz) == (rate.spreading_factor, rate.bandwidth_hz)
    assert (most, app) == (rate.max_mac_payload, rate.max_frm_payload)
    assert rate is EU868.data_rate_of(sf, bandwidth_hz)


@pytest.mark.parametrize(("index", "behind"), [(0, 59), (3, 123), (4, 230), (7, 230)])
def test_a_repeater_shortens_the_fast_rates(index: int, behind: int) -> None:
    assert behind == EU868.data_rate(index).max_mac_payload_repeater


def test_an_unknown_combination_is_no_data_rate() -> None:
    assert EU868.data_rate_of(12, 500_000) is None


def test_a_data_rate_that_only_goes_up_is_not_found_going_down() -> None:
    assert not EU868.data_rate(8).downlink
    assert EU868.data_rate_of(7, 125_000, Direction.DOWN) is EU868.data_rate(5)


def test_a_missing_data_rate_is_illegal() -> None:
    with pytest.raises(Illegal, match="EU868 has no DR14"):
        EU868.data_rate(14)


@pytest.mark.parametrize(
    ("uplink", "offset", "rx1"),
    [
        (5, 0, 5),
        (5, 5, 0),
        (0, 0, 0),
        (0, 5, 0),
        (3, 2, 1),
        (7, 0, 7),
        (8, 0, 1),
        (11, 5, 0),
    ],
)
def test_rx1_follows_the_uplink_and_the_offset(
    uplink: int, offset: int, rx1: int
) -> None:
    assert rx1 == EU868.rx1_data_rate(uplink, offset)


@pytest.mark.parametrize(("uplink", "offset"), [(5, 6), (12, 0), (5, -1)])
def test_beyond_the_table_rx1_is_illegal(uplink: int, offset: int) -> None:
    with pytest.raises(Illegal, match="no RX1"):
        EU868.rx1_data_rate(uplink, offset)


def test_rx1_answers_on_the_frequency_of_the_uplink() -> None:
    assert 868_300_000 == EU868.rx1_frequency_hz(868_300_000)


def test_where_downlinks_have_channels_rx1_takes_the_uplinks_modulo() -> None:
    region = dataclasses.replace(EU868, rx1_frequencies_hz=(923_300_000, 923_900_000))

    assert 923_300_000 == region.rx1_frequency_hz(868_500_000)
    assert 923_900_000 == region.rx1_frequency_hz(867_100_000)


def test_windows_and_limits_are_the_published_ones() -> None:
    assert (869_525_000, 0) == (EU868.rx2_frequency_hz, EU868.rx2_data_rate)
    assert (1, 2) == (EU868.rx1_delay_s, EU868.rx2_delay_s)
    assert (5, 6) == (EU868.join_accept_delay1_s, EU868.join_accept_delay2_s)
    assert (64, 32) == (EU868.adr_ack_limit, EU868.adr_ack_delay)


@pytest.mark.parametrize(("tx_power", "eirp_dbm"), [(0, 16), (1, 14), (7, 2)])
def test_each_power_index_is_two_decibels_less(tx_power: int, eirp_dbm: int) -> None:
    assert eirp_dbm == EU868.eirp_dbm(tx_power)


@pytest.mark.parametrize("tx_power", [8, -1])
def test_a_power_index_beyond_the_last_is_illegal(tx_power: int) -> None:
    with pytest.raises(Illegal, match="no TXPower"):
        EU868.eirp_dbm(tx_power)


@pytest.mark.parametrize(
    ("frequency_hz", "eirp_dbm"),
    [(868_100_000, 16), (867_900_000, 16), (869_525_000, 29)],
)
def test_a_gateway_speaks_up_only_in_the_loud_band(
    frequency_hz: int, eirp_dbm: int
) -> None:
    assert eirp_dbm == EU868.gateway_eirp_dbm(frequency_hz)


@pytest.mark.parametrize(
    ("frequency_hz", "duty_cycle"),
    [
        (863_000_000, 0.001),
        (867_100_000, 0.01),
        (868_100_000, 0.01),
        (868_500_000, 0.01),
        (868_800_000, 0.001),
        (869_525_000, 0.1),
        (869_850_000, 0.01),
    ],
)
def test_each_channel_has_the_duty_cycle_of_its_band(
    frequency_hz: int, duty_cycle: float
) -> None:
    band = EU868.sub_band(frequency_hz)

    assert band is not None
    assert duty_cycle == band.duty_cycle


@pytest.mark.parametrize(
    "frequency_hz", [862_999_999, 868_650_000, 869_300_000, 870_000_000]
)
def test_outside_the_bands_nothing_may_be_sent(frequency_hz: int) -> None:
    assert EU868.sub_band(frequency_hz) is None


def test_the_stock_channels_are_eight() -> None:
    expected = (868.1, 868.3, 868.5, 867.1, 867.3, 867.5, 867.7, 867.9)
    channels = EU868.stock_channels()

    assert [round(mhz * 1e6) for mhz in expected] == [c.frequency_hz for c in channels]
    assert list(range(8)) == [c.index for c in channels]
    assert {(0, 5)} == {(c.min_dr, c.max_dr) for c in channels}


def test_a_channel_is_found_by_its_frequency() -> None:
    channel = EU868.channel_of(867_100_000)

    assert channel is not None
    assert 3 == channel.index
    assert EU868.channel_of(868_200_000) is None


def test_a_downlink_is_shorter_by_its_missing_checksum() -> None:
    rate = EU868.data_rate(5)

    assert 0.046336 == pytest.approx(rate.airtime_s(13))
    assert 0.041216 == pytest.approx(rate.airtime_s(13, Direction.DOWN))


def test_fsk_has_its_own_airtime_and_lr_fhss_none() -> None:
    assert Modulation.FSK is EU868.data_rate(7).modulation
    assert 0.03376 == pytest.approx(EU868.data_rate(7).airtime_s(200))
    with pytest.raises(Illegal, match="LR-FHSS"):
        EU868.data_rate(8).airtime_s(20)
