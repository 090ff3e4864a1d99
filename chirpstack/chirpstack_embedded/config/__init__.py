"""ChirpStack's TOML files, read as the real server reads them."""

from chirpstack_embedded.config.load import load_configuration, parse_configuration
from chirpstack_embedded.config.model import (
    Broker,
    Configuration,
    ExtraChannel,
    Integration,
    Network,
    Region,
    RegionNetwork,
    RejoinRequest,
    Scheduler,
)

__all__ = [
    "Broker",
    "Configuration",
    "ExtraChannel",
    "Integration",
    "Network",
    "Region",
    "RegionNetwork",
    "RejoinRequest",
    "Scheduler",
    "load_configuration",
    "parse_configuration",
]
