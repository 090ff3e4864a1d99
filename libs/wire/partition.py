"""Which partition a device belongs to, for streams and for every key beside them."""

from binascii import crc_hqx

from wire.eui64 import EUI64


def crc16(data: bytes) -> int:
    """CRC-16/XMODEM of ``data``, the hash Redis Cluster uses for its slots."""
    return crc_hqx(data, 0)


def partition_of(dev_eui: EUI64 | str, partitions: int) -> int:
    """Partition 0 … ``partitions`` - 1 of a device, from its 16 lower-case digits."""
    return crc_hqx(str(dev_eui).encode(), 0) % partitions
