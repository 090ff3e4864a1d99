"""AU915-928 (RP002-1.0.4 §2.8); ``AU915`` with all 72 channels, and its sub-bands."""

from wire.lorawan.region import Region, SubBand
from wire.lorawan.region.fixed import CHANNELS, sub_bands_of
from wire.lorawan.region.rows import channels, lora, lr_fhss, steps

DATA_RATES = (
    lora(0, 12, 125, 250, 59, 59, dwell=0, down=False),
    lora(1, 11, 125, 440, 59, 59, dwell=0, down=False),
    lora(2, 10, 125, 980, 59, 59, dwell=19, down=False),
    lora(3, 9, 125, 1760, 123, 123, dwell=61, down=False),
    lora(4, 8, 125, 3125, 250, 230, dwell=133, down=False),
    lora(5, 7, 125, 5470, 250, 230, dwell=250, down=False),
    lora(6, 8, 500, 12500, 250, 230, dwell=250, down=False),
    lr_fhss(7, 162, 58),
    lora(8, 12, 500, 980, 61, 61, up=False),
    lora(9, 11, 500, 1760, 137, 137, up=False),
    lora(10, 10, 500, 3900, 250, 230, up=False),
    lora(11, 9, 500, 7000, 250, 230, up=False),
    lora(12, 8, 500, 12500, 250, 230, up=False),
    lora(13, 7, 500, 21900, 250, 230, up=False),
)

AU915 = Region(
    name="au915",
    common_name="AU915",
    data_rates=DATA_RATES,
    default_channels=(
        *channels(steps(915_200_000, 200_000, 64), min_dr=0, max_dr=5),
        *channels(steps(915_900_000, 1_600_000, 8), min_dr=6, max_dr=7, first=64),
    ),
    max_channels=CHANNELS,
    cf_list=None,
    fixed_channels=True,
    # The slowest that 400 ms allow, and the wide one.
    join_data_rates=(2, 6),
    rx1_data_rates={
        0: (8, 8, 8, 8, 8, 8),
        1: (9, 8, 8, 8, 8, 8),
        2: (10, 9, 8, 8, 8, 8),
        3: (11, 10, 9, 8, 8, 8),
        4: (12, 11, 10, 9, 8, 8),
        5: (13, 12, 11, 10, 9, 8),
        6: (13, 13, 12, 11, 10, 9),
        7: (9, 8, 8, 8, 8, 8),
    },
    rx1_frequencies_hz=tuple(steps(923_300_000, 600_000, 8)),
    rx2_frequency_hz=923_300_000,
    rx2_data_rate=8,
    max_eirp_dbm=30,
    max_tx_power=14,
    sub_bands=(
        SubBand(low_hz=915_000_000, high_hz=928_000_000, duty_cycle=1, max_erp_dbm=28),
    ),
    downlink_eirp_dbm=30,
    tx_param_setup=True,
    uplink_dwell=True,
)

SUB_BANDS = sub_bands_of(AU915)
