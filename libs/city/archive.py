"""
The raw archive: every event of every kind, byte for byte, as Parquet in the store.

One object per kind, day and range of a partition's stream, and one manifest per range
that names them with size and checksum. A range's keys are made of its ids, so writing
it again overwrites it with itself; the ranges of a partition follow one another without
gap, and reading back checks that.

    raw/kind=<kind>/date=<YYYY-MM-DD>/p<NN>/<first>-<last>.parquet
    raw/_manifest/p<NN>/<first>-<last>.json
"""

import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from city.errors import BadArchive
from city.s3 import Bucket

KINDS: Final = frozenset(
    {
        "up",
        "join",
        "ack",
        "txack",
        "log",
        "status",
        "location",
        "integration",
    }
)
OTHER: Final = "other"
BEGINNING: Final = "0-0"
DAY_MS: Final = 86_400_000

_TOPIC: Final = re.compile(
    r"application/([^/]+)/device/([0-9a-fA-F]{16})/event/([^/]+)\Z"
)

SCHEMA: Final = pa.schema(
    [
        ("id", pa.string()),
        ("received_at", pa.timestamp("ms", "UTC")),
        ("topic", pa.string()),
        ("payload", pa.binary()),
        # What follows only helps to find things; the payload says it all.
        ("application_id", pa.string()),
        ("dev_eui", pa.string()),
        ("device_name", pa.string()),
        ("device_type", pa.string()),
        ("time", pa.string()),
        ("dev_addr", pa.string()),
        ("f_cnt", pa.int64()),
        ("f_port", pa.int64()),
        ("dr", pa.int64()),
        ("deduplication_id", pa.string()),
    ]
)


