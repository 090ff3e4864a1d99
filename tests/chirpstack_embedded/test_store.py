"""The store keeps what it accepted, and nothing else."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from tests.chirpstack_embedded.conftest import DEV_EUI, World

from chirpstack_embedded.errors import NotStored
from chirpstack_embedded.history import UplinkHistory, UplinkRecord
from chirpstack_embedded.model import (
    Channel,
    HeardUplink,
    QueueItem,
    Reception,
    Session,
)
from chirpstack_embedded.store import Store
from chirpstack_embedded.store.schema import FIRST, SCHEMA_VERSION
from chirpstack_embedded.store.session_json import dump_session, load_session

EUI = str(DEV_EUI)
SESSION = Session(
    region_config_id="eu868",
    dev_addr="01a7c3e5",
    mac_version="1.0.3",
    nwk_s_key=bytes(range(16)),
    app_s_key=bytes(16),
    f_cnt_down=7,
    enabled_uplink_channels=[0, 1, 2, 3],
    extra_uplink_channels={3: Channel(frequency_hz=867_100_000, data_rates=(0, 5))},
    mac_command_pending={3: b"\x03\x50\xff\x00\x01"},
    mac_command_error_count={7: 2},
    uplink_adr_history=UplinkHistory(
        [
            UplinkRecord(
                f_cnt=1,
                max_snr_db=6.5,
                max_rssi_dbm=-97,
                tx_power_index=0,
                gateway_count=2,
            )
        ]
    ),
    gateway_history=[
        HeardUplink(
            dr=5,
            receptions=(
                Reception(
                    gateway_id="0016c001f1500a2b",
                    rssi_dbm=-97,
                    snr_db=6.5,
                    board=1,
                    antenna=2,
                    context=b"\x00\xff",
                ),
            ),
        )
    ],
    last_device_status_request_at=12.5,
)


def reopened(world: World, path: Path) -> World:
    """The same files under another process's eyes."""
    world.store.close()
    again = World()
    again.store.close()
    again.store = Store(path, world.now)
    again.context.devices = again.store.devices
    again.context.keys = again.store.keys
    again.context.gateways = again.store.gateways
    again.session, again.f_cnt, again.now = world.session, world.f_cnt, world.now
    return again


@pytest.fixture
def on_disk(tmp_path: Path) -> World:
    world = World()
    world.store.close()
    world.store = Store(tmp_path / "server.sqlite", world.now)
    world.context.devices = world.store.devices
    world.context.keys = world.store.keys
    world.context.gateways = world.store.gateways
    return world


def test_a_session_comes_back_as_it_was() -> None:
    assert SESSION == load_session(dump_session(SESSION))


def test_a_session_of_before_lorawan_1_1_is_read_as_one_of_1_0() -> None:
    new = {"s_nwk_s_int_key", "nwk_s_enc_key", "a_f_cnt_down", "uplink_dwell_400ms"}
    document = orjson.loads(dump_session(SESSION))
    assert new <= document.keys()
    old = {name: value for name, value in document.items() if name not in new}

    assert SESSION == load_session(orjson.dumps(old))


def test_a_session_of_lorawan_1_1_comes_back_with_all_its_keys() -> None:
    session = replace(
        SESSION,
        mac_version="1.1.0",
        s_nwk_s_int_key=b"\2" * 16,
        nwk_s_enc_key=b"\3" * 16,
        a_f_cnt_down=9,
        rejoin_request_enabled=True,
    )

    assert session == load_session(dump_session(session))
    assert 9 == session.app_f_cnt_down


def test_a_session_written_before_histories_were_packed_is_read() -> None:
    document = orjson.loads(dump_session(SESSION))
    document["uplink_adr_history"] = [[1, 6.5, -97, 0, 2]]

    assert SESSION == load_session(orjson.dumps(document))


def test_a_history_keeps_the_last_twenty_uplinks() -> None:
    records = [UplinkRecord(f_cnt, -7.25, -2000, 1, 3) for f_cnt in range(25)]

    history = UplinkHistory(records)

    assert records[5:] == list(history)
    assert (20, 24) == (len(history), history.last_f_cnt)


def test_keys_and_contexts_are_not_shown() -> None:
    assert bytes(range(16)).hex() not in repr(SESSION)
    assert repr(bytes(range(16))) not in repr(SESSION)


