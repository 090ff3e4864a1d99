"""A session as JSON, the form in which the database keeps it."""

from dataclasses import fields
from operator import attrgetter
from sys import intern
from typing import Any

import orjson

from chirpstack_embedded.channel_sets import channels_together, indices_together
from chirpstack_embedded.history import UplinkHistory, UplinkRecord
from chirpstack_embedded.model import Channel, HeardUplink, Reception, Session

_NAMES = tuple(field.name for field in fields(Session))
_KEYS = ("nwk_s_key", "app_s_key", "s_nwk_s_int_key", "nwk_s_enc_key")
# Written for every uplink: a getter of many names is one call into C.
_session_values = attrgetter(*_NAMES)


def dump_session(session: Session) -> bytes:
    """Return the session's JSON; keys, contexts and the ADR history are hex."""
    document: dict[str, Any] = dict(zip(_NAMES, _session_values(session), strict=True))
    document["nwk_s_key"] = session.nwk_s_key.hex()
    document["app_s_key"] = session.app_s_key.hex()
    document["s_nwk_s_int_key"] = session.s_nwk_s_int_key.hex()
    document["nwk_s_enc_key"] = session.nwk_s_enc_key.hex()
    document["mac_command_pending"] = {
        str(cid): data.hex() for cid, data in session.mac_command_pending.items()
    }
    document["mac_command_error_count"] = {
        str(cid): count for cid, count in session.mac_command_error_count.items()
    }
    document["extra_uplink_channels"] = {
        str(index): [channel.frequency_hz, channel.data_rates]
        for index, channel in session.extra_uplink_channels.items()
    }
    document["uplink_adr_history"] = session.uplink_adr_history.packed.hex()
    document["gateway_history"] = [
        [heard.dr, [(*rx[:-1], rx.context.hex()) for rx in heard.receptions]]
        for heard in session.gateway_history
    ]
    return orjson.dumps(document)


def load_session(data: bytes) -> Session:
    """Return the session ``dump_session`` wrote."""
    document = orjson.loads(data)
    document["region_config_id"] = intern(document["region_config_id"])
    document["mac_version"] = intern(document["mac_version"])
    keys: dict[bytes, bytes] = {}  # in 1.0.x three are one, and kept once
    for name in _KEYS:  # a session of before LoRaWAN 1.1 has but two
        key = bytes.fromhex(document.get(name, ""))
        document[name] = keys.setdefault(key, key)
    document["mac_command_pending"] = {
        int(cid): bytes.fromhex(text)
        for cid, text in document["mac_command_pending"].items()
    }
    document["mac_command_error_count"] = {
        int(cid): count for cid, count in document["mac_command_error_count"].items()
    }
    document["enabled_uplink_channels"] = indices_together(
        document["enabled_uplink_channels"]
    )
    document["extra_uplink_channels"] = channels_together(
        {
            int(index): Channel(frequency_hz=frequency_hz, data_rates=tuple(data_rates))
            for index, (
                frequency_hz,
                data_rates,
            ) in document["extra_uplink_channels"].items()
        }
    )
    document["uplink_adr_history"] = _load_history(document["uplink_adr_history"])
    document["gateway_history"] = [
        HeardUplink(dr=dr, receptions=tuple(map(_load_reception, items)))
        for dr, items in document["gateway_history"]
    ]
    return Session(**document)


def _load_history(found: str | list[list[Any]]) -> UplinkHistory:
    if isinstance(found, str):
        return UplinkHistory.unpack(bytes.fromhex(found))
    return UplinkHistory(
        UplinkRecord(*values) for values in found
    )  # as the first databases have it


def _load_reception(values: list[Any]) -> Reception:
    *head, context = values
    return Reception._make((*head, bytes.fromhex(context)))
