"""
The network server as a pure machine: feed it, ask when to wake it, empty its trays.

Everything that arrives is judged at once or when its window is over (``tick``);
what leaves is in ``transmissions()`` and ``events()``.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from chirpstack_api import gw

from chirpstack_embedded.core.collector import Collected, Collector, Finding, Said
from chirpstack_embedded.core.commands import handle_command
from chirpstack_embedded.core.context import Context, Event, Transmission
from chirpstack_embedded.core.downlink import Response, respond
from chirpstack_embedded.core.frame_log import FrameLine, UplinkLine
from chirpstack_embedded.core.join import handle_join
from chirpstack_embedded.core.looking import expect_payloads, look_ahead
from chirpstack_embedded.core.multicast import run_multicast_pass
from chirpstack_embedded.core.reception import HeardFrame, assemble
from chirpstack_embedded.core.scheduler import run_pass
from chirpstack_embedded.core.series import note_stats
from chirpstack_embedded.core.tx_ack import handle_tx_ack
from chirpstack_embedded.core.uplink import handle_data, response_delay_s
from chirpstack_embedded.core.verdict import Accepted, Dropped, Verdict
from wire.errors import Malformed
from wire.lorawan.mhdr import MType, m_type_of

_DATA = frozenset({MType.UNCONFIRMED_DATA_UP, MType.CONFIRMED_DATA_UP})

_KINDS = {"up.data": "data", "up.join": "join", "down.command": "command"}


@dataclass(slots=True, kw_only=True)
class Tallies:
    """What was counted since the last look."""

    received: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    rejected_kinds: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By cause and kind: data, join, command or other."""


