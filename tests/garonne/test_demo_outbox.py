"""The demo counts what was asked by the streams' own count, less what is no command."""

import time

import redis
from tests.servers import valkey

from garonne.demo.outbox import Outbox


def test_an_order_to_a_group_is_not_counted_as_a_command() -> None:
    with valkey() as server:
        url = server.url
        store = redis.Redis.from_url(url)
        outbox = Outbox(url, time.time())
        store.xadd("{p00}:outbox", {"group": "{}"})
        store.xadd("{p01}:outbox", {"command": "{}"})
        store.incrby("{p00}:asides", 1)

        assert 1 == outbox.asked()

        outbox.close()
        store.close()
