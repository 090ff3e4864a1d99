"""Devices hold their channels together, and one's change is not another's."""

from chirpstack_embedded.channel_sets import channels_together, indices_together
from chirpstack_embedded.model import Channel, Session
from chirpstack_embedded.store.session_json import dump_session, load_session

CHANNEL = Channel(frequency_hz=867_100_000, data_rates=(0, 1, 2, 3, 4, 5))


def session() -> Session:
    return Session(
        region_config_id="eu868",
        dev_addr="01020304",
        mac_version="1.0.3",
        nwk_s_key=bytes(range(16)),
        s_nwk_s_int_key=bytes(range(16)),
        app_s_key=bytes(16),
        enabled_uplink_channels=[0, 1, 2, 3],
        extra_uplink_channels={3: CHANNEL},
    )


def test_equal_channels_are_kept_once() -> None:
    first, second = (load_session(dump_session(session())) for _ in range(2))

    assert first == second == session()
    assert first.extra_uplink_channels is second.extra_uplink_channels
    assert first.enabled_uplink_channels is second.enabled_uplink_channels


def test_equal_keys_of_a_session_are_kept_once() -> None:
    found = load_session(dump_session(session()))

    assert found.nwk_s_key is found.s_nwk_s_int_key


def test_different_channels_stay_different() -> None:
    assert [0, 1] == indices_together((0, 1))
    assert [1, 0] == indices_together((1, 0))
    assert {3: CHANNEL} == channels_together({3: CHANNEL})
    assert {} == channels_together({})
