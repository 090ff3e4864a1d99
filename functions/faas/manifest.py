"""What a worker needs to know of functions it must not import."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from faas.functions import Function, OnBatch, OnEvent, OnSchedule, Retry, fits

__all__ = [
    "Batched",
    "Known",
    "Planned",
    "describe",
    "describe_batched",
    "describe_planned",
    "read",
    "read_batched",
    "read_planned",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One function that events wake, as its label describes it."""

    name: str
    trigger: OnEvent
    pool: str
    retry: Retry
    remembers: bool

    def wants(self, kind: str, device_type: str, message: str | None) -> bool:
        """Tell whether events of that kind wake this function."""
        return fits(self.trigger, kind, device_type, message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One function that a schedule wakes, as its label describes it."""

    name: str
    every_s: float
    pool: str
    retry: Retry


@dataclass(frozen=True, slots=True, kw_only=True)
class Batched:
    """One function that takes exact ranges, as its label describes it."""

    name: str
    trigger: OnBatch


def describe(functions: Mapping[str, Function[Any]]) -> list[dict[str, Any]]:
    """Return the labels of functions that events wake, as JSON."""
    return [
        {
            "name": function.name,
            "trigger": asdict(function.trigger),
            "pool": function.pool,
            "retry": asdict(function.retry),
            "remembers": "state" in function.ports,
        }
        for function in functions.values()
        if isinstance(function.trigger, OnEvent)
    ]


def describe_planned(functions: Mapping[str, Function[Any]]) -> list[dict[str, Any]]:
    """Return the labels of functions that a schedule wakes, as JSON."""
    return [
        {
            "name": function.name,
            "every_s": function.trigger.every_s,
            "pool": function.pool,
            "retry": asdict(function.retry),
        }
        for function in functions.values()
        if isinstance(function.trigger, OnSchedule)
    ]


def describe_batched(functions: Mapping[str, Function[Any]]) -> list[dict[str, Any]]:
    """Return the labels of functions that take exact ranges, as JSON."""
    return [
        {"name": function.name, "trigger": asdict(function.trigger)}
        for function in functions.values()
        if isinstance(function.trigger, OnBatch)
    ]


def read_batched(described: Iterable[Mapping[str, Any]]) -> tuple[Batched, ...]:
    """Read what `describe_batched` wrote."""
    return tuple(
        Batched(name=item["name"], trigger=OnBatch(**item["trigger"]))
        for item in described
    )


def read_planned(described: Iterable[Mapping[str, Any]]) -> tuple[Planned, ...]:
    """Read what `describe_planned` wrote."""
    return tuple(
        Planned(
            name=item["name"],
            every_s=item["every_s"],
            pool=item["pool"],
            retry=Retry(**item["retry"]),
        )
        for item in described
    )


def read(described: Iterable[Mapping[str, Any]]) -> tuple[Known, ...]:
    """Read what `describe` wrote."""
    return tuple(
        Known(
            name=item["name"],
            trigger=OnEvent(**item["trigger"]),
            pool=item["pool"],
            retry=Retry(**item["retry"]),
            remembers=item["remembers"],
        )
        for item in described
    )
