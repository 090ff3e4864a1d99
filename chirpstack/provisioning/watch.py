"""
Whether a device has joined and what it says, for the technician beside it.

ChirpStack tells some reasons why a device does not join as `log` events; about others
(an unknown DevEUI, a gateway that is not registered) it is silent, and then the only
news is that there is none.
"""

import json
import math
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeGuard

from city.errors import NetworkError
from city.objects import DeviceEvent
from provisioning.network import Events

NewsKind = Literal["joined", "values", "refused", "trouble", "silence", "lost"]

# ChirpStack's log codes that concern a join or a first uplink, in our sentences.
REASONS = {
    "UPLINK_MIC": (
        "the key is wrong: a frame came whose signature does not fit the AppKey that"
        " ChirpStack has; compare it with the device's"
    ),
    "OTAA": (
        "the join was refused because its DevNonce was used before; if the device was"
        " reset, forget its nonces (flush DevNonces) and let it join again"
    ),
    "UPLINK_F_CNT_RESET": (
        "the frame counter went back without a join: the device has lost its session;"
        " let it join again"
    ),
    "UPLINK_F_CNT_RETRANSMISSION": (
        "a frame came twice; the device does not hear the answers, or repeats by itself"
    ),
    "UPLINK_CODEC": "it is heard, but its payload could not be decoded",
    "DOWNLINK_GATEWAY": "the gateway could not send the answer",
    "DOWNLINK_PAYLOAD_SIZE": "an answer is too large for the device's data rate",
}
JOIN_REFUSED = frozenset({"UPLINK_MIC", "OTAA"})
SILENCE_S = 30.0
SKEW_S = 5.0  # between the server's clock and ours
SILENCE = (
    "nothing has been heard of it: is it powered, near a gateway that is online, and is"
    " this its DevEUI?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinNews:
    """One piece of news; `values` is the decoded document of an uplink."""

    kind: NewsKind
    at: float
    sentence: str
    values: dict[str, Any] | None = None


def watch_join(
    network: Events,
    dev_eui: str,
    *,
    timeout_s: float = 120.0,
    silence_s: float = SILENCE_S,
    since: float | None = None,
    poll_s: float = 0.25,
    clock: Callable[[], float] = time.time,
) -> Iterator[JoinNews]:
    """
    Yield what happens to a device until its first decoded values, or `timeout_s`.

    The stream starts with old events; those before `since` (Unix seconds, by default
    `SKEW_S` before this call) are left out. After `silence_s` without any news it says
    so, once.
    """
    begun = clock()
    news: queue.SimpleQueue[DeviceEvent | NetworkError | None] = queue.SimpleQueue()
    since = begun - SKEW_S if since is None else since
    until, quiet_at = begun + timeout_s, begun + silence_s
    with network.device_events(dev_eui) as events:
        threading.Thread(target=_follow, args=(events, news), daemon=True).start()
        while clock() < until:
            try:
                item = news.get(timeout=poll_s)
            except queue.Empty:
                if (now := clock()) >= quiet_at:
                    yield JoinNews(kind="silence", at=now, sentence=SILENCE)
                    quiet_at = math.inf
                continue
            if item is None or isinstance(item, NetworkError):
                yield _lost(item, clock())
                return
            told = tell(item) if item.time >= since else None
            if told is not None:
                quiet_at = math.inf
                yield told
                if told.kind == "values":
                    return


def _follow(
    events: Iterator[DeviceEvent],
    news: "queue.SimpleQueue[DeviceEvent | NetworkError | None]",
) -> None:
    try:
        for event in events:
            news.put(event)
        news.put(None)
    except NetworkError as error:
        news.put(error)


def _lost(error: NetworkError | None, now: float) -> JoinNews:
    why = f": {error}" if error else ""
    return JoinNews(
        kind="lost", at=now, sentence=f"the stream of its events has ended{why}"
    )


def tell(event: DeviceEvent) -> JoinNews | None:
    """Return what one event means to a technician, nothing if it means nothing."""
    body = _body(event.body)
    match event.kind:
        case "join":
            address = body.get("devAddr") or event.properties.get("DevAddr", "?")
            sentence = f"it has joined, as {address}"
            return JoinNews(kind="joined", at=event.time, sentence=sentence)
        case "up":
            return _told_uplink(event, body)
        case "log":
            return _told_log(event, body)
        case _:
            return None


def _told_uplink(event: DeviceEvent, body: dict[str, Any]) -> JoinNews:
    values = body.get("object")
    radio = _radio(body)
    if not isinstance(values, dict):
        port = body.get("fPort", "?")
        sentence = f"it is heard{radio}, on port {port}, but nothing decodes that"
        return JoinNews(kind="trouble", at=event.time, sentence=sentence)
    return JoinNews(
        kind="values", at=event.time, sentence=f"it speaks{radio}", values=values
    )


def _radio(body: dict[str, Any]) -> str:
    found = body.get("rxInfo")
    heard = [one for one in found if isinstance(one, dict)] if _is_list(found) else []
    if not heard:
        return ""
    best = max(int(one.get("rssi") or 0) for one in heard)  # 0 is left out of the JSON
    times = "once" if len(heard) == 1 else f"by {len(heard)} gateways"
    return f" ({times}, best {best} dBm)"


def _is_list(found: object) -> TypeGuard[list[object]]:
    return isinstance(found, list)


def _told_log(event: DeviceEvent, body: dict[str, Any]) -> JoinNews | None:
    code = str(body.get("code") or event.properties.get("Code", ""))
    if code not in REASONS:
        return None
    said = str(body.get("description", "")).strip().partition("\n")[0]
    sentence = REASONS[code] + (f" (ChirpStack: {said})" if said else "")
    kind: NewsKind = "refused" if code in JOIN_REFUSED else "trouble"
    return JoinNews(kind=kind, at=event.time, sentence=sentence)


def _body(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
