"""The whole program: real broker, real sockets, real death."""

import json
import os
import signal
from pathlib import Path

import pytest
from chirpstack_api import gw
from tests.chirpstack_embedded.conftest import (
    DEV_EUI,
)
from tests.chirpstack_embedded.running import (
    GATEWAY,
    Ears,
    join,
    site,
    wait_until,
)

from wire.lorawan.data import DataFrame

pytestmark = pytest.mark.slow


def test_a_lamp_joins_reports_and_is_commanded(tmp_path: Path) -> None:
    with site(tmp_path) as (server, ears, _):
        server.start()
        application_id = server.provision()
        session = join(ears)
        ears.wait("/event/join")
        ears.up(session.uplink(f_cnt=0, f_port=2, payload=b"\x01\x67"))
        up = json.loads(ears.wait("/event/up"))
        command = {"devEui": str(DEV_EUI), "fPort": 10, "data": "AwDI"}
        topic = f"application/{application_id}/device/{DEV_EUI}/command/down"
        ears.say(topic, json.dumps(command).encode())
        frame = gw.DownlinkFrame.FromString(ears.wait(f"{GATEWAY}/command/down", 2))
        ack = gw.DownlinkTxAck(gateway_id=GATEWAY, downlink_id=frame.downlink_id)
        ack.items.add().status = gw.TxAckStatus.OK
        ears.say(f"eu868/gateway/{GATEWAY}/event/ack", ack.SerializeToString())
        txack = json.loads(ears.wait("/event/txack"))
        wait_until(
            lambda: server.metric("garonne_chirpstack_events_published_total") == 3.0,
            server.log,
        )
        code = server.stop()

    assert ("AWc=", 0, 0) == (up["data"], up["fCnt"], txack["fCntDown"])
    clear = DataFrame.parse(frame.items[0].phy_payload)
    assert (10, b"\x03\x00\xc8") == (clear.f_port, session.decrypt(clear, 0))
    assert 0 == code
    assert "Traceback" not in server.log()


@pytest.mark.parametrize(
    ("failpoint", "times"),
    [("after_commit_before_publish", 1), ("after_publish_before_delete", 2)],
)
def test_a_kill_loses_nothing_and_repeats_only_the_same_bytes(
    tmp_path: Path, failpoint: str, times: int
) -> None:
    with site(tmp_path) as (server, ears, _):
        server.start()
        server.provision()
        session = join(ears)
        wait_until(
            lambda: server.metric("garonne_chirpstack_events_published_total") == 1.0,
            server.log,
        )
        server.stop()
        server.start(failpoint=failpoint)

        ears.up(session.uplink(f_cnt=0, f_port=2, payload=b"\x01"))
        assert -signal.SIGKILL == server.died_of()
        server.start()
        ears.wait("/event/up", times)
        ears.up(session.uplink(f_cnt=1, f_port=2, payload=b"\x02"))
        ears.wait("/event/up", times + 1)
        ups = ears.all("/event/up")

    assert 2 == len(set(ups))
    assert times + 1 == len(ups)
    assert [0, 1] == [json.loads(payload)["fCnt"] for payload in dict.fromkeys(ups)]


def test_a_frame_accepted_before_a_kill_is_not_accepted_again(tmp_path: Path) -> None:
    with site(tmp_path) as (server, ears, _):
        server.start()
        server.provision()
        session = join(ears)
        server.stop()
        server.start(failpoint="after_commit_before_publish")
        phy_payload = session.uplink(f_cnt=0, f_port=2, payload=b"\x01")
        ears.up(phy_payload)
        server.died_of()

        server.start()
        ears.up(phy_payload)
        log = json.loads(ears.wait("/event/log"))

    assert "UPLINK_F_CNT_RETRANSMISSION" == log["code"]
    assert 1 == len(ears.all("/event/up"))


def test_a_broker_outage_loses_no_event(tmp_path: Path) -> None:
    with site(tmp_path) as (server, ears, broker):
        server.start()
        server.provision()
        session = join(ears)
        ears.up(session.uplink(f_cnt=0, f_port=2, payload=b"\x01"))
        broker.kill()  # the uplink is between its arrival and its event
        broker.start()
        ears.close()
        late = Ears(broker)
        wait_until(lambda: server.metric("garonne_ready") == 1.0, server.log)
        wait_until(
            lambda: server.metric("garonne_chirpstack_outbox_events") == 0.0,
            server.log,
        )
        late.up(session.uplink(f_cnt=1, f_port=2, payload=b"\x02"))
        late.wait("/event/up")
        late.close()

    assert "Traceback" not in server.log()


def is_alive(pid: int) -> bool:
    """Whether a process runs; what has ended and waits for its parent does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_a_server_that_is_killed_leaves_no_process_behind(tmp_path: Path) -> None:
    with site(tmp_path) as (server, _, _):
        server.start()
        children = server.children()
        server.kill()
        wait_until(lambda: not any(map(is_alive, children)), server.log)

    assert children


def test_a_server_that_stops_takes_its_processes_along(tmp_path: Path) -> None:
    with site(tmp_path) as (server, _, _):
        server.start()
        children = server.children()

        assert 0 == server.stop()
        assert not any(map(is_alive, children))
        assert children


def test_a_server_whose_gateways_process_dies_says_so_and_ends(tmp_path: Path) -> None:
    with site(tmp_path) as (server, _, _):
        server.start()
        os.kill(server.child("chirpstack_embedded.gateways"), signal.SIGKILL)

        assert 1 == server.died_of()
        sentence = "the process that talks to gateways ended with signal 9"
        assert f"chirpstack_embedded: {sentence}" in server.log()
        assert "Traceback" not in server.log()
