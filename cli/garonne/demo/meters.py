"""Read the programs' Prometheus pages: totals, shares and quantiles."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

__all__ = ["Meters", "Sample", "parse"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One line of a page."""

    name: str
    labels: Mapping[str, str]
    value: float


def parse(text: str) -> list[Sample]:
    """Return every line of a page; nothing when it is not one."""
    try:
        return [
            Sample(sample.name, sample.labels, sample.value)
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        ]
    except ValueError:
        return []


@dataclass(slots=True)
class Meters:
    """
    The latest page of each program, with what earlier lives had counted.

    A program that was killed starts again from 0; what it had counted when it was
    last read is added, so totals never fall.
    """

    _now: dict[tuple[str, str, str], Sample] = field(default_factory=dict)
    _before: dict[tuple[str, str, str], float] = field(default_factory=dict)

    def update(self, program: str, samples: Iterable[Sample]) -> None:
        """Take a newer page of one program."""
        for sample in samples:
            key = (program, sample.name, repr(sorted(sample.labels.items())))
            last = self._now.get(key)
            counts = sample.name.endswith(("_total", "_bucket", "_sum", "_count"))
            if counts and last and sample.value < last.value:
                self._before[key] = self._before.get(key, 0.0) + last.value
            self._now[key] = sample

    def total(self, name: str, **labels: str) -> float:
        """Return the sum over all lines of this name that carry these labels."""
        return sum(value for _, value in self._matching(name, labels))

    def has(self, name: str) -> bool:
        """Whether any program shows this name at all."""
        return any(known == name for _, known, _ in self._now)

    def by(self, name: str, label: str, **labels: str) -> dict[str, float]:
        """Return the sums by the value of one label."""
        sums: dict[str, float] = {}
        for sample, value in self._matching(name, labels):
            key = sample.labels.get(label, "")
            sums[key] = sums.get(key, 0.0) + value
        return sums

    def quantile(self, name: str, share: float, **labels: str) -> float | None:
        """
        Return a quantile of a histogram, as Prometheus interpolates it.

        None when nothing was observed; the last finite bound when it lies beyond.
        """
        bounds = self.by(f"{name}_bucket", "le", **labels)
        buckets = sorted((float(le), count) for le, count in bounds.items())
        if not buckets or not buckets[-1][1]:
            return None
        rank, low, below = share * buckets[-1][1], 0.0, 0.0
        for bound, count in buckets:
            if count >= rank:
                if bound == float("inf"):
                    return low
                return low + (bound - low) * (rank - below) / max(count - below, 1)
            low, below = bound, count
        return low

    def _matching(
        self, name: str, labels: Mapping[str, str]
    ) -> Iterable[tuple[Sample, float]]:
        for key, sample in self._now.items():
            wanted = sample.name == name and labels.items() <= sample.labels.items()
            if wanted:
                yield sample, sample.value + self._before.get(key, 0.0)
