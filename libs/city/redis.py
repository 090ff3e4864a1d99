"""
The connection to Redis.

Values are bytes (payloads are kept exactly); the protocol is fixed, because redis-py
negotiates a newer one by itself and its answers have other shapes.
"""

from typing import Any

import redis

from city.settings import Redis


def connect(settings: Redis, *, timeout_s: float = 5.0) -> redis.Redis:
    """Return a client that decodes nothing and gives up after ``timeout_s``."""
    common: dict[str, Any] = {
        "username": settings.username,
        "password": settings.password,
        "db": settings.database,
        "protocol": 2,
        "decode_responses": False,
        "socket_timeout": timeout_s,
        "health_check_interval": 30,
    }
    if settings.path is not None:
        return redis.Redis(unix_socket_path=settings.path, **common)
    return redis.Redis(host=settings.host, port=settings.port, **common)
