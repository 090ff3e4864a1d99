"""Which gateway answers (contract §1.10)."""

import random
from collections import Counter

from chirpstack_api import common

from chirpstack_embedded.core.gateway_choice import choose_gateway
from chirpstack_embedded.model import Gateway, HeardUplink, Reception


def gateway(
    gateway_id: str, *, priority: int = 10, tenant_id: str = "t", **private: bool
) -> Gateway:
    return Gateway(
        gateway_id=gateway_id,
        tenant_id=tenant_id,
        location=common.Location(),
        downlink_priority=priority,
        private_up=False,
        private_down=private.get("private_down", False),
    )


def heard(*receptions: tuple[str, float, int]) -> HeardUplink:
    return HeardUplink(
        dr=5,
        receptions=tuple(
            Reception(
                gateway_id=gateway_id,
                snr_db=snr_db,
                rssi_dbm=rssi_dbm,
                board=0,
                antenna=0,
                context=gateway_id.encode(),
            )
            for gateway_id, snr_db, rssi_dbm in receptions
        ),
    )


def chosen(
    uplink: HeardUplink, gateways: dict[str, Gateway], seed: int = 1
) -> str | None:
    found = choose_gateway(
        [uplink],
        tenant_id="t",
        gateway=gateways.get,
        required_snr_db=lambda _dr: -7.5,
        prefer_min_margin_db=10.0,
        rng=random.Random(seed),
    )
    return found.gateway_id if found else None


def test_the_best_margin_wins_when_none_is_comfortable() -> None:
    gateways = {name: gateway(name) for name in "ab"}

    assert "b" == chosen(heard(("a", -5.0, -80), ("b", -1.0, -120)), gateways)


def test_equal_margins_are_decided_by_rssi() -> None:
    gateways = {name: gateway(name) for name in "ab"}

    assert "a" == chosen(heard(("b", -5.0, -120), ("a", -5.0, -80)), gateways)


def test_comfortable_gateways_share_by_priority() -> None:
    gateways = {"a": gateway("a", priority=30), "b": gateway("b", priority=10)}
    uplink = heard(("a", 9.0, -80), ("b", 9.0, -80), ("c", -7.0, -120))

    counts = Counter(chosen(uplink, gateways, seed) for seed in range(1000))

    assert {"a", "b"} == set(counts)
    assert 680 < counts["a"] < 820


def test_a_private_gateway_of_another_tenant_does_not_send() -> None:
    gateways = {"a": gateway("a", tenant_id="other", private_down=True)}

    assert chosen(heard(("a", 9.0, -80)), gateways) is None


def test_a_private_gateway_of_the_tenant_sends() -> None:
    gateways = {"a": gateway("a", private_down=True)}

    assert "a" == chosen(heard(("a", 9.0, -80)), gateways)


def test_a_gateway_that_was_deleted_does_not_send() -> None:
    assert chosen(heard(("a", 9.0, -80)), {}) is None
