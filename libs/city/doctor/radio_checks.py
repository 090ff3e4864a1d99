"""The part of the verdict that lies between device, gateway and server. Pure."""

from typing import Final

from city.doctor.facts import PATIENCE_S, DeviceFacts, Facts, GatewayFacts, ago
from city.doctor.finding import Finding

__all__ = [
    "joins_again",
    "measured",
    "no_gateway",
    "old_session",
    "refused",
    "unanswered",
    "wrong_gateway",
    "wrong_region",
]

LATE: Final = ("TOO_LATE", "TOO_EARLY")
FITTING: Final = ("OK", "IGNORED")
AGAIN: Final = 2


def wrong_gateway(facts: Facts, device: DeviceFacts) -> Finding | None:
    """Find that only gateways hear it whose frames ChirpStack drops."""
    ids = {one.gateway_id for one in facts.heard}
    usable = [g for g in map(facts.gateway, ids) if g and _serves(g, device)]
    if not ids or usable:
        return None
    strangers = sorted(ids - {gateway.gateway_id for gateway in facts.gateways})
    if strangers:
        return Finding(
            kind="gateway_unknown",
            sentence=f"{device.name} is heard, but only by gateway {strangers[0]},"
            " which is not registered in ChirpStack: its frames are dropped.",
            advice=f"Register gateway {strangers[0]}, then wait for the next try.",
        )
    gateway = facts.gateway(min(ids))
    name = gateway.name if gateway else min(ids)
    return Finding(
        kind="gateway_private",
        sentence=f"{device.name} is heard, but only by gateway {name}, which another"
        " tenant keeps for itself.",
        advice="Ask that tenant to open its gateways ('Gateways are private, uplink'),"
        " or put one of your own in reach.",
    )


def _serves(gateway: GatewayFacts, device: DeviceFacts) -> bool:
    return not gateway.private or gateway.tenant_id == device.tenant_id


def wrong_region(facts: Facts, device: DeviceFacts) -> Finding | None:
    """Find that the profile is of another region than every gateway that could hear."""
    ids = {one.gateway_id for one in facts.heard}
    near = [g for g in facts.gateways if g.gateway_id in ids or not ids]
    regions = {g.region for g in near if g.region and g.state == "ONLINE"}
    if not regions or device.region in regions:
        return None
    told = " and ".join(sorted(regions))
    return Finding(
        kind="wrong_region",
        sentence=f"The device profile of {device.name} is for {device.region}, but the"
        f" gateways are for {told}: whatever they hear of it is dropped.",
        advice=f"Give it a device profile for {min(regions)}.",
    )


def unanswered(facts: Facts, device: DeviceFacts) -> Finding | None:
    """Judge the downlinks of the time we listened, from the last good one on."""
    answers = list(facts.answers)
    good = [n for n, one in enumerate(answers) if one.status in FITTING]
    since = answers[good[-1] + 1 :] if good else answers
    told = [one for one in since if one.status is not None]
    if told:
        return refused(device, str(told[-1].status), told[-1].took_s)
    overdue = [one for one in since if facts.now - one.at >= PATIENCE_S]
    return _no_tx_ack(device, overdue[-1].gateway_id) if overdue else None


def _no_tx_ack(device: DeviceFacts, gateway_id: str) -> Finding:
    return Finding(
        kind="no_tx_ack",
        sentence=f"ChirpStack answers {device.name}, but gateway {gateway_id} does not"
        " say whether it sent the answer (no tx ack).",
        advice="Look whether that gateway hears its commands: its MQTT user must read"
        " the topic command/down, and its forwarder must not be receive-only.",
    )


def refused(device: DeviceFacts, status: str, took_s: float | None) -> Finding:
    """Say what a gateway's refusal means, with the measured time if there is one."""
    if status in LATE:
        took = f" The answer took {_ms(took_s)} to the broker." if took_s else ""
        return Finding(
            kind="window_missed",
            sentence=f"The receive window of {device.name} was missed: the gateway got"
            f" the answer {status.replace('_', ' ').lower()}.{took}",
            advice="The line to the gateway is too slow: set rx1_delay of the device"
            " profile to 3 or 5 s, or mend the line.",
        )
    return Finding(
        kind="gateway_refused",
        sentence=f"A gateway refuses to send to {device.name}: {status}.",
        advice=ADVICE.get(status, "Look into the gateway's own log."),
    )


