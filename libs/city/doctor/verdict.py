"""
The verdict: facts in, one sentence and one advice out. Pure.

The checks stand in the order in which they are asked; the first that finds something
speaks. What is wrong now comes before what was wrong once: a trouble that is older than
the last good report is over.
"""

from collections.abc import Callable
from typing import Final

from city.doctor import radio_checks
from city.doctor.facts import DeviceFacts, Event, Facts, ago
from city.doctor.finding import Finding

__all__ = ["judge"]

NO_KEY: Final = "0" * 32
MISSED_REPORTS: Final = 3
SHORTEST_SILENCE_S: Final = 3600.0
SAME_FRAME_S: Final = 2.0

Check = Callable[[Facts, DeviceFacts], Finding | None]


def judge(facts: Facts) -> Finding:
    """Return what is the matter with the device."""
    device = facts.device
    if device is None:
        return _unknown(facts)
    for check in CHECKS:
        found = check(facts, device)
        if found is not None:
            return found
    return _silent(facts, device)


def _unknown(facts: Facts) -> Finding:
    if facts.backwards:
        return Finding(
            kind="backwards",
            sentence=f"ChirpStack does not know {facts.dev_eui}, but it knows the same"
            f" number backwards: {facts.backwards}.",
            advice=f"If the label says {facts.dev_eui}, delete {facts.backwards} and"
            " add the device again; else use the other number.",
        )
    heard = f" It asks to join: {_who(facts)} hears it." if facts.heard else ""
    return Finding(
        kind="unknown",
        sentence=f"ChirpStack does not know a device {facts.dev_eui}.{heard}",
        advice="Compare the number with the label, then add it:"
        f" garonne device add --dev-eui {facts.dev_eui} --type TYPE.",
    )


def _who(facts: Facts) -> str:
    return f"gateway {facts.heard[-1].gateway_id}"


def _disabled(_facts: Facts, device: DeviceFacts) -> Finding | None:
    if not device.disabled:
        return None
    return Finding(
        kind="disabled",
        sentence=f"{device.name} is disabled in ChirpStack: whatever it sends is"
        " dropped.",
        advice="Switch off 'Device is disabled' in the device's configuration.",
    )


def _no_key(_facts: Facts, device: DeviceFacts) -> Finding | None:
    if device.f_cnt_up is not None or not device.supports_otaa:
        return None
    if not device.app_key:
        return Finding(
            kind="no_key",
            sentence=f"{device.name} has no AppKey in ChirpStack, so it cannot join.",
            advice="Enter the AppKey of the label under 'OTAA keys'.",
        )
    if device.app_key == NO_KEY:
        return Finding(
            kind="no_key",
            sentence=f"The AppKey of {device.name} in ChirpStack is all zeros.",
            advice="For LoRaWAN 1.0.x the API takes the AppKey in nwk_key, not in"
            " app_key: enter it again.",
        )
    return None


def _no_otaa(_facts: Facts, device: DeviceFacts) -> Finding | None:
    if device.supports_otaa or device.f_cnt_up is not None:
        return None
    return Finding(
        kind="no_otaa",
        sentence=f"The device profile of {device.name} does not let it join, and it"
        " was not activated by hand either.",
        advice="Switch on 'Device supports OTAA' in the profile, or activate it (ABP).",
    )


def _wrong_key(facts: Facts, device: DeviceFacts) -> Finding | None:
    at = _trouble(facts, "UPLINK_MIC")
    if at is None and not any(one.mic_is_good is False for one in facts.heard):
        return None
    when = ago(at, facts.now) if at is not None else "just now"
    return Finding(
        kind="wrong_key",
        sentence=f"{device.name} asked to join ({when}) with another AppKey than the"
        " one in ChirpStack.",
        advice="Compare the AppKey with the label, digit by digit; the bytes may stand"
        " in the wrong order.",
    )


def _used_nonce(facts: Facts, device: DeviceFacts) -> Finding | None:
    at = _trouble(facts, "OTAA")
    if at is None:
        return None
    return Finding(
        kind="used_nonce",
        sentence=f"{device.name} asked to join ({ago(at, facts.now)}) with a DevNonce"
        " that it has used before: it has lost its memory, or somebody repeats it.",
        advice="Press 'Flush OTAA device nonces' at its OTAA keys in ChirpStack, then"
        " switch the device off and on.",
    )


def _trouble(facts: Facts, code: str) -> float | None:
    """When this log was written, unless something good came after it."""
    at = facts.at("log", code)
    better = max(facts.at("up"), facts.at("join"))
    rivals = [facts.at("log", other) for other in ("UPLINK_MIC", "OTAA")]
    return at if at > better and at >= max(rivals) else None