class NetworkServer:
    """ChirpStack's core; ``context`` holds its books."""

    def __init__(self, context: Context) -> None:
        self._context = context
        network = context.configuration.network
        self._collector = Collector(
            network.deduplication_delay_s,
            strict_gateway_identity=context.configuration.strict_gateway_identity,
        )
        self._interval_s = network.scheduler.interval_s
        self._next_pass = 0.0
        self._responses: list[tuple[float, int, Response]] = []
        self._numbers = count()
        self.tallies = Tallies()

    def receive(
        self, region_config_id: str, topic: str, payload: bytes, now: float
    ) -> None:
        """Take what a gateway published."""
        self._collector.receive(region_config_id, topic, payload, now)
        self._take_found(now)

    def take(
        self, finding: Finding, now: float, ahead: HeardFrame | None = None
    ) -> None:
        """Take what a collector elsewhere has found."""
        if isinstance(finding, Collected):
            self._safely("up", self._handle, finding, now, ahead)
        elif isinstance(finding, Said):
            self._safely("gw", self._note, finding, now)
        else:
            dropped = Dropped(cause=finding.cause, details=finding.details)
            self._drop(finding.what, dropped)

    def take_all(self, findings: Sequence[Finding], now: float) -> None:
        """
        Take many findings as of ``now``.

        The codec hears of all uplinks first: it may be in a process of its own.
        """
        ahead = [self._look_ahead(finding, now) for finding in findings]
        frames = [heard for heard in ahead if heard is not None]
        self._safely("up", expect_payloads, self._context, frames)
        for finding, heard in zip(findings, ahead, strict=True):
            self.take(finding, now, heard)

    def _look_ahead(self, finding: Finding, now: float) -> HeardFrame | None:
        if not isinstance(finding, Collected):
            return None
        try:
            heard = assemble(self._context, finding, now)
            if isinstance(heard, HeardFrame):
                look_ahead(self._context, heard)
        except Exception:  # noqa: BLE001 - it will come again, and be named, when it is its turn
            return None
        return heard if isinstance(heard, HeardFrame) else None

    def count_received(self, received: Mapping[str, int]) -> None:
        """Count messages of gateways, by kind."""
        self.tallies.received.update(received)

    def _take_found(self, now: float) -> None:
        self.count_received(self._collector.received())
        for finding in self._collector.found():
            self.take(finding, now)

    def command(self, topic: str, payload: bytes, now: float) -> None:
        """Take what an application published."""
        self._safely("down.command", self._command, topic, payload, now)

    def _command(self, topic: str, payload: bytes, now: float) -> None:
        as_json = self._context.configuration.integration.json
        verdict = handle_command(
            self._context, topic, payload, as_json=as_json, now=now
        )
        self._judge("down.command", verdict)

    def tick(self, now: float) -> None:
        """Do what is due: judge uplinks, answer them, serve class C."""
        self._collector.tick(now)
        self._take_found(now)
        while self._responses and self._responses[0][0] <= now:
            response = heapq.heappop(self._responses)[2]
            self._safely("down.data", respond, self._context, response, now)
        if now >= self._next_pass:
            self._next_pass = now + self._interval_s
            self._safely("down.data", run_pass, self._context, now)
            self._safely("down.multicast", run_multicast_pass, self._context, now)
        self._context.forget_frames(now)

    def next_deadline(self) -> float:
        """When ``tick`` has something to do."""
        due = self._collector.next_deadline()
        deadlines = [self._next_pass]
        if due is not None:
            deadlines.append(due)
        if self._responses:
            deadlines.append(self._responses[0][0])
        return min(deadlines)

    def events(self) -> list[Event]:
        """Empty the tray of integration events."""
        events, self._context.events = self._context.events, []
        return events

    def transmissions(self) -> list[Transmission]:
        """Empty the tray of downlinks."""
        sent, self._context.transmissions = self._context.transmissions, []
        return sent

    def frame_lines(self) -> list[FrameLine]:
        """Empty the tray of frames for the log views."""
        lines, self._context.frame_lines = self._context.frame_lines, []
        return lines

    def warnings(self) -> list[str]:
        """Empty the tray of lines for the log."""
        warnings, self._context.warnings = self._context.warnings, []
        return warnings

    def speaks_json(self, gateway_id: str) -> bool:
        """Whether a gateway last sent JSON; one never heard gets protobuf."""
        return self._collector.speaks_json(gateway_id)

    def _safely(self, what: str, step: Callable[..., object], *details: object) -> None:
        """Run one step; a surprise in it must not stop the others."""
        emitted, sent = len(self._context.events), len(self._context.transmissions)
        try:
            step(*details)
        except Exception as error:  # noqa: BLE001 - a fault of one frame, named in the log
            del self._context.events[emitted:]
            del self._context.transmissions[sent:]
            self._context.devices.forget_unsaved()
            self._drop(what, Dropped(cause="error", details=repr(error)))

    def _handle(self, uplink: Collected, now: float, ahead: HeardFrame | None) -> None:
        try:
            m_type = m_type_of(uplink.phy_payload)
        except Malformed as error:
            self._drop("up", Dropped(cause="malformed", details=str(error)))
            return
        heard = ahead or assemble(self._context, uplink, now)
        if isinstance(heard, Dropped):
            is_data = m_type in _DATA
            self._drop("up", heard, kind="data" if is_data else "join")
            return
        verdict = self._admit(heard, m_type, now)
        self._judge("up.join" if m_type is MType.JOIN_REQUEST else "up.data", verdict)
        dev_eui = verdict.dev_eui if isinstance(verdict, Accepted) else ""
        heard.looked = None  # a log line keeps the rest
        self._context.frame_lines.append(UplinkLine(heard, dev_eui))

    def _admit(self, heard: HeardFrame, m_type: MType, now: float) -> Verdict:
        if m_type is MType.JOIN_REQUEST:
            return handle_join(self._context, heard, now)
        if m_type not in _DATA:
            return Dropped(cause="unexpected_type", details=m_type.name)
        outcome = handle_data(self._context, heard, now)
        if outcome.response is not None:
            self._await(outcome.response, now)
        return outcome.verdict

    def _await(self, response: Response, now: float) -> None:
        delay_s = response_delay_s(self._context, response.heard, response.dev_eui)
        entry = (now + delay_s, next(self._numbers), response)
        heapq.heappush(self._responses, entry)

    def _note(self, said: Said, now: float) -> None:
        if said.kind == "ack":
            ack = gw.DownlinkTxAck.FromString(said.message)
            self._judge("down.tx_ack", handle_tx_ack(self._context, ack, now))
        else:
            self._note_stats(said, now)

    def _note_stats(self, said: Said, now: float) -> None:
        region = self._context.region(said.region_config_id)
        stats = gw.GatewayStats.FromString(said.message)
        metadata = {
            **stats.metadata,
            "region_config_id": said.region_config_id,
            "region_common_name": region.common_name,
        }
        known = self._context.gateways.note_stats(
            said.gateway_id.lower(), metadata, stats.location, now
        )
        if not known:
            details = f"gateway_id={said.gateway_id}"
            self._drop("gw", Dropped(cause="unknown_gateway", details=details))
            return
        plan = self._context.plans[said.region_config_id]
        note_stats(self._context.series, plan, stats, now)

    def _judge(self, what: str, verdict: Verdict) -> None:
        if isinstance(verdict, Dropped):
            self._drop(what, verdict)

    def _drop(self, what: str, dropped: Dropped, kind: str = "") -> None:
        self.tallies.rejected[dropped.cause] += 1
        kind = kind or _KINDS.get(what, "other")
        self.tallies.rejected_kinds[dropped.cause, kind] += 1
        self._context.warn(f"ns.{what}.drop cause={dropped.cause} {dropped.details}")
