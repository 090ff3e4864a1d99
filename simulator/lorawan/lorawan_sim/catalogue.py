"""From a declared city to devices: who can be simulated, and why somebody cannot."""

import csv
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from io import StringIO
from types import MappingProxyType
from typing import Any

import orjson

from lorawan_sim.behaviour import Maker, Reporting
from lorawan_sim.card import Card, Profile
from lorawan_sim.device import Device
from lorawan_sim.faults import FaultyDevice
from lorawan_sim.groups import Groups
from lorawan_sim.session import Session
from lorawan_sim.state import Record
from lorawan_sim.world import World
from wire.declared import DeclaredDevice
from wire.errors import Malformed, WireError
from wire.eui64 import EUI64
from wire.lorawan.keys import Key
from wire.lorawan.region import Region
from wire.scenario import Fault

# A run that was killed may have sent frames whose counters never reached the disk:
# sessions go on a little further, as devices do that write their flash in steps.
SKIPPED_F_CNTS = 16

_NEW = Record(dev_eui="", dev_nonce=0, session=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One device type: how its MAC is set up and what makes its behaviour."""

    profile: Profile
    behaviour: Maker


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """
    What a scenario wants of one device.

    `begins` is the Unix instant of second 0 of the run, from which faults count;
    `report_every_s` None is the type's own period, `starts_s` None the program's.
    """

    faults: tuple[Fault, ...] = ()
    begins: float = 0.0
    report_every_s: float | None = None
    starts_s: float | None = None


_AS_MADE = Plan()


def read_plans(text: str, *, begins: float) -> dict[EUI64, Plan]:
    """What a scenario wants of single devices, as JSON; Malformed if it is not that."""
    try:
        return {
            EUI64.parse(eui): Plan(
                faults=tuple(Fault(**fault) for fault in row["faults"]),
                begins=begins,
                report_every_s=row["report_every_s"],
                starts_s=row["starts_s"],
            )
            for eui, row in orjson.loads(text).items()
        }
    except (ValueError, TypeError, KeyError, AttributeError) as fault:
        raise Malformed(f"the plans of the devices cannot be read: {fault}") from fault


def read_keys(text: str) -> tuple[dict[EUI64, Key], list[str]]:
    """The root keys of `dev_eui,app_key` rows, and a sentence per wrong row."""
    keys: dict[EUI64, Key] = {}
    faults: list[str] = []
    for number, row in enumerate(csv.DictReader(StringIO(text)), start=2):
        try:
            keys[EUI64.parse(row["dev_eui"])] = Key.parse(row["app_key"])
        except (KeyError, AttributeError, TypeError):
            faults.append(f"keys, line {number}: dev_eui or app_key is missing")
        except WireError:  # its text would hold a key
            faults.append(f"keys, line {number}: 16 and 32 hexadecimal digits wanted")
    return keys, faults


def read_profile(device_type_toml: str, *, region: Region, late_s: float) -> Profile:
    """What the catalogue says of a type's MAC."""
    profile: dict[str, Any] = tomllib.loads(device_type_toml).get("profile", {})
    return Profile(
        region=region,
        mac_version=str(profile.get("mac_version", "1.0.3")),
        class_c=bool(profile.get("supports_class_c", False)),
        class_b=bool(profile.get("supports_class_b", False)),
        ping_periodicity=int(profile.get("class_b_ping_slot_periodicity", 0)),
        packages="ts005_version" in profile.get("app_layer_params", {}),
        late_s=late_s,
    )


def build(
    declared: Iterable[DeclaredDevice],
    *,
    keys: Mapping[EUI64, Key],
    kinds: Mapping[str, Kind],
    flash: Mapping[str, Record],
    world: World,
    seed: int,
    skipped: int = 0,
    plans: Mapping[EUI64, Plan] = MappingProxyType({}),
) -> tuple[list[Device], list[str]]:
    """
    The devices that can run, and one sentence for each that cannot.

    `plans` is what a scenario wants of single devices, by DevEUI.
    """
    devices: list[Device] = []
    faults: list[str] = []
    for row in declared:
        kind, key = kinds.get(row.device_type), keys.get(row.dev_eui)
        if kind is None:
            faults.append(f"{row.name}: no simulator for the type {row.device_type!r}")
        elif key is None:
            faults.append(f"{row.name}: no AppKey for {row.dev_eui} in the keys")
        else:
            record = flash.get(str(row.dev_eui), _NEW)
            plan = plans.get(row.dev_eui, _AS_MADE)
            made = _device(row, kind, key, record, world, seed, skipped, plan)
            if isinstance(made, Device):
                devices.append(made)
            else:
                faults.append(made)
    return devices, faults


def _device(
    row: DeclaredDevice,
    kind: Kind,
    key: Key,
    record: Record,
    world: World,
    seed: int,
    skipped: int,
    plan: Plan,
) -> Device | str:
    card = Card(
        dev_eui=row.dev_eui,
        join_eui=row.join_eui,
        app_key=key,
        latitude=row.latitude,
        longitude=row.longitude,
    )
    behaviour = kind.behaviour(
        seed=_seed(seed, row.dev_eui),
        world=world,
        latitude=row.latitude,
        longitude=row.longitude,
    )
    if plan.report_every_s is not None:
        if not isinstance(behaviour, Reporting):
            return f"{row.name}: a {row.device_type} has no period of its reports"
        behaviour.report_every(plan.report_every_s)
    session, groups = _session(record, skipped), Groups.from_json(record.groups)
    if not plan.faults:
        return Device(
            card,
            behaviour,
            kind.profile,
            seed=seed,
            dev_nonce=record.dev_nonce,
            session=session,
            groups=groups,
        )
    return FaultyDevice(
        card,
        behaviour,
        kind.profile,
        faults=plan.faults,
        begins=plan.begins,
        seed=seed,
        dev_nonce=record.dev_nonce,
        session=session,
        groups=groups,
    )


def _session(record: Record, skipped: int) -> Session | None:
    if record.session is None:
        return None
    session = Session.from_json(record.session)
    session.f_cnt_up += skipped
    return session


def _seed(seed: int, dev_eui: EUI64) -> int:
    return int.from_bytes(blake2b(f"{seed}/{dev_eui}".encode(), digest_size=8).digest())
