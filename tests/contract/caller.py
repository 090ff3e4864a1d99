"""The gRPC side of the server: calls by name, answers or refusals as values."""

import time
from dataclasses import dataclass
from typing import Any

import grpc
from chirpstack_api import api

PATIENCE_S = 20.0
RETRY_S = 0.05
# The SQLite build of the real server refuses parallel writers so.
LOCKED = "database is locked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """How a call was refused."""

    code: str
    message: str


class Caller:
    """Calls ``Service/Method``; the token is the administrator's unless another."""

    def __init__(self, target: str, token: str) -> None:
        self._channel = grpc.insecure_channel(target)
        self._token = token
        self._stubs: dict[str, Any] = {}

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def ask(self, method: str, request: Any, *, metadata: Any = None) -> Any:
        """Return the answer, or the refusal."""
        if metadata is None:
            metadata = bearer(self._token)
        deadline = time.monotonic() + PATIENCE_S
        while True:
            answer = self._once(method, request, metadata)
            if not _is_locked(answer) or time.monotonic() > deadline:
                return answer
            time.sleep(RETRY_S)

    def do(self, method: str, request: Any) -> Any:
        """Return the answer of a call that must succeed."""
        answer = self.ask(method, request)
        assert not isinstance(answer, Refusal), f"{method}: {answer}"
        return answer

    def follow(self, method: str, request: Any) -> Any:
        """Return the stream of a server-streaming method."""
        return self._method(method)(
            request, metadata=bearer(self._token), timeout=PATIENCE_S
        )

    def _once(self, method: str, request: Any, metadata: Any) -> Any:
        try:
            return self._method(method)(
                request, metadata=metadata, timeout=PATIENCE_S, wait_for_ready=True
            )
        except grpc.RpcError as error:
            return Refusal(code=error.code().name, message=error.details() or "")

    def _method(self, name: str) -> Any:
        service, _, method = name.partition("/")
        if service not in self._stubs:
            self._stubs[service] = getattr(api, f"{service}Stub")(self._channel)
        return getattr(self._stubs[service], method)


def bearer(token: str) -> list[tuple[str, str]]:
    """Return the metadata that carry a token."""
    return [("authorization", f"Bearer {token}")]


def _is_locked(answer: Any) -> bool:
    return isinstance(answer, Refusal) and LOCKED in answer.message
