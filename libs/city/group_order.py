"""
An order to a group: one frame to all, or one to each, as air time says. Pure.

Whatever the way, every device has a command of its own, and its own report ends it.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal, Self
from uuid import UUID, uuid5

import orjson

from city.command import Command, Payload
from city.errors import BadCommand
from wire.lorawan.mhdr import Direction
from wire.lorawan.region import Region

FRAME_OVERHEAD: Final = 13  # MHDR, FHDR, FPort and MIC
SMALLEST: Final = 2  # fewer are no group


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupOrder:
    """
    A wish: all devices of a type with this tag shall be so.

    ``by`` is the tag (``street``, ``district``) and ``value`` what it says. ``targets``
    names the devices; empty: all that ChirpStack knows with that tag, in the group's
    application or, where there is no group, in ``application_id``.
    """

    id: str
    device_type: str
    by: str
    value: str
    object: Mapping[str, Any]
    requested_at: float
    expires_at: float
    why: str = ""
    requested_by: str = ""
    supersedes: bool = True
    manual: bool = False
    targets: tuple[str, ...] = ()
    application_id: str = ""

    @property
    def name(self) -> str:
        """The name of the multicast group in ChirpStack."""
        return group_name(self.device_type, self.by, self.value)

    def command(self, dev_eui: str, application_id: str, *, grouped: bool) -> Command:
        """Return one device's part in it."""
        return Command(
            id=member_id(self.id, dev_eui),
            dev_eui=dev_eui,
            device_type=self.device_type,
            application_id=application_id,
            object=self.object,
            why=self.why,
            requested_by=self.requested_by,
            requested_at=self.requested_at,
            expires_at=self.expires_at,
            supersedes=self.supersedes,
            manual=self.manual,
            group=self.id if grouped else "",
        )

    def __bytes__(self) -> bytes:
        return orjson.dumps(asdict(self))

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the JSON of the outbox; BadCommand says what is wrong."""
        try:
            found = orjson.loads(data)
            found["id"] = str(UUID(found["id"]))
            found["targets"] = tuple(str(eui).lower() for eui in found["targets"])
            return cls(**found)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadCommand(f"not an order to a group: {error!r}") from error


def group_name(device_type: str, by: str, value: str) -> str:
    """Name the multicast group of a street's or a district's devices."""
    return f"{device_type} {by} {value}"


def member_id(order_id: str, dev_eui: str) -> str:
    """Return the id of one device's command in a group's order."""
    return str(uuid5(UUID(order_id), dev_eui.lower()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which devices one frame reaches; the air time of this and of the other way."""

    grouped: tuple[str, ...]
    alone: tuple[str, ...]
    airtime_s: float
    instead_s: float


def choose(
    targets: Collection[str],
    members: Collection[str],
    gateways: int,
    frame_s: float,
) -> Choice:
    """
    Choose between one frame to the group and one to each device.

    A group's frame is sent once by each of its gateways; devices that are no members
    need one of their own either way.
    """
    grouped = tuple(sorted(set(targets) & set(members)))
    alone = tuple(sorted(set(targets) - set(members)))
    one_each_s = len(targets) * frame_s
    to_group_s = (gateways + len(alone)) * frame_s
    if not gateways or len(grouped) < SMALLEST or to_group_s >= one_each_s:
        return Choice(
            grouped=(),
            alone=tuple(sorted(targets)),
            airtime_s=one_each_s,
            instead_s=to_group_s,
        )
    return Choice(
        grouped=grouped, alone=alone, airtime_s=to_group_s, instead_s=one_each_s
    )


def frame_s(payload: Payload, data_rate: int, region: Region) -> float:
    """Seconds of air that one frame with a payload takes."""
    size = FRAME_OVERHEAD + len(payload.data)
    return region.data_rate(data_rate).airtime_s(size, Direction.DOWN)


Phase = Literal["preparing", "sending", "queued", "done"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSend:
    """
    One frame on its way to a group.

    ``f_cnt`` is the group's counter before the frame was handed over: found moved
    after a crash, the frame is in ChirpStack's queue; found unmoved, it never was.
    """

    order_id: str
    group_id: str
    f_port: int
    data: str
    expires_at: float
    partitions: tuple[int, ...]
    phase: Phase = "preparing"
    f_cnt: int = -1

    def prepared(self, f_cnt: int) -> Self:
        """Note the counter before the frame."""
        return replace(self, phase="sending", f_cnt=f_cnt)

    def queued(self, f_cnt: int) -> Self:
        """Note that ChirpStack has it under this counter."""
        return replace(self, phase="queued", f_cnt=f_cnt)

    def __bytes__(self) -> bytes:
        return orjson.dumps(asdict(self))

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read back what ``bytes()`` wrote."""
        found = orjson.loads(data)
        return cls(**{**found, "partitions": tuple(found["partitions"])})
