"""
Gateways that run Basics Station, as chirpstack-gateway-bridge makes them look.

``config`` says what a gateway is configured with, ``bridge`` is the pure half, and
``listener`` holds the websockets.
"""

from chirpstack_embedded.station.bridge import Bridge
from chirpstack_embedded.station.config import router_config
from chirpstack_embedded.station.listener import StationListener

__all__ = ["Bridge", "StationListener", "router_config"]
