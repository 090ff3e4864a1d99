"""The archive in a real store: lossless, repeatable, and it knows what lacks."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.servers import Server, free_port, rclone_s3

from city.archive import (
    BEGINNING,
    Archive,
    Manifest,
    Record,
    from_parquet,
    kind_of,
    order,
    to_parquet,
)
from city.errors import BadArchive, NotThere, Unreachable
from city.s3 import Bucket
from city.settings import S3

EUI = "a81758fffe0301c4"
DAY_MS = 86_400_000
NAMES = count(1)


@pytest.fixture(scope="module")
def store() -> Iterator[Server]:
    with rclone_s3() as server:
        yield server


@pytest.fixture
def bucket(store: Server) -> Bucket:
    bucket = Bucket(settings_of(store))
    assert bucket.ensure()
    return bucket


@pytest.fixture
def archive(bucket: Bucket) -> Archive:
    return Archive(bucket)


def settings_of(store: Server) -> S3:
    return S3(
        endpoint=store.url,
        access_key=store.user,
        secret_key=store.password,
        bucket=f"archive-{next(NAMES)}",
    )


def record(number: int, kind: str = "up", payload: bytes = b"{}") -> Record:
    topic = f"application/a/device/{EUI}/event/{kind}"
    return Record(id=f"{1_790_000_000_000 + number}-0", topic=topic, payload=payload)


def test_every_kind_and_day_has_its_object(archive: Archive, bucket: Bucket) -> None:
    records = [record(0), record(1, "join"), record(2), record(DAY_MS)]
    archive.keep(3, records, after=BEGINNING)
    first, day = "1790000000000-0", "date=2026-09-"

    assert [
        "raw/_manifest/p03/1790000000000-0-1790086400000-0.json",
        f"raw/kind=join/{day}21/p03/1790000000001-0-1790000000001-0.parquet",
        f"raw/kind=up/{day}21/p03/{first}-1790000000002-0.parquet",
        f"raw/kind=up/{day}22/p03/1790086400000-0-1790086400000-0.parquet",
    ] == list(bucket.keys("raw/"))
    assert sorted(records, key=lambda r: r.id) == sorted(
        archive.read(), key=lambda r: r.id
    )
    assert (4, 3, 1, 0) == (
        archive.count(),
        archive.count(kind="up"),
        archive.count(kind="join"),
        archive.count(kind="log"),
    )


def test_a_repeat_overwrites_itself(archive: Archive, bucket: Bucket) -> None:
    once = archive.keep(0, [record(0), record(1)], after=BEGINNING)
    keys = list(bucket.keys(""))
    twice = archive.keep(0, [record(0), record(1)], after=BEGINNING)

    assert once == twice
    assert keys == list(bucket.keys(""))
    assert 2 == archive.count()


def test_a_missing_range_is_noticed(archive: Archive) -> None:
    first = archive.keep(0, [record(0)], after=BEGINNING)
    archive.keep(0, [record(2)], after=record(1).id)

    with pytest.raises(BadArchive, match=f"nothing between {first.last}"):
        archive.count()


def test_a_shortened_object_is_noticed(archive: Archive, bucket: Bucket) -> None:
    kept = archive.keep(0, [record(0)], after=BEGINNING)
    bucket.keep(kept.parts[0].key, b"short")

    with pytest.raises(BadArchive, match="has 5 bytes"):
        archive.count()
    with pytest.raises(BadArchive, match="is not what its manifest says"):
        list(archive.read())


def test_an_empty_store_holds_nothing(store: Server) -> None:
    archive = Archive(Bucket(settings_of(store)))

    assert 0 == archive.count()


def test_a_bucket_is_created_once(bucket: Bucket) -> None:
    assert not bucket.ensure()


def test_a_missing_object_is_not_there(bucket: Bucket) -> None:
    with pytest.raises(NotThere):
        bucket.read("nothing")
    with pytest.raises(NotThere):
        bucket.size("nothing")


def test_a_wrong_secret_is_unreachable_and_not_shown(store: Server) -> None:
    bucket = Bucket(replace(settings_of(store), secret_key="hush"))

    with pytest.raises(Unreachable) as caught:
        bucket.ensure()

    assert "hush" not in str(caught.value) + repr(bucket)


def test_nobody_at_the_address_is_unreachable(store: Server) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    bucket = Bucket(replace(settings_of(store), endpoint=endpoint))

    for call in (bucket.ensure, lambda: bucket.read("x"), lambda: bucket.size("x")):
        with pytest.raises(Unreachable):
            call()


@given(
    st.lists(
        st.builds(
            Record,
            id=st.integers(0, 4_000_000_000_000).map(lambda ms: f"{ms}-1"),
            topic=st.text() | st.just(f"application/a/device/{EUI}/event/up"),
            payload=st.binary()
            | st.sampled_from(
                [
                    b'{"deviceInfo":5,"fCnt":"x","dr":1e999}',
                    b'{"deviceInfo":{"tags":[]},"fCnt":36893488147419103232,"time":null}',
                    b"[]",
                ]
            ),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_records_survive_parquet_whatever_they_hold(records: list[Record]) -> None:
    once = to_parquet(records)

    assert records == from_parquet(once)
    assert once == to_parquet(records)


@given(st.binary())
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(BadArchive):
        Manifest.parse(data)


@pytest.mark.parametrize(
    ("topic", "kind"),
    [
        (f"application/a/device/{EUI}/event/txack", "txack"),
        (f"application/a/device/{EUI}/event/../../x", "other"),
        (f"application/a/device/{EUI}/event/new=kind", "other"),
        ("nonsense", "other"),
    ],
)
def test_a_topic_cannot_choose_its_folder(topic: str, kind: str) -> None:
    assert kind == kind_of(topic)


def test_entries_sort_as_numbers() -> None:
    assert ["9-2", "9-10", "10-0"] == sorted(["10-0", "9-10", "9-2"], key=order)
