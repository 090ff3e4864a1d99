"""The servers under the tests are real, closed to strangers, and keep their data."""

from typing import TYPE_CHECKING

import boto3
import pytest
import redis
from botocore.config import Config
from botocore.exceptions import ClientError
from paho.mqtt import publish, subscribe

if TYPE_CHECKING:
    from paho.mqtt.publish import AuthParameter
    from types_boto3_s3 import S3Client

from tests.servers import HOST, Server, mosquitto, rclone_s3, valkey


def s3_client(server: Server, secret_key: str) -> "S3Client":
    return boto3.client(
        "s3",
        endpoint_url=server.url,
        aws_access_key_id=server.user,
        aws_secret_access_key=secret_key,
        region_name="us-east-1",
        config=Config(
            signature_version="s3v4", response_checksum_validation="when_required"
        ),
    )


def test_the_broker_keeps_a_retained_message_over_a_restart() -> None:
    with mosquitto() as broker:
        publish.single("t", b"kept", 1, True, hostname=HOST, port=broker.port)
        broker.stop()
        broker.start()
        kept = subscribe.simple("t", hostname=HOST, port=broker.port)  # type: ignore[no-untyped-call]  # the stubs leave it bare

    assert b"kept" == kept.payload


def test_the_broker_with_a_user_refuses_a_stranger() -> None:
    with mosquitto(user="city", password="p w") as broker:
        assert f"mqtt://city:p%20w@127.0.0.1:{broker.port}" == broker.url
        login: AuthParameter = {"username": "city", "password": "p w"}
        publish.single("t", b"x", hostname=HOST, port=broker.port, auth=login)
        with pytest.raises(Exception, match=r"(?i)not authori"):
            publish.single("t", b"x", hostname=HOST, port=broker.port)


def test_valkey_keeps_an_answered_write_over_a_kill() -> None:
    with valkey(password="pw") as server:
        with redis.Redis.from_url(server.url) as client:
            client.set("key", "value")
        server.kill()
        server.start()
        with redis.Redis.from_url(server.url) as client:
            assert b"value" == client.get("key")


def test_valkey_with_a_password_refuses_a_stranger() -> None:
    with (
        valkey(password="pw") as server,
        redis.Redis(port=server.port) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


def test_s3_gives_back_what_was_put_and_refuses_a_wrong_secret() -> None:
    with rclone_s3() as server:
        client = s3_client(server, server.password)
        client.create_bucket(Bucket="bucket")
        client.put_object(Bucket="bucket", Key="a/b", Body=b"bytes")

        assert b"bytes" == client.get_object(Bucket="bucket", Key="a/b")["Body"].read()
        with pytest.raises(ClientError, match=r"403|SignatureDoesNotMatch"):
            s3_client(server, "wrong").get_object(Bucket="bucket", Key="a/b")
