"""Read the raw archive back from S3: the mark of every stored row."""

import contextlib
import io
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import boto3
import pyarrow.parquet as pq
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from garonne.demo.ledger import digest

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

__all__ = ["Archive"]


class Archive:
    """
    The archive as a stranger reads it: list, get, open; nothing is taken on trust.

    An object is immutable once written, so each is read once.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._bucket = environment["GARONNE_S3_BUCKET"]
        self._s3 = _client(environment)
        self._marks: dict[str, list[bytes]] = {}

    def marks(self) -> list[bytes]:
        """Return the mark of every row that is stored now, as far as S3 answers."""
        with contextlib.suppress(BotoCoreError, ClientError):
            for key in self._keys():
                if key not in self._marks:
                    self._marks[key] = list(self._read(key))
        return [mark for marks in self._marks.values() for mark in marks]

    def _keys(self) -> Iterator[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix="raw/kind="
        )
        for page in pages:
            for entry in page.get("Contents", []):
                if entry["Key"].endswith(".parquet"):
                    yield entry["Key"]

    def _read(self, key: str) -> Iterator[bytes]:
        body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        table = pq.read_table(io.BytesIO(body), columns=["topic", "payload"])
        for row in table.to_pylist():
            topic, payload = row["topic"], row["payload"]
            yield digest(_text(topic), _bytes(payload))


def _client(environment: Mapping[str, str]) -> "S3Client":
    return boto3.client(
        "s3",
        endpoint_url=environment["GARONNE_S3"],
        aws_access_key_id=environment["GARONNE_S3_ACCESS_KEY"],
        aws_secret_access_key=environment["GARONNE_S3_SECRET_KEY"],
        region_name="us-east-1",
        config=Config(
            signature_version="s3v4",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path"},
        ),
    )


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode()


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()
