"""US902-928 (RP002-1.0.4 §2.5); ``US915`` with all 72 channels, and its sub-bands."""

from wire.lorawan.region import Region, SubBand
from wire.lorawan.region.fixed import CHANNELS, sub_bands_of
from wire.lorawan.region.rows import channels, lora, lr_fhss, steps

DATA_RATES = (
    lora(0, 10, 125, 980, 19, 19, down=False),
    lora(1, 9, 125, 1760, 61, 61, down=False),
    lora(2, 8, 125, 3125, 133, 133, down=False),
    lora(3, 7, 125, 5470, 250, 230, down=False),
    lora(4, 8, 500, 12500, 250, 230, down=False),
    lr_fhss(5, 162, 58),
    lr_fhss(6, 325, 133),
    lora(8, 12, 500, 980, 61, 61, up=False),
    lora(9, 11, 500, 1760, 137, 137, up=False),
    lora(10, 10, 500, 3900, 250, 230, up=False),
    lora(11, 9, 500, 7000, 250, 230, up=False),
    lora(12, 8, 500, 12500, 250, 230, up=False),
    lora(13, 7, 500, 21900, 250, 230, up=False),
)

US915 = Region(
    name="us915",
    common_name="US915",
    data_rates=DATA_RATES,
    default_channels=(
        *channels(steps(902_300_000, 200_000, 64), min_dr=0, max_dr=3),
        *channels(steps(903_000_000, 1_600_000, 8), min_dr=4, max_dr=6, first=64),
    ),
    max_channels=CHANNELS,
    cf_list=None,
    fixed_channels=True,
    join_data_rates=(0, 4),
    rx1_data_rates={
        0: (10, 9, 8, 8),
        1: (11, 10, 9, 8),
        2: (12, 11, 10, 9),
        3: (13, 12, 11, 10),
        4: (13, 13, 12, 11),
        5: (10, 9, 8, 8),
        6: (11, 10, 9, 8),
    },
    rx1_frequencies_hz=tuple(steps(923_300_000, 600_000, 8)),
    rx2_frequency_hz=923_300_000,
    rx2_data_rate=8,
    max_eirp_dbm=30,
    max_tx_power=14,
    sub_bands=(
        SubBand(low_hz=902_000_000, high_hz=928_000_000, duty_cycle=1, max_erp_dbm=28),
    ),
    downlink_eirp_dbm=21,
    # FCC 15.247: hopping needs more than one narrow channel (LoRaMac-node does so).
    least_125_khz=2,
)

SUB_BANDS = sub_bands_of(US915)
