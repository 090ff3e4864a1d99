"""OTAA of LoRaWAN 1.0.x and 1.1, in ChirpStack's order (contract §2.2)."""

from typing import Any

from chirpstack_api import gw

from chirpstack_embedded.core import documents
from chirpstack_embedded.core.context import FRAME_LIFETIME_S, Context, SentFrame
from chirpstack_embedded.core.dev_addr import random_dev_addr
from chirpstack_embedded.core.gateway_choice import choose_gateway
from chirpstack_embedded.core.reception import HeardFrame, filter_by_tenant
from chirpstack_embedded.core.region import RegionPlan
from chirpstack_embedded.core.rendering import NANO
from chirpstack_embedded.core.series import note_error
from chirpstack_embedded.core.session import class_at_start, otaa_session
from chirpstack_embedded.core.verdict import Accepted, Dropped, Verdict
from chirpstack_embedded.model import (
    Device,
    HeardUplink,
    Keys,
    Reception,
    region_name,
)
from wire.errors import Malformed
from wire.lorawan.ids import DevAddr, NetID
from wire.lorawan.join import DLSettings, JoinAccept, JoinRequest
from wire.lorawan.join_1_1 import Asked, seal_accept
from wire.lorawan.keys import Key, derive_session_keys
from wire.lorawan.keys_1_1 import (
    SessionKeys11,
    derive_session_keys_1_1,
    js_int_key,
)


def handle_join(context: Context, heard: HeardFrame, now: float) -> Verdict:
    """Answer a JoinRequest, or say why not."""
    try:
        request = JoinRequest.parse(heard.phy_payload)
    except Malformed as error:
        return Dropped(cause="malformed", details=str(error))
    found = _admissible(context, heard, request)
    if isinstance(found, Dropped):
        return found
    device, keys = found
    refused = _verify(context, heard, request, device, keys)
    if refused is not None:
        return refused
    join_nonce = _burn(context, heard, request, device)
    if isinstance(join_nonce, Dropped):
        return join_nonce
    return _grant(context, heard, request, device, keys, join_nonce, now)


def _admissible(
    context: Context, heard: HeardFrame, request: JoinRequest
) -> tuple[Device, Keys] | Dropped:
    dev_eui = str(request.dev_eui)
    device = context.devices.get(dev_eui)
    if device is None:
        return Dropped(cause="unknown_device", details=f"dev_eui={dev_eui}")
    region = context.region(heard.region_config_id)
    if region_name(device) != region.common_name:
        return Dropped(cause="region_mismatch", details=f"dev_eui={dev_eui}")
    keys = context.keys.get(dev_eui)
    if keys is None:
        return Dropped(cause="no_keys", details=f"dev_eui={dev_eui}")
    wanted = device.profile.region_config_id
    if wanted and wanted != heard.region_config_id:
        return Dropped(cause="region_mismatch", details=f"dev_eui={dev_eui}")
    filtered = filter_by_tenant(context, heard, device)
    if filtered is not None:
        return filtered
    if device.is_disabled:
        return Dropped(cause="disabled", details=f"dev_eui={dev_eui}")
    if not device.profile.supports_otaa:
        return Dropped(cause="otaa_not_supported", details=f"dev_eui={dev_eui}")
    return device, keys


def _verify(
    context: Context,
    heard: HeardFrame,
    request: JoinRequest,
    device: Device,
    keys: Keys,
) -> Dropped | None:
    if request.verify(Key(keys.nwk_key)):
        return None
    context.emit_log(
        device,
        time_ns=heard.time_ns,
        level="ERROR",
        code="UPLINK_MIC",
        description="MIC of join-request is invalid, make sure keys are correct",
        context={"deduplication_id": heard.deduplication_id},
    )
    note_error(context.series, device.dev_eui, "UPLINK_MIC", heard.time_ns / NANO)
    return Dropped(cause="join_mic", details=f"dev_eui={device.dev_eui}")


def _burn(
    context: Context, heard: HeardFrame, request: JoinRequest, device: Device
) -> int | Dropped:
    join_eui = str(request.join_eui)
    join_nonce = context.keys.use_dev_nonce(device.dev_eui, join_eui, request.dev_nonce)
    if join_nonce is not None:
        return join_nonce
    context.emit_log(
        device,
        time_ns=heard.time_ns,
        level="ERROR",
        code="OTAA",
        description="DevNonce has already been used",
        context={
            "deduplication_id": heard.deduplication_id,
            "join_eui": join_eui,
            "dev_nonce": str(request.dev_nonce),
        },
    )
    note_error(context.series, device.dev_eui, "OTAA", heard.time_ns / NANO)
    return Dropped(cause="dev_nonce", details=f"dev_eui={device.dev_eui}")


def _grant(
    context: Context,
    heard: HeardFrame,
    request: JoinRequest,
    device: Device,
    keys: Keys,
    join_nonce: int,
    now: float,
) -> Verdict:
    plan = context.plans[heard.region_config_id]
    net_id = context.configuration.network.net_id
    dev_addr = random_dev_addr(context.rng, net_id, device.tenant.dev_addr_prefixes)
    accept = _accept(plan, device, net_id, dev_addr, join_nonce)
    info = documents.device_info(device)  # before the class may change
    _start_session(device, plan, request, keys, accept)
    if device.profile.flush_queue_on_activate:
        context.devices.flush_queue(device)
    device.join_eui = str(request.join_eui)
    context.devices.save(device)
    _send(context, heard, device, plan, _sealed(accept, keys, request), now)
    document = documents.join(
        deduplication_id=heard.deduplication_id,
        time_ns=heard.time_ns,
        info=info,
        dev_addr=dev_addr,
        region_config_id=heard.region_config_id,
    )
    context.emit("join", device, document, heard.time_ns, {"DevAddr": dev_addr})
    return Accepted(dev_eui=device.dev_eui, kind="join")


