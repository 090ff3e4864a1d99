"""The websocket endpoint, by real sockets."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from queue import Queue

import pytest
from tests.chirpstack_embedded.conftest import eu868
from tests.chirpstack_embedded.station.test_bridge import (
    FRAME,
    GATEWAY,
    UP,
    frame,
    uplink,
)
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from chirpstack_embedded.core.context import Transmission
from chirpstack_embedded.core.region import RegionPlan
from chirpstack_embedded.errors import ChirpStackError
from chirpstack_embedded.station import StationListener
from wire.station import (
    DnMsg,
    RouterConfig,
    RouterInfo,
    RouterInfoRequest,
    Version,
    parse_from_server,
)

pytestmark = pytest.mark.slow

HOST = "127.0.0.1"
WAIT_S = 10.0
ELSEWHERE = "0016c001f1500009"


@pytest.fixture
def heard() -> Queue[tuple[str, str, bytes]]:
    return Queue()


@pytest.fixture
def drops() -> Queue[str]:
    return Queue()


@pytest.fixture
def listener(
    heard: Queue[tuple[str, str, bytes]], drops: Queue[str]
) -> Iterator[StationListener]:
    listener = StationListener(
        RegionPlan(eu868()),
        (HOST, 0),
        on_message=lambda *message: heard.put(message),
        on_refused=lambda cause, _: drops.put(cause),
    )
    listener.start()
    yield listener
    listener.stop()
    assert not [one for one in threading.enumerate() if one.name == "station"]


def dial(listener: StationListener, path: str) -> ClientConnection:
    return connect(f"ws://{HOST}:{listener.port}{path}", proxy=None)


@contextmanager
def joined(listener: StationListener) -> Iterator[ClientConnection]:
    """A gateway's data connection, configured."""
    with dial(listener, f"/gateway/{GATEWAY}") as gateway:
        gateway.send(str(Version(station="2.0.6")))
        assert isinstance(parse_from_server(gateway.recv(WAIT_S)), RouterConfig)
        yield gateway


def then_another_comes(listener: StationListener) -> None:
    with joined(listener):
        pass


def transmission(gateway_id: str) -> Transmission:
    return Transmission(region_config_id="eu868", gateway_id=gateway_id, frame=frame(1))


def test_discovery_names_the_data_connection(listener: StationListener) -> None:
    with dial(listener, "/router-info") as gateway:
        gateway.send(str(RouterInfoRequest(router=GATEWAY)))
        info = RouterInfo.parse(gateway.recv(WAIT_S))

    assert f"ws://{HOST}:{listener.port}/gateway/{GATEWAY}" == info.uri
    with connect(info.uri, proxy=None) as gateway:
        gateway.send(str(Version(station="2.0.6")))
        assert isinstance(parse_from_server(gateway.recv(WAIT_S)), RouterConfig)


def test_discovery_of_nonsense_is_told_why(
    listener: StationListener, drops: Queue[str]
) -> None:
    with dial(listener, "/router-info") as gateway:
        gateway.send("nonsense")
        info = RouterInfo.parse(gateway.recv(WAIT_S))

    assert "JSON" in info.error
    assert "malformed" == drops.get(timeout=WAIT_S)


@pytest.mark.proves("feature:basics-station")
def test_a_gateway_comes_and_is_asked_over_its_connection(
    listener: StationListener, heard: Queue[tuple[str, str, bytes]]
) -> None:
    with joined(listener) as gateway:
        gateway.send(uplink())
        assert heard.get(timeout=WAIT_S)[1].endswith("/stats")
        region, topic, payload = heard.get(timeout=WAIT_S)
        assert listener.send(transmission(str(GATEWAY)), as_json=False)
        request = parse_from_server(gateway.recv(WAIT_S))

    assert ("eu868", UP) == (region, topic)
    assert FRAME in payload
    assert isinstance(request, DnMsg)


def test_a_gateway_that_is_not_here_is_asked_elsewhere(
    listener: StationListener,
) -> None:
    assert not listener.send(transmission(ELSEWHERE), as_json=False)


@pytest.mark.parametrize(
    ("bad", "cause"),
    [
        ("nonsense", "malformed"),
        ('{"msgtype":"dnmsg"}', "malformed"),
        ("[" * 50_000, "malformed"),
        (b"\x00\x01", "binary"),
    ],
)
def test_after_any_message_the_connection_still_serves(
    listener: StationListener,
    heard: Queue[tuple[str, str, bytes]],
    drops: Queue[str],
    bad: str | bytes,
    cause: str,
) -> None:
    with joined(listener) as gateway:
        gateway.send(bad)
        gateway.send(uplink())
        assert heard.get(timeout=WAIT_S)[1].endswith("/stats")
        assert UP == heard.get(timeout=WAIT_S)[1]

    assert cause == drops.get(timeout=WAIT_S)


@pytest.mark.parametrize("octets", [b"\xff\xfe", b"x" * 70_000], ids=["utf8", "long"])
def test_a_frame_that_is_no_text_ends_one_connection_only(
    listener: StationListener, octets: bytes
) -> None:
    with joined(listener) as gateway:
        gateway.send(octets, text=True)
        with pytest.raises(ConnectionClosed):
            gateway.recv(WAIT_S)

    then_another_comes(listener)


@pytest.mark.parametrize("path", ["/", "/gateway/lamp", "/router-inf", "/gateway/1/2"])
def test_an_unknown_path_is_refused_and_counted(
    listener: StationListener, drops: Queue[str], path: str
) -> None:
    with pytest.raises(InvalidStatus, match="404"):
        dial(listener, path)
    assert "bad_path" == drops.get(timeout=WAIT_S)


def test_what_is_no_websocket_is_counted_and_harms_nobody(
    listener: StationListener, drops: Queue[str], caplog: pytest.LogCaptureFixture
) -> None:
    with closing(socket.create_connection((HOST, listener.port))) as stranger:
        stranger.sendall(b"\x16\x03\x01 hello?\r\n\r\n")

    assert "no_websocket" == drops.get(timeout=WAIT_S)
    then_another_comes(listener)
    assert "Traceback" not in caplog.text


def test_a_second_connection_of_a_gateway_is_closed(
    listener: StationListener, drops: Queue[str]
) -> None:
    with joined(listener), dial(listener, f"/gateway/{GATEWAY}") as second:
        with pytest.raises(ConnectionClosed):
            second.recv(WAIT_S)
        assert "already_connected" == drops.get(timeout=WAIT_S)


def test_an_occupied_port_is_said_in_one_sentence(listener: StationListener) -> None:
    second = StationListener(
        RegionPlan(eu868()),
        (HOST, listener.port),
        on_message=lambda *_: None,
    )
    with pytest.raises(ChirpStackError, match=f"cannot listen on {HOST}"):
        second.start()
