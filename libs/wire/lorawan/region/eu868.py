"""EU863-870 (RP002-1.0.4), with the channels a stock ChirpStack adds."""

from wire.lorawan.class_b import ClassBPlan
from wire.lorawan.join import CFList
from wire.lorawan.region import Region, SubBand
from wire.lorawan.region.rows import channels, fsk, lora, lr_fhss

_MHZ = 1_000_000


# A server of another revision may hold DR4 at M 230, N 222: ChirpStack does so for
# MAC versions it does not table (1.0.4) with revision RP002-1.0.2 or later, A or B.
DATA_RATES = (
    lora(0, 12, 125, 250, 59, 59),
    lora(1, 11, 125, 440, 59, 59),
    lora(2, 10, 125, 980, 59, 59),
    lora(3, 9, 125, 1760, 123, 123),
    lora(4, 8, 125, 3125, 250, 230),
    lora(5, 7, 125, 5470, 250, 230),
    lora(6, 7, 250, 11000, 250, 230),
    fsk(7),
    lr_fhss(8, 162, 58),
    lr_fhss(9, 325, 123),
    lr_fhss(10, 162, 58),
    lr_fhss(11, 325, 123),
)

# Uplinks in LR-FHSS are answered as if they had come at these data rates.
_RX1_LR_FHSS = {8: 1, 9: 2, 10: 1, 11: 2}
_RX1_OFFSETS = range(6)


def _rx1_row(data_rate: int) -> tuple[int, ...]:
    base = _RX1_LR_FHSS.get(data_rate, data_rate)
    return tuple(max(base - offset, 0) for offset in _RX1_OFFSETS)


EU868 = Region(
    name="eu868",
    common_name="EU868",
    data_rates=DATA_RATES,
    default_channels=channels(
        (868_100_000, 868_300_000, 868_500_000), min_dr=0, max_dr=5
    ),
    max_channels=16,
    cf_list=CFList(
        frequencies_hz=(
            867_100_000,
            867_300_000,
            867_500_000,
            867_700_000,
            867_900_000,
        )
    ),
    rx1_data_rates={rate.index: _rx1_row(rate.index) for rate in DATA_RATES},
    rx2_frequency_hz=869_525_000,
    rx2_data_rate=0,
    max_eirp_dbm=16,
    max_tx_power=7,
    sub_bands=(
        SubBand(
            low_hz=863 * _MHZ, high_hz=865 * _MHZ, duty_cycle=0.001, max_erp_dbm=14
        ),
        SubBand(low_hz=865 * _MHZ, high_hz=868 * _MHZ, duty_cycle=0.01, max_erp_dbm=14),
        SubBand(
            low_hz=868 * _MHZ, high_hz=868_600_000, duty_cycle=0.01, max_erp_dbm=14
        ),
        SubBand(
            low_hz=868_700_000, high_hz=869_200_000, duty_cycle=0.001, max_erp_dbm=14
        ),
        SubBand(
            low_hz=869_400_000, high_hz=869_650_000, duty_cycle=0.1, max_erp_dbm=27
        ),
        SubBand(
            low_hz=869_700_000, high_hz=870 * _MHZ, duty_cycle=0.01, max_erp_dbm=14
        ),
    ),
    downlink_eirp_dbm=16,
    downlink_eirp_by_band=((869_400_000, 869_650_000, 29),),
    class_b=ClassBPlan(
        beacon_frequencies_hz=(869_525_000,),
        beacon_data_rate=3,
        ping_slot_frequencies_hz=(869_525_000,),
        ping_slot_data_rate=3,
        rfu1=2,
        rfu2=0,
    ),
)
