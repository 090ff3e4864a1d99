"""What every bench says about itself, and how it writes it down."""

import argparse
import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def arguments(doc: str | None, *, seconds: float) -> argparse.ArgumentParser:
    """Return a parser that knows --seconds and --report."""
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--seconds", type=float, default=seconds)
    parser.add_argument("--report", type=Path)
    return parser


def publish(name: str, figures: Mapping[str, Any], path: Path | None) -> None:
    """Print one JSON document, and write it to a file when there is one."""
    document = {"bench": name, **machine(), **figures}
    text = json.dumps(document, indent=2)
    print(text)
    if path:
        path.write_text(text + "\n", encoding="utf-8")


def machine() -> dict[str, Any]:
    """Say where and when; the load tells whether the machine was its own."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "load_before": round(os.getloadavg()[0], 2),
    }


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share of all lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def latencies(seconds: Sequence[float]) -> dict[str, float | None]:
    """Return p50 and p99 in milliseconds; None when nothing came."""
    if not seconds:
        return {"p50_ms": None, "p99_ms": None}
    return {
        "p50_ms": round(percentile(seconds, 0.50) * 1e3, 1),
        "p99_ms": round(percentile(seconds, 0.99) * 1e3, 1),
    }
