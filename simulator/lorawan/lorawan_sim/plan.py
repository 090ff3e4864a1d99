"""Channels of a session, made from what a region and a join-accept say."""

from functools import cache

from lorawan_sim.session import Channels, Session, channel, defined
from wire.lorawan.join import JoinAccept
from wire.lorawan.keys import Key, derive_session_keys
from wire.lorawan.region import Region
from wire.lorawan.session import Session as Crypto


def default_channels(region: Region) -> Channels:
    """The channels every device of the region has."""
    return tuple(
        channel(it.frequency_hz, it.min_dr, it.max_dr, it.frequency_hz)
        for it in region.default_channels
    )


def join_data_rates(region: Region) -> range:
    """The data rates of a join-request: those that every default channel takes."""
    slowest = max(it.min_dr for it in region.default_channels)
    fastest = min(it.max_dr for it in region.default_channels)
    return range(slowest, fastest + 1)


def longest_message(region: Region) -> int:
    """Octets of the longest message that some data rate of an uplink takes."""
    rates = join_data_rates(region)
    return max(region.data_rate(rate).max_frm_payload for rate in rates)


def default_mask(region: Region) -> int:
    """The mask of the default channels."""
    return defined(default_channels(region))


def new_session(
    accept: JoinAccept, app_key: Key, *, dev_nonce: int, data_rate: int, region: Region
) -> Session:
    """The session that a join-accept opens, at the data rate of the request."""
    keys = derive_session_keys(
        app_key,
        join_nonce=accept.join_nonce,
        net_id=accept.net_id,
        dev_nonce=dev_nonce,
    )
    given = () if accept.cf_list is None else accept.cf_list.frequencies_hz
    channels = _with_list(default_channels(region), given)
    return Session(
        crypto=Crypto(
            dev_addr=accept.dev_addr,
            nwk_s_key=keys.nwk_s_key,
            app_s_key=keys.app_s_key,
        ),
        channels=channels,
        mask=defined(channels),
        data_rate=data_rate,
        rx2_frequency_hz=region.rx2_frequency_hz,
        rx2_data_rate=accept.dl_settings.rx2_data_rate,
        rx1_delay_s=accept.rx1_delay_s,
        rx1_dr_offset=accept.dl_settings.rx1_dr_offset,
    )


@cache
def _with_list(channels: Channels, given: tuple[int, ...]) -> Channels:
    """Add the five frequencies of a CFList, 0 is none (RP002-1.0.4 §2.4.4)."""
    first = channels[0]
    if first is None:
        return channels
    return channels + tuple(
        channel(hz, first.min_data_rate, first.max_data_rate, hz) if hz else None
        for hz in given
    )


def personalised(  # ABP: the maker printed the session on the device
    crypto: Crypto, region: Region, *, rx2_data_rate: int | None = None
) -> Session:
    """The session of a device activated by personalisation."""
    channels = default_channels(region)
    wanted = region.rx2_data_rate if rx2_data_rate is None else rx2_data_rate
    return Session(
        crypto=crypto,
        channels=channels,
        mask=defined(channels),
        data_rate=join_data_rates(region)[0],
        rx2_frequency_hz=region.rx2_frequency_hz,
        rx2_data_rate=wanted,
        rx1_delay_s=region.rx1_delay_s,
    )
