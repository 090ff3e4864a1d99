"""
Orders to groups: from the wish to each device's command, and the one frame's way.

The order's partition is that of the group's name, so a group's orders follow one
another. A frame has no tx ack and no event; ChirpStack's queue and the group's counter
are all there is to see, and as with a device's command nothing is sent on a guess.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from redis import Redis

from city import keys
from city.command import Payload
from city.errors import BadCommand, NetworkError, NotThere, Unreachable
from city.failpoint import Failpoint
from city.group_order import Choice, GroupOrder, GroupSend, choose, frame_s
from city.grouped import News
from city.lease import Argument, Changes
from city.network import Network
from city.objects import Group
from faas.sender.planners import Planners
from wire.lorawan.region.catalogue import COMMON
from wire.lorawan.region.eu868 import EU868

KEPT_S: Final = 30 * 86_400
LOOK_EVERY_S: Final = 0.5

_log = logging.getLogger(__name__)

__all__ = ["GroupDesk"]


@dataclass(slots=True, kw_only=True)
class _OnTheWay:
    """A frame and when to look after it next."""

    send: GroupSend
    look_at: float = 0.0


@dataclass(slots=True, kw_only=True)
class GroupDesk:
    """One partition's orders to groups; the desk's thread works at it."""

    redis: Redis
    partition: int
    partitions: int
    network: Network
    planners: Planners
    failpoint: Failpoint
    clock: Callable[[], float]
    _sends: dict[str, _OnTheWay] = field(default_factory=dict)
    _written: dict[str, GroupSend | None] = field(default_factory=dict)
    _told: dict[str, dict[str, str]] = field(default_factory=dict)

    # -- what the desk calls

    def recall(self) -> None:
        """Take up what is on its way, after a take-over."""
        self._sends.clear()
        self._written.clear()
        self._told.clear()
        found: Any = self.redis.hgetall(keys.groups(self.partition))
        for text in found.values():
            send = GroupSend.parse(text)
            self._sends[send.order_id] = _OnTheWay(send=send)

    def take(self, data: bytes) -> bool:
        """
        Take an order; False: its group lives in another partition, it was passed on.

        `Unreachable`: ChirpStack must say first who is in the group. `BadCommand`.
        """
        order = GroupOrder.parse(data)
        home = keys.partition_of(order.name, self.partitions)
        if home != self.partition:
            entry: dict[Any, Any] = {b"group": data}
            self.redis.xadd(keys.outbox(home), entry)
            self.failpoint.reach("after_forward_before_ack")
            return False
        if not self._known(order.id):
            self._expand(order)
        return True

    def tick(self, now: float) -> None:
        """Look after the frames that are due."""
        for way in [w for w in self._sends.values() if w.look_at <= now]:
            way.look_at = now + LOOK_EVERY_S
            try:
                self._step(way, now)
            except Unreachable as error:
                _log.debug("sender.group.wait error=%s", error)
            except NetworkError as error:
                self._end(way.send, "failed", str(error))

    @property
    def busy(self) -> bool:
        """Whether a frame is on its way."""
        return bool(self._sends)

    def write(self, changes: Changes) -> None:
        """Put what changed into the desk's commit."""
        written, self._written = self._written, {}
        for order_id, send in written.items():
            name = keys.groups(self.partition)
            if send is None:
                changes.add("HDEL", name, order_id)
            else:
                changes.add("HSET", name, order_id, bytes(send))
        told, self._told = self._told, {}
        for order_id, facts in told.items():
            name = keys.group_order(self.partition, order_id)
            pairs: list[Argument] = [text for pair in facts.items() for text in pair]
            changes.add("HSET", name, *pairs)
            changes.add("EXPIRE", name, KEPT_S)

    # -- an order

    def _known(self, order_id: str) -> bool:
        name = keys.group_order(self.partition, order_id)
        return order_id in self._told or bool(self.redis.exists(name))

    def _expand(self, order: GroupOrder) -> None:
        payload = self.planners.require(order.device_type).plan(order.object)
        group = self._group_or_none(order)
        targets = self._targets(order, group)
        choice, gateways = self._choose(group, targets, payload)
        send = None
        if choice.grouped and group is not None:
            send = self._new_send(order, group, payload, choice)
        self._tell(order, choice, gateways)
        application_id = group.application_id if group else order.application_id
        for dev_eui in (*choice.grouped, *choice.alone):
            grouped = dev_eui in choice.grouped
            command = order.command(dev_eui, application_id, grouped=grouped)
            home = keys.partition_of(dev_eui, self.partitions)
            entry: dict[Any, Any] = {"command": bytes(command)}
            self.redis.xadd(keys.outbox(home), entry)
        if send is not None:
            self._keep(send)
        _log.info(
            "sender.group.%s id=%s group=%r grouped=%d alone=%d airtime_s=%.3f",
            "one_frame" if choice.grouped else "one_each",
            order.id,
            order.name,
            len(choice.grouped),
            len(choice.alone),
            choice.airtime_s,
        )

    def _group_or_none(self, order: GroupOrder) -> Group | None:
        try:
            return self._group(order)
        except Unreachable:
            raise
        except NetworkError as error:
            # Each device alone is the way that always works.
            _log.warning("sender.group.unknown name=%r error=%s", order.name, error)
            return None

    def _group(self, order: GroupOrder) -> Group | None:
        for one in self.network.groups.listed(order.application_id):
            if one.name == order.name:
                return self.network.groups.get(one.id)
        return None

    def _targets(self, order: GroupOrder, group: Group | None) -> tuple[str, ...]:
        if order.targets:
            return order.targets
        # Fewer than two devices are no group; whoever is there is told alone.
        application_id = group.application_id if group else order.application_id
        if not application_id:
            raise BadCommand(f"ChirpStack knows no multicast group {order.name!r}")
        found = self.network.tagged_devices(application_id, {order.by: order.value})
        title = self.planners.require(order.device_type).type.title
        return tuple(one.dev_eui for one in found if one.device_profile_name == title)

    def _choose(
        self, group: Group | None, targets: Iterable[str], payload: Payload
    ) -> tuple[Choice, int]:
        wanted = list(targets)
        if group is None:
            return choose(wanted, (), 0, 0.0), 0
        groups = self.network.groups
        gateways = len(groups.gateways(group))
        air_s = frame_s(payload, group.data_rate, COMMON.get(group.region, EU868))
        return choose(wanted, groups.members(group), gateways, air_s), gateways

    def _new_send(
        self, order: GroupOrder, group: Group, payload: Payload, choice: Choice
    ) -> GroupSend:
        homes = {keys.partition_of(eui, self.partitions) for eui in choice.grouped}
        return GroupSend(
            order_id=order.id,
            group_id=group.id,
            f_port=payload.f_port,
            data=payload.data.hex(),
            expires_at=order.expires_at,
            partitions=tuple(sorted(homes)),
        )

    def _tell(self, order: GroupOrder, choice: Choice, gateways: int) -> None:
        self._told[order.id] = {
            "id": order.id,
            "group": order.name,
            "way": "one frame" if choice.grouped else "one each",
            "devices": str(len(choice.grouped) + len(choice.alone)),
            "grouped": str(len(choice.grouped)),
            "gateways": str(gateways),
            "airtime_s": f"{choice.airtime_s:.6f}",
            "instead_s": f"{choice.instead_s:.6f}",
        }

    # -- its frame

    def _step(self, way: _OnTheWay, now: float) -> None:
        send, groups = way.send, self.network.groups
        if send.phase == "preparing":
            self._keep(send.prepared(groups.get(send.group_id).f_cnt))
        elif send.phase == "sending":
            self._hand_over(send)
        elif send.f_cnt not in groups.queue(send.group_id):
            in_time = now < send.expires_at
            self._end(send, "transmitted" if in_time else "failed", "")

    def _hand_over(self, send: GroupSend) -> None:
        groups = self.network.groups
        try:
            counter = groups.get(send.group_id).f_cnt
        except NotThere:
            self._end(send, "failed", "the group is gone")
            return
        if counter == send.f_cnt:  # it never was handed over
            data = bytes.fromhex(send.data)
            groups.enqueue(send.group_id, send.f_port, data, send.expires_at)
            self.failpoint.reach("after_enqueue_before_mark")
        self._keep(send.queued(send.f_cnt))
        self._news(send, "queued", "")

    def _keep(self, send: GroupSend) -> None:
        self._sends.setdefault(send.order_id, _OnTheWay(send=send)).send = send
        self._sends[send.order_id].look_at = 0.0
        self._written[send.order_id] = send

    def _end(self, send: GroupSend, news: News, reason: str) -> None:
        self._sends.pop(send.order_id, None)
        self._written[send.order_id] = None
        self._news(send, news, reason)

    def _news(self, send: GroupSend, news: News, reason: str) -> None:
        """Tell every partition that has a part in it; twice does no harm."""
        _log.info(
            "sender.group.%s id=%s f_cnt=%d %s", news, send.order_id, send.f_cnt, reason
        )
        document = orjson.dumps({"group": send.order_id, "news": news})
        for partition in send.partitions:
            entry: dict[Any, Any] = {"news": document}
            self.redis.xadd(keys.outbox(partition), entry)
