"""
A connection to Redis that one thread keeps, for what happens at every event.

redis-py's pool and its answers' way through it cost more than the exchange itself:
here commands are packed by hand, leave in one write, and hiredis reads the answers.
"""

import os
import select
import socket
import threading
from collections.abc import Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

import hiredis
from redis import Redis
from redis.exceptions import (
    AuthenticationError,
    ConnectionError,  # noqa: A004 - redis-py's name
    NoScriptError,
    ResponseError,
    TimeoutError,  # noqa: A004 - redis-py's name
)

_READ: Final = 1 << 18
_CONNECT_S: Final = 5.0

__all__ = ["Link"]


class _Links(threading.local):
    """The links of one thread, by the pool whose settings they share."""

    def __init__(self) -> None:
        self.found: WeakKeyDictionary[Any, Link] = WeakKeyDictionary()


class Link:
    """One connection; after any error it is made anew at the next exchange."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self._socket: socket.socket | None = None
        self._poll = select.poll()
        self._reader = hiredis.Reader()
        self._pid = os.getpid()

    @classmethod
    def of(cls, redis: Redis) -> "Link":
        """Return this thread's link to where a client leads."""
        pool: Any = redis.connection_pool  # its settings are not typed
        found = _links.found.get(pool)
        if found is None or found._pid != os.getpid():  # noqa: SLF001 - our own class
            found = _links.found[pool] = cls(pool.connection_kwargs)
        return found

    def exchange(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """
        Send commands in one write; return their answers, refusals among them.

        redis-py's `ConnectionError` and `TimeoutError` when the server is away.
        """
        packed = b"".join([hiredis.pack_command(tuple(c)) for c in commands])
        try:
            return self._exchange(self._connected(), packed, len(commands))
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):
                raise _away(error) from error
            raise

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __del__(self) -> None:
        """Leave no connection behind when its thread or its pool has gone."""
        self.close()

    def _exchange(self, peer: socket.socket, packed: bytes, count: int) -> list[Any]:
        peer.sendall(packed)
        reader = self._reader
        answers: list[Any] = []
        while len(answers) < count:
            answer = reader.gets()
            if answer is not False:
                answers.append(_read(answer))
            elif data := peer.recv(_READ):
                reader.feed(data)
            else:
                raise ConnectionError("Redis closed the connection")
        return answers

    def _connected(self) -> socket.socket:
        if self._socket is not None and self._poll.poll(0):
            self.close()  # nothing is due: the server has hung up
        if self._socket is None:
            self._socket = self._connect()
        return self._socket

    def _connect(self) -> socket.socket:
        told = self._settings
        if path := told.get("path"):
            peer = socket.socket(socket.AF_UNIX)
            peer.settimeout(_CONNECT_S)
            peer.connect(path)
        else:
            place = told.get("host", "localhost"), int(told.get("port", 6379))
            peer = socket.create_connection(place, _CONNECT_S)
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.settimeout(told.get("socket_timeout") or None)
        self._reader, self._poll = hiredis.Reader(), select.poll()
        self._poll.register(peer, select.POLLIN)
        self._greet(peer)
        return peer

    def _greet(self, peer: socket.socket) -> None:
        """Say who we are and which protocol and database we want."""
        told, greeting = self._settings, []
        if told.get("password"):
            names = [told["username"]] if told.get("username") else []
            greeting.append(["AUTH", *names, told["password"]])
        if int(told.get("protocol") or 2) > 2:  # noqa: PLR2004 - the older protocol
            greeting.append(["HELLO", told["protocol"]])
        if told.get("db"):
            greeting.append(["SELECT", told["db"]])
        packed = b"".join([hiredis.pack_command(tuple(c)) for c in greeting])
        for answer in self._exchange(peer, packed, len(greeting)):
            if isinstance(answer, ResponseError):
                peer.close()
                raise AuthenticationError(str(answer)) from answer


_links = _Links()


def _read(answer: Any) -> Any:
    if not isinstance(answer, hiredis.ReplyError):
        return answer
    text = str(answer)
    return NoScriptError(text) if text.startswith("NOSCRIPT") else ResponseError(text)


def _away(error: OSError) -> Exception:
    slow = isinstance(error, socket.timeout)
    return TimeoutError(str(error)) if slow else ConnectionError(str(error))