ADVICE: Final = {
    "DUTY_CYCLE_OVERFLOW": "Its air time of this hour is used up: send less.",
    "COLLISION_PACKET": "Two answers wanted the same moment; the next try may do.",
    "QUEUE_FULL": "Too many commands at once: send them more slowly.",
    "TX_FREQ": "The gateway may not send on this frequency: compare its region.",
    "TX_POWER": "The gateway cannot send with this power: compare its region.",
    "GPS_UNLOCKED": "Class B needs the gateway's GPS: look at its antenna.",
}


def measured(facts: Facts) -> float | None:
    """Return how long the newest answer took that we saw ourselves, in seconds."""
    timed = [one.took_s for one in facts.answers if one.took_s is not None]
    return timed[-1] if timed else None


def joins_again(facts: Facts, device: DeviceFacts) -> Finding | None:
    """Find that it was let in, and asks again instead of reporting."""
    since = facts.at("up")
    joins = sorted(e.time for e in facts.events if e.kind == "join" and e.time > since)
    if not joins:
        return None
    if _accept_is_missing(facts, joins[-1]):
        return Finding(
            kind="not_answered",
            sentence=f"ChirpStack let {device.name} in ({ago(joins[-1], facts.now)}),"
            " but no gateway has confirmed that it sent the answer.",
            advice="Let it try again while the doctor listens: garonne doctor"
            f" {facts.dev_eui} --listen 60.",
        )
    sent = sum(1 for frame in facts.frames if frame.kind == "JoinAccept")
    if len(joins) < AGAIN or sent < AGAIN:
        return None
    took_s = measured(facts)
    took = f" (the answer took {_ms(took_s)} to the broker)" if took_s else ""
    return Finding(
        kind="window_missed",
        sentence=f"{device.name} was let in {len(joins)} times, the last time"
        f" {ago(joins[-1], facts.now)}, but asks again: it does not hear the"
        f" answer{took}.",
        advice="Go nearer to the gateway, look at both antennas, and let it try again;"
        " the gateway must send 5 s after the request, to the millisecond.",
    )


def _accept_is_missing(facts: Facts, joined_at: float) -> bool:
    """The frame log has a join-accept once its gateway has acknowledged it."""
    if facts.now - joined_at < PATIENCE_S or _speaks(facts):
        return False
    asked = max((f.time for f in facts.frames if f.kind == "JoinRequest"), default=None)
    sent = [f.time for f in facts.frames if f.kind == "JoinAccept"]
    return asked is not None and not any(time >= asked for time in sent)


def _speaks(facts: Facts) -> bool:
    """Whether it uses a session: then it did hear the answer."""
    return any(not one.is_join for one in facts.heard)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def old_session(facts: Facts, device: DeviceFacts) -> Finding | None:
    """Find that its frames reach ChirpStack and belong to no session there."""
    frames = [one for one in facts.heard if not one.is_join]
    if not frames or facts.now - frames[0].at < PATIENCE_S:
        return None
    if any(e.kind == "up" and e.noted_at >= frames[0].at for e in facts.events):
        return None
    return Finding(
        kind="old_session",
        sentence=f"{device.name} is heard, but its frames do not fit its session in"
        " ChirpStack: it uses keys of another join.",
        advice="Let it join again: switch it off and on, or press its button.",
    )


def no_gateway(facts: Facts, device: DeviceFacts) -> Finding | None:
    """Find that no gateway could hear it at all."""
    if not facts.gateways:
        return Finding(
            kind="no_gateway",
            sentence="No gateway is registered in ChirpStack, so nobody hears"
            f" {device.name}.",
            advice="Register the gateway, and give it the region's topic prefix.",
        )
    if any(gateway.state == "ONLINE" for gateway in facts.gateways):
        return None
    seen = [g.last_seen_at for g in facts.gateways if g.last_seen_at is not None]
    if not seen:
        return Finding(
            kind="gateways_silent",
            sentence=f"None of the {len(facts.gateways)} registered gateways has ever"
            f" reported, so nobody hears {device.name}.",
            advice="Look at their power and network, their MQTT user, and whether they"
            " use the region's topic prefix (eu868/…).",
        )
    return Finding(
        kind="gateways_silent",
        sentence=f"All {len(facts.gateways)} gateways are silent, the last since"
        f" {ago(max(seen), facts.now)}: nobody hears {device.name}.",
        advice="Look at the gateways' power and network, then at the broker.",
    )
