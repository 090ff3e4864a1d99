"""The declared city: what its three files say, read purely and judged whole."""

import csv
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from io import StringIO
from math import isfinite
from typing import Any, Self

from wire.errors import Malformed
from wire.eui64 import EUI64
from wire.groups import DeclaredGroup, GroupRule, groups_of, read_rules
from wire.lorawan.region.catalogue import REGIONS
from wire.radio.plan import RadioPlan

GATEWAY_COLUMNS = ("gateway_id", "name", "latitude", "longitude", "altitude_m")
DEVICE_COLUMNS = (
    "name",
    "device_type",
    "dev_eui",
    "join_eui",
    "latitude",
    "longitude",
    "street",
    "district",
    "box",
)
_TRUTHS = {"yes": True, "no": False, "": False}
_CITY_FILE = "city.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredGateway:
    """One row of gateways.csv; degrees and metres."""

    gateway_id: EUI64
    name: str
    latitude: float
    longitude: float
    altitude_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredDevice:
    """
    One row of devices.csv.

    ``box``: powered, but left for a technician to add. ``indoors`` (a column that
    may be missing): behind walls, where the radio profile knows of walls.
    """

    name: str
    device_type: str
    dev_eui: EUI64
    join_eui: EUI64
    latitude: float
    longitude: float
    street: str
    district: str
    box: bool
    indoors: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredCity:
    """A whole city: names, seed, gateways and devices in the order of the files."""

    name: str
    seed: int
    region: str
    tenant: str
    application: str
    gateways: tuple[DeclaredGateway, ...]
    devices: tuple[DeclaredDevice, ...]
    radio: RadioPlan = field(default_factory=RadioPlan)
    group_rules: tuple[GroupRule, ...] = ()

    @classmethod
    def parse(cls, *, city_toml: str, gateways_csv: str, devices_csv: str) -> Self:
        """Read the three texts; one Malformed names every fault, a line each."""
        faults: list[str] = []
        head = _Head.read(city_toml, faults)
        gateways = tuple(_gateways(gateways_csv, faults))
        devices = tuple(_devices(devices_csv, faults))
        faults += _region_faults(head.text("city", "region", default="eu868"))
        radio, radio_faults = RadioPlan.read(head.table("radio"))
        faults += [f"{_CITY_FILE}: {fault}" for fault in radio_faults]
        rules = read_rules(head.tables.get("groups", []), faults)
        _unique("gateways.csv", "gateway_id", (g.gateway_id for g in gateways), faults)
        _unique("devices.csv", "dev_eui", (d.dev_eui for d in devices), faults)
        _unique("devices.csv", "name", (d.name for d in devices), faults)
        if faults:
            raise Malformed("\n".join(faults))
        return cls(
            name=head.text("city", "name"),
            seed=head.whole("city", "seed"),
            region=head.text("city", "region", default="eu868"),
            tenant=head.text("chirpstack", "tenant"),
            application=head.text("chirpstack", "application"),
            gateways=gateways,
            devices=devices,
            radio=radio,
            group_rules=rules,
        )

    @property
    def groups(self) -> list[DeclaredGroup]:
        """The multicast groups of the devices the city provisions."""
        return groups_of(self.group_rules, self.provisioned)

    @property
    def indoors(self) -> frozenset[EUI64]:
        """Devices behind walls."""
        return frozenset(device.dev_eui for device in self.devices if device.indoors)

    @property
    def provisioned(self) -> tuple[DeclaredDevice, ...]:
        """Devices the city itself provisions: all but those in the box."""
        return tuple(device for device in self.devices if not device.box)


def _region_faults(name: str) -> list[str]:
    if name in REGIONS:
        return []
    return [f"{_CITY_FILE}: region is {name!r}, not one of {', '.join(REGIONS)}"]


