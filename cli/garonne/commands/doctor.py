"""`garonne doctor`: why a device is not heard, for a technician on a ladder."""

import json
from collections.abc import Mapping
from contextlib import ExitStack

from city.doctor import examine, finding_document
from city.errors import BadSettings, CityError
from city.network import Network
from city.redis import connect
from city.settings import Reader
from garonne.errors import Refused
from garonne.places import city_of
from garonne.running import NEEDED, environment_of
from garonne.settings import Settings
from wire.errors import Malformed
from wire.eui64 import EUI64

__all__ = ["dev_eui_of", "doctor"]

HEALTHY, NOT_HEALTHY = 0, 1


def doctor(
    settings: Settings, *, device: str, listen: float, as_json: bool = False
) -> int:
    """Say what is the matter with a device; 0 only when nothing has to be done."""
    environment = _environment(settings)
    dev_eui = dev_eui_of(environment, device)
    try:
        read = Reader(environment)
        chirpstack, broker = read.chirpstack(), read.mqtt()
        redis = read.redis() if environment.get("GARONNE_REDIS") else None
        read.check()
        with ExitStack() as stack:
            network = Network(chirpstack.target, chirpstack.token)
            stack.enter_context(network)
            store = stack.enter_context(connect(redis)) if redis else None
            finding = examine(dev_eui, network, broker, store=store, listen_s=listen)
    except (BadSettings, CityError) as error:
        raise Refused(str(error)) from None
    if as_json:
        print(json.dumps(finding_document(dev_eui, finding), ensure_ascii=False))
    else:
        print("\n".join(line for line in (finding.sentence, finding.advice) if line))
    return HEALTHY if finding.healthy else NOT_HEALTHY


def _environment(settings: Settings) -> Mapping[str, str]:
    """Return the running city's environment, or what was given: no Redis is needed."""
    asked = [name for name in NEEDED if name != "GARONNE_REDIS"]
    if all(name in settings.given for name in asked):
        return {**settings.common(), **settings.given}
    return environment_of(settings)


def dev_eui_of(environment: Mapping[str, str], device: str) -> str:
    """Return the DevEUI that was typed, or that of the declared device of this name."""
    try:
        return str(EUI64.parse(device.strip().replace(":", "").replace("-", "")))
    except Malformed:
        named = {one.name: one.dev_eui for one in city_of(environment).devices}
    if device in named:
        return str(named[device])
    raise Refused(
        f"a DevEUI has 16 hexadecimal digits, and the city has no device {device!r}"
    )
