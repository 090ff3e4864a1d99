"""
The short way into a function app: sequences of events, answered before Flask looks.

What a worker posts needs no session, no URL rules and no request context; making them
costs as much as running ten events, and at a quiet hour every request carries one.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Any, Final

import orjson

from faas.cloudevents import SEQUENCE, read_sequence
from faas.errors import NotAnEvent
from wire.errors import Malformed

Answers = Callable[[Iterable[Any], frozenset[str] | None], Any]
"""Runs functions on deliveries; the names are those that may run, None: all."""

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_HEADERS: Final = [("Content-Type", "application/json")]

_log = logging.getLogger(__name__)

__all__ = ["Sequences"]


class Sequences:
    """WSGI middleware: answers sequences itself, leaves all else to the app behind."""

    def __init__(self, app: Wsgi, run: Answers, only: str) -> None:
        self._app, self._run = app, run
        self._only = "HTTP_" + only.upper().replace("-", "_")

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer one request."""
        wanted = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if wanted != ("POST", "/") or environ.get("CONTENT_TYPE") != SEQUENCE:
            return self._app(environ, start_response)
        status, document = self._answer(environ)
        start_response(status, _HEADERS)
        return [orjson.dumps(document)]

    def _answer(self, environ: dict[str, Any]) -> tuple[str, Any]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        names = environ.get(self._only)
        only = None if names is None else frozenset(names.split(","))
        try:
            return "200 OK", self._run(read_sequence(body), only)
        except (NotAnEvent, Malformed) as error:
            return "400 BAD REQUEST", {"error": str(error)}
        except Exception as error:  # noqa: BLE001 - ours; the worker finds the event
            _log.exception("app.sequence.fail")
            return "500 INTERNAL SERVER ERROR", {"error": repr(error)}
