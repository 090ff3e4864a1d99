"""Gathering the functions of a package, and refusing what cannot run."""

import importlib
import inspect
import pkgutil
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from faas.errors import Miswired
from faas.functions import KINDS, Function, OnBatch, OnEvent, OnSchedule
from faas.ports import BATCH_PORTS, PORTS

OFFERED: Final[Mapping[type, frozenset[str]]] = {
    OnEvent: frozenset(PORTS),
    OnBatch: frozenset(BATCH_PORTS),
    OnSchedule: frozenset({"clock", "commands", "notices"}),
}
"""Which ports the runtime offers to functions of each kind of trigger."""

__all__ = ["OFFERED", "collect", "package_at"]


def collect(package: ModuleType) -> dict[str, Function[Any]]:
    """
    Return every function of a package by name, from its public modules.

    `Miswired` lists all that is wrong at once: modules that do not import, ports
    that nobody offers, events that do not exist, two functions of one name.
    """
    faults: list[str] = []
    found: dict[str, Function[Any]] = {}
    for function in _functions(_modules(package, faults)):
        other = found.setdefault(function.name, function)
        if other is not function:
            faults.append(
                f"two functions are named {function.name!r}: "
                f"{other.place} and {function.place}"
            )
        faults.extend(_faults(function))
    if faults:
        raise Miswired(faults)
    return found


def package_at(folder: Path) -> ModuleType:
    """
    Make a folder of handler files importable as the package `handlers`.

    For a process that exists to run those handlers; a missing folder is `Miswired`.
    """
    if not folder.is_dir():
        raise Miswired([f"asked for handlers in {folder}; there is no such folder"])
    package = ModuleType("handlers", "The handlers of this city.")
    package.__path__ = [str(folder)]
    sys.modules["handlers"] = package
    return package


def _modules(package: ModuleType, faults: list[str]) -> Iterator[ModuleType]:
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda i: i.name):
        if info.name.startswith("_"):
            continue
        try:
            yield importlib.import_module(f"{package.__name__}.{info.name}")
        except Exception as error:  # noqa: BLE001 - a handler file may raise anything
            faults.append(_import_fault(info, error))


def _import_fault(info: pkgutil.ModuleInfo, error: Exception) -> str:
    folder = Path(getattr(info.module_finder, "path", ""))
    file = folder / f"{info.name}.py"
    if isinstance(error, SyntaxError):
        return f"{file}:{error.lineno} does not import: {error.msg}"
    lines = [
        f.lineno
        for f in traceback.extract_tb(error.__traceback__)
        if f.filename == str(file)
    ]
    where = f"{file}:{lines[-1]}" if lines else str(file)
    return f"{where} does not import: {type(error).__name__}: {error}"


def _functions(modules: Iterable[ModuleType]) -> Iterator[Function[Any]]:
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, Function) and value.call.__module__ == module.__name__:
                yield value


def _faults(function: Function[Any]) -> Iterator[str]:
    offered = OFFERED[type(function.trigger)]
    for port in function.ports:
        if port not in offered:
            yield (
                f"{function.name} ({function.place}) asks for {port!r}; "
                f"this runtime offers {', '.join(sorted(offered))}"
            )
    parameters = list(inspect.signature(function.call).parameters.values())
    if not parameters:
        yield f"{function.name} ({function.place}) takes no event"
    trigger = function.trigger
    if isinstance(trigger, OnEvent) and trigger.kind not in KINDS:
        yield (
            f"{function.name} ({function.place}) waits for {trigger.kind!r}; "
            f"the kinds of events are {', '.join(KINDS)}"
        )
    if inspect.iscoroutinefunction(function.call):
        yield f"{function.name} ({function.place}) is async; write a plain def"
