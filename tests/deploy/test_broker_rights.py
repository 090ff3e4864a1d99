"""What each user of the broker may do: the password file and the ACL, in Mosquitto."""

import os
import queue
from collections.abc import Iterator
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from tests.servers import HOST, Server, _find, free_port

from garonne.deployment.secrets import BROKER_USERS, broker_line

ROOT = Path(__file__).parent.parent.parent
GATEWAY = "0016c001f1500a2b"
EVENT = "application/a/device/b/event/up"
COMMAND = "application/a/device/b/command/down"
GATEWAY_UP = f"eu868/gateway/{GATEWAY}/event/up"
GATEWAY_DOWN = f"eu868/gateway/{GATEWAY}/command/down"
ALL = (EVENT, COMMAND, GATEWAY_UP, GATEWAY_DOWN)
END = "the/end"
PATIENCE_S = 15.0

# user -> what it may say, what it may hear.
RIGHTS = {
    "chirpstack": ({EVENT, GATEWAY_DOWN}, {COMMAND, GATEWAY_UP}),
    "gateways": ({GATEWAY_UP}, {GATEWAY_DOWN}),
    "ingest": (set[str](), {EVENT}),
    "sender": ({COMMAND}, set[str]()),
    "doctor": (set[str](), {EVENT, GATEWAY_UP, GATEWAY_DOWN}),
    GATEWAY: ({GATEWAY_UP}, {GATEWAY_DOWN}),
    "0016c001ffffffff": (set[str](), set[str]()),
}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("broker")
    users = [broker_line(user, f"pw-{user}", b"12 bytes now") for user in RIGHTS]
    users.append(broker_line("judge", "pw-judge", b"another salt"))
    (folder / "users").write_text("\n".join(users) + "\n")
    acl = (ROOT / "deploy/compose/mosquitto/acl").read_text()
    (folder / "acl").write_text(f"user judge\ntopic readwrite #\n{acl}")
    port = free_port()
    conf = folder / "mosquitto.conf"
    conf.write_text(
        f"{'user root' if os.geteuid() == 0 else ''}\nlistener {port} {HOST}\n"
        f"password_file {folder}/users\nacl_file {folder}/acl\n"
    )
    argv = [_find("mosquitto"), "-c", str(conf)]
    server = Server(name="mosquitto", port=port, url="", folder=folder, argv=argv)
    server.start()
    yield server
    server.kill()


class Voice:
    """A client that hears what it may of every topic, until the end is said."""

    def __init__(self, broker: Server, user: str) -> None:
        self.heard: queue.Queue[str] = queue.Queue()
        self._ready: queue.Queue[bool] = queue.Queue()
        self.client = Client(
            CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5
        )
        self.client.username_pw_set(user, f"pw-{user}")
        self.client.on_connect = self._listen
        self.client.on_subscribe = lambda *_: self._ready.put(True)
        self.client.on_message = self._take
        self.client.connect(HOST, broker.port)
        self.client.loop_start()
        assert self._ready.get(timeout=PATIENCE_S)

    def _listen(self, client: Client, *_: object) -> None:
        client.subscribe("#", qos=1)

    def _take(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self.heard.put(message.topic)

    def say(self, *topics: str) -> None:
        for topic in topics:
            sent = self.client.publish(topic, b"", qos=1)
            sent.wait_for_publish(PATIENCE_S)

    def until(self, last: str) -> set[str]:
        found: set[str] = set()
        while (topic := self.heard.get(timeout=PATIENCE_S)) != last:
            found.add(topic)
        return found

    def leave(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def test_the_rights_of_every_user_are_told_here() -> None:
    assert set(BROKER_USERS) == {user for user in RIGHTS if not user[0].isdigit()}


@pytest.mark.parametrize("user", RIGHTS)
def test_a_user_says_what_it_may_and_nothing_else(broker: Server, user: str) -> None:
    judge, voice = Voice(broker, "judge"), Voice(broker, user)
    voice.say(*ALL)
    judge.say(END)

    assert RIGHTS[user][0] == judge.until(END)
    voice.leave()
    judge.leave()


@pytest.mark.parametrize("user", [user for user in RIGHTS if RIGHTS[user][1]])
def test_a_user_hears_what_it_may_and_nothing_else(broker: Server, user: str) -> None:
    judge, voice = Voice(broker, "judge"), Voice(broker, user)
    last = max(RIGHTS[user][1])
    judge.say(*(topic for topic in ALL if topic != last), last)

    assert RIGHTS[user][1] - {last} == voice.until(last)
    voice.leave()
    judge.leave()


def test_nobody_without_a_password_comes_in(broker: Server) -> None:
    answers: queue.Queue[bool] = queue.Queue()
    stranger = Client(CallbackAPIVersion.VERSION2)
    stranger.on_connect = lambda _c, _d, _f, reason, _p: answers.put(reason.is_failure)
    stranger.connect(HOST, broker.port)
    stranger.loop_start()

    assert answers.get(timeout=PATIENCE_S)
    stranger.loop_stop()
