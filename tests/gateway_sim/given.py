"""The little city of these tests: two gateways near the Capitole, one far away."""

from typing import Any

from gateway_sim.gateway import Delay, Downlink, Gateway, Immediately, Item
from gateway_sim.medium import Medium
from wire.air import AirFrame
from wire.declared import DeclaredGateway
from wire.eui64 import EUI64
from wire.lorawan.region.eu868 import EU868
from wire.radio.plan import RadioPlan

SEED = 31
BOOT_S = 1_800_000_000.0
LAMP = EUI64.parse("a81758fffe0301c4")


def place(number: int, latitude: float, longitude: float) -> DeclaredGateway:
    return DeclaredGateway(
        gateway_id=EUI64.parse(f"0016c001f150000{number}"),
        name=f"gateway {number}",
        latitude=latitude,
        longitude=longitude,
        altitude_m=150.0,
    )


CAPITOLE = place(1, 43.6045, 1.4440)
JOLIMONT = place(2, 43.6150, 1.4640)
FOIX = place(3, 42.9653, 1.6080)


def frame(**fields: Any) -> AirFrame:
    """An SF7 uplink of 51.456 ms from beside the Capitole, one second after boot."""
    defaults: dict[str, Any] = {
        "phy_payload": bytes.fromhex("40e5c3a70180000002f4fae2b032e39542"),
        "frequency_hz": 868_300_000,
        "spreading_factor": 7,
        "bandwidth_hz": 125_000,
        "coding_rate": "4/5",
        "power_dbm": 16.0,
        "iq_inverted": False,
        "start_s": BOOT_S + 1.0,
        "airtime_s": 0.051456,
        "sender": LAMP,
        "latitude": 43.6050,
        "longitude": 1.4450,
    }
    return AirFrame(**(defaults | fields))


def medium(*places: DeclaredGateway, seed: int = SEED, **plan: Any) -> Medium:
    return Medium(places, region=EU868, seed=seed, plan=RadioPlan(**plan))


def gateway(at: DeclaredGateway = CAPITOLE) -> Gateway:
    return Gateway(at, region=EU868, boot_s=BOOT_S, seed=SEED)


def item(**fields: Any) -> Item:
    """An SF9 item in the sub-band of 10 %, to be sent at once."""
    defaults: dict[str, Any] = {
        "phy_payload": bytes(20),
        "frequency_hz": 869_525_000,
        "power_dbm": 29,
        "spreading_factor": 9,
        "bandwidth_hz": 125_000,
        "coding_rate": "4/5",
        "iq_inverted": True,
        "timing": Immediately(),
        "context": b"",
    }
    return Item(**(defaults | fields))


def answer(tmst: int, delay_s: float = 1.0, **fields: Any) -> Item:
    """An item in the receive window that opens ``delay_s`` after an uplink."""
    delayed = {
        "frequency_hz": 868_300_000,
        "power_dbm": 14,
        "timing": Delay(delay_s=delay_s),
        "context": tmst.to_bytes(4, "big"),
    }
    return item(**(delayed | fields))


def downlink(*items: Item, downlink_id: int = 7) -> Downlink:
    return Downlink(downlink_id=downlink_id, items=items)
