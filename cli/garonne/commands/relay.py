"""`garonne relay`: switch a metered relay and wait for its own word."""

from garonne.commands.lamp import switch
from garonne.errors import Refused
from garonne.settings import Settings

__all__ = ["relay"]

RELAY = "metered-relay"


def relay(
    settings: Settings, *, relay: str, on: bool | None, timeout: float | None = None
) -> int:
    """
    Close (on) or open a relay, tell each step, and return 0 once it reported so.

    `relay` is a name, a DevEUI, a street or a district.
    """
    if on is None:
        raise Refused("say what the relay shall do: --on or --off")
    return switch(settings, relay, (RELAY, "relays"), {"on": on}, timeout)