def test_a_restart_loses_no_counter_no_queue_and_no_channel(
    on_disk: World, tmp_path: Path
) -> None:
    on_disk.given_joined(supports_class_c=True)
    on_disk.when_uplink()
    on_disk.given_queued(confirmed=True)
    on_disk.when_time_passes(6)
    on_disk.when_tx_ack()
    before = on_disk.device

    again = reopened(on_disk, tmp_path / "server.sqlite")

    assert before.session == again.device.session
    assert before.queue == again.device.queue
    assert (before.f_cnt_up, before.enabled_class, before.scheduler_run_after) == (
        again.device.f_cnt_up,
        again.device.enabled_class,
        again.device.scheduler_run_after,
    )
    again.when_uplink()
    assert 1 == again.then_event("up")["fCnt"]


def test_used_dev_nonces_stay_used_over_a_restart(
    on_disk: World, tmp_path: Path
) -> None:
    on_disk.given_gateways()
    on_disk.given_device()
    on_disk.when_join(nonce=5)

    again = reopened(on_disk, tmp_path / "server.sqlite")
    again.when_join(nonce=5)

    assert "OTAA" == again.then_event("log")["code"]


class PowerCut(Exception):
    """What ends a transaction before its commit."""


def cut_short(world: World, step: Callable[[], object]) -> None:
    """Do ``step`` in a transaction that fails at its end."""

    def interrupted() -> None:
        with world.store.transaction():
            step()
            raise PowerCut

    with pytest.raises(PowerCut):
        interrupted()


def test_a_failed_transaction_leaves_no_trace(world: World) -> None:
    world.given_joined()

    def change() -> None:
        world.device.f_cnt_up = 99
        world.store.devices.save(world.device)
        world.store.devices.enqueue(
            world.device,
            QueueItem(id="x", dev_eui=EUI, created_at=0, f_port=1, data=b""),
        )
        world.store.outbox.add([("t", b"p")])

    cut_short(world, change)

    assert (0, []) == (world.device.f_cnt_up, world.device.queue)
    assert [] == world.store.outbox.waiting()


def test_transactions_nest_and_only_the_outermost_commits(world: World) -> None:
    def inner() -> None:
        with world.store.transaction():
            world.store.outbox.add([("t", b"p")])

    cut_short(world, inner)

    assert [] == world.store.outbox.waiting()


def test_the_outbox_keeps_order_and_bytes_until_told(world: World) -> None:
    with world.store.transaction():
        for number in range(3):
            world.store.outbox.add([(f"t/{number}", bytes((number,)))])
    first, second, third = world.store.outbox.waiting()

    with world.store.transaction():
        world.store.outbox.remove([second.id])

    assert [first, third] == world.store.outbox.waiting()
    assert ("t/0", b"\x00") == (first.topic, first.payload)


def test_a_duplicate_queue_id_is_the_databases_own_sentence(world: World) -> None:
    world.given_joined()
    world.given_queued(id_="x")

    with pytest.raises(NotStored, match="UNIQUE constraint failed"):
        world.given_queued(id_="x")


def test_a_database_of_a_later_version_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path / "x", 0.0)
    store.database.execute("pragma user_version = 99")
    store.close()

    with pytest.raises(NotStored, match="schema 99"):
        Store(tmp_path / "x", 0.0)


def test_a_database_of_an_earlier_version_is_brought_up_to_date(tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / "x")
    old.executescript(f"{FIRST} pragma user_version = 1;")
    old.execute("insert into tenant values ('t', 0, 0, 'kept', x'')")
    old.commit()
    old.close()

    store = Store(tmp_path / "x", 0.0)

    assert ["kept"] == [
        row["name"] for row in store.database.all("select * from tenant")
    ]
    assert [] == store.multicast.find()
    assert SCHEMA_VERSION == store.database.count("pragma user_version")
    store.close()


def test_a_deleted_device_is_forgotten_by_its_address(world: World) -> None:
    world.given_joined()
    with world.store.transaction():
        world.store.devices.delete(EUI)

    world.when_uplink()

    assert {"unknown_dev_addr": 1} == world.then_causes()


def test_events_and_counters_leave_in_one_commit(world: World) -> None:
    world.given_joined()
    assert world.session is not None
    world.when_frame(world.session.uplink(f_cnt=0, f_port=1, payload=b"x"), wait_s=0.1)

    def judge() -> None:
        world.server.tick(world.now + 0.2)
        for event in world.server.events():
            world.store.outbox.add([(event.topic, event.payload)])
        assert world.store.outbox.waiting()

    cut_short(world, judge)

    assert (0, []) == (world.device.f_cnt_up, world.store.outbox.waiting())


def test_only_the_named_events_leave_the_outbox() -> None:
    store = Store(":memory:", 0.0)
    with store.transaction():
        added = store.outbox.add((str(number), b"") for number in range(9))
        store.outbox.remove(added[number].id for number in (7, 1, 2, 3, 5))

    assert ["0", "4", "6", "8"] == [event.topic for event in store.outbox.waiting()]
    store.close()
