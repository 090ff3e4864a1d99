"""The command `garonne`: read what was typed and the settings, then do it."""

import argparse
import contextlib
import importlib
import math
import os
import sys
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from garonne.errors import GaronneError, WrongSettings
from garonne.settings import Settings

__all__ = ["main"]

INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code. Every error is a sentence."""
    arguments = parser().parse_args(argv)
    try:
        return _run(vars(arguments))
    except WrongSettings as error:
        for fault in error.faults:
            print(f"garonne: {fault}", file=sys.stderr)
        return error.exit_code
    except GaronneError as error:
        print(f"garonne: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `garonne logs | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 -- the edge: people read sentences
        return _surprise(error)


def _surprise(error: Exception) -> int:
    if os.environ.get("GARONNE_LOG", "").lower() == "debug":
        traceback.print_exception(error)
    text = " ".join(str(error).split()) or "no message"
    print(
        f"garonne: this should not happen: {type(error).__name__}: {text} "
        "(GARONNE_LOG=debug shows where)",
        file=sys.stderr,
    )
    return 1


def _run(options: dict[str, Any]) -> int:
    city = options.pop("city", None)
    if city:
        os.environ["GARONNE_CITY"] = city  # also for what --detach starts
    settings = Settings.read(os.environ)
    module, _, function = options.pop("run").partition(":")
    # Loaded when asked for: `garonne status` must not wait for the archive's library.
    command = getattr(importlib.import_module(module), function)
    code: int = command(settings, **options)
    return code


def parser() -> argparse.ArgumentParser:
    """Return the whole command line."""
    top = argparse.ArgumentParser(
        prog="garonne",
        description="Run a city of LoRaWAN devices and small functions.",
        epilog="Settings are environment variables; see docs/reference/settings.md.",
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND", title="commands")
    _stack_commands(commands)
    _people_commands(commands)
    return top


if TYPE_CHECKING:
    _Commands: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 -- argparse names it no other way


def _city(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--city",
        metavar="NAME",
        help="the folder of cities/ to bring to life (default: GARONNE_CITY)",
    )


def _stack_commands(commands: "_Commands") -> None:
    up = commands.add_parser(
        "up",
        help="start the city on this machine",
        description="Start broker, Redis, object store, ChirpStack, gateways, devices "
        "and functions on loopback, and stay until Ctrl-C. A part whose address is "
        "set (GARONNE_MQTT, GARONNE_REDIS, GARONNE_S3, GARONNE_CHIRPSTACK_GRPC) is "
        "used there instead of being started here.",
    )
    _city(up)
    up.add_argument("--detach", action="store_true", help="return once it is up")
    up.add_argument(
        "--quiet", action="store_true", help="print only the supervisor's sentences"
    )
    up.set_defaults(run="garonne.commands.stack:up")

    down = commands.add_parser(
        "down",
        help="stop the city",
        description="Stop every part of the city that runs in the state folder. "
        "Nothing is lost: `garonne up` goes on where it was.",
    )
    down.set_defaults(run="garonne.commands.stack:down")

    status = commands.add_parser(
        "status",
        help="show the parts and their addresses",
        description="Show every part, its state and where it listens.",
    )
    status.set_defaults(run="garonne.commands.stack:status")

    logs = commands.add_parser(
        "logs",
        help="show the last lines of a part",
        description="Show the last lines that a part logged. `garonne status` names "
        "the parts.",
    )
    logs.add_argument(
        "part",
        nargs="?",
        default="",
        metavar="PART",
        help="for example worker (default: the supervisor)",
    )
    logs.add_argument(
        "--lines", type=_count, default=50, metavar="N", help="how many (default: 50)"
    )
    logs.set_defaults(run="garonne.commands.stack:logs")

    reset = commands.add_parser(
        "reset",
        help="forget everything: devices, server, streams, archive",
        description="Empty the state folder. Device and server state go together: one "
        "without the other no longer joins. Refused while the city runs.",
    )
    reset.add_argument(
        "--keep-archive", action="store_true", help="keep the raw archive"
    )
    reset.set_defaults(run="garonne.commands.stack:reset")


def _people_commands(commands: "_Commands") -> None:
    lamp = commands.add_parser(
        "lamp",
        help="switch or dim a lamp and wait for its own report",
        description="Ask a lamp for a level and tell each step until the lamp's own "
        "report confirms it: requested, queued, transmitted, acknowledged, confirmed. "
        "While it waits it says why not yet. A street or a district means all its "
        "lamps. Exit code 0 only when every one confirmed.",
    )
    lamp.add_argument(
        "lamp",
        metavar="LAMP",
        help="its name (lamp-03) or DevEUI, or a street or district: all its lamps",
    )
    level = lamp.add_mutually_exclusive_group(required=True)
    level.add_argument("--level", type=_percent, metavar="N", help="0 to 100 %%")
    level.add_argument(
        "--on", dest="level", action="store_const", const=100, help="as --level 100"
    )
    level.add_argument(
        "--off", dest="level", action="store_const", const=0, help="as --level 0"
    )
    lamp.add_argument(
        "--minutes",
        type=int,
        metavar="M",
        help="after so many minutes the lamp decides for itself again",
    )
    lamp.add_argument(
        "--timeout",
        type=_seconds,
        metavar="S",
        help="seconds to wait (default: until the command ends)",
    )
    lamp.set_defaults(run="garonne.commands.lamp:lamp")

    relay = commands.add_parser(
        "relay",
        help="switch a metered relay and wait for its own report",
        description="Ask a metered relay to close (--on) or open (--off) and tell each "
        "step until its own report confirms it, as `garonne lamp` does. Exit code 0 "
        "only when every one confirmed.",
    )
    relay.add_argument(
        "relay",
        metavar="RELAY",
        help="its name or DevEUI, or a street or district: all its relays",
    )
    state = relay.add_mutually_exclusive_group(required=True)
    state.add_argument(
        "--on", dest="on", action="store_const", const=True, help="close it"
    )
    state.add_argument(
        "--off", dest="on", action="store_const", const=False, help="open it"
    )
    relay.add_argument("--timeout", type=_seconds, metavar="S", help="seconds to wait")
    relay.set_defaults(run="garonne.commands.relay:relay")

    _device_commands(commands)
    _doctor_command(commands)
    _scenario_commands(commands)
    _function_commands(commands)

    demo = commands.add_parser(
        "demo",
        help="start a fresh city, let it live, count what was lost",
        description="The main job in five phases: prepare, join, run, drain, report. "
        "Exit code 0 only if every device joined, nothing was lost, no command failed "
        "or is open, and every law holds.",
    )
    _city(demo)
    demo.add_argument(
        "--seconds",
        type=_seconds,
        default=60.0,
        metavar="N",
        help="length of the phase run (default: 60)",
    )
    demo.add_argument("--report", metavar="FILE", help="write the report there as JSON")
    demo.add_argument(
        "--state",
        metavar="DIR",
        help="keep the city's state there (default: a temporary folder)",
    )
    demo.set_defaults(run="garonne.commands.demo:demo")


def _scenario_commands(commands: "_Commands") -> None:
    scenario = commands.add_parser(
        "scenario",
        help="run a city from a file, judge it",
        description="Run a city from a file and judge what came of it.",
    )
    actions = scenario.add_subparsers(required=True, metavar="ACTION", title="actions")
    run = actions.add_parser(
        "run",
        help="run a scenario; exit code 0 only if all it expects is found",
        description="Run the city, the faults and the commands of a scenario file, on "
        "the whole stack or, with --virtual, in one process and virtual time. Then "
        "print everything it expects with what was found.",
    )
    run.add_argument("file", metavar="FILE", help="for example scenarios/replay.toml")
    run.add_argument(
        "--virtual", action="store_true", help="in one process, as fast as it goes"
    )
    run.add_argument("--report", metavar="FILE", help="write the report there as JSON")
    run.add_argument(
        "--log", metavar="FILE", help="with --virtual: write everything that happened"
    )
    run.set_defaults(run="garonne.commands.scenario:run")


def _device_commands(commands: "_Commands") -> None:
    device = commands.add_parser(
        "device",
        help="put devices on the network, list them",
        description="Put devices on the network, and see which are there.",
    )
    actions = device.add_subparsers(required=True, metavar="ACTION", title="actions")

    add = actions.add_parser(
        "add",
        help="add one by its QR code or by typed values, and watch it join",
        description="Add a device to ChirpStack and show its join and first decoded "
        "values, or why not. The QR code (LW:D0:...) holds no key: it is taken from "
        "the key file (GARONNE_KEYS) unless --app-key is given.",
    )
    add.add_argument("qr", nargs="?", metavar="QR", help="the text of its QR code")
    add.add_argument("--dev-eui", metavar="HEX", help="16 digits, from the label")
    add.add_argument("--join-eui", metavar="HEX", help="16 digits, from the label")
    add.add_argument("--app-key", metavar="HEX", help="32 digits, from its maker")
    add.add_argument(
        "--type",
        dest="device_type",
        metavar="TYPE",
        help="a folder of chirpstack/device-types/, for example street-light",
    )
    add.add_argument("--name", metavar="NAME", help="what to call it from now on")
    add.add_argument(
        "--timeout",
        type=_seconds,
        default=120.0,
        metavar="S",
        help="seconds to wait for its first values (default: 120)",
    )
    add.set_defaults(run="garonne.commands.device:add")

    box = actions.add_parser(
        "box",
        help="list powered devices that wait to be added",
        description="List the devices of the city that are powered and not yet "
        "registered, each with the text of its QR code.",
    )
    box.set_defaults(run="garonne.commands.device:box")

    listed = actions.add_parser(
        "list",
        help="list the devices in ChirpStack",
        description="List the city's devices in ChirpStack and when each was heard.",
    )
    listed.set_defaults(run="garonne.commands.device:list_all")


def _doctor_command(commands: "_Commands") -> None:
    doctor = commands.add_parser(
        "doctor",
        help="say in one sentence why a device is not heard, and what to do",
        description="Ask ChirpStack for the device, its keys, session, events and "
        "gateways, and listen to what gateways say for a short while. Exit code 0 only "
        "when nothing has to be done.",
    )
    doctor.add_argument("device", metavar="DEVEUI", help="its DevEUI, or its name")
    doctor.add_argument(
        "--listen",
        type=_seconds,
        default=10.0,
        metavar="S",
        help="seconds to listen at most (default: 10)",
    )
    doctor.add_argument(
        "--json", dest="as_json", action="store_true", help="for tools: one document"
    )
    doctor.set_defaults(run="garonne.commands.doctor:doctor")


def _function_commands(commands: "_Commands") -> None:
    notices = commands.add_parser(
        "notices",
        help="read what functions told people",
        description="Print the sentences that functions told people, oldest first.",
    )
    notices.add_argument("--follow", action="store_true", help="stay for new ones")
    notices.set_defaults(run="garonne.commands.functions:notices")

    failed = commands.add_parser(
        "failed",
        help="list the events that functions failed on",
        description="List the events that a function failed on: those that are tried "
        "again, and those given up. Exit code 1 if one was given up.",
    )
    failed.add_argument(
        "--send-back",
        action="store_true",
        help="give what was given up another full round of attempts",
    )
    failed.set_defaults(run="garonne.commands.functions:failed")


def _percent(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) <= 100:  # noqa: PLR2004 -- %
        return int(text)
    raise argparse.ArgumentTypeError(f"expected a level from 0 to 100, found {text!r}")


def _count(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected a number above 0, found {text!r}")


def _seconds(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < (seconds := float(text)) < math.inf:
            return seconds
    raise argparse.ArgumentTypeError(f"expected seconds above 0, found {text!r}")


if __name__ == "__main__":
    sys.exit(main())
