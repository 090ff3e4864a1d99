"""Everything the server keeps, in one SQLite file."""

from chirpstack_embedded.store.access import Access, ApiKey, User
from chirpstack_embedded.store.database import Database
from chirpstack_embedded.store.device_rows import DeviceSettings
from chirpstack_embedded.store.devices import Devices
from chirpstack_embedded.store.gateways import Gateways
from chirpstack_embedded.store.keys import DeviceKeys
from chirpstack_embedded.store.outbox import Outbox, OutgoingEvent
from chirpstack_embedded.store.records import Record, Records
from chirpstack_embedded.store.store import Store

__all__ = [
    "Access",
    "ApiKey",
    "Database",
    "DeviceKeys",
    "DeviceSettings",
    "Devices",
    "Gateways",
    "Outbox",
    "OutgoingEvent",
    "Record",
    "Records",
    "Store",
    "User",
]
