"""The buckets of every histogram of seconds."""

from typing import Final

BUCKETS_S: Final = (
    0.0001,
    0.0003,
    0.001,
    0.003,
    0.01,
    0.02,
    0.03,
    0.05,
    0.1,
    0.3,
    1.0,
    3.0,
    10.0,
)
