"""
Which secrets the services of docker-compose.yml need, and in which words each takes it.

Pure: passwords in, the text of every service's files out. The table is the whole story:
a service sees its own folder and no other.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

__all__ = [
    "BROKER_USERS",
    "GATEWAY",
    "OWNERS",
    "PASSWORDS",
    "SecretFile",
    "broker_line",
    "owner_of",
    "secret_files",
]

PASSWORDS: Final = (
    "broker-chirpstack",
    "broker-gateways",
    "broker-ingest",
    "broker-sender",
    "broker-doctor",
    "chirpstack-api",
    "chirpstack-admin",
    "postgres",
    "chirpstack-redis",
    "redis",
    "s3-root",
    "s3-writer",
    "s3-reader",
)
"""What is drawn once and kept: 40 hexadecimal digits each."""

BROKER_USERS: Final = ("chirpstack", "gateways", "ingest", "sender", "doctor")
"""The users of deploy/compose/mosquitto/acl."""

GATEWAY: Final = "gateway-"
"""Before a gateway's id in the list of passwords: a gateway with a user of its own."""

ROOT: Final = "garonne-root"
WRITER: Final = "garonne-archive-writer"
READER: Final = "garonne-archive-reader"

OURS: Final = 10001
OWNERS: Final = {"mosquitto": 1883, "postgres": 70}
"""Images whose program is another user than ours."""

# MQTT brokers hash what they keep; the passwords are random, so few rounds do.
_ROUNDS: Final = 101
_SALT_BYTES: Final = 12

Passwords = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretFile:
    """One file of one service's folder."""

    service: str
    name: str
    text: str


def owner_of(service: str) -> int:
    """Return the user id under which a service runs."""
    return OWNERS.get(service, OURS)


def secret_files(passwords: Passwords, salt: Callable[[], bytes]) -> list[SecretFile]:
    """Return the files of every service, from the passwords of `PASSWORDS`."""
    return [
        SecretFile(service=service, name=name, text=f"{text}\n")
        for service, files in _table(passwords, salt).items()
        for name, text in files.items()
    ]


def _table(
    secret: Passwords, salt: Callable[[], bytes]
) -> Mapping[str, Mapping[str, str]]:
    redis = f"redis://:{secret['redis']}@redis:6379/0"
    return {
        "mosquitto": {
            "users": "\n".join(
                broker_line(user, password, salt())
                for user, password in _broker_users(secret).items()
            )
        },
        "postgres": {"password": secret["postgres"]},
        "chirpstack-redis": _redis_files(secret["chirpstack-redis"]),
        "redis": _redis_files(secret["redis"]),
        "chirpstack": {"environment": _chirpstack(secret)},
        "chirpstack-key": {"admin-password": secret["chirpstack-admin"]},
        "gateway-bridge": {"environment": _gateway_bridge(secret)},
        "minio": {"root-user": ROOT, "root-password": secret["s3-root"]},
        "buckets": {
            "root-user": ROOT,
            "root-password": secret["s3-root"],
            "writer": WRITER,
            "writer-secret": secret["s3-writer"],
            "reader": READER,
            "reader-secret": secret["s3-reader"],
        },
        "ingest": {"mqtt": _mqtt("ingest", secret), "redis": redis},
        "worker": {"redis": redis},
        "batcher": {
            "redis": redis,
            "s3-access-key": WRITER,
            "s3-secret-key": secret["s3-writer"],
        },
        "sender": {"mqtt": _mqtt("sender", secret), "redis": redis},
        "gateways": {"mqtt": _mqtt("gateways", secret)},
        "doctor": {"mqtt": _mqtt("doctor", secret)},
    }


def _broker_users(secret: Passwords) -> Mapping[str, str]:
    """Return our own users, and each gateway that has one, by its id."""
    gateways = {
        name.removeprefix(GATEWAY): password
        for name, password in secret.items()
        if name.startswith(GATEWAY)
    }
    return {user: secret[f"broker-{user}"] for user in BROKER_USERS} | gateways


def _mqtt(user: str, secret: Passwords) -> str:
    return f"mqtt://{user}:{secret[f'broker-{user}']}@mosquitto:1883"


def _redis_files(password: str) -> Mapping[str, str]:
    return {"auth.conf": f"requirepass {password}", "password": password}


def _chirpstack(secret: Passwords) -> str:
    # ChirpStack replaces $NAME as text: no value may hold a dollar sign.
    database = f"postgres://chirpstack:{secret['postgres']}@postgres/chirpstack"
    return _shell(
        {
            "CHIRPSTACK_MQTT_USERNAME": "chirpstack",
            "CHIRPSTACK_MQTT_PASSWORD": secret["broker-chirpstack"],
            "CHIRPSTACK_API_SECRET": secret["chirpstack-api"],
            "CHIRPSTACK_POSTGRESQL_DSN": f"{database}?sslmode=disable",
            "CHIRPSTACK_REDIS_SERVER": (
                f"redis://:{secret['chirpstack-redis']}@chirpstack-redis:6379/0"
            ),
        }
    )


def _gateway_bridge(secret: Passwords) -> str:
    return _shell(
        {
            "INTEGRATION__MQTT__AUTH__GENERIC__USERNAME": "gateways",
            "INTEGRATION__MQTT__AUTH__GENERIC__PASSWORD": secret["broker-gateways"],
        }
    )


def _shell(variables: Mapping[str, str]) -> str:
    return "\n".join(f"{name}='{value}'" for name, value in variables.items())


def broker_line(user: str, password: str, salt: bytes) -> str:
    """
    Return a line of mosquitto's password file: PBKDF2 with SHA-512, its format 7.

    The salt has 12 bytes.
    """
    if len(salt) != _SALT_BYTES:
        raise ValueError(f"a salt has {_SALT_BYTES} bytes, this has {len(salt)}")
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ROUNDS)
    words = (base64.b64encode(octets).decode() for octets in (salt, key))
    return f"{user}:$7${_ROUNDS}${'$'.join(words)}"
