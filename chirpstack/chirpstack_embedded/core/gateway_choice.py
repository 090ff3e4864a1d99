"""Which gateway sends a downlink (contract §1.10)."""

import random
from collections.abc import Callable, Sequence

from chirpstack_embedded.model import Gateway, HeardUplink, Reception

RequiredSnr = Callable[[int], float]


def choose_gateway(
    history: Sequence[HeardUplink],
    *,
    tenant_id: str,
    gateway: Callable[[str], Gateway | None],
    required_snr_db: RequiredSnr,
    prefer_min_margin_db: float,
    rng: random.Random,
) -> Reception | None:
    """
    Return the reception to answer through, or None if no gateway may send.

    ``required_snr_db`` maps an uplink data-rate to the SNR it needs.
    """
    candidates: dict[str, list[tuple[float, Reception]]] = {}
    for heard in history:
        required_db = required_snr_db(heard.dr)
        for reception in heard.receptions:
            if _may_send(gateway(reception.gateway_id), tenant_id):
                margin_db = reception.snr_db - required_db
                candidates.setdefault(reception.gateway_id, []).append(
                    (margin_db, reception)
                )
    if not candidates:
        return None
    ranked = sorted(candidates.values(), key=_rank, reverse=True)
    good = [items for items in ranked if _margin_db(items) >= prefer_min_margin_db]
    if not good:
        return ranked[0][-1][1]
    weights = [_weight(gateway(items[0][1].gateway_id), len(items)) for items in good]
    return rng.choices(good, weights)[0][-1][1]


def _may_send(gateway: Gateway | None, tenant_id: str) -> bool:
    if gateway is None:
        return False
    return not gateway.private_down or gateway.tenant_id == tenant_id


def _rank(items: list[tuple[float, Reception]]) -> tuple[float, int]:
    return _margin_db(items), max(reception.rssi_dbm for _, reception in items)


def _margin_db(items: list[tuple[float, Reception]]) -> float:
    return sum(margin_db for margin_db, _ in items) / len(items)


def _weight(gateway: Gateway | None, count: int) -> int:
    priority = gateway.downlink_priority if gateway else 0
    return (priority or 1) * count
