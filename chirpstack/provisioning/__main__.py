"""Bring a ChirpStack to the declared state: `python -m provisioning [--plan]`."""

import argparse
import logging
import os
import sys
from collections import Counter

from city.errors import BadDeviceType, BadSettings, NetworkError
from city.network import Network
from city.types import read_catalogue
from provisioning.apply import apply, plan
from provisioning.entry import BadCity, api_key, enter, read_city
from provisioning.keys import BadKeys, ensure_keys
from provisioning.outcome import Outcome
from provisioning.settings import Settings, read_settings

log = logging.getLogger("provisioning")


def main() -> int:
    """Run once; 0 when every row is as declared, 1 when one failed, 2: settings."""
    options = argparse.ArgumentParser(prog="provisioning", description=__doc__)
    options.add_argument("--plan", action="store_true", help="say what would change")
    chosen = options.parse_args()
    try:
        settings = read_settings(os.environ)
    except BadSettings as error:
        print("\n".join(error.faults), file=sys.stderr)  # noqa: T201 - no log yet
        return 2
    logging.basicConfig(level=settings.log.upper(), format="%(levelname)s %(message)s")
    try:
        outcomes = run(settings, only_plan=chosen.plan)
    except (BadCity, BadDeviceType, BadKeys, NetworkError) as error:
        log.error("provisioning.city.refused %s", error)  # noqa: TRY400 - a sentence
        return 1
    counted = Counter(one.verdict for one in outcomes)
    log.info(
        "provisioning.city.done %s",
        " ".join(f"{verdict}={count}" for verdict, count in sorted(counted.items())),
    )
    return 1 if counted["failed"] else 0


def run(settings: Settings, *, only_plan: bool = False) -> list[Outcome]:
    """Read the city, enter ChirpStack and apply or plan."""
    city = read_city(settings.home, settings.city)
    types = read_catalogue(settings.home)
    keys = ensure_keys(settings.keys, city)
    with _enter(settings) as network:
        if not only_plan:
            return apply(city, types, keys, network, say)
        outcomes = plan(city, types, keys, network)
        for one in outcomes:
            say(one)
        return outcomes


def _enter(settings: Settings) -> Network:
    if settings.token:
        return Network(settings.target, settings.token)
    network = enter(settings.target, user=settings.user, password=settings.password)
    if settings.token_file is not None:
        api_key(network, settings.token_file)
    return network


def say(one: Outcome) -> None:
    """Log one row's outcome."""
    level = logging.ERROR if one.verdict == "failed" else logging.INFO
    kind = one.kind.replace(" ", "_")
    log.log(
        level,
        "provisioning.%s.%s name=%r id=%s why=%r",
        kind,
        one.verdict,
        one.name,
        one.id,
        one.why,
    )


if __name__ == "__main__":
    sys.exit(main())
