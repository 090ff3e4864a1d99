import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import Illegal, Malformed
from wire.eui64 import EUI64
from wire.tr005 import DeviceLabel, crc16_modbus

# The example of TR005 itself.
PUBLISHED = (
    "LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB1122"
    ":OAABBCCDDEEFF:SYYWWNNNNNN:PFOOBAR:CAF2C"
)
EUIS = st.binary(min_size=8, max_size=8).map(EUI64)
TEXTS = st.text("ABCXYZ0189 $%*+-./", max_size=20)


def test_the_published_example_reads() -> None:
    assert DeviceLabel(
        join_eui=EUI64.parse("1122334455667788"),
        dev_eui=EUI64.parse("aabbccddeeff0011"),
        vendor_id=0xAABB,
        vendor_profile_id=0x1122,
        owner_token="AABBCCDDEEFF",
        serial_number="YYWWNNNNNN",
        proprietary="FOOBAR",
        checked=True,
    ) == DeviceLabel.parse(PUBLISHED)


def test_the_published_example_is_written_back() -> None:
    assert PUBLISHED == DeviceLabel.parse(PUBLISHED).text()


def test_the_checksum_is_crc_16_modbus() -> None:
    assert 0x4B37 == crc16_modbus(b"123456789")


def test_a_label_without_options_reads() -> None:
    label = DeviceLabel.parse(PUBLISHED[:48])

    assert ("", "", "") == (label.owner_token, label.serial_number, label.proprietary)
    assert not label.checked


def test_a_scanner_may_change_the_case() -> None:
    assert DeviceLabel.parse(PUBLISHED) == DeviceLabel.parse(f" {PUBLISHED.lower()}\n")


@given(
    st.builds(
        DeviceLabel,
        join_eui=EUIS,
        dev_eui=EUIS,
        vendor_id=st.integers(0, 0xFFFF),
        vendor_profile_id=st.integers(0, 0xFFFF),
        owner_token=TEXTS,
        serial_number=TEXTS,
        proprietary=TEXTS,
        checked=st.just(True),
    )
)
def test_a_label_reads_as_it_was_written(label: DeviceLabel) -> None:
    assert label == DeviceLabel.parse(label.text())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "begins with LW:D0:"),
        ("https://example.org/?SN=1", "begins with LW:D0:"),
        ("LW:D1:1122334455667788:AABBCCDDEEFF0011:AABB1122", "begins with LW:D0:"),
        ("LW:D0:1122334455667788:AABBCCDDEEFF0011", "has 2 of the 3 fields"),
        ("LW:D0:11223344556677:AABBCCDDEEFF0011:AABB1122", "16 hexadecimal digits"),
        ("LW:D0:1122334455667788:AABBCCDDEEFF001G:AABB1122", "16 hexadecimal digits"),
        ("LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB", "ProfileID is 8"),
        (PUBLISHED[:48] + ":X1", "does not begin with O, S, P or C"),
        (PUBLISHED[:48] + ":", "does not begin with O, S, P or C"),
        (PUBLISHED[:48] + ":S1:S2", "S stands twice"),
        (PUBLISHED[:48] + ":S1_2", "characters a QR label cannot have"),
        (PUBLISHED[:48] + ":CAF2C:S1", "the checksum is last"),
        (PUBLISHED[:48] + ":CAF2", "4 hexadecimal digits, not 'AF2'"),
        (PUBLISHED.replace("FOOBAR", "FOOBAT"), "a character was misread"),
    ],
)
def test_a_wrong_label_says_what_is_wrong(text: str, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        DeviceLabel.parse(text)


@given(st.integers(6, len(PUBLISHED) - 7), st.sampled_from("0123456789ABCDEF"))
def test_one_misread_digit_never_passes_the_checksum(at: int, digit: str) -> None:
    if PUBLISHED[at] in (digit, ":"):
        return
    with pytest.raises(Malformed):
        DeviceLabel.parse(PUBLISHED[:at] + digit + PUBLISHED[at + 1 :])


@given(st.text(max_size=80))
def test_any_text_is_a_label_or_malformed(text: str) -> None:
    for candidate in (text, "LW:D0:1122334455667788:AABBCCDDEEFF0011:" + text):
        try:
            DeviceLabel.parse(candidate)
        except Malformed:
            continue


@pytest.mark.parametrize("serial_number", ["a", "A:B", "É"])
def test_a_character_no_label_can_have_is_illegal(serial_number: str) -> None:
    label = DeviceLabel(
        join_eui=EUI64(bytes(8)),
        dev_eui=EUI64(bytes(8)),
        vendor_id=0,
        vendor_profile_id=0,
        serial_number=serial_number,
    )

    with pytest.raises(Illegal, match="serial number"):
        label.text()


@pytest.mark.parametrize("vendor_id", [-1, 0x10000])
def test_a_vendor_has_16_bits(vendor_id: int) -> None:
    label = DeviceLabel(
        join_eui=EUI64(bytes(8)),
        dev_eui=EUI64(bytes(8)),
        vendor_id=vendor_id,
        vendor_profile_id=0,
    )

    with pytest.raises(Illegal, match="16 bits"):
        label.text()
