"""
How much fits into a downlink, as ChirpStack's tables have it (contract §2.6).

The published tables are ``wire``'s. ChirpStack holds one per LoRaWAN version and one
per revision of the regional parameters for the versions it has no table for; where
those differ from the latest, the cells stand here.
"""

from collections.abc import Mapping

from chirpstack_api import common

from chirpstack_embedded.config import Region
from wire.lorawan.region import FHDR_SIZE, DataRate

_V = common.MacVersion
_R = common.RegParamsRevision
_SINCE_1_0_2 = frozenset({_V.LORAWAN_1_0_2, _V.LORAWAN_1_0_3, _V.LORAWAN_1_1_0})
_TABLED: Mapping[str, frozenset[int]] = {
    "EU868": _SINCE_1_0_2 | {_V.LORAWAN_1_0_0, _V.LORAWAN_1_0_1},
    "US915": _SINCE_1_0_2 | {_V.LORAWAN_1_0_0, _V.LORAWAN_1_0_1},
    "AU915": _SINCE_1_0_2 | {_V.LORAWAN_1_0_1},
}
"""Versions with a table of their own; elsewhere those since 1.0.2."""
_OLDEST = frozenset({_R.RP002_1_0_0})
_OLD = _OLDEST | {_R.RP002_1_0_1}

# M by data rate where the table of a version or an old revision differs.
_REPEATER_OF_OLD = {8: 41, 9: 117}
_AS923_OF_OLD = {2: 59}
_AS923_DWELL_OF_TABLED = {5: 250, 6: 250, 7: 250}
_EU868_RECENT = {4: 230}


def max_payload_size(
    region: Region, rate: DataRate, *, version: int, revision: int
) -> int:
    """
    Return N, the largest application payload of a downlink at a data rate.

    ``version`` is the LoRaWAN version (of the session), ``revision`` that of the
    regional parameters (of the profile), as enum values.
    """
    network = region.network
    limit = rate.mac_payload(
        dwell=network.dwell_time_400ms, repeater=network.repeater_compatible
    )
    limit = _exceptions(region, version, revision).get(rate.index, limit)
    return max(limit - FHDR_SIZE - 1, 0)


def _exceptions(region: Region, version: int, revision: int) -> Mapping[int, int]:
    name, network = region.common_name, region.network
    tabled = version in _TABLED.get(name, _SINCE_1_0_2)
    if name == "EU868":
        recent = not tabled and revision not in _OLD
        return _EU868_RECENT if recent and not network.repeater_compatible else {}
    if name in {"US915", "AU915"}:
        old = tabled or revision in _OLD
        return _REPEATER_OF_OLD if old and network.repeater_compatible else {}
    if not name.startswith("AS923"):
        return {}
    if network.dwell_time_400ms:
        return _AS923_DWELL_OF_TABLED if tabled else {}
    return _AS923_OF_OLD if tabled or revision in _OLDEST else {}
