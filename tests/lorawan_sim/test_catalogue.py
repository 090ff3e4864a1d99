"""A city becomes devices; one that cannot run is a sentence, the rest run."""

from dataclasses import replace

from tests.lorawan_sim.network import CLASS_A, CLASS_C, Script, joined

from lorawan_sim.behaviour import Behaviour
from lorawan_sim.catalogue import Kind, build, read_keys, read_profile
from lorawan_sim.state import Record
from lorawan_sim.world import SimulatedWorld, World
from wire.declared import DeclaredDevice
from wire.eui64 import EUI64
from wire.lorawan.keys import Key
from wire.lorawan.region.eu868 import EU868

LAMP = DeclaredDevice(
    name="lamp-01",
    device_type="street-light",
    dev_eui=EUI64.parse("0102030405060708"),
    join_eui=EUI64.parse("0000000000000001"),
    latitude=43.6,
    longitude=1.44,
    street="",
    district="",
    box=False,
)
KEY = Key(bytes(16))
WORLD = SimulatedWorld(seed=1, starts_at=0.0, begins=0.0)


def script(*, seed: int, world: World, latitude: float, longitude: float) -> Behaviour:
    del seed, world, latitude, longitude
    return Script()


KINDS = {"street-light": Kind(profile=CLASS_C, behaviour=script)}


def test_a_row_a_key_and_a_kind_make_a_device() -> None:
    devices, faults = build(
        [LAMP], keys={LAMP.dev_eui: KEY}, kinds=KINDS, flash={}, world=WORLD, seed=1
    )

    assert [LAMP.dev_eui] == [device.card.dev_eui for device in devices]
    assert [] == faults


def test_who_cannot_run_is_named_and_the_others_run() -> None:
    keyless = replace(LAMP, name="lamp-02", dev_eui=EUI64(bytes(8)))
    unknown = replace(LAMP, name="bin-01", device_type="waste-bin")

    devices, faults = build(
        [keyless, unknown, LAMP],
        keys={LAMP.dev_eui: KEY},
        kinds=KINDS,
        flash={},
        world=WORLD,
        seed=1,
    )

    assert 1 == len(devices)
    assert [
        "lamp-02: no AppKey for 0000000000000000 in the keys",
        "bin-01: no simulator for the type 'waste-bin'",
    ] == faults


def test_flash_gives_a_device_its_nonce_and_its_session_back() -> None:
    city, _ = joined()
    session = city.device.record().session
    flash = Record(dev_eui=str(LAMP.dev_eui), dev_nonce=9, session=session)

    (device,), _ = build(
        [LAMP],
        keys={LAMP.dev_eui: KEY},
        kinds=KINDS,
        flash={str(LAMP.dev_eui): flash},
        world=WORLD,
        seed=1,
        skipped=16,
    )

    assert device.session is not None
    assert (9, 16) == (device.record().dev_nonce, device.session.f_cnt_up)


def test_keys_are_read_and_a_wrong_row_shows_no_key() -> None:
    keys, faults = read_keys(
        f"dev_eui,app_key\n{LAMP.dev_eui},{'0a' * 16}\n0102,{'0b' * 16}\n"
        f"{LAMP.dev_eui},beef\n0102030405060709\n"
    )

    assert {LAMP.dev_eui: Key(b"\x0a" * 16)} == keys
    assert [
        "keys, line 3: 16 and 32 hexadecimal digits wanted",
        "keys, line 4: 16 and 32 hexadecimal digits wanted",
        "keys, line 5: dev_eui or app_key is missing",
    ] == faults


def test_the_catalogue_says_class_and_version() -> None:
    profile = read_profile(
        '[profile]\nsupports_class_c = true\nmac_version = "1.0.4"\n',
        region=EU868,
        late_s=0.5,
    )

    assert (True, "1.0.4", 0.5) == (
        profile.class_c,
        profile.mac_version,
        profile.late_s,
    )
    assert profile.max_f_cnt_gap is None
    assert not CLASS_A.class_c
