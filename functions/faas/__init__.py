"""
Functions: small Flask apps that react to a city's devices.

A handler imports this package only. A decorator says what wakes it; the
parameters after the event, by their names, say what it needs::

    @on_uplink(device_type="street-light")
    def brighten_on_motion(event: Uplink, commands: Commands) -> None: ...
"""

from faas.batches import Batch, Stored
from faas.errors import FaasError, GiveUp, Miswired, NotAnEvent
from faas.events import (
    Acked,
    Event,
    Heard,
    Joined,
    Logged,
    Status,
    Tick,
    TxAcked,
    Uplink,
)
from faas.functions import (
    Function,
    Retry,
    on_batch,
    on_event,
    on_schedule,
    on_uplink,
)
from faas.loader import collect
from faas.ports import Archive, Clock, Commands, Notices, State, Twin

__all__ = [
    "Acked",
    "Archive",
    "Batch",
    "Clock",
    "Commands",
    "Event",
    "FaasError",
    "Function",
    "GiveUp",
    "Heard",
    "Joined",
    "Logged",
    "Miswired",
    "NotAnEvent",
    "Notices",
    "Retry",
    "State",
    "Status",
    "Stored",
    "Tick",
    "Twin",
    "TxAcked",
    "Uplink",
    "collect",
    "on_batch",
    "on_event",
    "on_schedule",
    "on_uplink",
]
