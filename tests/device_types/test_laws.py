"""One truth per device type: codec, examples, simulator and profile agree."""

import json
import re
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from chirpstack_embedded.codec import Codec, CodecError, DecodedObject, EncodedPayload
from city.types import Planner, read_type
from lorawan_sim.devices import is_simulated, module_name

HOME = Path(__file__).parents[2]
FOLDERS = sorted(
    path for path in (HOME / "chirpstack" / "device-types").iterdir() if path.is_dir()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One entry of an `examples.json`, with the type it belongs to."""

    device_type: str
    kind: str
    description: str
    input: dict[str, Any]
    output: dict[str, Any]

    @property
    def good(self) -> bool:
        """Whether the codec gives an answer."""
        return "errors" not in self.output

    def __str__(self) -> str:
        return f"{self.device_type}: {self.description}"


def examples(kind: str, *, good: bool | None = None) -> list[Example]:
    """Return the examples of one kind, of every device type."""
    found = [
        Example(
            device_type=folder.name,
            kind=one["type"],
            description=one["description"],
            input=one["input"],
            output=one["output"],
        )
        for folder in FOLDERS
        for one in json.loads((folder / "examples.json").read_text("utf-8"))
    ]
    return [one for one in found if one.kind == kind and good in {None, one.good}]


def script(device_type: str) -> str:
    """Return the codec of a device type."""
    folder = HOME / "chirpstack" / "device-types" / device_type
    return (folder / "codec.js").read_text("utf-8")


CODEC = Codec()
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
FORBIDDEN = re.compile(
    r"module\.exports|\brequire\s*\(|\bBuffer\b|^\s*export\b", re.MULTILINE
)
KINDS = {"uplink", "downlink-encode", "downlink-decode"}
per_folder = pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)


def per_example(kind: str, *, good: bool | None = None) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("example", examples(kind, good=good), ids=str)


def decode_downlink(device_type: str, f_port: int, data: bytes) -> Any:
    """Call `decodeDownlink`, which the server never does, by another name."""
    renamed = script(device_type).replace("function decodeUplink", "function other")
    renamed += "\nfunction decodeUplink(input) { return decodeDownlink(input); }"
    return CODEC.decode(renamed, f_port, data, 0.0, {})


@per_folder
def test_a_device_type_has_its_files_and_no_others(folder: Path) -> None:
    assert ["codec.js", "device-type.toml", "examples.json"] == sorted(
        path.name for path in folder.iterdir()
    )


@per_folder
def test_its_name_is_lower_case_with_hyphens(folder: Path) -> None:
    assert NAME.fullmatch(folder.name)


@per_folder
def test_it_has_a_simulator(folder: Path) -> None:
    assert is_simulated(folder.name)


@per_folder
def test_its_settings_can_be_read_and_name_a_region_we_know(folder: Path) -> None:
    found = read_type(folder)

    region = f"wire.lorawan.region.{found.profile['region'].lower()}"
    assert find_spec(region) is not None
    assert re.fullmatch(r"[0-9A-F]{8}", found.vendor_id + found.vendor_profile_id)


def test_no_two_types_share_a_profile_id() -> None:
    found = [read_type(folder) for folder in FOLDERS]
    ids = [one.vendor_id + one.vendor_profile_id for one in found]

    assert len(ids) == len(set(ids))


@per_folder
def test_its_codec_needs_nothing_a_server_may_lack(folder: Path) -> None:
    assert not FORBIDDEN.search(script(folder.name))


@per_folder
def test_its_examples_tell_what_fails_too(folder: Path) -> None:
    found = json.loads((folder / "examples.json").read_text("utf-8"))

    assert {one["type"] for one in found} <= KINDS
    assert any("errors" in one["output"] for one in found)
    descriptions = [one["description"] for one in found]
    assert len(descriptions) == len(set(descriptions))


@per_example("uplink")
def test_the_codec_keeps_its_promise(example: Example) -> None:
    data = bytes(example.input["bytes"])

    found = CODEC.decode(
        script(example.device_type), example.input["fPort"], data, 0.0, {}
    )

    if example.good:
        assert DecodedObject(example.output["data"]) == found
    else:
        errors = ", ".join(example.output["errors"])
        assert CodecError(f"decodeUplink returned errors: {errors}") == found


@per_example("uplink", good=True)
def test_every_document_names_its_kind(example: Example) -> None:
    assert isinstance(example.output["data"]["message"], str)


@per_example("uplink", good=True)
def test_the_simulator_speaks_what_the_codec_reads(example: Example) -> None:
    device = import_module(module_name(example.device_type))

    f_port, payload = device.encode(example.output["data"])

    assert (example.input["fPort"], example.input["bytes"]) == (f_port, [*payload])


@per_example("downlink-encode")
def test_a_command_becomes_these_bytes(example: Example) -> None:
    found = CODEC.encode(script(example.device_type), example.input["data"], {})

    if example.good:
        data = bytes(example.output["bytes"])
        assert EncodedPayload(data, example.output["fPort"]) == found
    else:
        errors = ", ".join(example.output["errors"])
        assert CodecError(f"encodeDownlink returned errors: {errors}") == found


@per_example("downlink-encode", good=True)
def test_a_command_can_be_read_back(example: Example) -> None:
    data = bytes(example.output["bytes"])

    found = decode_downlink(example.device_type, example.output["fPort"], data)

    assert DecodedObject(example.input["data"]) == found


@per_example("downlink-decode")
def test_a_downlink_is_read_as_promised(example: Example) -> None:
    data = bytes(example.input["bytes"])

    found = decode_downlink(example.device_type, example.input["fPort"], data)

    if example.good:
        assert DecodedObject(example.output["data"]) == found
    else:
        errors = ", ".join(example.output["errors"])
        assert CodecError(f"decodeUplink returned errors: {errors}") == found


@per_folder
def test_a_type_with_commands_says_how_they_are_confirmed(folder: Path) -> None:
    found = read_type(folder)
    documents = [
        one.output["data"]
        for one in examples("uplink", good=True)
        if one.device_type == folder.name
    ]
    if not found.commands:
        assert not any(
            one.device_type == folder.name for one in examples("downlink-encode")
        )
        return

    rules = Planner(found).rules
    assert rules is not None
    matching = [
        one
        for one in documents
        if one["message"] == rules.confirm_message
        and rules.confirms({name: one.get(name) for name in rules.confirm_fields}, one)
    ]
    assert matching
    assert all(set(rules.confirm_fields) <= one.keys() for one in matching)
    if "status_request" in found.commands:
        request = found.commands["status_request"]
        assert isinstance(CODEC.encode(found.codec, request, {}), EncodedPayload)
