"""The phases of the main job: prepare, join, run, drain, report."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from redis.exceptions import RedisError

from garonne.demo.archive import Archive
from garonne.demo.city import City
from garonne.demo.ledger import Seen
from garonne.demo.live import Screen, View
from garonne.demo.meters import Meters
from garonne.demo.observer import Observer
from garonne.demo.operator import Operator
from garonne.demo.outbox import Outbox
from garonne.demo.report import Function, Report, Uplinks
from garonne.errors import Refused

__all__ = ["Demo", "Limits"]

LOOK_EVERY_S = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long each phase may take."""

    prepare_s: float = 300.0
    join_s: float = 240.0  # far devices need several attempts, each slower
    run_s: float = 60.0
    drain_s: float = 135.0  # a silent lamp is asked, told again, asked
    archive_s: float = 15.0  # of the drain, kept for the archive


@dataclass(slots=True)
class Demo:
    """One run of the main job, phase by phase, on a city that was just started."""

    city: City
    screen: Screen
    limits: Limits
    devices: dict[str, str]  # provisioned DevEUI -> name
    lamps: list[str]
    gateways: int
    started_at: float = field(default_factory=time.time)
    _phase: str = ""
    _ends_at: float = 0.0
    _ups: list[tuple[float, int]] = field(default_factory=list)
    _observer: Observer | None = None
    _outbox: Outbox | None = None

    def run(self) -> Report:
        """Go through all phases; Refused when the city does not come up."""
        try:
            self.prepare()
            self.join()
            self.live()
            return self.drain()
        finally:
            if self._observer:
                self._observer.stop()
            if self._outbox:
                self._outbox.close()

    def prepare(self) -> None:
        """Wait until every part is ready; listen before the first device speaks."""
        for _ in self._ticks("prepare", self.limits.prepare_s):
            run = self.city.run()
            if run is None:
                continue
            if self._observer is None and _can_listen(self.city):
                self._observer = Observer(run.environment["GARONNE_MQTT"])
                self._observer.start()
            self._show(doing=_waiting_for(self.city))
            if run.state == "up" and self._opened(run.environment["GARONNE_REDIS"]):
                return
        raise Refused(
            f"the city was not ready within {self.limits.prepare_s:.0f} s: "
            f"{_waiting_for(self.city)}"
        )

    def _opened(self, redis_url: str) -> bool:
        try:
            self._outbox = Outbox(redis_url, self.started_at)
        except RedisError:  # killed since it was ready; it is being started again
            return False
        return True

    def join(self) -> None:
        """Wait until all have joined; who has not by then will be in the report."""
        for _ in self._ticks("join", self.limits.join_s):
            missing = sorted(set(self.devices) - self._joined())
            names = ", ".join(self.devices[eui] for eui in missing[:3])
            self._show(doing=f"waiting for {names}" if missing else "")
            if not missing:
                return

    def live(self) -> None:
        """Let the city live; an operator switches a lamp now and then."""
        environment = self._environment()
        with Operator(environment, self.lamps, self.limits.run_s) as operator:
            for left_s in self._ticks("run", self.limits.run_s):
                operator.act(self.limits.run_s - left_s)
                self._show()

    def drain(self) -> Report:
        """
        Wait until commands have ended and the archive has what was published.

        The devices speak on, so the books are closed at an instant at which they
        balance; the rest of the time is the archive's, to hold that much.
        """
        until = time.monotonic() + self.limits.drain_s
        if self._outbox:
            self._outbox.close_books(time.time())
        report = self._books()
        for _ in self._ticks("drain", self.limits.drain_s - self.limits.archive_s):
            report = self._books()
            self._show(doing=report.open_question)
            if not report.open_question:
                break
        archive = Archive(self._environment())
        for _ in self._ticks("archive", until - time.monotonic()):
            report = replace(report, archived=archive.marks())
            self._show(doing="waiting until it holds all that was published")
            if report.all_archived:
                break
        return report

    def _environment(self) -> Mapping[str, str]:
        run = self.city.run()
        if run is None:
            raise Refused("the city is stopping")
        return run.environment

    def _books(self) -> Report:
        if self._outbox is None:
            raise Refused("the city was never ready")
        meters = self.city.read_meters()
        commands, _ = self._outbox.commands()
        return Report(
            devices=frozenset(self.devices),
            joined=frozenset(self._joined()),
            gateways=self.gateways,
            online=int(meters.total("garonne_gateway_online")),
            uplinks=_uplinks(meters),
            published=self._published(),
            archived=(),
            functions=_functions(meters),
            commands=commands,
            asked=self._outbox.asked(),
        )

    def _ticks(self, phase: str, limit_s: float) -> Iterator[float]:
        """Yield the seconds left, a few times a second, until none is left."""
        self._phase = phase
        self._ends_at = time.monotonic() + limit_s
        while (left_s := self._ends_at - time.monotonic()) > 0:
            yield left_s
            self.city.wait(min(LOOK_EVERY_S, left_s))

    def _show(self, doing: str = "") -> None:
        now = time.monotonic()
        meters = self.city.read_meters()
        commands, last = self._outbox.commands() if self._outbox else (None, None)
        ups = self._observer.ledger.count("up") if self._observer else 0
        lamp = self.devices.get(last.dev_eui, last.dev_eui) if last else ""
        view = View(
            phase=self._phase,
            left_s=max(0.0, self._ends_at - now),
            doing=doing,
            joined=len(self._joined()),
            devices=0 if self._phase == "prepare" else len(self.devices),
            uplinks=ups,
            uplinks_per_s=self._rate(now, ups),
            functions={f.name: f.invoked for f in _functions(meters)},
            commands=commands.by_state if commands else {},
            last_lamp=f"{lamp} at {last.object['level']} %" if last else "",
        )
        self.screen.show(view, now)

    def _rate(self, now: float, ups: int, over_s: float = 10.0) -> float:
        self._ups = [(at, n) for at, n in self._ups if at >= now - over_s]
        self._ups.append((now, ups))
        (first_at, first), took_s = self._ups[0], now - self._ups[0][0]
        return (ups - first) / took_s if now > first_at else 0.0

    def _joined(self) -> set[str]:
        if self._observer is None:
            return set()
        return self._observer.ledger.devices("join") & set(self.devices)

    def _published(self) -> frozenset[Seen]:
        return self._observer.ledger.snapshot() if self._observer else frozenset()


