"""
The multicast groups of a city: who sends for them, and which keys they have.

A group's keys are made here, at random, and live in ChirpStack alone. Its address is
made of its key, so a lamp that names the address has that key and no older one.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import blake2b
from math import cos, hypot, radians

from city.objects import Group
from provisioning.network import Groups
from provisioning.outcome import Outcome, Verdict
from wire.declared import DeclaredDevice, DeclaredGateway
from wire.groups import DeclaredGroup
from wire.lorawan.region.catalogue import find_region

KEY_BYTES = 16
RX2_DATA_RATES = {"EU868": 3}
"""Where both servers' file of a region has not the region's own RX2."""

# NetID 000000 leaves 25 bits of an address; ChirpStack gives devices some of the same.
_ADDRESS_BITS = 25


def group_of(declared: DeclaredGroup, application_id: str, region: str) -> Group:
    """Return a group as it should be, with new keys."""
    table, rule = find_region(region), declared.rule
    usual = RX2_DATA_RATES.get(table.common_name, table.rx2_data_rate)
    nwk_s_key = secrets.token_bytes(KEY_BYTES)
    return Group(
        name=declared.name,
        application_id=application_id,
        mc_addr=address_of(nwk_s_key),
        mc_nwk_s_key=nwk_s_key.hex(),
        mc_app_s_key=secrets.token_bytes(KEY_BYTES).hex(),
        data_rate=usual if rule.data_rate is None else rule.data_rate,
        frequency_hz=rule.frequency_hz or table.rx2_frequency_hz,
        region=table.common_name,
    )


def address_of(nwk_s_key: bytes) -> str:
    """Return the address that goes with a group's key; it tells nothing of the key."""
    digest = int.from_bytes(blake2b(nwk_s_key, digest_size=4).digest())
    return f"{digest % (1 << _ADDRESS_BITS):08x}"


def nearest_gateways(
    gateways: Sequence[DeclaredGateway], members: Iterable[DeclaredDevice]
) -> list[str]:
    """Return the gateways that are the nearest to some member: few, and near enough."""
    chosen = {
        min(gateways, key=lambda one: _distance(one, member)).gateway_id
        for member in members
        if gateways
    }
    return sorted(map(str, chosen))


def settle_group(
    network: Groups,
    declared: DeclaredGroup,
    wanted: Group,
    senders: Sequence[str],
    *,
    write: bool,
) -> Outcome:
    """Create a group or bring it to what is wanted; its keys and counter stay."""
    found = [
        one.id
        for one in network.listed(wanted.application_id)
        if one.name == declared.name
    ]
    if not found:
        return _created(network, wanted, senders, write=write)
    there = network.get(found[0])
    changed = [
        name
        for name in ("data_rate", "frequency_hz", "region")
        if getattr(there, name) != getattr(wanted, name)
    ]
    if changed and write:
        network.update(
            replace(
                there,
                data_rate=wanted.data_rate,
                frequency_hz=wanted.frequency_hz,
                region=wanted.region,
            )
        )
    changed += _settle_gateways(network, there, senders, write=write)
    changed += _settle_members(network, there, declared, write=write)
    verdict: Verdict = "updated" if changed else "unchanged"
    return _outcome(declared.name, there.id, verdict, ", ".join(changed))


def _created(
    network: Groups, wanted: Group, senders: Sequence[str], *, write: bool
) -> Outcome:
    if not write:
        return _outcome(wanted.name, "", "created")
    group_id = network.create(wanted)
    for gateway_id in senders:
        network.add_gateway(group_id, gateway_id)
    return _outcome(wanted.name, group_id, "created")


def _settle_gateways(
    network: Groups, there: Group, senders: Sequence[str], *, write: bool
) -> list[str]:
    found, wanted = set(network.gateways(there)), set(senders)
    if write:
        for gateway_id in sorted(wanted - found):
            network.add_gateway(there.id, gateway_id)
        for gateway_id in sorted(found - wanted):
            network.remove_gateway(there.id, gateway_id)
    return ["gateways"] if found != wanted else []


def _settle_members(
    network: Groups, there: Group, declared: DeclaredGroup, *, write: bool
) -> list[str]:
    """Take out who moved away; a device comes in with its keys, not before."""
    wanted = {str(device.dev_eui) for device in declared.members}
    gone = sorted(set(network.members(there)) - wanted)
    for dev_eui in gone if write else ():
        network.remove_device(there.id, dev_eui)
    return ["members"] if gone else []


def _outcome(name: str, id_: str, verdict: Verdict, why: str = "") -> Outcome:
    return Outcome(kind="multicast group", name=name, id=id_, verdict=verdict, why=why)


def _distance(gateway: DeclaredGateway, device: DeclaredDevice) -> float:
    east = (gateway.longitude - device.longitude) * cos(radians(device.latitude))
    return hypot(gateway.latitude - device.latitude, east)
