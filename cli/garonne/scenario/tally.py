"""What is counted while a virtual city runs, and the report made of it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from garonne.scenario.files import Prepared

ENDS = ("confirmed", "failed", "expired", "superseded")


@dataclass(slots=True)
class Tally:
    """Counts of data frames by fleet, and of everything else by name."""

    fleet_of: Mapping[str, str]
    joined: set[str] = field(default_factory=set)
    messages: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    heard: Counter[str] = field(default_factory=Counter)
    radio_lost: Counter[tuple[str, str]] = field(default_factory=Counter)
    network_lost: Counter[str] = field(default_factory=Counter)
    published: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    logs: Counter[str] = field(default_factory=Counter)
    joins_rejected: Counter[str] = field(default_factory=Counter)
    joins_sent: int = 0
    downlinks_heard: int = 0
    tx_acks: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    @property
    def on_the_way(self) -> int:
        """Data frames that were sent and of which nothing is known yet."""
        known = self.radio_lost.total() + self.network_lost.total()
        return self.sent.total() - known - self.arrived

    @property
    def arrived(self) -> int:
        """Data frames that the network server has judged."""
        return self.published.total() + self.rejected.total()

    def fleet(self, dev_eui: object) -> str:
        """The fleet of a device."""
        return self.fleet_of.get(str(dev_eui), "")


def report(
    prepared: Prepared, tally: Tally, states: Mapping[str, str], mode: str
) -> dict[str, Any]:
    """Return the report: what expectations look into."""
    scenario, layout = prepared.scenario, prepared.layout
    total = len(tally.fleet_of)
    commands = Counter(states.values())
    lost = tally.heard.total() - tally.arrived - tally.network_lost.total()
    return {
        "scenario": scenario.name,
        "mode": mode,
        "seed": scenario.seed,
        "joined": _share(len(tally.joined), total),
        "delivery": _share(tally.published.total(), tally.messages.total()),
        "lost": lost,
        "devices": {"total": total, "joined": len(tally.joined)},
        "gateways": {"total": len(layout.city.gateways)},
        "joins": {
            "sent": tally.joins_sent,
            "accepted": tally.events["join"],
            "rejected": dict(sorted(tally.joins_rejected.items())),
        },
        "uplinks": {
            "messages": tally.messages.total(),
            "sent": tally.sent.total(),
            "heard": tally.heard.total(),
            "radio_lost": tally.radio_lost.total(),
            "network_lost": tally.network_lost.total(),
            "rejected": tally.rejected.total(),
            "published": tally.published.total(),
            "lost": lost,
        },
        "downlinks": {
            "heard": tally.downlinks_heard,
            "tx_acks": dict(sorted(tally.tx_acks.items())),
        },
        "radio_lost": _by_cause(tally.radio_lost),
        "rejected": dict(sorted(tally.rejected.items())),
        "events": dict(sorted(tally.events.items())),
        "logs": dict(sorted(tally.logs.items())),
        "commands": {
            "requested": len(states),
            **{end: commands[end] for end in ENDS},
            "open": sum(
                count for state, count in commands.items() if state not in ENDS
            ),
        },
        "fleets": {
            name: _fleet(tally, name, euis) for name, euis in layout.fleets.items()
        },
        "faults": dict(sorted(tally.faults.items())),
        "laws": _laws(tally, lost),
    }


def _fleet(tally: Tally, name: str, devices: tuple[object, ...]) -> dict[str, Any]:
    joined = sum(str(eui) in tally.joined for eui in devices)
    lost = sum(n for (fleet, _), n in tally.radio_lost.items() if fleet == name)
    return {
        "devices": len(devices),
        "joined": _share(joined, len(devices)),
        "messages": tally.messages[name],
        "sent": tally.sent[name],
        "heard": tally.heard[name],
        "radio_lost": lost,
        "published": tally.published[name],
        "delivery": _share(tally.published[name], tally.messages[name]),
    }


def _laws(tally: Tally, lost: int) -> dict[str, bool]:
    lost_on_air = tally.radio_lost.total()
    return {
        "sent = heard + radio_lost": tally.sent.total()
        == tally.heard.total() + lost_on_air,
        "heard = published + rejected + network_lost": lost == 0,
    }


def _by_cause(lost: Mapping[tuple[str, str], int]) -> dict[str, int]:
    causes: Counter[str] = Counter()
    for (_, cause), number in lost.items():
        causes[cause] += number
    return dict(sorted(causes.items()))


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
