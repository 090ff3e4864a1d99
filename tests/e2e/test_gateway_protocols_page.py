"""The page on gateway protocols says what each of them really tells the server."""

import re
from pathlib import Path

import pytest
from chirpstack_api import gw
from tests.chirpstack_embedded.conftest import World
from tests.e2e.test_protocols import WAYS
from tests.gateway_sim.given import BOOT_S, CAPITOLE, frame, gateway

from gateway_sim.gateway import TxAck
from gateway_sim.jit import TxStatus
from gateway_sim.medium import Reception
from wire.lorawan.gps import gps_from_unix

PAGE = Path(__file__).parents[2] / "docs/reference/gateway-protocols.md"
NAMES = ("protobuf", "udp", "station")
NOTHING = "nothing"


def stated() -> dict[str, tuple[str, ...]]:
    """The table of the page: what was decided, and what each protocol tells."""
    text = PAGE.read_text(encoding="utf-8").partition("| decided |")[2]
    table = text.partition("\n\n")[0]
    rows = re.findall(r"^\| (`.*?) \| (.*?) \| (.*?) \| (.*?) \|$", table, re.MULTILINE)
    return {row[0]: row[1:] for row in rows}


def told(name: str, decided: list[TxStatus]) -> str:
    """What reaches the server when a gateway decides so on its items."""
    box, way = gateway(), WAYS[name]()
    way.attach([box])
    reception = Reception(
        gateway_id=CAPITOLE.gateway_id, rssi_dbm=-80.0, snr_db=9.0, channel=1
    )
    [(_, payload)] = way.up(box.hear(frame(), reception))
    asked = way.down(downlink(gw.UplinkFrame.FromString(payload), len(decided)))
    waiting, acks = list(decided), []
    while asked is not None:
        taken, waiting = waiting[: len(asked.items)], waiting[len(asked.items) :]
        ack = TxAck(
            gateway_id=CAPITOLE.gateway_id,
            downlink_id=asked.downlink_id,
            statuses=tuple(taken),
            start_s=BOOT_S + 2 if TxStatus.OK in taken else None,
        )
        asked, events = way.ack(ack)
        acks += [gw.DownlinkTxAck.FromString(octets) for _, octets in events]
    return shown([item.status for ack in acks for item in ack.items])


def downlink(up: gw.UplinkFrame, items: int) -> gw.DownlinkFrame:
    message = gw.DownlinkFrame(gateway_id=str(CAPITOLE.gateway_id), downlink_id=77)
    for number in range(items):
        item = message.items.add(phy_payload=b"to a lamp")
        item.tx_info.frequency = (868_300_000, 869_525_000)[number]
        item.tx_info.power = 14
        item.tx_info.modulation.CopyFrom(up.tx_info.modulation)
        item.tx_info.context = up.rx_info.context
        item.tx_info.timing.delay.delay.FromSeconds(number + 1)
    return message


def shown(statuses: list[int]) -> str:
    names = [f"`{gw.TxAckStatus.Name(one)}`" for one in statuses]
    return ", ".join(names) or NOTHING


def test_the_page_has_a_row_for_every_status() -> None:
    alone = {name.strip("`") for name in stated() if "," not in name}

    assert set(TxStatus.__members__) - {"IGNORED"} == alone


@pytest.mark.proves("feature:tx-ack-per-protocol")
@pytest.mark.parametrize("decided", sorted(stated()))
def test_every_protocol_tells_what_the_page_says(decided: str) -> None:
    statuses = [TxStatus(one.strip("`")) for one in decided.split(", ")]

    assert stated()[decided] == tuple(told(name, statuses) for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_ping_slot_starts_alike_over_every_protocol(name: str) -> None:
    box, way = gateway(), WAYS[name]()
    way.attach([box])
    message = downlink(gw.UplinkFrame(), 1)
    lora = message.items[0].tx_info.modulation.lora
    lora.spreading_factor, lora.bandwidth, lora.code_rate = 9, 125_000, gw.CR_4_5
    epoch = message.items[0].tx_info.timing.gps_epoch.time_since_gps_epoch
    epoch.FromMilliseconds(round(gps_from_unix(BOOT_S + 20) * 1000))
    asked = way.down(message)
    assert asked is not None
    ack = box.request(asked, BOOT_S + 10)

    assert (TxStatus.OK,) == ack.statuses
    assert BOOT_S + 20 == pytest.approx(ack.start_s, abs=1e-6)


def test_what_nobody_acknowledges_goes_out_again_with_the_same_counter() -> None:
    world = World()
    world.given_quiet()
    world.given_queued()
    world.when_uplink()
    first = world.downlinks[-1].items[0].phy_payload
    world.when_time_passes(31)
    world.when_uplink()

    assert [] == world.then_events("log")
    assert first == world.downlinks[-1].items[0].phy_payload
    world.when_tx_ack()
    assert 1 == len(world.then_events("txack"))
    world.store.close()
