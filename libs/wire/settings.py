"""
Settings of a program as texts: read one by one, refused all at once.

Where the texts come from is the program's business: nothing here looks at an
environment or a file.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeVar

T = TypeVar("T")

LEVELS: Final[Mapping[str, int]] = MappingProxyType(
    {"debug": 10, "info": 20, "warning": 30, "error": 40}
)
"""Names of log levels with the numbers of the standard library."""


class WrongSettings(Exception):
    """Every fault of the settings, one sentence each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where something listens."""

    host: str
    port: int


class Reader:
    """
    Reads settings by name, and remembers which were wrong and which were not set.

    `text_of` gives a setting's text, empty when it is not set; like a parser it
    raises ValueError with what is wrong. `shown` hides what a fault must not tell.
    """

    def __init__(
        self, text_of: Callable[[str], str], shown: Callable[[str], str] = str
    ) -> None:
        self._text_of = text_of
        self._shown = shown
        self._faults: list[str] = []
        self._defaults: dict[str, str] = {}

    def read(self, name: str, parse: Callable[[str], T], default: str) -> T | None:
        """Return the setting; None when it is wrong, which `check` tells."""
        text = default
        try:
            text = self._text_of(name) or self._default(name, default)
            return parse(text)
        except ValueError as fault:
            self._faults.append(f"{name}={self._shown(text)!r}: {fault}")
            return None

    def check(self) -> None:
        """Raise WrongSettings if something was wrong."""
        if self._faults:
            raise WrongSettings(self._faults)

    def unset(self, names: Mapping[str, str]) -> tuple[str, ...]:
        """One sentence for each of these settings that was left to its default."""
        return tuple(
            f"{name} is not set: {meaning} {self._defaults[name]}"
            for name, meaning in names.items()
            if name in self._defaults
        )

    def _default(self, name: str, default: str) -> str:
        self._defaults[name] = default
        return default


def address(text: str) -> Address:
    """Read ``host:port``; an IPv6 host stands in brackets."""
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isdecimal() and int(port) < 2**16):
        raise ValueError("an address is host:port")
    return Address(host=host.strip("[]"), port=int(port))


def perhaps(parse: Callable[[str], T]) -> Callable[[str], T | None]:
    """Return a parser that takes an empty text for None."""
    return lambda text: parse(text) if text else None


def level(text: str) -> int:
    """Read the name of a log level."""
    if text.lower() not in LEVELS:
        raise ValueError(f"a level is one of {', '.join(LEVELS)}")
    return LEVELS[text.lower()]
