"""
One LoRaWAN end device, storey upon storey; none calls what is above it.

| storey | knows |
|---|---|
| `conductor` | `Device`: what happens to it, and when it wants to be called |
| `hearer` | what a data frame means, its own or a group's |
| `speaker` | when it speaks, and what it sends |
| `rejoiner` | other keys for a joined device (LoRaWAN 1.1) |
| `joiner` | keys for a new one |
| `listener` | which ear a frame falls into |
| `beacons` | class B |
| `body` | what all share |

The parts themselves (`joining`, `rejoining`, `conversation`, `class_b`, `transceiver`)
are beside this folder; here they are brought together.
"""

from lorawan_sim.device.conductor import Device

__all__ = ["Device"]
