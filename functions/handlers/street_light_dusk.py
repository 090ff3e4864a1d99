"""
Street lights by day and night: how many burn where, and which ones should not.

A lamp's own light sensor switches it at dusk and dawn. The first lamp of a district to
tell of it has all of them told what the city wants of the hour, in one order: one frame
to the group, where forty would not fit into the minute. And somebody watches that they
obeyed the sun.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from faas import Commands, Notices, State, Twin, Uplink, on_uplink

UNKNOWN = "unknown"
NIGHT_BELOW_LUX, DAY_ABOVE_LUX = 1, 1000
FULL_PERCENT = 100
EVENING_PERCENT, OUT_PERCENT = 60, 0
DARK_BELOW_LUX, BRIGHT_ABOVE_LUX = 10, 25
OCCASION_S = 1800  # reports of the same dusk are nearer to one another than this
DEFECTS = {"driver-error", "lamp-failure"}


@on_uplink(device_type="street-light", message="status")
def street_light_dusk(
    event: Uplink, state: State, twin: Twin, notices: Notices, commands: Commands
) -> None:
    """
    Count the lamp where its own report says that it stands, and tell what is odd.

    Nothing is said twice in a row, and nothing of a lamp that was set by hand.
    """
    before = state.read()
    if not event.newer_than(before.get("mark")):
        return
    lamp = event.data
    after = {
        "lit": bool(lamp["lamp_on"]),
        "street": event.tags.get("street", UNKNOWN),
        "district": event.tags.get("district", UNKNOWN),
        "odd": oddity(lamp),
        "hour": hour(lamp, before.get("hour", "")),
    }
    if {before.get("hour"), after["hour"]} == {"day", "night"}:
        order_district(event, str(after["hour"]), commands)
    for stand, amount in ((before, -1), (after, +1)):
        for counter in counters(stand):
            state.add(counter, amount)
    if after["odd"] and after["odd"] != before.get("odd"):
        text = f"{event.device_name} in {after['street']} {after['odd']}"
        notices.send(text, level="warning")
    state.write({**after, "mark": event.mark})
    twin.show("Streetlight", streetlight(event))


def hour(lamp: Mapping[str, Any], before: str) -> str:
    """Say whether it is day or night where the lamp hangs; in between as before."""
    lux = lamp["lux"]
    if lux is None or DARK_BELOW_LUX <= lux <= BRIGHT_ABOVE_LUX:
        return before
    return "night" if lux < DARK_BELOW_LUX else "day"


def order_district(event: Uplink, becomes: str, commands: Commands) -> None:
    """Have all lamps of the district set for the evening, or out; each dusk once."""
    district = event.tags.get("district")
    if not district:
        return
    number = int(event.time.timestamp()) // OCCASION_S
    commands.send_group(
        "street-light",
        {"level": EVENING_PERCENT if becomes == "night" else OUT_PERCENT},
        where={"district": district},
        why="dusk" if becomes == "night" else "dawn",
        once=f"{becomes} {number}",
    )


def oddity(lamp: Mapping[str, Any]) -> str:
    """Say what the sun would not explain; nothing without a light sensor."""
    lux, lit = lamp["lux"], lamp["lamp_on"]
    if lux is None or lamp["reason"] == "manual":
        return ""
    if lit and lux > DAY_ABOVE_LUX:
        return "burns by day"
    return "" if lit or lux >= NIGHT_BELOW_LUX else "is dark at night"


def counters(lamp: Mapping[str, Any]) -> Iterator[str]:
    """Name the counters in which a lamp counts; none before its first word."""
    if "lit" in lamp:
        stands = "lit" if lamp["lit"] else "dark"
        yield f"city:{stands}"
        yield f"street:{lamp['street']}:{stands}"
        yield f"district:{lamp['district']}:{stands}"


def streetlight(event: Uplink) -> dict[str, Any]:
    """Return the lamp as a FIWARE Smart Data Models `Streetlight`."""
    lamp = event.data
    level, lit = lamp["level"] or 0, lamp["lamp_on"]
    return {
        "id": f"urn:ngsi-ld:Streetlight:{event.dev_eui}",
        "type": "Streetlight",
        "name": event.device_name,
        "status": "defectiveLamp" if DEFECTS & set(lamp["faults"]) else "ok",
        "powerState": power_state(level, lit=lit),
        "illuminanceLevel": level / FULL_PERCENT if lit else 0,
        "observedAt": event.time.isoformat(),
        **location(event.tags),
    }


def power_state(level: int, *, lit: bool) -> str:
    """Return `on`, `low` or `off`, as the model has it."""
    if not lit:
        return "off"
    return "on" if level == FULL_PERCENT else "low"


def location(tags: Mapping[str, str]) -> dict[str, Any]:
    """Return the place in the device's tags as GeoJSON, if it is there."""
    if not {"longitude", "latitude"} <= tags.keys():
        return {}
    point = [float(tags["longitude"]), float(tags["latitude"])]
    return {"location": {"type": "Point", "coordinates": point}}
