"""A TOML table that is read by path and remembers every fault."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from chirpstack_embedded.config.duration import parse_duration_s

_UNSET = re.compile(r"\$([A-Z][A-Z0-9_]*)")
_SCHEMES = {"tcp": False, "mqtt": False, "ssl": True, "tls": True, "mqtts": True}
_PORTS = {False: 1883, True: 8883}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where a broker listens."""

    host: str
    port: int
    tls: bool


class Table:
    """Typed look-ups in one table; ``faults`` is shared with its sub-tables."""

    def __init__(
        self,
        document: Mapping[str, Any],
        *,
        path: str = "",
        faults: list[str] | None = None,
    ) -> None:
        self._document = document
        self._path = path
        self.faults: list[str] = [] if faults is None else faults

    def fault(self, sentence: str) -> None:
        """Remember what is wrong."""
        self.faults.append(sentence)

    def string(self, path: str, default: str) -> str:
        """The text at ``path``; a variable that was never set is a fault."""
        text = str(self._typed(path, default, str, "a text"))
        if unset := _UNSET.fullmatch(text):
            self.fault(f"{self._at(path)}: the variable {unset[1]} is not set")
            return default
        return text

    def optional(self, path: str, default: str) -> str:
        """The text at ``path``, or ``default`` when its variable was never set."""
        text = str(self._typed(path, default, str, "a text"))
        return default if _UNSET.fullmatch(text) else text

    def boolean(self, path: str, default: bool) -> bool:
        """The truth value at ``path``."""
        return bool(self._typed(path, default, bool, "true or false"))

    def integer(self, path: str, default: int) -> int:
        """The whole number at ``path``."""
        return int(self._typed(path, default, int, "a whole number"))

    def choice(self, path: str, default: int, known: tuple[int, ...]) -> int:
        """One of the known whole numbers at ``path``."""
        value = self.integer(path, default)
        if value not in known:
            names = ", ".join(str(one) for one in known)
            self.fault(
                f"{self._at(path)} is {value}, the embedded server knows {names}"
            )
            return default
        return value

    def number(self, path: str, default: float) -> float:
        """The number at ``path``."""
        return float(self._typed(path, default, (int, float), "a number"))

    def duration_s(self, path: str, default_s: float) -> float:
        """The duration at ``path``, in seconds."""
        text = self._find(path)
        if text is None:
            return default_s
        seconds = parse_duration_s(text) if isinstance(text, str) else None
        if seconds is None:
            self.fault(f"{self._at(path)} is {text!r}, expected one like '200ms'")
            return default_s
        return seconds

    def strings(self, path: str) -> list[str]:
        """The list of texts at ``path``, empty when absent."""
        return [str(item) for item in self._list(path, str)]

    def integers(self, path: str) -> list[int]:
        """The list of whole numbers at ``path``, empty when absent."""
        return [int(item) for item in self._list(path, int)]

    def tables(self, path: str) -> list["Table"]:
        """The array of tables at ``path``, empty when absent."""
        return [
            Table(item, path=self._at(path), faults=self.faults)
            for item in self._list(path, dict)
        ]

    def address(self, path: str, default: str) -> str:
        """A ``host:port``."""
        text = self.string(path, default)
        host, _, port = text.rpartition(":")
        if not host or not port.isdigit():
            self.fault(f"{self._at(path)} is {text!r}, expected 'host:port'")
        return text

    def server(self, path: str, default: str) -> Server:
        """A broker's URL such as ``tcp://127.0.0.1:1883``."""
        text = self.string(path, default)
        try:
            url = urlsplit(text)
            port, host = url.port, url.hostname
        except ValueError:
            url, port, host = None, None, None
        if url is None or url.scheme not in _SCHEMES or not host:
            self.fault(f"{self._at(path)} is {text!r}, expected 'tcp://host:port'")
            return Server(host="127.0.0.1", port=1883, tls=False)
        tls = _SCHEMES[url.scheme]
        return Server(host=host, port=port or _PORTS[tls], tls=tls)

    def _typed(
        self, path: str, default: Any, kind: type | tuple[type, ...], wanted: str
    ) -> Any:
        value = self._find(path)
        if value is None:
            return default
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.fault(f"{self._at(path)} is {value!r}, expected {wanted}")
            return default
        return value

    def _list(self, path: str, kind: type) -> list[Any]:
        value = self._find(path)
        if value is None:
            return []
        if not isinstance(value, list) or not all(
            isinstance(item, kind) for item in value
        ):
            self.fault(f"{self._at(path)} is {value!r}, expected a list")
            return []
        return value

    def _find(self, path: str) -> Any:
        value: Any = self._document
        for key in path.split("."):
            if not isinstance(value, Mapping) or key not in value:
                return None
            value = value[key]
        return value

    def _at(self, path: str) -> str:
        return f"{self._path}.{path}" if self._path else path
