"""
The sentences an operator reads while a command is on its way, and at its end.

Instants in sentences are UTC, from our clock.
"""

from datetime import UTC, datetime

from city.command import Entry, Item, Rules
from city.line import Radio


def not_yet(
    entry: Entry, item: Item | None, radio: Radio, opened: Entry | None, now: float
) -> str:
    """Say why an unfinished command is not confirmed yet."""
    if entry is opened and item is not None and not item.asks:
        return _sending(entry, item, radio, now)
    if entry is opened and item is None:
        if "queued" in entry.at:
            return "its group's frame is in ChirpStack's queue"
        return "waiting for the one frame to its whole group"
    if "transmitted" in entry.at:
        return _awaiting(entry, item)
    if item is not None and item.asks:
        return "waiting behind the status request of the command before it"
    return "waiting behind another command to the same device"


def _sending(entry: Entry, item: Item, radio: Radio, now: float) -> str:
    if item.trouble:
        return item.trouble
    if entry.cancelled:
        return "cancelled; emptying the device's queue in ChirpStack"
    if item.phase == "preparing":
        return "about to be handed to ChirpStack"
    if item.phase == "sending":
        return "handed to the broker, whose confirmation is awaited"
    if item.missed:
        return "it left ChirpStack's queue; waiting for the gateway's word"
    again = f"{entry.found or 'no report came'}; sent again: " if entry.again else ""
    return again + (_class_c(radio, now) if radio.class_c else _class_a(radio))


def _class_c(radio: Radio, now: float) -> str:
    if radio.heard is False:
        return "waiting for its first uplink: class C sends nothing after a join before"
    if radio.refusal:
        return _refused(radio.refusal)
    if radio.free_at() > now:
        return (
            "waiting for the 5 s in which class C leaves a device alone after a frame, "
            f"until {clock(radio.free_at())}"
        )
    return "in ChirpStack's queue, until a gateway says that it sent it"


def _class_a(radio: Radio) -> str:
    if radio.refusal:
        return _refused(radio.refusal)
    return "waiting for the device's next uplink: class A listens only after one"


REFUSALS = {
    "DUTY_CYCLE_OVERFLOW": "it has used up its duty cycle",
    "TOO_LATE": "the frame came too late",
    "TOO_EARLY": "the frame came too early",
    "COLLISION_PACKET": "it was sending another frame then",
    "COLLISION_BEACON": "it was sending a beacon then",
    "QUEUE_FULL": "its queue is full",
    "TX_FREQ": "it cannot send on that frequency",
    "TX_POWER": "it cannot send with that power",
    "GPS_UNLOCKED": "it has no GPS time",
}


def _refused(status: str) -> str:
    meaning = REFUSALS.get(status, "no more is known")
    return f"the gateway refused ({status}: {meaning}); ChirpStack tries again"


def _awaiting(entry: Entry, item: Item | None) -> str:
    if item is not None and item.asks and item.phase == "queued":
        return "no state report came; a status request is in ChirpStack's queue"
    if item is not None and item.asks:
        return item.trouble or "no state report came; asking the device for its state"
    if entry.asked and not entry.again:
        return "asked the device for its state; waiting for the answer"
    at = clock(entry.at["transmitted"])
    found = f"; the last one shows {entry.found}" if entry.found else ""
    return f"sent at {at}; waiting for the device's state report{found}"


def clock(at: float) -> str:
    """Return the time of day of an instant."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S UTC")


def replaced(by: str) -> str:
    """Say which command took the place of this one."""
    return f"replaced by the newer command {by}"


def expired_here(trouble: str) -> str:
    """Say that a command expired before anything left us."""
    return f"its time was up before it was sent ({trouble or 'not handed over yet'})"


def expired_there(radio: Radio) -> str:
    """Say that a command expired in ChirpStack's queue."""
    cause = not_sent(radio)
    return f"its time was up in ChirpStack's queue ({cause})"


def not_sent(radio: Radio) -> str:
    """Say what most likely kept ChirpStack from sending."""
    if radio.refusal:
        return _refused(radio.refusal)
    if radio.heard is False:
        return "the device has sent nothing since its join"
    return "there was no opportunity to send"


def never_arrived() -> str:
    """Say that ChirpStack never had the command."""
    return "its time was up before ChirpStack took it"


def not_taken(tries: int) -> str:
    """Say that ChirpStack does not take a command."""
    return f"ChirpStack did not take it into its queue in {tries} tries; see its log"


def dropped(code: str, detail: str) -> str:
    """Say why ChirpStack discarded the command."""
    sentences = {
        "EXPIRED": "ChirpStack discarded it: its time was up",
        "DOWNLINK_PAYLOAD_SIZE": "ChirpStack discarded it: too long for the data rate",
        "F_CNT_DOWN": "ChirpStack discarded it: wrong frame counter",
    }
    sentence = sentences.get(code, f"ChirpStack discarded it: {code}")
    return f"{sentence} ({detail})" if detail else sentence


_REQUESTS = ("", "a status request", "two status requests", "three status requests")


def no_report(entry: Entry, rules: Rules) -> str:
    """Say what is known of a command that no report confirmed."""
    sent = f"sent at {clock(entry.at['transmitted'])}"
    if entry.found:
        return f"{sent}, but the device reports {entry.found}"
    asked = f" nor after {_REQUESTS[min(entry.asked, 3)]}" if entry.asked else ""
    again = ", also after it was sent again" if entry.again else ""
    return (
        f"{sent}, but no state report came within {rules.confirm_within_s:g} s"
        f"{asked}{again}"
    )


def not_asked(entry: Entry, reason: str) -> str:
    """Say that even the status request came to nothing."""
    sent = f"sent at {clock(entry.at['transmitted'])}"
    return f"{sent}, but no state report came, and the status request failed: {reason}"


def not_again(entry: Entry, reason: str) -> str:
    """Say that the device did not obey and the second send failed."""
    seen = f"the device reports {entry.found}" if entry.found else "no report came"
    return f"{seen}; sending it again failed: {reason}"
