"""A call's patience with a locked database, and its silence about the token."""

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty

from city.errors import Busy
from city.network import Network


def test_the_token_never_shows(target: str) -> None:
    with Network(target, "hush") as network:
        assert "hush" not in repr(network)


class Locked(grpc.RpcError):  # type: ignore[misc] # grpc has no types
    """What the SQLite build answers while another writer is at work."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.INTERNAL

    def details(self) -> str:
        return "database is locked"


@pytest.mark.parametrize(("refusals", "expected"), [(0, []), (1, [0.2]), (2, [0.2, 1])])
def test_a_locked_database_is_asked_again_twice(
    target: str, refusals: int, expected: list[float]
) -> None:
    paused: list[float] = []
    answers = iter([Locked()] * refusals)

    def call(_request: object, **_how: object) -> str:
        for refusal in answers:
            raise refusal
        return "done"

    with Network(target, pause=paused.append) as network:
        assert "done" == network._call("do it", call, Empty())
    assert expected == paused


def test_a_database_that_stays_locked_is_a_sentence(target: str) -> None:
    def call(_request: object, **_how: object) -> str:
        raise Locked

    with (
        Network(target, pause=lambda _s: None) as network,
        pytest.raises(Busy) as caught,
    ):
        network._call("create device 01", call, Empty())
    assert "create device 01: ChirpStack's database is locked by another writer" == (
        str(caught.value)
    )
