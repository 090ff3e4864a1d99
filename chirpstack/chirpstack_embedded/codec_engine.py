"""
Codec scripts in QuickJS: one realm per call, or one sealed realm for many.

ChirpStack makes a new runtime for every call. That costs half a millisecond here, so
a script that has proved itself once in a realm of its own, and holds none of the words
that could make it notice, runs in a *sealed* realm: every built-in object is frozen
and the script's own top level is evaluated anew in each call, so nothing can stay
behind. Whatever does not give an object there, an exception, the codec's own errors, is
run again in a new realm, whose answer counts; so both ways give the same answers.

Loops, recursion, memory and regular expressions end at the limits. A few single native
operations do not look at the clock (searching a needle of 100 kB in a haystack of
200 kB takes seconds), so call this outside of anything that must not wait.
"""

import re
import time
from dataclasses import dataclass
from importlib.resources import files
from os import cpu_count
from typing import TYPE_CHECKING

import quickjs

if TYPE_CHECKING:
    from collections.abc import Callable

PRELUDE = files(__package__).joinpath("codec_prelude.js").read_text("utf-8")
MODULES = files(__package__).joinpath("codec_buffer.js").read_text("utf-8")
IMPORTS = re.compile(
    r"""^(\s*)import\s+(?:\*\s+as\s+(?P<all>\w+)|(?P<names>\{[^}]*\})|(?P<one>\w+))"""
    r"""\s+from\s+(['"])(?P<module>buffer|base64-js|ieee754)\5\s*;?""",
    re.MULTILINE,
)
NOTICING = re.compile(
    r"\b(?:Reflect|eval|Function|constructor|Proxy|async|await|then"
    r"|Promise|queueMicrotask|import|export|Symbol|globalThis|__proto__|performance"
    r"|WeakRef|FinalizationRegistry|Atomics|SharedArrayBuffer)\b"
)
# A script that swallows exceptions might swallow the one a sealed object throws, so it
# must not hold what writes to objects it did not make, or shadows an inherited name.
SWALLOWING = re.compile(r"\b(?:catch|finally)\b")
WRITING = re.compile(
    r"\b(?:prototype|assign|defineProperty|defineProperties|setPrototypeOf)\b"
    r"|\b[A-Z]\w*(?:\.\w+|\[[^\]]*\])+\s*(?:[-+*/%&|^?<>]*=(?![=>])|\+\+|--)"
    r"|\.(?:name|message|stack|cause|toString|toJSON|valueOf|toLocaleString"
    r"|hasOwnProperty|isPrototypeOf|propertyIsEnumerable)\s*=(?![=>])"
)
INTERRUPTED = "XError: interrupted"
MOST_JOBS = 1000
STACK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """
    What one call may use.

    `seconds` is wall-clock time, as ChirpStack's `codec.js.max_execution_time`; the
    memory limit is ours, the real server has none.
    """

    seconds: float = 0.1
    memory_bytes: int = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One of the two functions ChirpStack calls."""

    function: str
    verdict: str


DECODE = Call(function="decodeUplink", verdict="decoded")
ENCODE = Call(function="encodeDownlink", verdict="encoded")


def run_alone(script: str, call: Call, given: str, limits: Limits) -> str:
    """
    Run `script` in a realm of its own and return the verdict's text.

    The engine counts the CPU time of the whole process. When other threads are busy
    it therefore stops too early; such a call is run once more with the time that all
    cores together could spend, which cannot be less than `limits.seconds` of wall.
    """
    if "\0" in script:
        return "XError: the script holds a NUL character\n"
    begun = time.perf_counter()
    answer = _run_module(script, call, given, limits, limits.seconds)
    early = time.perf_counter() - begun < limits.seconds
    if early and answer.startswith(INTERRUPTED):
        seconds = limits.seconds * (cpu_count() or 1)
        answer = _run_module(script, call, given, limits, seconds)
    return answer


def _run_module(
    script: str, call: Call, given: str, limits: Limits, seconds: float
) -> str:
    context = _context(limits)
    _equip(context, script)
    context.set("garonne_given", given)
    context.eval("globalThis.chirpstack_input = garonne_tools.input(garonne_given)")
    context.eval("delete globalThis.garonne_given")
    context.eval("globalThis.garonne_result = undefined")
    watch = context.eval(f"(p) => garonne_tools.watch(p, garonne_tools.{call.verdict})")
    context.set_time_limit(seconds)
    try:
        watch(context.module(module_text(script, call)))
        return _settle(context, seconds)
    except quickjs.JSException as error:
        return "X" + _as_caught(str(error))


def _settle(context: quickjs.Context, seconds: float) -> str:
    """Run what the script left to be done, within the limit, and take the verdict."""
    until = time.perf_counter() + seconds
    for _ in range(MOST_JOBS):
        if not context.execute_pending_job() or time.perf_counter() > until:
            break
    answer: str = context.eval("garonne_tools.flat(garonne_tools.taken())")
    return answer if answer != "pending" else f"{INTERRUPTED}\n"


def module_text(script: str, call: Call) -> str:
    """
    Return the module ChirpStack would evaluate for `script`.

    The script's first line is line 4 and begins in column 9, so that the positions in
    error messages are the real server's.
    """
    # ``garonne_result=`` is as long as what stands there in the real server.
    return (
        f"\n        {_buffer_line(script)}\n\n        {_imported(script)}\n\n"
        f"        garonne_result={call.function}(chirpstack_input);\n"
    )


class SealedRealm:
    """A frozen realm in which one script's one function is called again and again."""

    def __init__(self, script: str, call: Call, limits: Limits) -> None:
        self._context = _context(limits)
        _equip(self._context, script)
        modules = "garonne_modules" if _wants_modules(script) else ""
        self._context.eval(f"garonne_tools.seal({modules})")
        self._run: Callable[[str], str] = self._context.eval(
            '"use strict"; ((given) => (text) => garonne_tools.flat(garonne_tools.'
            f"{call.verdict}(given(garonne_tools.input(text)))))"
            f"((chirpstack_input) => {{{_buffer_line(script)}\n{script}\n"
            f"return {call.function}(chirpstack_input);\n}})"
        )
        self._context.set_time_limit(limits.seconds)

    def run(self, given: str) -> str | None:
        """Return the verdict, or nothing when the script must be run alone."""
        try:
            answer = self._run(given)
        except quickjs.JSException:
            return None
        return answer if answer[0] == "O" else None


