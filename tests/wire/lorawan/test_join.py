import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import Illegal, Malformed
from wire.eui64 import EUI64
from wire.lorawan.ids import DevAddr, NetID
from wire.lorawan.join import CFList, DLSettings, JoinAccept, JoinRequest
from wire.lorawan.keys import Key

APP_KEY = Key(b"k" * 16)
OTHER_KEY = Key(b"o" * 16)
EUIS = st.binary(min_size=8, max_size=8).map(EUI64)
CF_LISTS = (
    st.none()
    | st.builds(
        CFList,
        frequencies_hz=st.tuples(
            *[st.integers(0, 0xFFFFFF).map(lambda n: n * 100)] * 5
        ),
    )
    | st.builds(CFList, masks=st.tuples(*[st.integers(0, 0xFFFF)] * 7))
)
ACCEPTS = st.builds(
    JoinAccept,
    join_nonce=st.integers(0, 0xFFFFFF),
    net_id=st.binary(min_size=3, max_size=3).map(NetID),
    dev_addr=st.binary(min_size=4, max_size=4).map(DevAddr),
    dl_settings=st.builds(
        DLSettings,
        rx1_dr_offset=st.integers(0, 7),
        rx2_data_rate=st.integers(0, 15),
        opt_neg=st.booleans(),
    ),
    rx_delay=st.integers(0, 15),
    cf_list=CF_LISTS,
)
ACCEPT = JoinAccept(
    join_nonce=1, net_id=NetID(bytes(3)), dev_addr=DevAddr(b"\x01\xa7\xc3\xe5")
)


@given(EUIS, EUIS, st.integers(0, 0xFFFF))
def test_a_request_arrives_as_it_was_sent(
    join_eui: EUI64, dev_eui: EUI64, dev_nonce: int
) -> None:
    request = JoinRequest.sealed(
        APP_KEY, join_eui=join_eui, dev_eui=dev_eui, dev_nonce=dev_nonce
    )

    assert request == JoinRequest.parse(bytes(request))
    assert request.verify(APP_KEY)
    assert not request.verify(OTHER_KEY)


@given(ACCEPTS)
def test_an_accept_arrives_as_it_was_granted(accept: JoinAccept) -> None:
    assert accept == JoinAccept.open(accept.seal(APP_KEY), APP_KEY)


def test_another_key_opens_nothing() -> None:
    assert JoinAccept.open(ACCEPT.seal(APP_KEY), OTHER_KEY) is None


@given(st.binary(max_size=40))
def test_any_octets_are_a_request_or_malformed(octets: bytes) -> None:
    try:
        request = JoinRequest.parse(octets)
    except Malformed:
        return
    assert octets[1:] == bytes(request)[1:]


@given(st.sampled_from([17, 33]).flatmap(lambda n: st.binary(min_size=n, max_size=n)))
def test_any_octets_are_a_plain_accept_or_malformed(octets: bytes) -> None:
    try:
        JoinAccept.open(octets, APP_KEY)
        JoinAccept.parse_plain(octets[:-4])
    except Malformed:
        return


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "23 octets, not 0"),
        (bytes(22), "23 octets, not 22"),
        (b"\x40" + bytes(22), "does not open a join-request"),
        (b"\x01" + bytes(22), "Major"),
    ],
)
def test_a_malformed_request_says_why(octets: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        JoinRequest.parse(octets)


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "17 or 33 octets, not 0"),
        (b"\x20" + bytes(17), "17 or 33 octets, not 18"),
        (b"\x60" + bytes(16), "does not open a join-accept"),
    ],
)
def test_a_malformed_accept_says_why(octets: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        JoinAccept.open(octets, APP_KEY)


def test_a_plain_accept_has_its_size() -> None:
    with pytest.raises(Malformed, match="17 or 33 octets, not 14"):
        JoinAccept.parse_plain(bytes(10))


@pytest.mark.parametrize(("rx_delay", "delay_s"), [(0, 1), (1, 1), (5, 5)])
def test_a_delay_of_zero_means_one_second(rx_delay: int, delay_s: int) -> None:
    accept = JoinAccept(
        join_nonce=1,
        net_id=NetID(bytes(3)),
        dev_addr=DevAddr(bytes(4)),
        rx_delay=rx_delay,
    )

    assert delay_s == accept.rx1_delay_s


@pytest.mark.parametrize(
    "octets", [bytes(15), bytes(15) + b"\x02", bytes(15) + b"\xff"]
)
def test_a_channel_list_of_another_form_is_malformed(octets: bytes) -> None:
    with pytest.raises(Malformed, match="CFList"):
        CFList.parse(octets)


@pytest.mark.parametrize(
    ("cf_list", "why"),
    [
        (CFList(frequencies_hz=(868_100_000,) * 6), "5 channels, not 6"),
        (CFList(frequencies_hz=(868_100_050,)), "24-bit number of 100 Hz"),
        (CFList(frequencies_hz=(2_400_000_000,)), "24-bit number of 100 Hz"),
        (CFList(masks=(1,) * 8), "7 masks"),
        (CFList(masks=(1,), frequencies_hz=(868_100_000,)), "not both"),
        (CFList(masks=(1 << 16,)), "ChMask has 16 bits"),
    ],
)
def test_an_impossible_channel_list_is_illegal(cf_list: CFList, why: str) -> None:
    with pytest.raises(Illegal, match=why):
        bytes(cf_list)


@pytest.mark.parametrize(
    "accept",
    [
        JoinAccept(
            join_nonce=1 << 24, net_id=NetID(bytes(3)), dev_addr=DevAddr(bytes(4))
        ),
        JoinAccept(
            join_nonce=0,
            net_id=NetID(bytes(3)),
            dev_addr=DevAddr(bytes(4)),
            rx_delay=16,
        ),
        JoinAccept(
            join_nonce=0,
            net_id=NetID(bytes(3)),
            dev_addr=DevAddr(bytes(4)),
            dl_settings=DLSettings(rx1_dr_offset=8),
        ),
    ],
)
def test_an_impossible_accept_is_illegal(accept: JoinAccept) -> None:
    with pytest.raises(Illegal, match="does not fit"):
        accept.seal(APP_KEY)


def test_a_nonce_has_16_bits() -> None:
    eui = EUI64(bytes(8))

    with pytest.raises(Illegal, match="DevNonce has 16 bits"):
        JoinRequest.sealed(APP_KEY, join_eui=eui, dev_eui=eui, dev_nonce=1 << 16)
