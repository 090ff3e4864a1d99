"""The default ADR algorithm against a table reckoned by hand (contract §2.11)."""

import pytest

from chirpstack_embedded.core.adr import AdrRequest, LinkSettings, decide
from chirpstack_embedded.history import UplinkRecord

REQUIRED_SNR_DB = {0: -20.0, 2: -15.0, 3: -12.5, 5: -7.5}


def history(*snr_db: float, power: int = 0, step: int = 1) -> tuple[UplinkRecord, ...]:
    return tuple(
        UplinkRecord(
            f_cnt=number * step,
            max_snr_db=value,
            max_rssi_dbm=-100,
            tx_power_index=power,
            gateway_count=1,
        )
        for number, value in enumerate(snr_db)
    )


def request(
    dr: int, records: tuple[UplinkRecord, ...], *, power: int = 0, nb_trans: int = 1
) -> AdrRequest:
    return AdrRequest(
        adr=True,
        current=LinkSettings(dr=dr, tx_power_index=power, nb_trans=nb_trans),
        max_tx_power_index=7,
        required_snr_db=REQUIRED_SNR_DB[dr],
        installation_margin_db=10.0,
        max_dr=5,
        history=records,
    )


@pytest.mark.parametrize(
    ("dr", "power", "snr_db", "wanted"),
    [
        (0, 0, 8.0, (5, 1)),  # 18 dB: six steps, the last one of power
        (3, 0, -2.0, (3, 0)),  # 0.5 dB: no step
        (3, 0, 0.5, (4, 0)),  # 3 dB: one step
        (5, 0, 12.5, (5, 3)),  # 10 dB: three steps of power
        (5, 7, 12.5, (5, 7)),  # nothing left to give
        (3, 2, -20.0, (3, 2)),  # bad, but not for 20 frames
    ],
)
def test_steps_raise_the_data_rate_then_lower_the_power(
    dr: int, power: int, snr_db: float, wanted: tuple[int, int]
) -> None:
    decided = decide(request(dr, history(snr_db, power=power), power=power))

    assert wanted == (decided.dr, decided.tx_power_index)


@pytest.mark.parametrize(
    ("snr_db", "wanted"),
    [
        (3e38, (5, 7)),
        (float("inf"), (5, 7)),
        (-3e38, (3, 0)),
        (float("-inf"), (3, 0)),
        (float("nan"), (3, 0)),
    ],
)
def test_a_signal_beyond_all_measure_is_decided_at_once(
    snr_db: float, wanted: tuple[int, int]
) -> None:
    decided = decide(request(3, history(snr_db)))

    assert wanted == (decided.dr, decided.tx_power_index)


def test_power_rises_only_after_twenty_bad_frames_and_the_rate_never_falls() -> None:
    records = history(*[-20.0] * 20, power=3)

    decided = decide(request(3, records, power=3))

    assert (3, 0) == (decided.dr, decided.tx_power_index)


def test_a_rate_above_the_maximum_comes_down() -> None:
    high = request(5, history(0.0))

    decided = decide(
        AdrRequest(
            adr=True,
            current=high.current,
            max_tx_power_index=7,
            required_snr_db=-7.5,
            installation_margin_db=10.0,
            max_dr=3,
            history=high.history,
        )
    )

    assert 3 == decided.dr


@pytest.mark.parametrize(
    ("step", "nb_trans", "wanted"),
    [(1, 1, 1), (1, 2, 1), (1, 3, 2), (2, 1, 3), (2, 2, 3)],
)
def test_lost_frames_are_answered_by_repetition(
    step: int, nb_trans: int, wanted: int
) -> None:
    records = history(*[-2.0] * 20, step=step)

    assert wanted == decide(request(3, records, nb_trans=nb_trans)).nb_trans


@pytest.mark.parametrize(("lost", "wanted"), [(0, 1), (1, 2), (2, 3), (5, 3), (6, 3)])
def test_the_limits_of_loss_are_5_10_and_30_percent(lost: int, wanted: int) -> None:
    # 20 frames with ``lost`` missing before the last one: 5 % each; NbTrans is 2.
    last = UplinkRecord(
        f_cnt=19 + lost,
        max_snr_db=-2.0,
        max_rssi_dbm=-100,
        tx_power_index=0,
        gateway_count=1,
    )
    records = (*history(*[-2.0] * 19), last)

    assert wanted == decide(request(3, records, nb_trans=2)).nb_trans


def test_without_the_adr_bit_nothing_changes() -> None:
    asked = request(0, history(8.0))

    left = decide(
        AdrRequest(
            adr=False,
            current=asked.current,
            max_tx_power_index=7,
            required_snr_db=-20.0,
            installation_margin_db=10.0,
            max_dr=5,
            history=asked.history,
        )
    )

    assert asked.current == left
