"""A typed client of ChirpStack's API: every noun of it, by one address and token."""

import time
from collections.abc import Callable

from city.network.applications import Applications
from city.network.device_keys import DeviceKeys
from city.network.devices import Devices
from city.network.gateways import Gateways
from city.network.groups import NetworkGroups
from city.network.profiles import Profiles
from city.network.queue import DeviceQueue
from city.network.streams import Streams
from city.network.tenants import Tenants
from city.network.users import Users


class Network(
    Users,
    Tenants,
    Applications,
    Profiles,
    Devices,
    DeviceKeys,
    DeviceQueue,
    Gateways,
    Streams,
):
    """One ChirpStack, by its API address and a token; threads may share it."""

    def __init__(
        self,
        target: str,
        token: str = "",
        *,
        timeout_s: float = 5.0,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        super().__init__(target, token, timeout_s=timeout_s, pause=pause)
        self.groups = NetworkGroups(self._channel, self._call, self._pages)
