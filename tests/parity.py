"""
The page docs/reference/chirpstack-parity.md: the server's rows and the tests' marks.

``scripts/docs-parity`` writes it. The marks are read from the tests' source, so the
page can be made without running anything.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from chirpstack_embedded.emulation import Row, rows

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/reference/chirpstack-parity.md"
LINE = (
    "<!-- From here on: scripts/docs-parity, from chirpstack_embedded/emulation.py. -->"
)
TITLES = {
    "grpc": "gRPC methods",
    "mqtt": "MQTT topics",
    "event": "Events",
    "mac": "MAC commands",
    "config": "Configuration",
    "codec": "Codecs",
    "feature": "Features",
    "check": "Checks",
    "trap": "Traps",
}
Proofs = dict[str, list[str]]


def proofs(folder: Path = ROOT / "tests") -> Proofs:
    """Return the tests that prove each claim, as ``path::name``."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted(folder.rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        place = path.relative_to(ROOT).as_posix()
        for claim, test in sorted(_marks(tree)):
            found[claim].append(f"{place}::{test}" if test else place)
    return dict(found)


def _marks(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield each claim with the test that carries it; a module's has no name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                yield from ((claim, node.name) for claim in _claims(decorator))
        elif isinstance(node, ast.Assign) and _is_module_mark(node):
            yield from ((claim, "") for claim in _claims(node.value))


def _is_module_mark(node: ast.Assign) -> bool:
    return any(isinstance(t, ast.Name) and t.id == "pytestmark" for t in node.targets)


def _claims(node: ast.expr) -> Iterator[str]:
    for call in ast.walk(node):
        if (
            isinstance(call, ast.Call)
            and ast.unparse(call.func) == "pytest.mark.proves"
        ):
            for argument in call.args:
                yield ast.literal_eval(argument)


def faults(found: Proofs | None = None) -> list[str]:
    """Return what is claimed without proof, and what is proved without a claim."""
    found = proofs() if found is None else found
    claims = {row.claim: row for row in rows()}
    unproved = [
        f"{row.claim} is {row.state}, and no test carries proves({row.claim!r})"
        for row in claims.values()
        if row.state != "not emulated" and row.claim not in found
    ]
    unknown = [
        f"{claim} is proved by {tests[0]} but is no row of emulation.py"
        for claim, tests in found.items()
        if claim not in claims
    ]
    modest = [
        f"{claim} is proved by {tests[0]}: say in emulation.py that it is emulated"
        for claim, tests in found.items()
        if claim in claims and claims[claim].state == "not emulated"
    ]
    return [*unproved, *unknown, *modest]


def page() -> str:
    """Return the page: what is written by hand, then the tables."""
    by_hand = PAGE.read_text("utf-8").partition(LINE)[0] if PAGE.exists() else ""
    return f"{by_hand}{LINE}\n\n{tables(rows(), proofs())}"


def tables(every: list[Row], found: Proofs) -> str:
    """Return one table per kind."""
    parts = [_summary(every)]
    for kind, title in TITLES.items():
        lines = [_line(row, found) for row in every if row.kind == kind]
        head = f"## {title}\n\n| {kind} | state | proved by |\n|---|---|---|\n"
        parts.append(head + "\n".join(lines) + "\n")
    return "\n".join(parts)


def _summary(every: list[Row]) -> str:
    lines = ["| kind | emulated | partly | not emulated |", "|---|---|---|---|"]
    for kind, title in TITLES.items():
        states = [row.state for row in every if row.kind == kind]
        numbers = (states.count(s) for s in ("emulated", "partly", "not emulated"))
        lines.append(f"| {title} | {' | '.join(map(str, numbers))} |")
    return "\n".join(lines) + "\n"


def _line(row: Row, found: Proofs) -> str:
    state = f"{row.state}: {row.note}" if row.note else row.state
    tests = found.get(row.claim, []) if row.state != "not emulated" else []
    return f"| `{row.name}` | {state} | {_proof(tests)} |"


def _proof(tests: list[str]) -> str:
    if not tests:
        return ""
    path, _, name = tests[0].partition("::")
    more = f" and {len(tests) - 1} more" if len(tests) > 1 else ""
    return f"[{name or Path(path).stem}](../../{path}){more}"


def main(arguments: list[str]) -> int:
    """Write the page; with ``--check`` only say whether it is up to date."""
    wanted = page()
    is_stale = not PAGE.exists() or PAGE.read_text("utf-8") != wanted
    complaints = faults()
    for fault in complaints:
        sys.stderr.write(f"{fault}\n")
    if "--check" in arguments:
        if is_stale:
            sys.stderr.write(f"{PAGE} is not up to date: run scripts/docs-parity\n")
        return int(is_stale or bool(complaints))
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
