"""A session as JSON, the form in which the database keeps it."""

from dataclasses import fields
from operator import attrgetter
from typing import Any

import orjson

from chirpstack_embedded.model import (
    Channel,
    HeardUplink,
    Reception,
    Session,
    UplinkRecord,
)

_NAMES = tuple(field.name for field in fields(Session))
_KEYS = ("nwk_s_key", "app_s_key", "s_nwk_s_int_key", "nwk_s_enc_key")
_RECORD = tuple(field.name for field in fields(UplinkRecord))
_RECEPTION = tuple(field.name for field in fields(Reception))
# Written for every uplink: a getter of many names is one call into C.
_session_values = attrgetter(*_NAMES)
_record_values = attrgetter(*_RECORD)
_reception_values = attrgetter(*_RECEPTION)


def dump_session(session: Session) -> bytes:
    """Return the session's JSON; keys and contexts are hex."""
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
    document["uplink_adr_history"] = list(
        map(_record_values, session.uplink_adr_history)
    )
    document["gateway_history"] = [
        [heard.dr, [_dump_reception(item) for item in heard.receptions]]
        for heard in session.gateway_history
    ]
    return orjson.dumps(document)


def load_session(data: bytes) -> Session:
    """Return the session ``dump_session`` wrote."""
    document = orjson.loads(data)
    for name in _KEYS:  # a session of before LoRaWAN 1.1 has but two
        document[name] = bytes.fromhex(document.get(name, ""))
    document["mac_command_pending"] = {
        int(cid): bytes.fromhex(text)
        for cid, text in document["mac_command_pending"].items()
    }
    document["mac_command_error_count"] = {
        int(cid): count for cid, count in document["mac_command_error_count"].items()
    }
    document["extra_uplink_channels"] = {
        int(index): Channel(frequency_hz=frequency, data_rates=tuple(data_rates))
        for index, (frequency, data_rates) in document["extra_uplink_channels"].items()
    }
    document["uplink_adr_history"] = [
        UplinkRecord(**dict(zip(_RECORD, values, strict=True)))
        for values in document["uplink_adr_history"]
    ]
    document["gateway_history"] = [
        HeardUplink(dr=dr, receptions=tuple(_load_reception(item) for item in items))
        for dr, items in document["gateway_history"]
    ]
    return Session(**document)


def _dump_reception(reception: Reception) -> list[Any]:
    *values, context = _reception_values(reception)
    return [*values, context.hex()]


def _load_reception(values: list[Any]) -> Reception:
    *head, context = values
    known = dict(zip(_RECEPTION, [*head, bytes.fromhex(context)], strict=True))
    return Reception(**known)
