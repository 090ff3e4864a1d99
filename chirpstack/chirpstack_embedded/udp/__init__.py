"""
Gateways that speak Semtech's UDP, as chirpstack-gateway-bridge makes them look.

What they push becomes the events an MQTT gateway publishes; what the server sends
becomes a PULL_RESP for the item at hand. An item that the gateway refuses is followed
by the next one, and the DownlinkTxAck tells what became of each.
"""

from chirpstack_embedded.udp.bridge import Bridge
from chirpstack_embedded.udp.listener import UdpListener

__all__ = ["Bridge", "UdpListener"]