def sealed(script: str, call: Call, limits: Limits) -> SealedRealm | None:
    """Seal a realm for `script`, unless something in it could notice the difference."""
    if NOTICING.search(script):
        return None
    if SWALLOWING.search(script) and WRITING.search(script):
        return None
    try:
        return SealedRealm(script, call, limits)
    except quickjs.JSException:
        return None


def _context(limits: Limits) -> quickjs.Context:
    context = quickjs.Context()
    context.set_memory_limit(limits.memory_bytes)
    context.set_max_stack_size(STACK_BYTES)
    return context


def _equip(context: quickjs.Context, script: str) -> None:
    context.eval(f"const garonne_tools = {PRELUDE}")
    if _wants_modules(script):
        context.eval(f"const garonne_modules = {MODULES}")


def _wants_modules(script: str) -> bool:
    return "Buffer" in script or IMPORTS.search(script) is not None


def _buffer_line(script: str) -> str:
    return "const { Buffer } = garonne_modules.buffer;" if "Buffer" in script else ""


def _imported(script: str) -> str:
    """Rewrite imports of the three known modules, for this engine loads none."""

    def rewrite(found: re.Match[str]) -> str:
        module = f"garonne_modules[{found['module']!r}]"
        if found["names"]:
            names = re.sub(r"\s+as\s+", ": ", found["names"])
            return f"{found[1]}const {names} = {module};"
        return f"{found[1]}const {found['all'] or found['one']} = {module};"

    return IMPORTS.sub(rewrite, script)


def _as_caught(text: str) -> str:
    """Name an exception as the real server does, without its class."""
    message, _, stack = text.partition("\n")
    return f"Error: {message.partition(': ')[2] or message}\n{stack}"
