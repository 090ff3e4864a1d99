"""
The published experiments on our own medium, beside what others found.

``scripts/bench radio [--seeds N] [--report FILE] [--png FILE]`` prints one JSON
document. The picture needs matplotlib, which is no dependency of the project:
``uv pip install --python .venv/bin/python --group bench`` brings it.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import exp
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

from gateway_sim import georgiou_raza, lorasim, published

MISSING_MATPLOTLIB = 3
Run = Callable[..., float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One experiment: abscissas with what others found there, if anything."""

    name: str
    axis: str
    run: Run
    theirs: Mapping[float, float | None]
    tolerance: float
    least: float = 0.0  # of the picture's axis


def of_lorasim(experiment: lorasim.Experiment, devices: float, *, seed: int) -> float:
    """Run one of LoRaSim's set-ups for a fifth of a day."""
    return lorasim.run(experiment, round(devices), seed=seed, duration_s=17_280.0)


def complete(radius_m: float, devices: float, *, seed: int) -> float:
    """Run ns-3's complete network."""
    return published.ns3_complete(round(devices), radius_m, seed=seed)


def erlang(devices: float, *, seed: int) -> float:
    """Run 8 demodulators under that many Erlang."""
    return published.demodulators(devices, 8, seed=seed, frames=3000)


def erlang_b(load_erlang: float, servers: int = 8) -> float:
    """Return the share that finds all of so many servers busy."""
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = load_erlang * blocked / (number + load_erlang * blocked)
    return blocked


# Both ends of every ring, and its middle.
DISTANCES_M = tuple(
    float(ring * 2000 + at) for ring in range(6) for at in (200, 1000, 1999)
)
CURVES = (
    Curve(
        name="LoRaSim SN1",
        axis="devices",
        run=partial(of_lorasim, lorasim.SN1),
        theirs={25: 0.932, 50: 0.874, 100: 0.761, 120: 0.720, 200: None, 400: 0.353},
        tolerance=0.02,
    ),
    Curve(
        name="LoRaSim SN3",
        axis="devices",
        run=partial(of_lorasim, lorasim.SN3),
        theirs={25: 0.951, 50: 0.903, 100: 0.812, 120: 0.777, 400: None, 800: 0.2205},
        tolerance=0.02,
    ),
    Curve(
        name="LoRaSim SN1, 3 channels",
        axis="devices",
        run=partial(of_lorasim, lorasim.SN1_3_CHANNELS),
        theirs={50: 0.955, 100: 0.911, 120: 0.892, 400: 0.692},
        tolerance=0.02,
    ),
    Curve(
        name="LoRaSim SN2",
        axis="devices",
        run=partial(of_lorasim, lorasim.SN2),
        theirs={100: 0.9987, 200: None, 400: 0.9954, 800: 0.9908},
        tolerance=0.003,
        least=0.95,
    ),
    Curve(
        name="LoRaSim SN4",
        axis="devices",
        run=partial(of_lorasim, lorasim.SN4),
        theirs={100: 0.9985, 400: 0.9939, 800: None, 1600: 0.9748},
        tolerance=0.003,
        least=0.95,
    ),
    Curve(
        name="LoRaSim SN5",
        axis="devices",
        run=partial(of_lorasim, lorasim.SN5),
        theirs={100: 0.9984, 400: 0.9933, 800: 0.9868, 1600: None},
        tolerance=0.003,
        least=0.95,
    ),
    Curve(
        name="Georgiou & Raza: noise",
        axis="distance (m)",
        run=georgiou_raza.connected,
        theirs={at: georgiou_raza.connected_in_theory(at) for at in DISTANCES_M},
        tolerance=0.01,
    ),
    Curve(
        name="Georgiou & Raza: collisions",
        axis="distance (m)",
        run=georgiou_raza.captured,
        theirs={at: georgiou_raza.captured_in_theory(at) for at in DISTANCES_M},
        tolerance=0.015,
    ),
    Curve(
        name="ns-3 ALOHA, 1000 devices",
        axis="load (Erlang)",
        run=published.ns3_aloha,
        theirs={0.05: 0.908, 0.1: 0.828, 0.2: 0.674, 0.5: None, 1.0: 0.135},
        tolerance=0.03,
    ),
    Curve(
        name="ns-3 complete network, 6400 m",
        axis="devices",
        run=partial(complete, 6400.0),
        theirs={250: 0.970, 500: 0.942, 1000: None, 2000: 0.818},
        tolerance=0.03,
    ),
    Curve(
        name="ns-3 complete network, 3000 m",
        axis="devices",
        run=partial(complete, 3000.0),
        theirs={500: None, 1000: 0.961, 2000: None, 4000: 0.843},
        tolerance=0.03,
    ),
    Curve(
        name="8 demodulators (Erlang B)",
        axis="load (Erlang)",
        run=erlang,
        theirs={load: 1 - erlang_b(load) for load in (2, 4, 8, 12, 16)},
        tolerance=0.02,
    ),
)


