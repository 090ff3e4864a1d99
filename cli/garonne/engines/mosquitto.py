"""The MQTT broker: mosquitto from PATH, else unpacked from the distribution."""

import os
import shutil
from pathlib import Path

from garonne.engines import debian
from garonne.errors import Refused
from garonne.parts import MqttAnswers, Part
from garonne.state import private_folder, write_private

__all__ = ["config_text", "find", "part"]

# Debian puts it in /usr/sbin, which is not on everybody's PATH.
SYSTEM_FOLDERS = "/usr/sbin:/usr/local/sbin:/sbin:/opt/homebrew/sbin"


def find(cache: Path, path: str | None = None) -> tuple[str, dict[str, str]]:
    """
    Return mosquitto's binary and the environment it needs.

    Looks on `path` (default: PATH and the sbin folders), then in the cache,
    then unpacks the distribution's packages into the cache.
    """
    searched = (
        f"{os.environ.get('PATH', '')}:{SYSTEM_FOLDERS}" if path is None else path
    )
    found = shutil.which("mosquitto", path=searched)
    if found:
        return found, {}
    folder = cache / "mosquitto"
    problem = debian.unpack("mosquitto", folder)
    if problem:
        raise Refused(
            "mosquitto was not found; install the package mosquitto, or set "
            f"GARONNE_MQTT to a broker that runs (unpacking it here failed: {problem})"
        )
    binary = folder / "root" / "usr" / "sbin" / "mosquitto"
    return str(binary), {"LD_LIBRARY_PATH": debian.library_path(folder)}


def config_text(
    port: int,
    folder: Path,
    *,
    password_file: Path | None = None,
    as_root: bool = False,
) -> str:
    """
    Return mosquitto's configuration for one loopback listener.

    The defaults drop QoS 1 silently (1,000 queued, 20 in flight) and save the
    queues every half hour: both limits off, saved every second.
    Anonymous clients are allowed only because nothing but loopback listens.
    """
    lines = [
        f"listener {port} 127.0.0.1",
        f"allow_anonymous {'false' if password_file else 'true'}",
        "persistence true",
        f"persistence_location {folder}/",
        "autosave_interval 1",
        "max_queued_messages 0",
        "max_inflight_messages 0",
        "set_tcp_nodelay true",
        "sys_interval 0",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
    ]
    if password_file:
        lines.append(f"password_file {password_file}")
    if as_root:
        lines.append("user root")  # else mosquitto drops to a user who may not read us
    return "\n".join(lines) + "\n"


def part(cache: Path, folder: Path, port: int) -> Part:
    """Declare the broker on this port with its queues under this folder."""
    binary, env = find(cache)
    config = private_folder(folder) / "mosquitto.conf"
    write_private(config, config_text(port, folder, as_root=os.geteuid() == 0))
    return Part(
        name="mosquitto",
        argv=(binary, "-c", str(config)),
        env=env,
        ready=MqttAnswers(url=f"mqtt://127.0.0.1:{port}"),
    )
