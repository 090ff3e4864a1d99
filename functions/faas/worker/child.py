"""
The processes in which handlers run: `python -m faas.worker.child FD FOLDER`.

The template loads the handlers once and forks an executor whenever the worker
asks, so a crashed executor is replaced in milliseconds by the same code, even if
the files have changed meanwhile. All of them die with the worker.

    template   first says which functions it found, or what is wrong; then
               S + socket: fork an executor that serves it, answer its pid
               E + pid: end that executor, answer its wait status
    executor   request: u16 length of names, names, a CloudEvents batch or sequence
               answer: what the Flask app answers
"""

import ctypes
import io
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NoReturn

import orjson
from flask import Flask

from faas.app import ONLY, create_app
from faas.cloudevents import BATCH, SEQUENCE
from faas.errors import Miswired
from faas.framing import END, PID, SPAWN, receive, send
from faas.garbage import collect_seldom
from faas.loader import collect, package_at
from faas.manifest import describe, describe_batched, describe_planned

_SET_PARENT_DEATH_SIGNAL: Final = 1


def main() -> None:
    """Load the handlers of a folder, say so, and fork executors on demand."""
    logging.basicConfig(format="%(levelname)s %(name)s %(message)s")
    _die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdout = sys.stderr
    sys.dont_write_bytecode = True
    with socket.socket(fileno=int(sys.argv[1])) as worker:
        try:
            functions = collect(package_at(Path(sys.argv[2])))
        except Miswired as error:
            send(worker, orjson.dumps({"faults": error.faults}))
            return
        app = create_app(functions)
        hello = {
            "functions": describe(functions),
            "planned": describe_planned(functions),
            "batched": describe_batched(functions),
        }
        collect_seldom()  # before the forks: they share what is frozen
        send(worker, orjson.dumps(hello))
        _template(worker, app)


def _template(worker: socket.socket, app: Flask) -> None:
    while True:
        command, sockets, _, _ = socket.recv_fds(worker, 1, 1)
        if command == SPAWN:
            send(worker, PID.pack(_fork(worker, sockets[0], app)))
        elif command == END:
            (pid,) = PID.unpack(worker.recv(PID.size, socket.MSG_WAITALL))
            send(worker, PID.pack(_end(pid)))
        else:
            return


def _fork(worker: socket.socket, peer: int, app: Flask) -> int:
    template = os.getpid()
    pid = os.fork()
    if pid == 0:
        worker.close()
        _die_with_parent()
        if os.getppid() != template:  # it died before we asked to die with it
            os._exit(0)
        _execute(peer, app)
    os.close(peer)
    return pid


def _execute(peer: int, app: Flask) -> NoReturn:
    with socket.socket(fileno=peer) as asker:
        for only, batch in _requests(asker):
            send(asker, _post(app, only, batch))
    os._exit(0)


def _end(pid: int) -> int:
    # Not waited for until now, so the number cannot belong to anybody else.
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def _requests(asker: socket.socket) -> Iterator[tuple[str, bytes]]:
    while (request := receive(asker)) is not None:
        length = int.from_bytes(request[:2], "big")
        yield request[2 : 2 + length].decode(), request[2 + length :]


def _post(app: Flask, only: str, batch: bytes) -> bytes:
    """Make one WSGI request in this process."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
        "SERVER_NAME": "worker",
        "SERVER_PORT": "0",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": BATCH if batch[:1] == b"[" else SEQUENCE,
        "CONTENT_LENGTH": str(len(batch)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(batch),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if only:
        environ["HTTP_" + ONLY.upper().replace("-", "_")] = only
    return b"".join(app.wsgi_app(environ, _start_response))


def _start_response(*_: object) -> Any:
    return _write


def _write(_: bytes) -> None:
    """Stand in for WSGI's old way of writing; Flask never uses it."""


if __name__ == "__main__":
    main()
