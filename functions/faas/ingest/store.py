"""From messages to the commands that store them. Pure."""

import hashlib
from collections.abc import Iterable, Sequence

from city import keys
from faas import scripts
from faas.ingest.packets import Publish
from faas.scripts import STORE, Argument
from faas.streams import partition_of

SEEN_KEPT = 50_000
"""Digests remembered per partition: far more than any broker can redeliver."""

__all__ = ["SEEN_KEPT", "digest_of", "store_commands"]


def digest_of(topic: bytes, payload: bytes) -> bytes:
    """Name a message by its content: BLAKE2b-128 of topic and payload."""
    # MQTT allows no U+0000 in a topic, so topic and payload cannot flow together.
    return hashlib.blake2b(topic + b"\0" + payload, digest_size=16).digest()


def store_commands(
    messages: Iterable[Publish], partitions: int, *, kept: int = SEEN_KEPT
) -> list[Sequence[Argument]]:
    """Return one command per partition that stores what it has not seen yet."""
    shares: dict[int, list[Argument]] = {}
    for message in messages:
        number = partition_of(message.topic.decode("utf-8", "replace"), partitions)
        digest = digest_of(message.topic, message.payload)
        shares.setdefault(number, [kept]).extend(
            (
                digest,
                message.topic,
                message.payload,
            )
        )
    return [
        scripts.call(STORE, [keys.events(number), keys.seen(number)], share)
        for number, share in shares.items()
    ]
