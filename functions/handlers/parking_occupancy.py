"""Parking: which bays are free, and how many in each street and district."""

from collections.abc import Iterator, Mapping
from typing import Any

from faas import State, Twin, Uplink, on_uplink

UNKNOWN = "unknown"


@on_uplink(device_type="parking-bay")
def parking_occupancy(event: Uplink, state: State, twin: Twin) -> None:
    """
    Keep each bay's last word, and the counts that follow from it.

    A bay counts where it stands now; an older word than the last changes nothing,
    so counts stay right whatever order events come in.
    """
    before = state.read()
    if "occupied" not in event.data or not event.newer_than(before.get("mark")):
        return
    occupied = bool(event.data["occupied"])
    after = {
        "occupied": occupied,
        "street": event.tags.get("street", UNKNOWN),
        "district": event.tags.get("district", UNKNOWN),
    }
    for counter in counters(before):
        state.add(counter, -1)
    for counter in counters(after):
        state.add(counter, +1)
    state.write({**after, "mark": event.mark})
    twin.show("ParkingSpot", parking_spot(event, occupied=occupied))


def counters(bay: Mapping[str, Any]) -> Iterator[str]:
    """Name the counters in which a bay counts; none before its first word."""
    if "occupied" in bay:
        status = "occupied" if bay["occupied"] else "free"
        yield f"city:{status}"
        yield f"street:{bay['street']}:{status}"
        yield f"district:{bay['district']}:{status}"


def parking_spot(event: Uplink, *, occupied: bool) -> dict[str, Any]:
    """Return the bay as a FIWARE Smart Data Models `ParkingSpot`."""
    return {
        "id": f"urn:ngsi-ld:ParkingSpot:{event.dev_eui}",
        "type": "ParkingSpot",
        "name": event.device_name,
        "category": ["onStreet"],
        "status": "occupied" if occupied else "free",
        "observedAt": event.time.isoformat(),
    }