def measure(curve: Curve, seeds: int) -> dict[str, Any]:
    """Run one experiment at every abscissa."""
    points = []
    for at, theirs in curve.theirs.items():
        ours = [curve.run(at, seed=seed) for seed in range(seeds)]
        points.append(
            {
                "at": at,
                "ours": round(fmean(ours), 4),
                "sd": round(pstdev(ours), 4),
                "theirs": None if theirs is None else round(theirs, 4),
            }
        )
        print(f"{curve.name} {at:g}: {fmean(ours):.3f}", file=sys.stderr)
    off = [abs(p["ours"] - p["theirs"]) for p in points if p["theirs"] is not None]
    return {
        "name": curve.name,
        "axis": curve.axis,
        "points": points,
        "tolerance": curve.tolerance,
        "least": curve.least,
        "largest_difference": round(max(off), 4),
        "holds": max(off) <= curve.tolerance,
    }


def draw(curves: Sequence[Mapping[str, Any]], to: Path) -> None:
    """Draw every curve beside the points of others."""
    import matplotlib as mpl  # noqa: PLC0415 -- only who draws needs it

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 -- after the choice of Agg

    figure, axes = plt.subplots(3, 4, figsize=(14, 10), constrained_layout=True)
    for axis, curve in zip(axes.flat, curves, strict=False):
        points = curve["points"]
        at = [point["at"] for point in points]
        axis.errorbar(
            at,
            [point["ours"] for point in points],
            yerr=[point["sd"] for point in points],
            marker=".",
            capsize=3,
            label="Garonne",
        )
        known = [point for point in points if point["theirs"] is not None]
        axis.plot(
            [point["at"] for point in known],
            [point["theirs"] for point in known],
            linestyle="none",
            marker="x",
            markersize=9,
            color="black",
            label="published, theory",
        )
        if "ALOHA" in curve["name"]:
            axis.plot(at, [exp(-2 * load) for load in at], ":", label="exp(-2G)")
        axis.set(
            title=curve["name"],
            xlabel=curve["axis"],
            ylim=(curve["least"], 1 + 0.02 * (1 - curve["least"])),
        )
        axis.grid(alpha=0.3)
        axis.legend()
    for axis in axes.flat[len(curves) :]:
        axis.set_visible(False)
    for row in axes:
        row[0].set_ylabel("share of frames received")
    figure.savefig(to, dpi=72, pil_kwargs={"optimize": True})


def main() -> int:
    """Measure, report, draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--report", type=Path)
    parser.add_argument("--png", type=Path)
    options = parser.parse_args()
    curves = [measure(curve, options.seeds) for curve in CURVES]
    document = {"bench": "radio", "seeds": options.seeds, "curves": curves}
    report = json.dumps(document, indent=2)
    print(report)
    if options.report:
        options.report.write_text(report + "\n", encoding="utf-8")
    if options.png:
        try:
            draw(curves, options.png)
        except ImportError:
            print(
                "no picture: matplotlib is missing; "
                "uv pip install --python .venv/bin/python --group bench",
                file=sys.stderr,
            )
            return MISSING_MATPLOTLIB
    return 0 if all(curve["holds"] for curve in curves) else 1


if __name__ == "__main__":
    sys.exit(main())
