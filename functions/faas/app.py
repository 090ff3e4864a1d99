"""
A set of functions as one Flask app that takes CloudEvents.

    POST /         one event (structured or binary), or many: a batch or a sequence
    GET  /health   which functions are loaded
    GET  /metrics  Prometheus

Many are answered per event, in order:

    [{"id", "answers": [{"function", "outcome", "reason", "seconds", "effects"}]}]

Functions that take exact ranges run when the header names them: the batch is then one
range (see `faas.cloudevents`), and the answer a list of one, under the range's name.

`outcome` is `done`, `retry` or `dead`. A single event is answered with one such
object, and with status 503 when a function wants it again.
"""

import logging
import time
import traceback
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import orjson
from flask import Flask, Response, request
from prometheus_client import CollectorRegistry, generate_latest

from faas import cloudevents
from faas.batches import Batch
from faas.cloudevents import Delivery
from faas.errors import GiveUp, NotAnEvent
from faas.events import Event, Tick, Uplink
from faas.functions import Function, OnBatch, wakes
from faas.meters import FunctionMeters
from faas.ports import BATCH_PORTS, PORTS, Effects
from faas.sequences import Sequences
from wire.errors import Malformed

ONLY: Final = "Garonne-Functions"
"""Request header: run these functions alone (comma-separated)."""

_LAST_FRAMES: Final = 3
_ALIKE_KEPT: Final = 10_000

_NOTHING: Final[Mapping[str, Any]] = {}

_log = logging.getLogger(__name__)

__all__ = ["ONLY", "create_app"]


def create_app(functions: Mapping[str, Function[Any]]) -> Flask:
    """Return the Flask app that runs these functions on the events it is posted."""
    app = Flask("faas")
    runner = Runner(functions)
    app.wsgi_app = Sequences(app.wsgi_app, runner.run, ONLY)  # type: ignore[method-assign] # as Flask's documentation has it

    @app.post("/")
    def receive() -> Response:
        return _receive(runner)

    @app.get("/health")
    def health() -> Response:
        return _json({"functions": sorted(functions)})

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(runner.registry), mimetype="text/plain")

    @app.errorhandler(Malformed)
    @app.errorhandler(NotAnEvent)
    def refuse(error: Exception) -> Response:
        return _json({"error": str(error)}, 400)

    return app


def _receive(runner: "Runner") -> Response:
    only = _names(request.headers.get(ONLY))
    if request.mimetype == cloudevents.BATCH:
        body = request.get_data(cache=False)
        if only and runner.take_ranges(only):
            return _json(runner.run_range(cloudevents.read_range(body), only))
        return _json(runner.run(cloudevents.read_batch(body), only))
    one = cloudevents.read_one(
        request.mimetype, dict(request.headers), request.get_data(cache=False)
    )
    (answer,) = runner.run([one], only)
    again = any(a["outcome"] == "retry" for a in answer["answers"])
    return _json(answer, 503 if again else 200)


def _names(header: str | None) -> frozenset[str] | None:
    return None if header is None else frozenset(header.split(","))


def _json(document: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, mimetype="application/json")


class Runner:
    """Runs functions on deliveries and writes down what each of them answered."""

    def __init__(self, functions: Mapping[str, Function[Any]]) -> None:
        self._functions = [
            f for f in functions.values() if not isinstance(f.trigger, OnBatch)
        ]
        self._batched = {
            f.name: f for f in functions.values() if isinstance(f.trigger, OnBatch)
        }
        self._alike: dict[tuple[object, ...], Sequence[Function[Any]]] = {}
        self.registry = CollectorRegistry()
        self._meters = FunctionMeters(self.registry)

    def run(
        self, batch: Iterable[Delivery], only: frozenset[str] | None = None
    ) -> list[dict[str, Any]]:
        """
        Run every function that each event wakes, in the order of the batch.

        What a function remembers of a device is carried from event to event,
        as if each had been committed before the next.
        """
        carried: dict[tuple[str, str], Mapping[str, Any]] = {}
        answers: list[dict[str, Any]] = [
            {
                "id": delivery.event.id,
                "answers": [
                    self._answer(function, delivery, carried)
                    for function in self._woken(delivery.event, only)
                ],
            }
            for delivery in batch
        ]
        self._meters.count(a for each in answers for a in each["answers"])
        return answers

    def _woken(
        self, event: Event, only: frozenset[str] | None
    ) -> Sequence[Function[Any]]:
        """Return what an event wakes; what is alike is chosen once."""
        message = event.message if isinstance(event, Uplink) else ""
        function = event.function if isinstance(event, Tick) else ""
        alike = event.kind, event.device_type, message, function, only
        found = self._alike.get(alike)
        if found is None:
            asked = [f for f in self._functions if only is None or f.name in only]
            found = [f for f in asked if wakes(event, f)]
            if len(self._alike) < _ALIKE_KEPT:
                self._alike[alike] = found
        return found

    def take_ranges(self, names: frozenset[str]) -> bool:
        """Tell whether these functions take exact ranges."""
        return names <= self._batched.keys()

    def run_range(self, batch: Batch, names: frozenset[str]) -> list[dict[str, Any]]:
        """Run functions on an exact range as a whole."""
        answers = [_answer_range(self._batched[name], batch) for name in sorted(names)]
        self._meters.count(answers)
        return [{"id": batch.id, "answers": answers}]

    def _answer(
        self,
        function: Function[Any],
        delivery: Delivery,
        carried: dict[tuple[str, str], Mapping[str, Any]],
    ) -> dict[str, Any]:
        event, place = delivery.event, (function.name, delivery.event.dev_eui)
        told = carried.get(place)
        if told is None:
            told = delivery.memory.get(function.name, _NOTHING)
        effects = Effects(
            dev_eui=event.dev_eui,
            memory=told,
            now_s=delivery.arrived_s,
        )
        ports = {name: PORTS[name](effects) for name in function.ports}
        answer = _run(function, event, ports, effects)
        if "memory" in effects.wanted and answer["outcome"] == "done":
            carried[place] = effects.wanted["memory"]
        return answer


def _answer_range(function: Function[Any], batch: Batch) -> dict[str, Any]:
    effects = Effects()
    ports = {name: BATCH_PORTS[name](effects, batch) for name in function.ports}
    return _run(function, batch, ports, effects)


def _run(
    function: Function[Any],
    event: Event | Batch,
    ports: Mapping[str, Any],
    effects: Effects,
) -> dict[str, Any]:
    begun = time.perf_counter()
    outcome, told = _call(function, event, ports, effects)
    return {
        "function": function.name,
        "outcome": outcome,
        "seconds": time.perf_counter() - begun,
        "effects" if outcome == "done" else "reason": told,
    }


def _call(
    function: Function[Any],
    event: Event | Batch,
    ports: Mapping[str, Any],
    effects: Effects,
) -> tuple[str, str | orjson.Fragment]:
    try:
        function.call(event, **ports)
        # An effect that cannot be written is a failure; what can is written once.
        return "done", orjson.Fragment(orjson.dumps(effects.wanted))
    except (GiveUp, Malformed) as error:
        return "dead", str(error)
    except Exception as error:  # noqa: BLE001 - a handler may raise anything; it is told
        return "retry", _reason(error)


def _reason(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-_LAST_FRAMES:]
    where = " < ".join(f"{f.name}:{f.lineno}" for f in reversed(frames))
    return f"{type(error).__name__}: {error} (in {where})"