def _can_listen(city: City) -> bool:
    return city.part_state("mosquitto") in {"ready", "outside"}


def _waiting_for(city: City) -> str:
    run = city.run()
    parts = run.parts if run else ()
    missing = [p["name"] for p in parts if p["state"] not in {"ready", "done"}]
    done = len(parts) - len(missing)
    return f"{done} of {len(parts)} parts are ready; next: {', '.join(missing[:3])}"


def _uplinks(meters: Meters) -> Uplinks:
    sent = meters.total("garonne_sim_uplinks_sent_total", kind="data")
    heard = meters.total("garonne_gateway_uplinks_heard_total", kind="data")
    lost = meters.total("garonne_gateway_uplinks_radio_lost_total", kind="data")
    # What never reached the ether is lost on the air as well, and only devices know.
    lost += meters.total("garonne_sim_uplinks_radio_lost_total", kind="data")
    counted = meters.has("garonne_chirpstack_events_published_total")
    rejected = meters.total("garonne_chirpstack_uplinks_rejected_total", kind="data")
    dropped = meters.total("garonne_gateway_uplinks_network_lost_total", kind="data")
    return Uplinks(
        network_lost=int(dropped),
        sent=int(sent),
        heard=int(heard),
        radio_lost=int(lost),
        rejected=int(rejected) if counted else None,
    )


def _functions(meters: Meters) -> list[Function]:
    invoked = meters.by("garonne_function_invoked_total", "function")
    failed = meters.by("garonne_function_failed_total", "function")
    return [
        Function(
            name=name,
            invoked=int(count),
            failed=int(failed.get(name, 0)),
            p50_ms=_ms(meters, name, 0.5),
            p99_ms=_ms(meters, name, 0.99),
        )
        for name, count in sorted(invoked.items())
    ]


def _ms(meters: Meters, name: str, share: float) -> float | None:
    seconds = meters.quantile("garonne_function_seconds", share, function=name)
    return None if seconds is None else round(seconds * 1000, 3)
