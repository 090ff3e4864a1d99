"""NewChannelReq: the channels of the configuration that a device lacks."""

from collections.abc import Sequence

from chirpstack_embedded.channel_sets import channels_together, indices_together
from chirpstack_embedded.core.mac.block import Block
from chirpstack_embedded.core.mac.exchange import (
    Answer,
    Exchange,
    Unexpected,
    count_refusal,
    forget_refusals,
)
from chirpstack_embedded.core.region import RegionPlan
from chirpstack_embedded.model import Channel, Device, Session
from wire.lorawan.mac import MacCommand, NewChannelAns, NewChannelReq

MAX_PER_DOWNLINK = 3


def request(plan: RegionPlan, device: Device, session: Session) -> Block | None:
    """Return up to three requests for channels that differ."""
    supported = tuple(device.profile.supported_uplink_data_rates)
    wanted = plan.wanted_channels(supported or plan.usual_data_rates)
    if session.extra_uplink_channels == wanted:
        return None  # the common case
    # The LinkADRReq mask switches the others off on the device.
    session.extra_uplink_channels = channels_together(
        {i: one for i, one in session.extra_uplink_channels.items() if i in wanted}
    )
    missing = [
        _command(index, channel)
        for index, channel in sorted(wanted.items())
        if session.extra_uplink_channels.get(index) != channel
    ]
    if not missing:
        return None
    return Block(commands=tuple(missing[:MAX_PER_DOWNLINK]))


def handle(
    exchange: Exchange, asked: Sequence[MacCommand], pending: Sequence[MacCommand]
) -> Answer:
    """Take the channels the device took."""
    if len(asked) != len(pending):
        return Unexpected(
            why=f"{len(asked)} NewChannelAns for {len(pending)} NewChannelReq"
        )
    for answer, wanted in zip(asked, pending, strict=True):
        if isinstance(answer, NewChannelAns) and isinstance(wanted, NewChannelReq):
            _take(exchange.session, answer, wanted)
    return None


def _take(session: Session, answer: NewChannelAns, wanted: NewChannelReq) -> None:
    if not (answer.frequency_ok and answer.data_rate_range_ok):
        count_refusal(session, NewChannelReq.cid)
        return
    forget_refusals(session, NewChannelReq.cid)
    channel = Channel(
        frequency_hz=wanted.frequency_hz,
        data_rates=tuple(range(wanted.min_dr, wanted.max_dr + 1)),
    )
    extra, enabled = session.extra_uplink_channels, session.enabled_uplink_channels
    session.extra_uplink_channels = channels_together(
        {**extra, wanted.ch_index: channel}
    )
    session.enabled_uplink_channels = indices_together(
        dict.fromkeys((*enabled, wanted.ch_index))
    )


def _command(index: int, channel: Channel) -> NewChannelReq:
    return NewChannelReq(
        ch_index=index,
        frequency_hz=channel.frequency_hz,
        min_dr=channel.data_rates[0],
        max_dr=channel.data_rates[-1],
    )