def _counter_reset(facts: Facts, device: DeviceFacts) -> Finding | None:
    at = facts.at("log", "UPLINK_F_CNT_RESET")
    if at <= max(facts.at("up"), facts.at("join")):
        return None
    return Finding(
        kind="counter_reset",
        sentence=f"{device.name} counts its frames from the beginning again"
        f" ({ago(at, facts.now)}): they are dropped as old.",
        advice="Let it join again; if it cannot (ABP), activate it anew in ChirpStack.",
    )


def _codec(facts: Facts, device: DeviceFacts) -> Finding | None:
    last = facts.last("log", "UPLINK_CODEC")
    if last is None or last.time < facts.at("up") - SAME_FRAME_S:
        return None
    said = " ".join(last.description.split()).partition(" at decodeUplink")[0]
    return Finding(
        kind="codec",
        sentence=f"{device.name} is heard ({ago(last.time, facts.now)}), but its codec"
        f" cannot read what it says: {said.rstrip('.')}.",
        advice="It may be of another device type or firmware than its profile says.",
    )


def _refused_downlink(facts: Facts, device: DeviceFacts) -> Finding | None:
    last = facts.last("log", "DOWNLINK_GATEWAY")
    if last is None or last.time < max(facts.at("txack"), facts.at("join")):
        return None
    return radio_checks.refused(device, last.description, radio_checks.measured(facts))


def _class_c_waits(_facts: Facts, device: DeviceFacts) -> Finding | None:
    waits = device.supports_class_c and device.waiting and device.f_cnt_up == 0
    if not waits:
        return None
    commands = "a command waits" if device.waiting == 1 else "commands wait"
    return Finding(
        kind="class_c_waits",
        sentence=f"{device.name} has joined, but {commands} ({device.waiting}) until"
        " it has sent its first report: only then ChirpStack speaks to class C.",
        advice=f"Wait for its report{_interval(device)}, or press its button.",
    )


def _first_report(facts: Facts, device: DeviceFacts) -> Finding | None:
    if device.f_cnt_up != 0 or facts.last("up") or facts.last("join") is None:
        return None
    joined = facts.at("join")
    if facts.now - joined > _patience_s(device):
        return None
    return Finding(
        kind="first_report",
        sentence=f"{device.name} joined {ago(joined, facts.now)}; its first report is"
        f" still to come{_interval(device)}.",
    )


def _well(facts: Facts, device: DeviceFacts) -> Finding | None:
    heard_at = max(device.last_seen_at or float("-inf"), facts.at("up"))
    if not device.f_cnt_up or facts.now - heard_at > _patience_s(device):
        return None
    return Finding(
        kind="well",
        sentence=f"All is well: {device.name} was last heard"
        f" {ago(heard_at, facts.now)}{_by(facts.last('up'))}.",
    )


def _by(up: Event | None) -> str:
    if up is None or not up.gateway_id:
        return ""
    return f" by gateway {up.gateway_id} (RSSI {up.rssi_dbm} dBm, SNR {up.snr_db:g} dB)"


def _silent(facts: Facts, device: DeviceFacts) -> Finding:
    listened = f", and not in the last {facts.listened_s:.0f} s" * bool(
        facts.listened_s >= 1
    )
    seen = device.last_seen_at
    if seen is None and facts.last("join") is None and not facts.frames:
        return Finding(
            kind="never_heard",
            sentence=f"No gateway has heard {device.name} yet{listened}.",
            advice="Is it switched on? Press its button, look at its lamp, and compare"
            " the DevEUI on its label. Then go nearer to a gateway.",
        )
    when = f" since {ago(seen, facts.now)}" if seen is not None else ""
    return Finding(
        kind="silent",
        sentence=f"{device.name} was not heard{when}{listened}{_due(device)}.",
        advice="Look at its battery and antenna, and whether something new stands"
        " between it and the gateway.",
    )


def _due(device: DeviceFacts) -> str:
    if not device.uplink_interval_s:
        return ""
    return f"; it should report every {_length(device.uplink_interval_s)}"


def _interval(device: DeviceFacts) -> str:
    if not device.uplink_interval_s:
        return ""
    return f" (due every {_length(device.uplink_interval_s)})"


def _length(seconds: int) -> str:
    return f"{seconds // 60} min" if seconds >= 120 else f"{seconds} s"  # noqa: PLR2004 -- below, seconds say more


def _patience_s(device: DeviceFacts) -> float:
    return max(SHORTEST_SILENCE_S, MISSED_REPORTS * device.uplink_interval_s)


CHECKS: tuple[Check, ...] = (
    _disabled,
    _no_key,
    _no_otaa,
    _wrong_key,
    _used_nonce,
    _counter_reset,
    _codec,
    radio_checks.wrong_gateway,
    radio_checks.wrong_region,
    radio_checks.unanswered,
    radio_checks.joins_again,
    _refused_downlink,
    radio_checks.old_session,
    _class_c_waits,
    _well,
    _first_report,
    radio_checks.no_gateway,
)
"""In this order; `_silent` is what remains."""
