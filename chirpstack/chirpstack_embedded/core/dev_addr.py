"""DevAddrs of a NetID or of a tenant's prefixes (contract §2.2 step 3)."""

import random
from collections.abc import Sequence

# Bits of the type prefix, bits of NwkID, per NetID type (LoRaWAN Back-End §6.1.1).
_NET_ID_TYPES = (
    (1, 6),
    (2, 6),
    (3, 9),
    (4, 11),
    (5, 12),
    (6, 13),
    (7, 15),
    (8, 17),
)
_BITS = 32


def random_dev_addr(
    rng: random.Random, net_id: str, prefixes: Sequence[str] = ()
) -> str:
    """
    Return 8 hex digits.

    ``prefixes`` are texts such as ``01000000/8``; without any the prefix is
    that of ``net_id``.
    """
    prefix, length = (
        _parse(rng.choice(prefixes)) if prefixes else _net_id_prefix(int(net_id, 16))
    )
    free = _BITS - length
    return f"{(prefix >> free << free) | rng.getrandbits(free) if free else prefix:08x}"


def _parse(text: str) -> tuple[int, int]:
    address, _, length = text.partition("/")
    return int(address, 16), int(length)


def _net_id_prefix(net_id: int) -> tuple[int, int]:
    type_ = net_id >> 21
    type_bits, nwk_id_bits = _NET_ID_TYPES[type_]
    # Type n is n ones and a zero: 0, 10, 110, …
    type_prefix = (1 << type_bits) - 2
    nwk_id = net_id & ((1 << nwk_id_bits) - 1)
    length = type_bits + nwk_id_bits
    return ((type_prefix << nwk_id_bits) | nwk_id) << (_BITS - length), length
