"""From what is to be said to the frame a gateway gets, item by item."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chirpstack_api import gw

from chirpstack_embedded.core.ciphers import ciphers, sealed
from chirpstack_embedded.core.context import FRAME_LIFETIME_S, Context, SentFrame
from chirpstack_embedded.core.downlink_queue import Chosen
from chirpstack_embedded.core.mac.block import Block
from chirpstack_embedded.core.region import RegionPlan
from chirpstack_embedded.core.windows import Opportunity
from chirpstack_embedded.model import Device, QueueItem, Reception, Session
from wire.lorawan.data import DataFrame
from wire.lorawan.fhdr import F_OPTS_MAX, FCtrl
from wire.lorawan.ids import DevAddr
from wire.lorawan.mhdr import MType

MAC_F_PORT = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What goes into every item of one frame."""

    blocks: Sequence[Block]
    chosen: Chosen | None
    ack: bool
    conf_f_cnt: int = 0
    """The uplink that an ACK acknowledges; LoRaWAN 1.1 has it in the MIC."""


def transmit(
    context: Context,
    device: Device,
    session: Session,
    plan: RegionPlan,
    gateway: Reception,
    opportunities: Sequence[Opportunity],
    content: Content,
    now: float,
) -> None:
    """Send one frame: an item for every opportunity, the same content in each."""
    frame = gw.DownlinkFrame(
        downlink_id=context.new_downlink_id(), gateway_id=gateway.gateway_id
    )
    carries_item: list[bool] = []
    for opportunity in opportunities:
        phy_payload, has_item = _phy_payload(session, plan, opportunity, content)
        carries_item.append(has_item)
        item: Any = frame.items.add()
        item.phy_payload = phy_payload
        item.tx_info.CopyFrom(opportunity.tx_info)
    f_cnt_down = _note_counter(context, session, content.chosen)
    context.devices.save(device)
    sent = SentFrame(
        frame=frame,
        expires_at=now + FRAME_LIFETIME_S,
        dev_eui=device.dev_eui,
        f_cnt_down=f_cnt_down,
        queue_item_id=content.chosen.item.id if content.chosen else None,
        carries_item=tuple(carries_item),
    )
    context.send(plan.region.id, frame, sent)


def _note_counter(context: Context, session: Session, chosen: Chosen | None) -> int:
    # Pending is set on the tx ack, never here: a gateway may still refuse the frame.
    if chosen is None:
        return session.f_cnt_down
    item = chosen.item
    if not item.is_encrypted:
        item.f_cnt_down = session.app_f_cnt_down
        context.devices.update_item(item)
    return item.f_cnt_down or 0


def _phy_payload(
    session: Session, plan: RegionPlan, opportunity: Opportunity, content: Content
) -> tuple[bytes, bool]:
    commands = _fill(session, opportunity, content.blocks)
    item = content.chosen.item if content.chosen else None
    if len(commands) > F_OPTS_MAX:
        # The commands go alone; the item waits, and the device learns that it does.
        control = _control(plan, content, pending=item is not None)
        phy_payload = sealed(
            session,
            f_cnt=session.f_cnt_down,
            f_port=MAC_F_PORT,
            payload=commands,
            f_ctrl=control,
            conf_f_cnt=content.conf_f_cnt,
        )
        return phy_payload, False
    more = content.chosen.more if content.chosen else False
    if item is None or len(item.data) > opportunity.room:
        control = _control(plan, content, pending=more or item is not None)
        phy_payload = sealed(
            session,
            f_cnt=session.f_cnt_down,
            f_opts=commands,
            f_ctrl=control,
            conf_f_cnt=content.conf_f_cnt,
        )
        return phy_payload, False
    return _with_item(session, plan, content, item, commands, more=more), True


def _with_item(
    session: Session,
    plan: RegionPlan,
    content: Content,
    item: QueueItem,
    commands: bytes,
    *,
    more: bool,
) -> bytes:
    f_cnt, payload = session.app_f_cnt_down, item.data
    if item.is_encrypted:
        f_cnt = item.f_cnt_down or 0
        payload = _undo_encryption(session, item, f_cnt)
    return sealed(
        session,
        f_cnt=f_cnt,
        f_port=item.f_port,
        payload=payload,
        f_opts=commands,
        f_ctrl=_control(plan, content, pending=more),
        confirmed=item.confirmed,
        conf_f_cnt=content.conf_f_cnt,
    )


def _undo_encryption(session: Session, item: QueueItem, f_cnt: int) -> bytes:
    # The client encrypted with AppSKey; building the frame encrypts once more.
    frame = DataFrame(
        m_type=MType.UNCONFIRMED_DATA_DOWN,
        dev_addr=DevAddr.parse(session.dev_addr),
        f_ctrl=FCtrl(),
        f_cnt_16=f_cnt & 0xFFFF,
        f_opts=b"",
        f_port=item.f_port,
        frm_payload=item.data,
        mic=b"",
    )
    return ciphers(session).decrypt(frame, f_cnt)


def _fill(session: Session, opportunity: Opportunity, blocks: Sequence[Block]) -> bytes:
    commands = b""
    for block in blocks:
        if len(block.data) > opportunity.room:
            break
        opportunity.room -= len(block.data)
        commands += block.data
        session.mac_command_pending[block.cid] = block.data
    return commands


def _control(plan: RegionPlan, content: Content, *, pending: bool) -> FCtrl:
    return FCtrl(
        adr=not plan.region.network.adr_disabled, ack=content.ack, f_pending=pending
    )
