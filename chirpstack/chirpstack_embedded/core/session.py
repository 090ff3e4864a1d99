"""How a session begins: by a join or by an API client."""

from chirpstack_embedded.config import RegionNetwork
from chirpstack_embedded.model import Channel, Device, Session
from wire.lorawan.class_b import MAX_PERIODICITY, ping_nb


def otaa_session(
    device: Device,
    *,
    region_config_id: str,
    network: RegionNetwork,
    dev_addr: str,
    nwk_s_key: bytes,
    app_s_key: bytes,
    rx2_frequency_hz: int,
    enabled_channels: list[int],
    extra_channels: dict[int, Channel],
) -> Session:
    """Return the session a JoinAccept gives (contract §2.2 step 10)."""
    session = Session(
        region_config_id=region_config_id,
        dev_addr=dev_addr,
        mac_version=device.mac_version,
        nwk_s_key=nwk_s_key,
        app_s_key=app_s_key,
        skip_f_cnt_check=device.skip_fcnt_check,
        rx1_delay=network.rx1_delay,
        rx1_dr_offset=network.rx1_dr_offset,
        rx2_dr=network.rx2_dr,
        rx2_frequency_hz=rx2_frequency_hz,
        enabled_uplink_channels=enabled_channels,
        extra_uplink_channels=extra_channels,
    )
    _set_ping_slots(session, device)
    return session


def abp_session(
    device: Device,
    *,
    dev_addr: str,
    nwk_s_key: bytes,
    app_s_key: bytes,
    f_cnt_down: int,
) -> Session:
    """
    Return the session of ``Activate`` (contract §2.13).

    The region is empty until the first uplink, the channels too.
    """
    session = Session(
        region_config_id="",
        dev_addr=dev_addr,
        mac_version=device.mac_version,
        nwk_s_key=nwk_s_key,
        app_s_key=app_s_key,
        f_cnt_down=f_cnt_down,
        skip_f_cnt_check=device.skip_fcnt_check,
        rx1_delay=0,
    )
    _set_ping_slots(session, device)
    profile = device.profile
    if not profile.supports_otaa:
        session.rx1_delay = profile.abp_rx1_delay
        session.rx1_dr_offset = profile.abp_rx1_dr_offset
        session.rx2_dr = profile.abp_rx2_dr
        session.rx2_frequency_hz = profile.abp_rx2_freq
    return session


def _set_ping_slots(session: Session, device: Device) -> None:
    profile = device.profile
    if not profile.supports_class_b:
        return
    periodicity = min(profile.class_b_ping_slot_periodicity, MAX_PERIODICITY)
    session.class_b_ping_slot_nb = ping_nb(periodicity)
    session.class_b_ping_slot_dr = profile.class_b_ping_slot_dr
    session.class_b_ping_slot_frequency_hz = profile.class_b_ping_slot_freq