def _accept(
    plan: RegionPlan, device: Device, net_id: str, dev_addr: str, join_nonce: int
) -> JoinAccept:
    network = plan.region.network
    return JoinAccept(
        join_nonce=join_nonce,
        net_id=NetID.parse(net_id),
        dev_addr=DevAddr.parse(dev_addr),
        dl_settings=DLSettings(
            rx1_dr_offset=network.rx1_dr_offset,
            rx2_data_rate=network.rx2_dr,
            opt_neg=not device.mac_version.startswith("1.0"),
        ),
        rx_delay=network.rx1_delay,
        cf_list=plan.cf_list(device.profile),
    )


def _start_session(
    device: Device,
    plan: RegionPlan,
    request: JoinRequest,
    keys: Keys,
    accept: JoinAccept,
) -> None:
    device.session = otaa_session(
        device,
        region_config_id=plan.region.id,
        network=plan.region.network,
        dev_addr=str(accept.dev_addr),
        keys=_session_keys(accept, keys, request),
        rx2_frequency_hz=plan.table.rx2_frequency_hz,
        enabled_channels=plan.joined_channels(accept.cf_list),
        extra_channels=plan.cf_list_channels(),
    )
    device.dev_addr = str(accept.dev_addr)
    device.f_cnt_up = 0
    device.enabled_class = class_at_start(device)


def _sealed(accept: JoinAccept, keys: Keys, request: JoinRequest) -> bytes:
    nwk_key = Key(keys.nwk_key)
    if not accept.dl_settings.opt_neg:
        return accept.seal(nwk_key)
    return seal_accept(
        accept,
        nwk_key,
        js_int_key=js_int_key(nwk_key, request.dev_eui),
        asked=Asked(join_eui=request.join_eui, nonce=request.dev_nonce),
    )


def _session_keys(
    accept: JoinAccept, keys: Keys, request: JoinRequest
) -> SessionKeys11:
    if accept.dl_settings.opt_neg:
        return derive_session_keys_1_1(
            nwk_key=Key(keys.nwk_key),
            app_key=Key(keys.app_key),
            join_nonce=accept.join_nonce,
            join_eui=request.join_eui,
            dev_nonce=request.dev_nonce,
        )
    found = derive_session_keys(
        Key(keys.nwk_key),
        join_nonce=accept.join_nonce,
        net_id=accept.net_id,
        dev_nonce=request.dev_nonce,
    )
    return SessionKeys11(
        f_nwk_s_int_key=found.nwk_s_key,
        s_nwk_s_int_key=found.nwk_s_key,
        nwk_s_enc_key=found.nwk_s_key,
        app_s_key=found.app_s_key,
    )


def _send(
    context: Context,
    heard: HeardFrame,
    device: Device,
    plan: RegionPlan,
    phy_payload: bytes,
    now: float,
) -> None:
    gateway = choose_gateway(
        [HeardUplink(dr=heard.dr, receptions=heard.receptions())],
        tenant_id=device.tenant.id,
        gateway=heard.gateways.get,
        required_snr_db=plan.required_snr_db,
        prefer_min_margin_db=plan.region.network.gateway_prefer_min_margin_db,
        rng=context.rng,
    )
    if gateway is None:
        context.warn(f"ns.down.join.fail cause=no_gateway dev_eui={device.dev_eui}")
        return
    frame = gw.DownlinkFrame(
        downlink_id=context.new_downlink_id(), gateway_id=gateway.gateway_id
    )
    for item in _items(heard, plan, gateway):
        item.phy_payload = phy_payload
        frame.items.append(item)
    sent = SentFrame(
        frame=frame,
        expires_at=now + FRAME_LIFETIME_S,
        dev_eui=device.dev_eui,
        f_cnt_down=0,
        queue_item_id=None,
        is_join_accept=True,
    )
    context.send(heard.region_config_id, frame, sent)


def _items(heard: HeardFrame, plan: RegionPlan, gateway: Reception) -> list[Any]:
    # A JoinAccept's RX2 is the band's, not the configured one (contract §2.2).
    windows = (
        (
            plan.rx1_frequency_hz(heard.tx_info.frequency),
            plan.rx1_data_rate(heard.dr, 0),
            plan.table.join_accept_delay1_s,
        ),
        (
            plan.table.rx2_frequency_hz,
            plan.table.rx2_data_rate,
            plan.table.join_accept_delay2_s,
        ),
    )
    wanted = plan.region.network.rx_window
    kept = windows if wanted == 0 else windows[wanted - 1 : wanted]
    items = []
    for frequency_hz, dr, delay_s in kept:
        item = gw.DownlinkFrameItem()
        tx_info = item.tx_info
        tx_info.frequency = frequency_hz
        tx_info.power = plan.power_dbm(frequency_hz)
        tx_info.board, tx_info.antenna = gateway.board, gateway.antenna
        tx_info.context = gateway.context
        tx_info.timing.delay.delay.seconds = delay_s
        plan.set_modulation(tx_info, dr)
        items.append(item)
    return items
