"""
The policies of minio/: their words, and in a real server what each key may do.

No MinIO comes with a Python package, so the second half runs where one is at hand:
GARONNE_TEST_MINIO names a folder with the programs `minio` (or `silo`) and `mc`.
"""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.servers import HOST, Server, free_port

from city.archive import Archive
from city.s3 import Bucket
from city.settings import S3
from garonne.deployment.secrets import PASSWORDS, secret_files

ROOT = Path(__file__).parent.parent.parent
POLICIES = {p.stem: json.loads(p.read_text()) for p in ROOT.glob("minio/policies/*")}
BUCKET = "garonne-raw"
PROGRAMS = os.environ.get("GARONNE_TEST_MINIO", "")


@pytest.mark.parametrize("name", POLICIES)
def test_nobody_may_delete_or_administer_or_reach_another_bucket(name: str) -> None:
    statements = POLICIES[name]["Statement"]
    actions = {action for one in statements for action in one["Action"]}
    places = {place for one in statements for place in one["Resource"]}

    assert {"Allow"} == {one["Effect"] for one in statements}
    assert {f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"} == places
    assert actions <= {
        *("s3:ListBucket", "s3:GetBucketLocation", "s3:GetObject", "s3:PutObject")
    }
    assert ("s3:PutObject" in actions) == (name == "archive-writer")


def test_a_retention_of_zero_days_is_never_imported() -> None:
    rule = json.loads((ROOT / "minio/lifecycle.json").read_text())["Rules"][0]

    assert {"Days": 0} == rule["Expiration"]


# -- a real server with policies


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    server: Server
    environment: dict[str, str]
    secrets: Path

    def client(self, who: str) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.server.url,
            aws_access_key_id=(self.secrets / who).read_text().strip(),
            aws_secret_access_key=(self.secrets / f"{who}-secret").read_text().strip(),
            region_name="us-east-1",
            config=Config(
                s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}
            ),
        )

    def settings(self, who: str) -> S3:
        return S3(
            endpoint=self.server.url,
            access_key=(self.secrets / who).read_text().strip(),
            secret_key=(self.secrets / f"{who}-secret").read_text().strip(),
            bucket=BUCKET,
        )

    def bootstrap(self, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", str(ROOT / "minio/bootstrap.sh")],
            env=self.environment | more,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    if not PROGRAMS:
        pytest.skip("GARONNE_TEST_MINIO names no folder with minio and mc")
    folder = tmp_path_factory.mktemp("minio")
    passwords = {name: f"{number:040d}" for number, name in enumerate(PASSWORDS)}
    for file in secret_files(passwords, lambda: bytes(12)):
        (folder / file.service).mkdir(exist_ok=True)
        (folder / file.service / file.name).write_text(file.text)
    port = free_port()
    program = next(p for p in ("silo", "minio") if (Path(PROGRAMS) / p).exists())
    argv = ["server", str(folder / "data"), "--address", f"{HOST}:{port}"]
    os.environ["MINIO_ROOT_USER_FILE"] = str(folder / "minio/root-user")
    os.environ["MINIO_ROOT_PASSWORD_FILE"] = str(folder / "minio/root-password")
    server = Server(
        name="minio",
        port=port,
        url=f"http://{HOST}:{port}",
        folder=folder,
        argv=[str(Path(PROGRAMS) / program), *argv],
    )
    server.start()
    environment = {
        "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
        "GARONNE_S3": server.url,
        "GARONNE_SECRETS": str(folder / "buckets"),
        "GARONNE_MINIO": str(ROOT / "minio"),
    }
    made = Store(server=server, environment=environment, secrets=folder / "buckets")
    try:
        first = made.bootstrap()
        assert 0 == first.returncode, first.stderr
        yield made
    finally:
        server.stop()
        del os.environ["MINIO_ROOT_USER_FILE"], os.environ["MINIO_ROOT_PASSWORD_FILE"]


def refused(call: Callable[..., Any], **words: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**words)
    return str(caught.value.response["Error"]["Code"])


def test_a_second_bootstrap_changes_nothing_and_says_so(store: Store) -> None:
    again = store.bootstrap()

    assert 0 == again.returncode, again.stderr
    assert "minio.bootstrap.done bucket=garonne-raw" in again.stdout


def test_no_key_is_printed(store: Store) -> None:
    said = store.bootstrap()

    for file in store.secrets.glob("*-secret"):
        assert file.read_text().strip() not in said.stdout + said.stderr


def test_the_writer_keeps_and_reads_back_but_never_deletes(store: Store) -> None:
    bucket = Bucket(store.settings("writer"))
    writer = store.client("writer")

    assert not bucket.ensure()
    assert 5 == bucket.keep("raw/kind=up/x.parquet", b"bytes").bytes
    assert "AccessDenied" == refused(
        writer.delete_object, Bucket=BUCKET, Key="raw/kind=up/x.parquet"
    )
    assert "AccessDenied" == refused(writer.create_bucket, Bucket="another-bucket")


def test_the_reader_reads_the_archive_and_writes_nothing(store: Store) -> None:
    Bucket(store.settings("writer")).keep("raw/kind=up/y.parquet", b"bytes")
    reader = store.client("reader")

    assert b"bytes" == Bucket(store.settings("reader")).read("raw/kind=up/y.parquet")
    assert [] == list(Archive(Bucket(store.settings("reader"))).read())
    assert "AccessDenied" == refused(
        reader.put_object, Bucket=BUCKET, Key="raw/z", Body=b""
    )
    assert "AccessDenied" == refused(
        reader.delete_object, Bucket=BUCKET, Key="raw/kind=up/y.parquet"
    )


def test_retention_is_a_rule_of_the_bucket_and_goes_away_with_zero(
    store: Store,
) -> None:
    root = boto3.client(
        "s3",
        endpoint_url=store.server.url,
        aws_access_key_id=(store.secrets / "root-user").read_text().strip(),
        aws_secret_access_key=(store.secrets / "root-password").read_text().strip(),
        region_name="us-east-1",
    )

    assert 0 == store.bootstrap(GARONNE_RETENTION_DAYS="400").returncode
    rules = root.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert [400] == [rule["Expiration"]["Days"] for rule in rules]
    assert 0 == store.bootstrap().returncode
    assert "NoSuchLifecycleConfiguration" == refused(
        root.get_bucket_lifecycle_configuration, Bucket=BUCKET
    )


def test_a_retention_that_is_no_number_is_one_sentence(store: Store) -> None:
    said = store.bootstrap(GARONNE_RETENTION_DAYS="a year")

    assert 1 == said.returncode
    assert "must be a number of days, not 'a year'" in said.stderr
