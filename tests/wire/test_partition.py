import pytest

from wire.eui64 import EUI64
from wire.partition import crc16, partition_of


@pytest.mark.parametrize(
    ("data", "checksum"),
    [
        (b"123456789", 0x31C3),  # the check value of CRC-16/XMODEM, as Redis states it
        (b"", 0),
        (b"foo", 44950),  # CLUSTER KEYSLOT foo is 12182 = 44950 mod 16384
    ],
)
def test_the_checksum_is_redis_clusters(data: bytes, checksum: int) -> None:
    assert checksum == crc16(data)


def test_a_device_keeps_its_partition_however_it_is_written() -> None:
    eui = EUI64.parse("A81758FFFE0301C4")

    assert crc16(b"a81758fffe0301c4") % 4 == partition_of(eui, 4)
    assert partition_of(eui, 4) == partition_of("a81758fffe0301c4", 4)


def test_devices_spread_over_all_partitions() -> None:
    counts = [0] * 64
    for number in range(6400):
        counts[partition_of(EUI64(number.to_bytes(8)), 64)] += 1

    assert 50 < min(counts)
    assert max(counts) < 150