@dataclass(frozen=True, slots=True)
class _Head:
    """The tables of city.toml."""

    tables: Mapping[str, Any]
    faults: list[str]

    @classmethod
    def read(cls, text: str, faults: list[str]) -> Self:
        tables: Mapping[str, Any] = {}
        try:
            tables = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            faults.append(f"{_CITY_FILE}: is not TOML: {error}")
            return cls(tables, [])
        head = cls(tables, faults)
        head.text("city", "name")
        head.whole("city", "seed")
        head.text("city", "region", default="eu868")
        head.text("chirpstack", "tenant")
        head.text("chirpstack", "application")
        return head

    def table(self, name: str) -> Mapping[str, Any]:
        """A whole table; empty when it is missing."""
        inside = self.tables.get(name, {})
        if isinstance(inside, dict):
            return inside
        self.faults.append(f"{_CITY_FILE}: [{name}] is a table, not {inside!r}")
        return {}

    def _value(self, table: str, key: str) -> Any:
        return self.table(table).get(key)

    def text(self, table: str, key: str, default: str = "") -> str:
        value = self._value(table, key)
        if value is None and default:
            return default
        if not isinstance(value, str) or not value.strip():
            self.faults.append(
                f"{_CITY_FILE}: [{table}] {key} is a text, not {value!r}"
            )
            return ""
        return value

    def whole(self, table: str, key: str) -> int:
        value = self._value(table, key)
        if not isinstance(value, int) or isinstance(value, bool):
            self.faults.append(
                f"{_CITY_FILE}: [{table}] {key} is a whole number, not {value!r}"
            )
            return 0
        return value


@dataclass(frozen=True, slots=True)
class _Row:
    """One data row of a CSV file and where it stands."""

    where: str
    cells: Mapping[str, str]
    faults: list[str]

    def text(self, column: str) -> str:
        value = self.cells[column].strip()
        if not value:
            self.faults.append(f"{self.where}: {column} is empty")
        return value

    def eui(self, column: str) -> EUI64:
        try:
            return EUI64.parse(self.cells[column])
        except Malformed as fault:
            self.faults.append(f"{self.where}: {column}: {fault}")
            return EUI64(bytes(8))

    def number(self, column: str, limit: float) -> float:
        text = self.cells[column].strip()
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not isfinite(value) or abs(value) > limit:
            self.faults.append(
                f"{self.where}: {column} is a number within ±{limit:g}, not {text!r}"
            )
        return value

    def truth(self, column: str) -> bool:
        text = self.cells.get(column, "").strip().lower()
        if text not in _TRUTHS:
            self.faults.append(f"{self.where}: {column} is yes or empty, not {text!r}")
        return _TRUTHS.get(text, False)


def _rows(
    file: str, text: str, columns: tuple[str, ...], faults: list[str]
) -> Iterator[_Row]:
    reader = csv.DictReader(StringIO(text.removeprefix("\ufeff")), strict=True)
    try:
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            faults.append(f"{file}: has no column {', '.join(missing)}")
            return
        for cells in reader:
            where = f"{file}:{reader.line_num}"
            if None in cells or None in cells.values():
                faults.append(f"{where}: has not as many cells as the header")
                continue
            yield _Row(where, cells, faults)
    except csv.Error as error:
        faults.append(f"{file}: is not CSV: {error}")


def _gateways(text: str, faults: list[str]) -> Iterator[DeclaredGateway]:
    for row in _rows("gateways.csv", text, GATEWAY_COLUMNS, faults):
        yield DeclaredGateway(
            gateway_id=row.eui("gateway_id"),
            name=row.text("name"),
            latitude=row.number("latitude", 90),
            longitude=row.number("longitude", 180),
            altitude_m=row.number("altitude_m", 10_000),
        )


def _devices(text: str, faults: list[str]) -> Iterator[DeclaredDevice]:
    for row in _rows("devices.csv", text, DEVICE_COLUMNS, faults):
        yield DeclaredDevice(
            name=row.text("name"),
            device_type=row.text("device_type"),
            dev_eui=row.eui("dev_eui"),
            join_eui=row.eui("join_eui"),
            latitude=row.number("latitude", 90),
            longitude=row.number("longitude", 180),
            street=row.cells["street"].strip(),
            district=row.cells["district"].strip(),
            box=row.truth("box"),
            indoors=row.truth("indoors"),
        )


def _unique(
    file: str, column: str, values: Iterable[object], faults: list[str]
) -> None:
    seen: set[object] = set()
    for value in values:
        if value in seen:
            faults.append(f"{file}: {column} {value} stands twice")
        seen.add(value)
