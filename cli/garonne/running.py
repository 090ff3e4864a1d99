"""How a second terminal finds the running city: run.json, and the environment wins."""

from collections.abc import Mapping

from garonne.errors import Refused
from garonne.settings import Settings
from garonne.state import read_run

__all__ = ["environment_of"]

NEEDED = ("GARONNE_MQTT", "GARONNE_REDIS", "GARONNE_CHIRPSTACK_GRPC")


def environment_of(settings: Settings) -> Mapping[str, str]:
    """
    Return the environment of a program of the running city.

    Refused when nothing runs in the state folder, unless every address was given.
    """
    run = read_run(settings.state)
    if run:
        return {**run.environment, **settings.given}
    if all(name in settings.given for name in NEEDED):
        return {**settings.common(), **settings.given}
    raise Refused(
        f"nothing runs in {settings.state}; `garonne up` starts the city "
        "(GARONNE_STATE names another folder)"
    )
