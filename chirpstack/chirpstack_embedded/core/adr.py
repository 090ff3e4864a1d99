"""ChirpStack's default ADR algorithm (contract §2.11)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isnan

from chirpstack_embedded.history import ADR_HISTORY_LENGTH, UplinkRecord

DEFAULT_ID = "default"
ALGORITHMS = {DEFAULT_ID: "Default ADR algorithm (LoRa only)"}

STEP_DB = 3.0
_MOST_STEPS = 1000
# Rows: packet loss below 5, 10, 30 % and above; columns: current NbTrans 1, 2, 3.
_NB_TRANS = ((1, 1, 2), (1, 2, 3), (2, 3, 3), (3, 3, 3))
_LOSS_PERCENT = (5.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSettings:
    """What ADR decides."""

    dr: int
    tx_power_index: int
    nb_trans: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AdrRequest:
    """What ADR knows."""

    adr: bool
    current: LinkSettings
    max_tx_power_index: int
    required_snr_db: float
    installation_margin_db: float
    max_dr: int
    history: Sequence[UplinkRecord]


def decide(request: AdrRequest) -> LinkSettings:
    """Return the wanted settings; equal to the current ones when nothing changes."""
    if not request.adr:
        return request.current
    nb_trans = _nb_trans(request.current.nb_trans, _loss_percent(request.history))
    dr = min(request.current.dr, request.max_dr)
    power = request.current.tx_power_index
    steps = _steps(request)
    if steps >= 0 or _stable(request):
        dr, power = _walk(steps, dr, power, request)
    return LinkSettings(dr=dr, tx_power_index=power, nb_trans=nb_trans)


def _steps(request: AdrRequest) -> int:
    max_snr_db = max((record.max_snr_db for record in request.history), default=-999.0)
    margin_db = max_snr_db - request.required_snr_db - request.installation_margin_db
    if isnan(margin_db):
        return 0
    # Towards zero; a gateway may say any number, infinity too.
    return int(max(-_MOST_STEPS, min(margin_db / STEP_DB, _MOST_STEPS)))


def _stable(request: AdrRequest) -> bool:
    # More power only after a full history at the current power.
    power = request.current.tx_power_index
    same = sum(record.tx_power_index == power for record in request.history)
    return same == ADR_HISTORY_LENGTH


def _walk(steps: int, dr: int, power: int, request: AdrRequest) -> tuple[int, int]:
    if steps < 0:
        return dr, max(0, power + steps)
    faster = min(steps, max(0, request.max_dr - dr))
    weaker = min(steps - faster, max(0, request.max_tx_power_index - power))
    return dr + faster, power + weaker


def _nb_trans(current: int, loss_percent: float) -> int:
    row = sum(loss_percent >= limit for limit in _LOSS_PERCENT)
    return _NB_TRANS[row][min(max(current, 1), 3) - 1]


def _loss_percent(history: Sequence[UplinkRecord]) -> float:
    if len(history) < ADR_HISTORY_LENGTH:
        return 0.0
    lost = sum(after.f_cnt - before.f_cnt - 1 for before, after in pairwise(history))
    return lost / len(history) * 100.0
