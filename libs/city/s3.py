"""
The object store, narrowly: what every S3 server does alike.

No tagging, ACL, life cycle or conditional put: the embedded server answers some of
those with 200 and does harm. What was put is read back before it counts as kept.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from city.errors import BadArchive, NotThere, Unreachable
from city.settings import S3

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

MISSING = frozenset({"404", "NoSuchKey", "NoSuchBucket", "NotFound"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An object that was put and read back."""

    key: str
    bytes: int
    sha256: str


class Bucket:
    """One bucket; ``Unreachable`` when the store does not answer or refuses."""

    def __init__(self, settings: S3, *, timeout_s: float = 4.0) -> None:
        self._settings = settings
        self._client = _client(settings, timeout_s)

    def __repr__(self) -> str:
        """Name the bucket, never the keys to it."""
        return f"Bucket({self._settings.bucket!r} at {self._settings.endpoint!r})"

    def ensure(self) -> bool:
        """Create the bucket unless it is there; tell whether it was created."""
        name = self._settings.bucket
        try:
            self._client.head_bucket(Bucket=name)
        except ClientError as error:
            if _code(error) not in MISSING:
                raise self._away(error) from error
        except BotoCoreError as error:
            raise self._away(error) from error
        else:
            return False
        try:
            self._client.create_bucket(Bucket=name)
        except (BotoCoreError, ClientError) as error:
            raise self._away(error) from error
        return True

    def keep(self, key: str, body: bytes) -> Kept:
        """Put an object and read it back; a repeat overwrites it with itself."""
        try:
            self._client.put_object(Bucket=self._settings.bucket, Key=key, Body=body)
        except (BotoCoreError, ClientError) as error:
            raise self._away(error) from error
        if self.read(key) != body:
            raise BadArchive(f"{key} does not read back as it was written")
        return Kept(key=key, bytes=len(body), sha256=hashlib.sha256(body).hexdigest())

    def read(self, key: str) -> bytes:
        """Return an object; NotThere if there is none."""
        try:
            answer = self._client.get_object(Bucket=self._settings.bucket, Key=key)
            return answer["Body"].read()
        except ClientError as error:
            if _code(error) in MISSING:
                raise NotThere(f"no object {key}") from error
            raise self._away(error) from error
        except BotoCoreError as error:
            raise self._away(error) from error

    def size(self, key: str) -> int:
        """Return an object's size in bytes; NotThere if there is none."""
        try:
            found = self._client.head_object(Bucket=self._settings.bucket, Key=key)
            return found["ContentLength"]
        except ClientError as error:
            if _code(error) in MISSING:
                raise NotThere(f"no object {key}") from error
            raise self._away(error) from error
        except BotoCoreError as error:
            raise self._away(error) from error

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys that begin with a prefix, in their order."""
        pages = self._client.get_paginator("list_objects_v2")
        try:
            for page in pages.paginate(Bucket=self._settings.bucket, Prefix=prefix):
                for item in page.get("Contents", ()):
                    yield item["Key"]
        except ClientError as error:
            if _code(error) not in MISSING:
                raise self._away(error) from error
        except BotoCoreError as error:
            raise self._away(error) from error

    def _away(self, error: Exception) -> Unreachable:
        return Unreachable(f"the object store at {self._settings.endpoint}: {error}")


def _client(settings: S3, timeout_s: float) -> "S3Client":
    # Signature 4 for presigned URLs too; rclone fails ranged reads with validation.
    config = Config(
        signature_version="s3v4",
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        connect_timeout=timeout_s,
        read_timeout=timeout_s,
        retries={"total_max_attempts": 1},
        s3={"addressing_style": "path"},
    )
    session = boto3.session.Session(
        aws_access_key_id=settings.access_key,
        aws_secret_access_key=settings.secret_key,
        region_name="us-east-1",
    )
    return session.client("s3", endpoint_url=settings.endpoint, config=config)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
