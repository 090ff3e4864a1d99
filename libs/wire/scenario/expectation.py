"""What a scenario expects of its report: a path, an operator, a value."""

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from wire.errors import Malformed
from wire.scenario.tables import EXPECTATION

_SENTENCE = re.compile(
    r"^\s*(?P<path>[\w.*-]+?)\s*(?P<op>!=|<=|>=|=|<|>)\s*(?P<value>.*\S)"
)
_OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
ANY: Final = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a report says where an expectation looked, and whether it is as expected."""

    expectation: str
    found: str
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """
    One sentence such as ``fleets.lamps.delivery >= 0.98``.

    A ``*`` in the path stands for every name there: all must hold, and there must be
    at least one.
    """

    path: tuple[str, ...]
    operator: str
    value: float | str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a sentence; Malformed says what one looks like."""
        found = _SENTENCE.match(text)
        if found is None or not re.search(EXPECTATION.pattern, text):
            raise Malformed(f"an expectation is {EXPECTATION.wanted}, not {text!r}")
        return cls(
            path=tuple(found["path"].split(".")),
            operator=found["op"],
            value=_value(found["value"].strip()),
        )

    def __str__(self) -> str:
        return f"{'.'.join(self.path)} {self.operator} {_shown(self.value)}"

    def judge(self, report: Mapping[str, Any]) -> Finding:
        """Look into a report."""
        found = list(_look(report, self.path))
        if not found:
            return Finding(
                expectation=str(self), found="the report has no such entry", holds=False
            )
        wrong = [(where, value) for where, value in found if not self._holds(value)]
        shown = wrong[:3] or found[:1]
        text = ", ".join(
            _shown(value)
            if where == self.path
            else f"{'.'.join(where)} {_shown(value)}"
            for where, value in shown
        )
        return Finding(expectation=str(self), found=text, holds=not wrong)

    def _holds(self, found: Any) -> bool:
        try:
            return _OPERATORS[self.operator](found, self.value)
        except TypeError:  # a text is not more or less than a number
            return False


def _look(
    report: Any, path: tuple[str, ...], at: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not path:
        if not isinstance(report, Mapping):
            yield at, report
        return
    if not isinstance(report, Mapping):
        return
    name, *rest = path
    names = list(report) if name == ANY else [name]
    for one in names:
        if one in report:
            yield from _look(report[one], tuple(rest), (*at, one))


def _value(text: str) -> float | str:
    if text in {"true", "false"}:
        return text == "true"
    try:
        return float(text)
    except ValueError:
        return text.strip("\"'")


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
