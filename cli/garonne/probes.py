"""Ask a part whether it is ready; the answer is None or what was found instead."""

import http.client
import socket
import ssl
from urllib.parse import unquote, urlsplit

import redis
from prometheus_client.parser import text_string_to_metric_families

from garonne.parts import (
    Finishes,
    Gauge,
    HttpAnswers,
    MqttAnswers,
    Probe,
    RedisAnswers,
    S3Answers,
)

__all__ = ["ask", "metrics_text"]

TIMEOUT_S = 1.0

CONNACK_REASONS = {
    1: "refuses MQTT 3.1.1",
    2: "refuses our client id",
    3: "is not available",
    4: "refuses this user and password",
    5: "refuses this user and password",
}


def ask(probe: Probe, timeout_s: float = TIMEOUT_S) -> str | None:
    """Return None when ready, else half a sentence: what was found."""
    match probe:
        case Gauge():
            return _gauge(probe, timeout_s)
        case MqttAnswers():
            return _mqtt(probe, timeout_s)
        case RedisAnswers():
            return _redis(probe, timeout_s)
        case S3Answers():
            return _s3(probe, timeout_s)
        case HttpAnswers():
            return _http(probe, timeout_s)
        case Finishes():
            return "has not ended yet"


def metrics_text(address: str, timeout_s: float = TIMEOUT_S) -> str:
    """Return the Prometheus page of the program at host:port; OSError if none."""
    connection = http.client.HTTPConnection(address, timeout=timeout_s)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode("utf-8", "replace")
    except http.client.HTTPException as error:
        raise ConnectionError(str(error)) from error
    finally:
        connection.close()


def _gauge(probe: Gauge, timeout_s: float) -> str | None:
    try:
        text = metrics_text(probe.address, timeout_s)
    except OSError:
        return f"does not answer on {probe.address}"
    for family in text_string_to_metric_families(text):
        if family.name == "garonne_ready" and family.samples:
            return None if family.samples[0].value == 1 else "says it is not ready yet"
    return f"shows no garonne_ready on {probe.address}"


def _http(probe: HttpAnswers, timeout_s: float) -> str | None:
    connection = http.client.HTTPConnection(probe.address, timeout=timeout_s)
    try:
        connection.request("HEAD", "/")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return f"does not answer on {probe.address}"
    finally:
        connection.close()
    return None


def _mqtt(probe: MqttAnswers, timeout_s: float) -> str | None:
    parts = urlsplit(probe.url)
    tls = parts.scheme == "mqtts"
    host, port = parts.hostname or "127.0.0.1", parts.port or (8883 if tls else 1883)
    try:
        with _connection(host, port, timeout_s, probe if tls else None) as connection:
            connection.sendall(_connect(parts.username, parts.password))
            answer = connection.recv(4)
            connection.sendall(b"\xe0\x00")
    except ssl.SSLError as error:
        return f"the broker on {host}:{port} is not to be trusted: {error.reason}"
    except OSError:
        return f"no MQTT broker answers on {host}:{port}"
    if len(answer) != 4 or answer[0] != 0x20:  # noqa: PLR2004 -- MQTT 3.1.1 §3.2
        return f"{host}:{port} does not speak MQTT"
    reason = CONNACK_REASONS.get(answer[3], f"answers {answer[3]}")
    return None if answer[3] == 0 else f"the broker on {host}:{port} {reason}"


def _connection(
    host: str, port: int, timeout_s: float, trust: MqttAnswers | None
) -> socket.socket:
    plain = socket.create_connection((host, port), timeout_s)
    if trust is None:
        return plain
    context = ssl.create_default_context(cafile=trust.ca_file or None)
    return context.wrap_socket(plain, server_hostname=host)


def _connect(username: str | None, password: str | None) -> bytes:
    # MQTT 3.1.1 §3.1: clean session, no client id, keep-alive 10 s.
    flags = 0x02 | (0x80 if username else 0) | (0x40 if password else 0)
    fields = [b"", *(unquote(f).encode() for f in (username, password) if f)]
    body = b"".join(len(field).to_bytes(2, "big") + field for field in fields)
    packet = b"\x00\x04MQTT\x04" + bytes([flags]) + b"\x00\x0a" + body
    return b"\x10" + _remaining_length(len(packet)) + packet


def _remaining_length(number: int) -> bytes:
    # MQTT 3.1.1 §2.2.3: seven bits a byte, least significant first.
    digits = b""
    while number > 0x7F:  # noqa: PLR2004 -- seven bits
        digits += bytes([number & 0x7F | 0x80])
        number >>= 7
    return digits + bytes([number])


def _redis(probe: RedisAnswers, timeout_s: float) -> str | None:
    where = probe.url.rpartition("@")[2].removeprefix("redis://")
    try:
        with redis.Redis.from_url(
            probe.url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s
        ) as client:
            client.ping()
    except redis.AuthenticationError:
        return f"the Redis on {where} refuses this user and password"
    except (redis.RedisError, OSError):
        return f"no Redis answers on {where}"
    return None


def _s3(probe: S3Answers, timeout_s: float) -> str | None:
    # boto3 takes most of a second to import: only who asks an object store pays.
    import boto3  # noqa: PLC0415 -- see above
    from botocore.config import Config  # noqa: PLC0415 -- see above
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 -- same

    client = boto3.client(
        "s3",
        endpoint_url=probe.endpoint,
        aws_access_key_id=probe.access_key,
        aws_secret_access_key=probe.secret_key,
        region_name="us-east-1",
        config=Config(
            signature_version="s3v4",
            connect_timeout=timeout_s,
            read_timeout=timeout_s,
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"},
        ),
    )
    try:
        client.list_objects_v2(Bucket=probe.bucket, MaxKeys=1)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code == "NoSuchBucket":  # who archives makes it
            return None
        return f"the object store on {probe.endpoint} answers {code}"
    except BotoCoreError:
        return f"no object store answers on {probe.endpoint}"
    return None
