"""IN865-867 (RP002-1.0.4 §2.9)."""

from wire.lorawan.region import Region, SubBand
from wire.lorawan.region.rows import channels, fsk, lora

DATA_RATES = (
    lora(0, 12, 125, 250, 59, 59),
    lora(1, 11, 125, 440, 59, 59),
    lora(2, 10, 125, 980, 59, 59),
    lora(3, 9, 125, 1760, 123, 123),
    lora(4, 8, 125, 3125, 250, 230),
    lora(5, 7, 125, 5470, 250, 230),
    fsk(7),
)

IN865 = Region(
    name="in865",
    common_name="IN865",
    data_rates=DATA_RATES,
    default_channels=channels(
        (865_062_500, 865_402_500, 865_985_000), min_dr=0, max_dr=5
    ),
    max_channels=16,
    cf_list=None,
    rx1_data_rates={
        0: (0, 0, 0, 0, 0, 0, 1, 2),
        1: (1, 0, 0, 0, 0, 0, 2, 3),
        2: (2, 1, 0, 0, 0, 0, 3, 4),
        3: (3, 2, 1, 0, 0, 0, 4, 5),
        # DR6 is reserved here: faster than DR5 is still DR5.
        4: (4, 3, 2, 1, 0, 0, 5, 5),
        5: (5, 4, 3, 2, 1, 0, 5, 5),
    },
    rx2_frequency_hz=866_550_000,
    rx2_data_rate=2,
    max_eirp_dbm=30,
    max_tx_power=10,
    sub_bands=(
        SubBand(low_hz=865_000_000, high_hz=867_000_000, duty_cycle=1, max_erp_dbm=28),
    ),
    downlink_eirp_dbm=30,
)
