"""What the refusals of a ChirpStack mean."""

import grpc
import pytest
from tests.city.network.conftest import EUI
from tests.servers import free_port

from city.errors import (
    AlreadyThere,
    Invalid,
    NetworkError,
    NotAllowed,
    NotThere,
    Unreachable,
    Unsupported,
)
from city.network import Network, explain
from city.objects import Device


def test_a_second_device_of_one_eui_is_already_there(
    network: Network, device: Device
) -> None:
    with pytest.raises(AlreadyThere, match=f"create device {EUI}: it exists already"):
        network.create_device(device)


def test_a_wrong_field_is_invalid_before_it_is_sent(
    network: Network, tenant_id: str
) -> None:
    with pytest.raises(Invalid, match="colour"):
        network.create_device_profile({"tenant_id": tenant_id, "colour": "red"})


def test_a_wrong_token_is_not_allowed(target: str) -> None:
    with (
        Network(target, "wrong") as stranger,
        pytest.raises(NotAllowed, match="the token is wrong"),
    ):
        stranger.tenants()


def test_nobody_at_the_address_is_unreachable() -> None:
    with (
        Network(f"127.0.0.1:{free_port()}", "t", timeout_s=2) as nobody,
        pytest.raises(Unreachable, match="does not answer"),
    ):
        nobody.tenants()


class Failed(grpc.RpcError):  # type: ignore[misc]  # grpc has no types
    """A call that failed with this code and text."""

    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        super().__init__()
        self._code, self._text = code, text

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return self._text


CODE = grpc.StatusCode


@pytest.mark.parametrize(
    ("code", "text", "meant"),
    [
        (CODE.INTERNAL, "UNIQUE constraint failed: device.dev_eui", AlreadyThere),
        (
            CODE.INTERNAL,
            'duplicate key value violates unique constraint "device_pkey"',
            AlreadyThere,
        ),
        (CODE.ALREADY_EXISTS, "", AlreadyThere),
        (CODE.NOT_FOUND, "Object does not exist (id: x)", NotThere),
        (CODE.INTERNAL, "Record not found", NotThere),
        (CODE.UNAUTHENTICATED, "", NotAllowed),
        (CODE.UNAUTHENTICATED, "InvalidToken", NotAllowed),
        (CODE.PERMISSION_DENIED, "", NotAllowed),
        (CODE.INVALID_ARGUMENT, "device is missing", Invalid),
        (CODE.UNIMPLEMENTED, "api.RelayService/List", Unsupported),
        (CODE.UNAVAILABLE, "failed to connect", Unreachable),
        (CODE.DEADLINE_EXCEEDED, "", Unreachable),
        (CODE.INTERNAL, "FOREIGN KEY constraint failed", NetworkError),
    ],
)
def test_every_odd_answer_has_a_meaning_and_a_sentence(
    code: grpc.StatusCode, text: str, meant: type[NetworkError]
) -> None:
    error = explain(Failed(code, text), "do it")

    assert meant is type(error)
    assert str(error).startswith("do it: ")
