"""What the program needs to know, read from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from city.settings import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    Where the city is declared, and how to enter ChirpStack.

    Entry is by token, else by the user's password; `token_file`, if named and not there
    yet, gets a new API key for the programs.
    """

    home: Path
    city: str
    keys: Path
    target: str
    token: str = field(repr=False)
    token_file: Path | None
    user: str
    password: str = field(repr=False)
    log: str


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings; `BadSettings` lists every fault."""
    read = Reader(environment)
    file = environment.get("GARONNE_CHIRPSTACK_TOKEN_FILE")
    token_file = Path(file) if file else None
    password = read.perhaps("GARONNE_CHIRPSTACK_PASSWORD")
    token = environment.get("GARONNE_CHIRPSTACK_TOKEN", "")
    if token_file is not None and token_file.exists():
        token = token_file.read_text("utf-8").strip()
    if not token and not password:
        read.fault(
            "GARONNE_CHIRPSTACK_TOKEN, _TOKEN_FILE (with a token in it) or _PASSWORD"
            " must be set"
        )
    target = read.text("GARONNE_CHIRPSTACK_GRPC")
    settings = Settings(
        home=read.home(),
        city=read.text("GARONNE_CITY", "toulouse"),
        keys=Path(read.text("GARONNE_KEYS", str(read.state() / "keys.csv"))),
        target=target,
        token=token,
        token_file=token_file,
        user=read.text("GARONNE_CHIRPSTACK_USER", "admin"),
        password=password,
        log=read.log_level(),
    )
    read.check()
    return settings
