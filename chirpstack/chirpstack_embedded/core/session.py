"""How a session begins: by a join or by an API client."""

from chirpstack_embedded.channel_sets import channels_together, indices_together
from chirpstack_embedded.config import RegionNetwork
from chirpstack_embedded.model import Channel, Device, Session
from wire.lorawan.class_b import MAX_PERIODICITY, ping_nb
from wire.lorawan.keys import Key
from wire.lorawan.keys_1_1 import SessionKeys11


def class_at_start(device: Device) -> str:
    """Return the class after a join; in 1.1 class C begins with a DeviceModeInd."""
    is_1_0 = device.mac_version.startswith("1.0")
    return "C" if device.profile.supports_class_c and is_1_0 else "A"


def otaa_session(
    device: Device,
    *,
    region_config_id: str,
    network: RegionNetwork,
    dev_addr: str,
    keys: SessionKeys11,
    rx2_frequency_hz: int,
    enabled_channels: list[int],
    extra_channels: dict[int, Channel],
) -> Session:
    """Return the session a JoinAccept gives (contract §2.2 step 10)."""
    session = Session(
        region_config_id=region_config_id,
        dev_addr=dev_addr,
        mac_version=device.mac_version,
        nwk_s_key=(f_int := bytes(keys.f_nwk_s_int_key)),
        app_s_key=bytes(keys.app_s_key),
        s_nwk_s_int_key=_once(f_int, keys.s_nwk_s_int_key),
        nwk_s_enc_key=_once(f_int, keys.nwk_s_enc_key),
        skip_f_cnt_check=device.skip_fcnt_check,
        rx1_delay=network.rx1_delay,
        rx1_dr_offset=network.rx1_dr_offset,
        rx2_dr=network.rx2_dr,
        rx2_frequency_hz=rx2_frequency_hz,
        enabled_uplink_channels=indices_together(enabled_channels),
        extra_uplink_channels=channels_together(extra_channels),
    )
    _set_ping_slots(session, device)
    return session


def abp_session(
    device: Device,
    *,
    dev_addr: str,
    keys: SessionKeys11,
    f_cnt_down: int,
    a_f_cnt_down: int = 0,
) -> Session:
    """
    Return the session of ``Activate`` (contract §2.13).

    The region is empty until the first uplink, the channels too.
    """
    session = Session(
        region_config_id="",
        dev_addr=dev_addr,
        mac_version=device.mac_version,
        nwk_s_key=(f_int := bytes(keys.f_nwk_s_int_key)),
        app_s_key=bytes(keys.app_s_key),
        s_nwk_s_int_key=_once(f_int, keys.s_nwk_s_int_key),
        nwk_s_enc_key=_once(f_int, keys.nwk_s_enc_key),
        f_cnt_down=f_cnt_down,
        a_f_cnt_down=a_f_cnt_down,
        skip_f_cnt_check=device.skip_fcnt_check,
        rx1_delay=0,
    )
    _set_ping_slots(session, device)
    reset_to_boot(device, session)
    return session


def reset_to_boot(device: Device, session: Session) -> None:
    """Take what a device has when it starts: its version and, with ABP, its windows."""
    profile = device.profile
    session.mac_version = device.mac_version
    session.nb_trans = 1
    if profile.supports_otaa:
        return
    session.tx_power_index = 0
    session.min_supported_tx_power_index = session.max_supported_tx_power_index = 0
    session.extra_uplink_channels = {}
    session.enabled_uplink_channels = []
    session.rx1_delay = profile.abp_rx1_delay
    session.rx1_dr_offset = profile.abp_rx1_dr_offset
    session.rx2_dr = profile.abp_rx2_dr
    session.rx2_frequency_hz = profile.abp_rx2_freq


def _once(key: bytes, other: Key) -> bytes:
    # In 1.0.x all three are one: devices keep it once.
    return key if other == key else bytes(other)


def _set_ping_slots(session: Session, device: Device) -> None:
    profile = device.profile
    if not profile.supports_class_b:
        return
    periodicity = min(profile.class_b_ping_slot_periodicity, MAX_PERIODICITY)
    session.class_b_ping_slot_nb = ping_nb(periodicity)
    session.class_b_ping_slot_dr = profile.class_b_ping_slot_dr
    session.class_b_ping_slot_frequency_hz = profile.class_b_ping_slot_freq
