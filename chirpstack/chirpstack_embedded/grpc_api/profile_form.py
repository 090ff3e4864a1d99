"""
What the real server keeps of a device-profile: parts that do not apply are dropped.

Observed on ChirpStack 4.20.0-test.1; ABP parameters live only in profiles without
OTAA, class B and class C parameters only where the class is supported.
"""

from chirpstack_api import api

TS_F_PORTS = {"ts003_f_port": 202, "ts004_f_port": 201, "ts005_f_port": 200}
_ABP = ("abp_rx1_delay", "abp_rx1_dr_offset", "abp_rx2_dr", "abp_rx2_freq")
_CLASS_B = (
    "class_b_timeout",
    "class_b_ping_slot_periodicity",
    "class_b_ping_slot_dr",
    "class_b_ping_slot_freq",
    "class_b_downlink_only",
)


def as_kept(profile: api.DeviceProfile, *, is_new: bool) -> api.DeviceProfile:
    """Return the profile as it is stored; a new one gets the usual TS ports."""
    kept = api.DeviceProfile()
    kept.CopyFrom(profile)
    for name in _dropped(profile):
        kept.ClearField(name)
    kept.app_layer_params.SetInParent()
    if is_new:
        for name, f_port in TS_F_PORTS.items():
            setattr(kept.app_layer_params, name, f_port)
    return kept


def _dropped(profile: api.DeviceProfile) -> list[str]:
    names: list[str] = []
    if profile.supports_otaa:
        names += _ABP
    if not profile.supports_class_b:
        names += _CLASS_B
    if not profile.supports_class_c:
        names.append("class_c_timeout")
    if not (profile.is_relay or profile.is_relay_ed):
        names += [f for f in _field_names() if f.startswith("relay_")]
    return names


def _field_names() -> list[str]:
    return [field.name for field in api.DeviceProfile.DESCRIPTOR.fields]