_NO_HELPERS: Final = (None,) * 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One entry of a partition's stream; its id says when it was received."""

    id: str
    topic: str
    payload: bytes

    @property
    def received_ms(self) -> int:
        """Unix milliseconds at which it was stored."""
        return int(self.id.partition("-")[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One Parquet object of a range."""

    key: str
    kind: str
    date: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What was kept of one range; ``after`` is the last id of the range before it."""

    partition: int
    after: str
    first: str
    last: str
    count: int
    parts: tuple[Part, ...]

    @property
    def key(self) -> str:
        """Where it is kept."""
        return f"{_folder(self.partition)}{self.first}-{self.last}.json"

    def __bytes__(self) -> bytes:
        """Return its JSON."""
        return orjson.dumps({"version": 1, **asdict(self)}, option=orjson.OPT_INDENT_2)

    @classmethod
    def parse(cls, data: bytes) -> "Manifest":
        """Read its JSON; BadArchive if it is none."""
        try:
            found = orjson.loads(data)
            parts = tuple(Part(**part) for part in found["parts"])
            return cls(
                partition=int(found["partition"]),
                after=found["after"],
                first=found["first"],
                last=found["last"],
                count=int(found["count"]),
                parts=parts,
            )
        except (ValueError, KeyError, TypeError) as error:
            raise BadArchive(f"not a manifest: {error!r}") from error


class Archive:
    """The raw archive in one bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def keep(
        self, partition: int, records: Sequence[Record], *, after: str
    ) -> Manifest:
        """Keep a range: its objects first, each read back, and then its manifest."""
        parts = [
            self._keep_part(partition, kind, date, group)
            for (kind, date), group in _groups(records).items()
        ]
        manifest = Manifest(
            partition=partition,
            after=after,
            first=records[0].id,
            last=records[-1].id,
            count=len(records),
            parts=tuple(parts),
        )
        self._bucket.keep(manifest.key, bytes(manifest))
        return manifest

    def manifests(self) -> list[Manifest]:
        """Return all manifests by partition and range; BadArchive if one is missing."""
        # A store may list a key twice while the object is being overwritten by itself.
        names = set(self._bucket.keys(_folder()))
        found = [Manifest.parse(self._bucket.read(name)) for name in names]
        found.sort(key=lambda m: (m.partition, order(m.first)))
        _check_chain(found)
        return found

    def count(self, *, kind: str | None = None) -> int:
        """Count what is kept, by manifests whose objects are there in full size."""
        parts = list(self._parts(kind))
        for part in parts:
            size = self._bucket.size(part.key)
            if size != part.bytes:
                raise BadArchive(f"{part.key} has {size} bytes, not {part.bytes}")
        return sum(part.rows for part in parts)

    def read(self, *, kind: str | None = None) -> Iterator[Record]:
        """Yield every record, partition by partition, checking each object."""
        for part in self._parts(kind):
            yield from self._records(part)

    def _keep_part(
        self, partition: int, kind: str, date: str, group: Sequence[Record]
    ) -> Part:
        key = (
            f"raw/kind={kind}/date={date}/p{partition:02d}"
            f"/{group[0].id}-{group[-1].id}.parquet"
        )
        kept = self._bucket.keep(key, to_parquet(group))
        return Part(
            key=key,
            kind=kind,
            date=date,
            rows=len(group),
            bytes=kept.bytes,
            sha256=kept.sha256,
        )

    def _parts(self, kind: str | None) -> Iterator[Part]:
        for manifest in self.manifests():
            yield from (p for p in manifest.parts if kind in {None, p.kind})

    def _records(self, part: Part) -> list[Record]:
        body = self._bucket.read(part.key)
        if hashlib.sha256(body).hexdigest() != part.sha256:
            raise BadArchive(f"{part.key} is not what its manifest says")
        records = from_parquet(body)
        if len(records) != part.rows:
            raise BadArchive(f"{part.key} has {len(records)} rows, not {part.rows}")
        return records


def to_parquet(records: Sequence[Record]) -> bytes:
    """Return records as one Parquet file: the same bytes for the same records."""
    rows = zip(*map(_row, records), strict=True)
    columns = [pa.array(c, f.type) for c, f in zip(rows, SCHEMA, strict=True)]
    table = pa.Table.from_arrays(columns, schema=SCHEMA)
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue()


def from_parquet(body: bytes) -> list[Record]:
    """Return the records of a Parquet file."""
    table = pq.read_table(io.BytesIO(body), columns=["id", "topic", "payload"])
    return [Record(**row) for row in table.to_pylist()]


def order(entry_id: str) -> tuple[int, int]:
    """Return an entry's id as numbers, which sort."""
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence or 0)


@lru_cache(maxsize=1 << 14)
def kind_of(topic: str) -> str:
    """Return the kind a topic is kept under."""
    found = _TOPIC.match(topic)
    return found[3] if found and found[3] in KINDS else OTHER


def _groups(records: Iterable[Record]) -> dict[tuple[str, str], list[Record]]:
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        kind, day = kind_of(record.topic), _day(record.received_ms // DAY_MS)
        groups.setdefault((kind, day), []).append(record)
    return groups


@lru_cache(maxsize=16)
def _day(number: int) -> str:
    """Return the date of a day, counted from 1970."""
    return datetime.fromtimestamp(number * DAY_MS / 1000, UTC).date().isoformat()


def _row(record: Record) -> tuple[Any, ...]:
    """Return one value for each column of the schema."""
    application_id, dev_eui = _named(record.topic)
    return (
        record.id,
        record.received_ms,
        record.topic,
        record.payload,
        application_id,
        dev_eui,
        *_helpers(record.payload),
    )


@lru_cache(maxsize=1 << 14)  # a device says the same topic again and again
def _named(topic: str) -> tuple[str | None, str | None]:
    found = _TOPIC.match(topic)
    return (found[1], found[2].lower()) if found else (None, None)


def _helpers(payload: bytes) -> tuple[str | int | None, ...]:
    try:
        document = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return _NO_HELPERS
    if not isinstance(document, dict):
        return _NO_HELPERS
    info = document.get("deviceInfo")
    info = info if isinstance(info, dict) else {}
    tags = info.get("tags")
    tags = tags if isinstance(tags, dict) else {}
    return (
        _text(info.get("deviceName")),
        _text(tags.get("device_type")),
        _text(document.get("time")),
        _text(document.get("devAddr")),
        _number(document.get("fCnt")),
        _number(document.get("fPort")),
        _number(document.get("dr")),
        _text(document.get("deduplicationId")),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> int | None:
    # A hostile event may carry a number that fits no column; the payload keeps it.
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and -(1 << 63) <= value < 1 << 63 else None


def _folder(partition: int | None = None) -> str:
    return "raw/_manifest/" + (f"p{partition:02d}/" if partition is not None else "")


def _check_chain(manifests: Sequence[Manifest]) -> None:
    """Each range must begin where the one before it ended."""
    ends: dict[int, str] = {}
    for manifest in manifests:
        expected = ends.get(manifest.partition, BEGINNING)
        if manifest.after != expected:
            raise BadArchive(
                f"partition {manifest.partition} has nothing between {expected} "
                f"and {manifest.after}: a manifest is missing or doubled"
            )
        ends[manifest.partition] = manifest.last


__all__ = [
    "BEGINNING",
    "KINDS",
    "OTHER",
    "SCHEMA",
    "Archive",
    "Manifest",
    "Part",
    "Record",
    "from_parquet",
    "kind_of",
    "order",
    "to_parquet",
]
