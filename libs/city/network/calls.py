"""How ChirpStack is asked: one channel, patience with its database, page by page."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final, Self

import grpc
from chirpstack_api import api
from google.protobuf.message import Message

from city.errors import Busy
from city.network.sentences import explain

PAGE: Final = 1000
BUSY_PAUSES_S: Final = (0.2, 1.0)
"""The SQLite build refuses a write beside another: two more tries, in turn."""

logger = logging.getLogger(__package__)

Call = Callable[..., Any]


class Calls:
    """A channel to one ChirpStack, its services' stubs, and how they are called."""

    def __init__(
        self,
        target: str,
        token: str = "",
        *,
        timeout_s: float = 5.0,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._target = target
        self._timeout_s = timeout_s
        self._pause = pause
        self._queue = threading.Lock()
        self._turn: AbstractContextManager[Any] = nullcontext()
        self._metadata = (("authorization", f"Bearer {token}"),) if token else ()
        # A server that restarts is found again within a second, not within minutes.
        options = [("grpc.max_reconnect_backoff_ms", 1000)]
        self._channel = grpc.insecure_channel(target, options=options)
        self._tenant = api.TenantServiceStub(self._channel)
        self._application = api.ApplicationServiceStub(self._channel)
        self._profile = api.DeviceProfileServiceStub(self._channel)
        self._device = api.DeviceServiceStub(self._channel)
        self._gateway = api.GatewayServiceStub(self._channel)
        self._user = api.UserServiceStub(self._channel)
        self._internal = api.InternalServiceStub(self._channel)

    def __repr__(self) -> str:
        """Name the server, never the token."""
        return f"{type(self).__name__}({self._target!r})"

    def close(self) -> None:
        """Hang up."""
        self._channel.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up."""
        self.close()

    def _call(self, asked: str, call: Call, request: Message) -> Any:
        for pause_s in BUSY_PAUSES_S:
            try:
                return self._ask_once(asked, call, request)
            except Busy as error:
                self._turn = self._queue  # from now on, one of our calls at a time
                logger.warning("network.call.again pause_s=%.1f %s", pause_s, error)
                self._pause(pause_s)
        return self._ask_once(asked, call, request)

    def _ask_once(self, asked: str, call: Call, request: Message) -> Any:
        with self._turn:
            try:
                return call(request, metadata=self._metadata, timeout=self._timeout_s)
            except grpc.RpcError as error:
                raise explain(error, asked) from error

    def _pages(
        self, asked: str, call: Call, request: Callable[..., Message], **which: Any
    ) -> Iterator[Any]:
        offset, total = 0, 1
        while offset < total:
            answer = self._call(
                asked, call, request(limit=PAGE, offset=offset, **which)
            )
            yield from answer.result
            offset, total = offset + PAGE, answer.total_count
