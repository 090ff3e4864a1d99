"""What goes wrong on purpose, and exactly then."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway_sim.given import (
    BOOT_S,
    CAPITOLE,
    JOLIMONT,
    downlink,
    gateway,
    item,
)

from gateway_sim.backhaul import Backhaul, PowerSwitch
from gateway_sim.faults import FaultKind, Faults, GatewayFault
from gateway_sim.gateway import Gateway, TxAck, Uplink
from gateway_sim.medium import Medium
from gateway_sim.radio import Radio
from wire.errors import Malformed
from wire.lorawan.region.eu868 import EU868

ONE, TWO = CAPITOLE.gateway_id, JOLIMONT.gateway_id
OUTAGE = GatewayFault(kind=FaultKind.OUTAGE, gateway_id=ONE, from_s=10.0, until_s=20.0)


def faults(*given_faults: GatewayFault, seed: int = 1) -> Faults:
    return Faults(given_faults, begins_s=BOOT_S, seed=seed)


@pytest.mark.parametrize(
    ("from_s", "until_s", "is_off"),
    [
        (9.0, 9.9, False),
        (9.9, 10.1, True),
        (10.0, 10.0, True),
        (19.9, 30.0, True),
        (20.0, 20.0, False),
    ],
)
def test_an_outage_lasts_from_its_first_instant_to_before_its_last(
    from_s: float, until_s: float, is_off: bool
) -> None:
    assert is_off == faults(OUTAGE).is_off(ONE, BOOT_S + from_s, BOOT_S + until_s)


def test_an_outage_is_of_one_gateway_or_of_all() -> None:
    everywhere = GatewayFault(kind=FaultKind.OUTAGE)

    assert not faults(OUTAGE).is_off(TWO, BOOT_S + 15, BOOT_S + 15)
    assert faults(everywhere).is_off(TWO, BOOT_S + 15, BOOT_S + 15)


def test_the_power_changes_when_an_outage_begins_and_ends() -> None:
    assert [BOOT_S + 10, BOOT_S + 20] == faults(OUTAGE).changes(ONE)
    assert [] == faults(OUTAGE).changes(TWO)


def test_a_gateway_without_power_sends_nothing() -> None:
    at_s = BOOT_S + 9.99
    sender = gateway()
    medium = Medium([CAPITOLE], region=EU868, seed=1, faults=faults(OUTAGE))
    radio = Radio(medium, [sender])
    radio.request(ONE, downlink(item()), at_s)
    radio.tick(BOOT_S + 12)

    assert [] == radio.transmissions()


def test_a_delay_is_added_with_its_jitter_both_decided_by_the_seed() -> None:
    late = GatewayFault(kind=FaultKind.BACKHAUL_DELAY, delay_s=0.5, jitter_s=0.2)
    keys = [bytes([number]) for number in range(200)]

    takes, same = (
        [faults(late).carry_s(ONE, key, BOOT_S + 1) for key in keys] for _ in range(2)
    )
    other = [faults(late, seed=2).carry_s(ONE, key, BOOT_S + 1) for key in keys]

    assert takes == same != other
    assert all(one is not None and 0.5 <= one < 0.7 for one in takes)


def test_a_loss_takes_its_share_of_the_messages() -> None:
    lossy = GatewayFault(
        kind=FaultKind.BACKHAUL_LOSS, gateway_id=ONE, share=0.3, until_s=100.0
    )
    chosen = faults(lossy)
    carried = [chosen.carry_s(ONE, b"", BOOT_S + at / 50) for at in range(1000)]

    assert 300 == pytest.approx(carried.count(None), abs=50)
    assert 0.0 == chosen.carry_s(TWO, b"", BOOT_S + 1)
    assert 0.0 == chosen.carry_s(ONE, b"", BOOT_S + 100)


def test_the_backhaul_keeps_the_order_and_tells_what_it_loses() -> None:
    jumpy = GatewayFault(kind=FaultKind.BACKHAUL_DELAY, jitter_s=0.05, until_s=5.0)
    dead = GatewayFault(kind=FaultKind.BACKHAUL_LOSS, from_s=5.0)
    now = BOOT_S + 1
    lost: list[str] = []
    came: list[int] = []

    async def run() -> None:
        nonlocal now
        line = Backhaul(faults(jumpy, dead), clock=lambda: now, on_lost=lost.append)
        everything = asyncio.Event()

        def deliver(number: int) -> None:
            came.append(number)
            if number == 19:
                everything.set()

        for number in range(20):
            key = bytes([number])
            assert line.carry(ONE, "up", key, lambda number=number: deliver(number))  # type: ignore[misc] # binds now
        await everything.wait()
        now = BOOT_S + 6
        assert not line.carry(ONE, "down", b"", lambda: came.append(99))

    asyncio.run(run())

    assert list(range(20)) == came
    assert ["down"] == lost


class Noted:
    """A forwarder that notes when it runs."""

    def __init__(self) -> None:
        self.gateway: Gateway = gateway()
        self.online = False
        self.notes: list[str] = []
        self.changed = asyncio.Event()

    def up(self, uplink: Uplink) -> bool:
        raise NotImplementedError

    def ack(self, ack: TxAck) -> bool:
        raise NotImplementedError

    def stats(self, now: float) -> None:
        raise NotImplementedError

    async def run(self) -> None:
        self.note("on")
        await asyncio.Event().wait()

    async def close(self) -> None:
        raise NotImplementedError

    def cut(self) -> None:
        self.note("off")

    def note(self, what: str) -> None:
        self.notes.append(what)
        self.changed.set()


@pytest.mark.parametrize(
    ("from_s", "notes"),
    [(0.0, ["on"]), (0.05, ["on", "off", "on"])],
    ids=["until now", "in a moment"],
)
def test_a_forwarder_runs_while_its_gateway_has_power(
    from_s: float, notes: list[str]
) -> None:
    noted = Noted()

    async def run() -> None:
        clock = asyncio.get_running_loop().time
        outage = GatewayFault(
            kind=FaultKind.OUTAGE, from_s=from_s, until_s=from_s + 0.05
        )
        switch = PowerSwitch(Faults([outage], begins_s=clock()), clock=clock)
        task = asyncio.create_task(switch.run(noted))
        while noted.notes != notes:
            await noted.changed.wait()
            noted.changed.clear()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(asyncio.wait_for(run(), 10))

    assert notes == noted.notes


def test_a_file_of_faults_is_read() -> None:
    text = json.dumps(
        [
            {"kind": "outage", "gateway_id": str(ONE), "from_s": 5, "until_s": 6},
            {"kind": "backhaul_delay", "delay_s": 0.5, "jitter_s": 0.1},
            {"kind": "backhaul_loss", "share": 0.2},
        ]
    )
    read = Faults.parse(text, begins_s=BOOT_S, seed=1)

    assert [BOOT_S + 5, BOOT_S + 6] == read.changes(ONE)
    carried = [read.carry_s(TWO, bytes([key]), BOOT_S) for key in range(100)]
    assert 20 == pytest.approx(carried.count(None), abs=12)
    assert all(one is None or 0.5 <= one < 0.6 for one in carried)


def test_everything_wrong_with_the_faults_is_told() -> None:
    text = json.dumps(
        [
            {"kind": "flood"},
            {"kind": "outage", "from_s": 9, "until_s": 8, "gateway_id": "x"},
            {"share": 2, "colour": "red"},
            7,
        ]
    )
    with pytest.raises(Malformed) as caught:
        Faults.parse(text)

    told = str(caught.value).splitlines()
    assert [1, 2, 2, 3, 3, 3, 4] == [int(line.split()[1][0]) for line in told]


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["kind", "from_s", "until_s", "share"]), inner, max_size=3
        )
    ),
    max_leaves=9,
)


@given(JSON)
def test_any_json_is_faults_or_malformed(document: Any) -> None:
    try:
        Faults.parse(json.dumps(document))
    except Malformed:
        return
    assert isinstance(document, list)
