"""Every region there is, by ChirpStack's id of its set-up and by common name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from wire.errors import Malformed
from wire.lorawan.region import Region
from wire.lorawan.region.as923 import AS923, AS923_2, AS923_3, AS923_4
from wire.lorawan.region.au915 import AU915
from wire.lorawan.region.au915 import SUB_BANDS as AU915_SUB_BANDS
from wire.lorawan.region.eu868 import EU868
from wire.lorawan.region.in865 import IN865
from wire.lorawan.region.us915 import SUB_BANDS as US915_SUB_BANDS
from wire.lorawan.region.us915 import US915

_AS923 = (AS923, AS923_2, AS923_3, AS923_4)

REGIONS: Final[Mapping[str, Region]] = MappingProxyType(
    {
        region.name: region
        for region in (EU868, *US915_SUB_BANDS, *AU915_SUB_BANDS, *_AS923, IN865)
    }
)
"""What a city can name: a region, and of the fixed plans one sub-band."""

COMMON: Final[Mapping[str, Region]] = MappingProxyType(
    {region.common_name: region for region in (EU868, US915, AU915, *_AS923, IN865)}
)
"""The whole tables, by the LoRa Alliance's common name as ChirpStack writes it."""


def find_region(name: str) -> Region:
    """Return the region of this id, or raise Malformed naming all."""
    region = REGIONS.get(name)
    if region is None:
        raise Malformed(f"region is {name!r}, not one of {', '.join(REGIONS)}")
    return region
