"""
The process that talks to gateways: ``python -m chirpstack_embedded.gateways``.

Started by the server with one end of a ``Link``. It reads and de-duplicates what
gateways say and hands the server whole uplinks; it knows no device and keeps nothing.

To the server: ``("started", port)`` or ``("failed", sentence)``, then ``("ready",
whether)`` and ``("lot", at, received, findings)``. From it: ``("down", region,
gateway, frame)``.
"""

import os
import threading
import time
from collections.abc import Callable
from typing import Any

from chirpstack_api import gw

from chirpstack_embedded.adapters.child import accept_link, log_to_stderr
from chirpstack_embedded.adapters.garbage import look_rarely
from chirpstack_embedded.adapters.gateway_backend import (
    GatewayBackend,
    OnMessage,
    OnRefused,
)
from chirpstack_embedded.adapters.gatherer import Gatherer, Lot
from chirpstack_embedded.adapters.link import Link
from chirpstack_embedded.adapters.mqtt_gateways import MqttGateways
from chirpstack_embedded.config import Configuration
from chirpstack_embedded.core.collector import Collected, Collector, Finding
from chirpstack_embedded.core.context import Transmission
from chirpstack_embedded.core.region import RegionPlan
from chirpstack_embedded.errors import ChirpStackError
from chirpstack_embedded.settings import Settings
from chirpstack_embedded.station import StationListener
from chirpstack_embedded.udp import UdpListener


def backends_of(
    configuration: Configuration,
    settings: Settings,
    *,
    on_message: OnMessage,
    on_refused: OnRefused,
    on_change: Callable[[], None],
) -> dict[str, list[GatewayBackend]]:
    """Return each region's backends; MQTT is the last, for it takes every downlink."""
    backends: dict[str, list[GatewayBackend]] = {
        region.id: [MqttGateways(region, on_message, on_change)]
        for region in configuration.regions
    }
    first = configuration.regions[0]
    own: list[GatewayBackend] = []  # who speaks these is of the first region
    if settings.udp is not None:
        prefix = first.broker.topic_prefix
        udp = UdpListener(
            first.id,
            prefix,
            settings.udp,
            on_message=on_message,
            on_refused=on_refused,
        )
        own.append(udp)
    if settings.station is not None:
        own.append(
            StationListener(
                RegionPlan(first),
                settings.station,
                on_message=on_message,
                on_refused=on_refused,
            )
        )
    backends[first.id] = own + backends[first.id]
    return backends


class Gateways:
    """All backends, one collector, one link to the server."""

    def __init__(
        self, link: Link, configuration: Configuration, settings: Settings
    ) -> None:
        self._link = link
        self._telling = threading.Lock()
        self._collector = Collector(
            configuration.network.deduplication_delay_s,
            strict_gateway_identity=configuration.strict_gateway_identity,
        )
        self._gatherer = Gatherer(self._collector, self._hand_over, clock=time.time)
        self._backends = backends_of(
            configuration,
            settings,
            on_message=self._gatherer.post,
            on_refused=self._gatherer.refuse,
            on_change=self._tell_ready,
        )

    @property
    def _all(self) -> list[GatewayBackend]:
        return [backend for region in self._backends.values() for backend in region]

    def start(self) -> None:
        """Let gateways come."""
        for backend in self._all:
            backend.start()
        self._gatherer.start()

    def serve(self) -> None:
        """Send the server's downlinks until it goes."""
        while (message := self._link.receive()) is not None:
            _, region, gateway_id, frame = message
            self._send(
                Transmission(
                    region_config_id=region,
                    gateway_id=gateway_id,
                    frame=gw.DownlinkFrame.FromString(frame),
                )
            )

    def stop(self) -> None:
        """Take nothing more."""
        for backend in self._all:
            backend.stop()

    def _send(self, transmission: Transmission) -> None:
        as_json = self._collector.speaks_json(transmission.gateway_id)
        for backend in self._backends[transmission.region_config_id]:
            if backend.send(transmission, as_json=as_json):
                return

    def _tell_ready(self) -> None:
        # Each region's connection tells from its own thread: what is looked at first
        # must be said first, or the last word is an old one.
        with self._telling:
            self._link.send(("ready", all(backend.is_ready for backend in self._all)))

    def _hand_over(self, lot: Lot) -> None:
        findings = [_plain(finding) for finding in lot.findings]
        self._link.send(("lot", lot.at, dict(lot.received), findings))


def _plain(finding: Finding) -> tuple[Any, ...]:
    """Return a finding as the link carries it."""
    if not isinstance(finding, Collected):
        return (type(finding).__name__, *finding)
    region, phy_payload, tx_info, heard = finding
    return ("Collected", region, phy_payload, tx_info, [tuple(rx) for rx in heard])


def main() -> None:
    """Serve until the server is gone."""
    link, (configuration, settings) = accept_link()
    log_to_stderr(settings.log_level)
    gateways = Gateways(link, configuration, settings)
    try:
        gateways.start()
    except ChirpStackError as error:
        link.send(("failed", str(error)))
        os._exit(1)
    look_rarely()
    link.send(("started",))
    gateways.serve()
    gateways.stop()
    os._exit(0)  # whatever still waits is nobody's any more


if __name__ == "__main__":
    main()
