"""The engines are configured so that nothing acknowledged is lost, and found."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from tests import servers

from garonne.engines import debian, mosquitto, rclone, valkey
from garonne.errors import Refused
from garonne.parts import MqttAnswers, RedisAnswers, S3Answers
from garonne.probes import ask


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_broker_drops_no_qos_1_and_listens_on_loopback_only(tmp_path: Path) -> None:
    lines = mosquitto.config_text(1883, tmp_path).splitlines()

    assert "listener 1883 127.0.0.1" in lines
    assert {
        "persistence true",
        "autosave_interval 1",
        "max_queued_messages 0",
        "max_inflight_messages 0",
        "set_tcp_nodelay true",
    } <= set(lines)


def test_a_broker_with_a_password_file_refuses_strangers(tmp_path: Path) -> None:
    text = mosquitto.config_text(1883, tmp_path, password_file=tmp_path / "users")

    assert "allow_anonymous false" in text


def test_redis_answers_when_it_is_on_disk_and_only_to_who_knows() -> None:
    lines = valkey.config_text(6379, Path("/data"), "word").splitlines()

    assert {
        "bind 127.0.0.1",
        "appendonly yes",
        "appendfsync always",
        "requirepass word",
        "maxmemory-policy noeviction",
    } <= set(lines)


def test_secrets_are_kept_for_the_owner_only_and_stay_the_same(tmp_path: Path) -> None:
    first = rclone.credentials(tmp_path)

    assert first == rclone.credentials(tmp_path)
    assert 0o600 == mode(tmp_path / "secret-key")
    part = valkey.part(tmp_path / "valkey", 6379)
    assert 0o600 == mode(tmp_path / "valkey" / "valkey.conf")
    assert "valkey.conf" in part.argv[1]


def test_no_secret_is_in_the_arguments_for_all_to_see(tmp_path: Path) -> None:
    part = rclone.part(tmp_path, 9000, "garonne-raw")

    assert not set(rclone.credentials(tmp_path)) & set(" ".join(part.argv).split())
    assert "/dev/null" in part.argv
    assert (tmp_path / "data" / "garonne-raw").is_dir()


DEB_TOOLS = pytest.mark.skipif(
    shutil.which("dpkg-deb") is None, reason="needs dpkg-deb, of the package dpkg"
)

FAKE_APT = """#!/bin/sh
case "$*" in
  *--simulate*) echo "Inst mosquitto (1.0 somewhere)" ;;
  *download*) cp {archive} . ;;
esac
"""


def build_package(folder: Path) -> Path:
    root = folder / "build"
    binary = root / "usr" / "sbin" / "mosquitto"
    binary.parent.mkdir(parents=True)
    binary.write_text("#!/bin/sh\n", encoding="utf-8")
    (root / "DEBIAN").mkdir()
    (root / "DEBIAN" / "control").write_text(
        "Package: mosquitto\nVersion: 1.0\nArchitecture: all\n"
        "Maintainer: nobody <nobody@localhost>\nDescription: empty\n",
        encoding="utf-8",
    )
    archive = folder / "mosquitto.deb"
    subprocess.run(
        ["dpkg-deb", "-b", str(root), str(archive)], check=True, capture_output=True
    )
    return archive


@DEB_TOOLS
def test_a_missing_broker_is_unpacked_from_the_distribution_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apt = tmp_path / "bin" / "apt-get"
    apt.parent.mkdir()
    apt.write_text(FAKE_APT.format(archive=build_package(tmp_path)), encoding="utf-8")
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", f"{apt.parent}:{os.environ['PATH']}")

    binary, env = mosquitto.find(tmp_path / "cache", path="/nowhere")

    assert Path(binary).is_relative_to(tmp_path / "cache")
    assert Path(binary).exists()
    assert env["LD_LIBRARY_PATH"].startswith(str(tmp_path / "cache"))
    apt.unlink()
    assert (binary, env) == mosquitto.find(tmp_path / "cache", path="/nowhere")


def test_without_broker_and_without_packages_one_sentence_names_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Refused, match="install the package mosquitto, or set"):
        mosquitto.find(tmp_path / "cache", path="/nowhere")


def test_a_failed_download_says_what_the_tool_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in (
        ("apt-get", "echo E: no network >&2; exit 100"),
        ("dpkg-deb", ""),
    ):
        tool = tmp_path / name
        tool.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")

    assert "`apt-get` said: E: no network" == debian.unpack("x", tmp_path / "cache")


@pytest.mark.slow
def test_a_probe_tells_the_right_password_from_the_wrong_one() -> None:
    with (
        servers.mosquitto(user="city", password="p" * 200) as broker,
        servers.valkey(password="right") as redis,
        servers.rclone_s3(access_key="garonne", secret_key="right-key") as s3,
    ):
        assert ask(MqttAnswers(url=broker.url)) is None
        stranger = MqttAnswers(url=f"mqtt://127.0.0.1:{broker.port}")
        assert "refuses this user" in str(ask(stranger))
        assert ask(RedisAnswers(url=redis.url)) is None
        wrong = RedisAnswers(url=f"redis://:wrong@127.0.0.1:{redis.port}/0")
        assert "refuses this user" in str(ask(wrong))
        bucket = {"endpoint": s3.url, "access_key": "garonne", "bucket": "garonne-raw"}
        assert ask(S3Answers(**bucket, secret_key="right-key")) is None
        assert "SignatureDoesNotMatch" in str(
            ask(S3Answers(**bucket, secret_key="wrong-key"))
        )


def test_a_probe_of_nobody_says_who_does_not_answer() -> None:
    port = servers.free_port()

    assert f"no MQTT broker answers on 127.0.0.1:{port}" == ask(
        MqttAnswers(url=f"mqtt://127.0.0.1:{port}")
    )
    assert f"no Redis answers on 127.0.0.1:{port}/0" == ask(
        RedisAnswers(url=f"redis://:secret@127.0.0.1:{port}/0")
    )
