"""AS923 and its groups (RP002-1.0.4 §2.10): the same table, shifted in frequency."""

from dataclasses import replace

from wire.lorawan.region import Region, SubBand
from wire.lorawan.region.rows import channels, fsk, lora

DATA_RATES = (
    lora(0, 12, 125, 250, 59, 59, dwell=0),
    lora(1, 11, 125, 440, 59, 59, dwell=0),
    lora(2, 10, 125, 980, 123, 123, dwell=19),
    lora(3, 9, 125, 1760, 123, 123, dwell=61),
    lora(4, 8, 125, 3125, 250, 230, dwell=133),
    lora(5, 7, 125, 5470, 250, 230, dwell=250),
    lora(6, 7, 250, 11000, 250, 230, dwell=250),
    fsk(7),
)

AS923 = Region(
    name="as923",
    common_name="AS923",
    data_rates=DATA_RATES,
    default_channels=channels((923_200_000, 923_400_000), min_dr=0, max_dr=5),
    max_channels=16,
    cf_list=None,
    join_data_rates=(2, 3, 4, 5),
    rx1_data_rates={
        0: (0, 0, 0, 0, 0, 0, 1, 2),
        1: (1, 0, 0, 0, 0, 0, 2, 3),
        2: (2, 1, 0, 0, 0, 0, 3, 4),
        3: (3, 2, 1, 0, 0, 0, 4, 5),
        4: (4, 3, 2, 1, 0, 0, 5, 6),
        5: (5, 4, 3, 2, 1, 0, 6, 7),
        6: (6, 5, 4, 3, 2, 1, 7, 7),
        7: (7, 6, 5, 4, 3, 2, 7, 7),
    },
    rx1_data_rates_dwell={
        0: (2, 2, 2, 2, 2, 2, 2, 2),
        1: (2, 2, 2, 2, 2, 2, 2, 3),
        2: (2, 2, 2, 2, 2, 2, 3, 4),
        3: (3, 2, 2, 2, 2, 2, 4, 5),
        4: (4, 3, 2, 2, 2, 2, 5, 6),
        5: (5, 4, 3, 2, 2, 2, 6, 7),
        6: (6, 5, 4, 3, 2, 2, 7, 7),
        7: (7, 6, 5, 4, 3, 2, 7, 7),
    },
    rx2_frequency_hz=923_200_000,
    rx2_data_rate=2,
    max_eirp_dbm=16,
    max_tx_power=7,
    sub_bands=(
        SubBand(
            low_hz=915_000_000, high_hz=928_000_000, duty_cycle=0.01, max_erp_dbm=14
        ),
    ),
    downlink_eirp_dbm=16,
    tx_param_setup=True,
    uplink_dwell=True,
)


def _shifted(group: int, by_hz: int) -> Region:
    return replace(
        AS923,
        name=f"as923_{group}",
        common_name=f"AS923_{group}",
        default_channels=tuple(
            replace(channel, frequency_hz=channel.frequency_hz + by_hz)
            for channel in AS923.default_channels
        ),
        rx2_frequency_hz=AS923.rx2_frequency_hz + by_hz,
    )


AS923_2 = _shifted(2, -1_800_000)
AS923_3 = _shifted(3, -6_600_000)
AS923_4 = _shifted(4, -5_900_000)
