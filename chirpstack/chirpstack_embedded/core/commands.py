"""
``command/down``: an application wants to send (contract §3.5).

Whatever is wrong is a warning in the log and nothing else: that is ChirpStack.
"""

import re
from typing import Any

from chirpstack_api import integration
from google.protobuf.json_format import MessageToDict, Parse, ParseError
from google.protobuf.message import DecodeError

from chirpstack_embedded.codec import CodecError
from chirpstack_embedded.core import strict_json
from chirpstack_embedded.core.context import Context
from chirpstack_embedded.core.downlink_queue import F_PORT_RULE, wrap_f_port
from chirpstack_embedded.core.rendering import NANO
from chirpstack_embedded.core.verdict import Accepted, Dropped, Verdict
from chirpstack_embedded.errors import NotStored
from chirpstack_embedded.model import Device, QueueItem
from chirpstack_embedded.uuid_text import read_uuid

_TOPIC = re.compile(r"application/([^/]+)/device/([^/]+)/command/([^/]+)")
_EUI = re.compile(r"[0-9a-fA-F]{16}")


def handle_command(
    context: Context, topic: str, payload: bytes, *, as_json: bool, now: float
) -> Verdict:
    """Validate in ChirpStack's order and append to the queue."""
    place = _TOPIC.fullmatch(topic)
    if place is None or place[3] != "down":
        return _drop("unknown_command", f"topic={topic!r}")
    application_text, dev_eui_text = place[1], place[2]
    command = _parse(payload, as_json=as_json)
    if isinstance(command, str):
        return _drop("undecodable", f"topic={topic!r} details={command!r}")
    if command.dev_eui != dev_eui_text:
        return _drop("dev_eui_mismatch", f"topic={topic!r} payload={command.dev_eui!r}")
    application_id = read_uuid(application_text)
    if not _EUI.fullmatch(dev_eui_text) or application_id is None:
        return _drop("malformed_id", f"topic={topic!r}")
    device = context.devices.get(dev_eui_text.lower())
    if device is None:
        return _drop("unknown_device", f"dev_eui={dev_eui_text}")
    if device.application.id != application_id:
        return _drop("application_mismatch", f"topic={topic!r}")
    return _enqueue(context, device, command, now)


def _enqueue(context: Context, device: Device, command: Any, now: float) -> Verdict:
    where = f"dev_eui={device.dev_eui} id={command.id}"
    f_port, data = wrap_f_port(command.f_port), command.data
    if command.HasField("object"):
        encoded = context.payloads.encode(
            device.profile, device.variables, f_port, MessageToDict(command.object)
        )
        if isinstance(encoded, CodecError):
            return _drop("codec", f"{where} details={encoded.message!r}")
        data = encoded.data
        f_port = f_port if encoded.f_port is None else encoded.f_port
    item_id = read_uuid(command.id) if command.id else str(context.new_uuid())
    if item_id is None:
        return _drop("malformed_id", where)
    if f_port == 0:
        return _drop("f_port", f"{where} details={F_PORT_RULE!r}")
    item = QueueItem(
        id=item_id,
        dev_eui=device.dev_eui,
        created_at=now,
        f_port=f_port,
        data=data,
        confirmed=command.confirmed,
        expires_at=_expires_at(command),
    )
    try:
        context.devices.enqueue(device, item)
    except NotStored as error:
        return _drop("duplicate_id", f"{where} details={str(error)!r}")
    return Accepted(dev_eui=device.dev_eui, kind="command")


def _parse(payload: bytes, *, as_json: bool) -> Any:
    command = integration.DownlinkCommand()
    try:
        if not as_json:
            command.ParseFromString(payload)
            return command
        text = payload.decode("utf-8")
        said = strict_json.fault(text, command.DESCRIPTOR)
        return said or Parse(text, command, ignore_unknown_fields=True)
    except (ParseError, DecodeError, ValueError, RecursionError) as error:
        return str(error)


def _expires_at(command: Any) -> float | None:
    if not command.HasField("expires_at"):
        return None
    return float(command.expires_at.seconds + command.expires_at.nanos / NANO)


def _drop(cause: str, details: str) -> Dropped:
    return Dropped(cause=cause, details=details)
