"""The listening gRPC server: a thread pool, loopback by default."""

from collections.abc import Mapping
from concurrent import futures
from typing import Any

import grpc
from chirpstack_api import api

from chirpstack_embedded.errors import BadConfiguration
from chirpstack_embedded.grpc_api import (
    applications,
    device_profiles,
    devices,
    gateways,
    internal,
    multicast,
    overview,
    tenants,
)
from chirpstack_embedded.grpc_api.call import Services
from chirpstack_embedded.grpc_api.servicer import Method, make_servicer

SERVICES: dict[str, Mapping[str, Method]] = {
    "ApplicationService": {
        **applications.METHODS,
        "ListDeviceProfiles": overview.device_profiles,
        "ListDeviceTags": overview.device_tags,
        "ListIntegrations": overview.integrations,
    },
    "DeviceProfileService": device_profiles.METHODS,
    "DeviceService": devices.METHODS,
    "FuotaService": {},
    "GatewayService": gateways.METHODS,
    "InternalService": {
        **internal.METHODS,
        "GetDevicesSummary": overview.devices_summary,
        "GetGatewaysSummary": overview.gateways_summary,
        "GlobalSearch": overview.search,
    },
    "MulticastGroupService": multicast.METHODS,
    "RelayService": {},
    "TenantService": tenants.METHODS,
    "UserService": {},
}
"""Every service of the API; what a table does not list is UNIMPLEMENTED."""

WORKERS = 64  # a stream holds one for as long as somebody looks


class ApiServer:
    """Serves the API on ``bind`` (``host:port``, port 0 chooses one)."""

    def __init__(self, services: Services, bind: str) -> None:
        self._server = grpc.server(
            futures.ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="api"),
            options=[("grpc.so_reuseport", 0)],
        )
        for name, methods in SERVICES.items():
            self._add(name, methods, services)
        try:
            self.port: int = self._server.add_insecure_port(bind)
        except RuntimeError as error:
            raise BadConfiguration(
                [f"api.bind: {bind} cannot be used, is it taken?"]
            ) from error

    def start(self) -> None:
        """Begin to answer."""
        self._server.start()

    def stop(self, grace_s: float = 1.0) -> None:
        """Refuse new calls and give running ones a moment."""
        self._server.stop(grace_s).wait()

    def _add(self, name: str, methods: Any, services: Services) -> None:
        is_internal = name == "InternalService"
        servicer = make_servicer(
            name,
            getattr(api, f"{name}Servicer"),
            services,
            methods=methods,
            public=internal.PUBLIC if is_internal else None,
            streams=internal.STREAMS if is_internal else None,
        )
        getattr(api, f"add_{name}Servicer_to_server")(servicer, self._server)
