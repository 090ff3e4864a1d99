"""``python -m chirpstack_embedded -c DIR [create-api-key --name NAME]``."""

import argparse
import logging
import os
import signal
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from chirpstack_embedded.adapters.child import log_to_stderr
from chirpstack_embedded.adapters.garbage import look_rarely
from chirpstack_embedded.config import Configuration, load_configuration
from chirpstack_embedded.errors import BadConfiguration, ChirpStackError
from chirpstack_embedded.grpc_api import key_token
from chirpstack_embedded.program import Program, open_store
from chirpstack_embedded.settings import Settings, read_settings
from chirpstack_embedded.store import ApiKey

logger = logging.getLogger("chirpstack_embedded")

BAD_CONFIGURATION = 2
FAILED = 1


def main(
    arguments: Sequence[str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> int:
    """Run the program; returns its exit code."""
    environment = os.environ if environment is None else environment
    options = _parser().parse_args(arguments)
    try:
        settings, configuration = _read(options.config, environment)
        if options.command == "create-api-key":
            return _create_api_key(configuration, settings, options.name)
        return _serve(Program(configuration, settings))
    except BadConfiguration as error:
        for fault in error.faults:
            sys.stderr.write(f"chirpstack_embedded: {fault}\n")
        return BAD_CONFIGURATION
    except ChirpStackError as error:
        sys.stderr.write(f"chirpstack_embedded: {error}\n")
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m chirpstack_embedded", description=__doc__
    )
    parser.add_argument(
        "-c", "--config", type=Path, required=True, help="folder of the *.toml files"
    )
    commands = parser.add_subparsers(dest="command")
    create = commands.add_parser(
        "create-api-key", help="make an admin key; prints its id and token"
    )
    create.add_argument("-n", "--name", required=True)
    return parser


def _read(
    folder: Path, environment: Mapping[str, str]
) -> tuple[Settings, Configuration]:
    settings = read_settings(environment)
    log_to_stderr(settings.log_level)
    configuration, warnings = load_configuration(
        folder, environment, regions=settings.regions
    )
    for warning in warnings:
        logger.warning("ns.config.ignore %s", warning)
    strict = settings.strict_gateway_identity
    return settings, replace(configuration, strict_gateway_identity=strict)


def _create_api_key(configuration: Configuration, settings: Settings, name: str) -> int:
    store = open_store(configuration, settings, time.time())
    key = ApiKey(
        id=str(uuid.uuid4()),
        name=name,
        is_admin=True,
        is_read_only=False,
        tenant_id=None,
    )
    with store.transaction():
        store.access.add_key(key, time.time())
    store.close()
    token = key_token(key.id, configuration.api_secret)
    sys.stdout.write(f"id: {key.id}\ntoken: {token}\n")
    return 0


def _serve(program: Program) -> int:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: program.stopping.set())
    program.start()
    look_rarely()
    program.wait_and_stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
