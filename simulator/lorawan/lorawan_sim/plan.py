"""Channels of a session, made from what a region and a join-accept say."""

from collections.abc import Sequence
from functools import cache

from lorawan_sim.session import Channels, Session, channel, defined
from wire.lorawan.join import JoinAccept
from wire.lorawan.mac import RekeyInd, ResetInd
from wire.lorawan.region import Channel as RegionChannel
from wire.lorawan.region import Region
from wire.lorawan.region.fixed import MASK_BITS
from wire.lorawan.session import Session as Crypto
from wire.lorawan.session_1_1 import Session11


def default_channels(region: Region) -> Channels:
    """The channels every device of the region has."""
    return _made(region.default_channels, region.rx1_frequencies_hz)


@cache
def _made(known: tuple[RegionChannel, ...], answers_hz: tuple[int, ...]) -> Channels:
    """Channels whose RX1 answers come on their own frequency, or in turn on these."""
    return tuple(
        channel(
            it.frequency_hz,
            it.min_dr,
            it.max_dr,
            answers_hz[it.index % len(answers_hz)] if answers_hz else it.frequency_hz,
        )
        for it in known
    )


def join_data_rates(region: Region) -> Sequence[int]:
    """
    The data rates of a join-request, the slowest first.

    Where the region does not say which, those that every default channel takes.
    """
    if region.join_data_rates:
        return region.join_data_rates
    slowest = max(it.min_dr for it in region.default_channels)
    fastest = min(it.max_dr for it in region.default_channels)
    return range(slowest, fastest + 1)


def fastest_narrow(region: Region) -> int:
    """The fastest data rate of the first default channel, a narrow one."""
    return region.default_channels[0].max_dr


def longest_message(region: Region) -> int:
    """Octets of the longest message that some data rate of an uplink takes."""
    fastest = {it.max_dr for it in region.default_channels}
    slowest = {it.min_dr for it in region.default_channels}
    return max(region.data_rate(dr).max_frm_payload for dr in fastest | slowest)


def default_mask(region: Region) -> int:
    """The mask of the default channels."""
    return defined(default_channels(region))


def new_session(
    accept: JoinAccept, crypto: Crypto, *, data_rate: int, region: Region
) -> Session:
    """
    The session that a join-accept opens, at the data rate of the request.

    In a fixed plan requests have one narrow data rate, too slow for many a message:
    there a device begins with the fastest narrow one, at almost twice the decibels.
    """
    given = () if accept.cf_list is None else accept.cf_list.frequencies_hz
    channels = _with_list(default_channels(region), given)
    masks = () if accept.cf_list is None else accept.cf_list.masks
    return Session(
        crypto=crypto,
        channels=channels,
        mask=_read(masks) & defined(channels) if masks else defined(channels),
        data_rate=fastest_narrow(region) if region.fixed_channels else data_rate,
        rx2_frequency_hz=region.rx2_frequency_hz,
        rx2_data_rate=accept.dl_settings.rx2_data_rate,
        rx1_delay_s=accept.rx1_delay_s,
        rx1_dr_offset=accept.dl_settings.rx1_dr_offset,
        uplink_dwell=region.uplink_dwell,
        to_confirm=RekeyInd.cid if accept.dl_settings.opt_neg else 0,
        join_nonce=accept.join_nonce,
        net_id=accept.net_id,
    )


def _read(masks: Sequence[int]) -> int:
    """Channel masks of 16 bits each as one (RP002-1.0.4 §2.5.4)."""
    return sum(mask << MASK_BITS * at for at, mask in enumerate(masks))


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
        uplink_dwell=region.uplink_dwell,
        to_confirm=ResetInd.cid if isinstance(crypto, Session11) else 0,
    )
