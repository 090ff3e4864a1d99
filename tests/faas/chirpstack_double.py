"""
ChirpStack as the sender sees it: `command/down`, queue and counter over gRPC, events.

The rules are those of the server: an id is refused, in silence, while its row exists;
an item leaves the queue with its tx ack; a sent frame advances the down counter. Events
are put into the streams at once, as ingest would.
"""

import base64
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import grpc
from chirpstack_api import api
from google.protobuf.empty_pb2 import Empty
from redis import Redis

from city import keys
from city.mqtt import Subscriber
from city.settings import Mqtt

APPLICATION = "1b7f4c0e-0e4d-4a53-9f0a-2f6b6a2d7c31"


@dataclass(slots=True, kw_only=True)
class Sent:
    """A frame that went on the air."""

    dev_eui: str
    id: str
    data: bytes


@dataclass(kw_only=True)
class Double:
    """
    One ChirpStack; ``f_cnt_down`` is per device.

    ``types`` has the ``device_type`` tag of each provisioned device; "" is none.
    """

    redis: Redis
    partitions: int = 4
    target: str = ""
    queues: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    f_cnt_down: dict[str, int] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    away: bool = False
    groups: dict[str, "DoubleGroup"] = field(default_factory=dict)
    received: list[dict[str, Any]] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    # How long the consumer of commands takes; a test may hold it up.
    changed: threading.Condition = field(default_factory=threading.Condition)

    def take(self, topic: str, body: bytes) -> None:
        """Take a downlink command."""
        command = json.loads(body)
        dev_eui = topic.split("/")[3]
        with self.changed:
            self.received.append(command)
            queue = self.queues.setdefault(dev_eui, [])
            if any(item["id"] == command["id"] for item in queue):
                self.ignored.append(command["id"])
            elif command["devEui"] == dev_eui:
                queue.append(command)
            self.changed.notify_all()

    def await_received(self, count: int, *, timeout_s: float = 20.0) -> None:
        """Wait until that many commands have come in all."""
        with self.changed:
            enough = self.changed.wait_for(
                lambda: len(self.received) >= count, timeout_s
            )
        assert enough, f"{len(self.received)} of {count} commands came"

    def transmit(self, dev_eui: str, *, tell: bool = True) -> str:
        """Send the head of a device's queue; ``tell`` the tx ack."""
        with self.changed:
            item = self.queues[dev_eui].pop(0)
            self.f_cnt_down[dev_eui] = self.f_cnt_down.get(dev_eui, 0) + 1
            data = base64.b64decode(item["data"])
            self.sent.append(Sent(dev_eui=dev_eui, id=item["id"], data=data))
        item_id: str = item["id"]
        if tell:
            self.event(dev_eui, "txack", {"time": now_text(), "queueItemId": item_id})
        return item_id

    def report(self, dev_eui: str, level: int, reason: str = "manual") -> None:
        """Let the device report its state."""
        document = {
            "time": "2020-01-01T00:00:00+00:00",  # a gateway's clock is not believed
            "object": {"message": "status", "level": level, "reason": reason},
            "rxInfo": [{"nsTime": now_text()}],
        }
        self.event(dev_eui, "up", document)

    def event(self, dev_eui: str, kind: str, document: dict[str, Any]) -> None:
        """Put an event into the device's stream."""
        partition = keys.partition_of(dev_eui, self.partitions)
        topic = f"application/{APPLICATION}/device/{dev_eui}/event/{kind}"
        entry = {"topic": topic, "payload": json.dumps(document)}
        self.redis.xadd(keys.events(partition), entry)  # type: ignore[arg-type]  # redis-py's invariant dict


def now_text() -> str:
    """Return the server's clock as ChirpStack writes it."""
    return datetime.fromtimestamp(time.time(), UTC).isoformat()


@dataclass(kw_only=True)
class DoubleGroup:
    """A multicast group; ``queue`` holds the counters that wait to be sent."""

    id: str
    name: str
    members: list[str] = field(default_factory=list)
    gateways: list[str] = field(default_factory=list)
    f_cnt: int = 0
    queue: list[int] = field(default_factory=list)
    frames: list[tuple[int, int, bytes]] = field(default_factory=list)


class GroupServicer(api.MulticastGroupServiceServicer):  # type: ignore[misc]  # chirpstack-api has no types
    """The part of MulticastGroupService that the sender calls."""

    def __init__(self, double: Double) -> None:
        self._double = double

    def List(self, request: Any, context: Any) -> Any:  # noqa: N802 -- gRPC's name
        del request
        if self._double.away:
            context.abort(grpc.StatusCode.UNAVAILABLE, "away")
        found = [
            api.MulticastGroupListItem(id=one.id, name=one.name)
            for one in self._double.groups.values()
        ]
        return api.ListMulticastGroupsResponse(total_count=len(found), result=found)

    def Get(self, request: Any, context: object) -> Any:  # noqa: N802 -- gRPC's name
        del context
        one = self._double.groups[request.id]
        group = api.MulticastGroup(
            id=one.id,
            name=one.name,
            application_id=APPLICATION,
            f_cnt=one.f_cnt,
            dr=3,
            frequency=869_525_000,
        )
        return api.GetMulticastGroupResponse(multicast_group=group)

    def Enqueue(self, request: Any, context: object) -> Any:  # noqa: N802 -- gRPC's name
        del context
        item = request.queue_item
        one = self._double.groups[item.multicast_group_id]
        f_cnt, one.f_cnt = one.f_cnt, one.f_cnt + 1
        one.queue.append(f_cnt)
        one.frames.append((f_cnt, item.f_port, item.data))
        return api.EnqueueMulticastGroupQueueItemResponse(f_cnt=f_cnt)

    def ListQueue(self, request: Any, context: object) -> Any:  # noqa: N802 -- gRPC's name
        del context
        waiting = self._double.groups[request.multicast_group_id].queue
        items = [api.MulticastGroupQueueItem(f_cnt=f_cnt) for f_cnt in waiting]
        return api.ListMulticastGroupQueueResponse(items=items)


class GatewayServicer(api.GatewayServiceServicer):  # type: ignore[misc]  # chirpstack-api has no types
    """The gateways of a group."""

    def __init__(self, double: Double) -> None:
        self._double = double

    def List(self, request: Any, context: object) -> Any:  # noqa: N802 -- gRPC's name
        del context
        ids = self._double.groups[request.multicast_group_id].gateways
        found = [api.GatewayListItem(gateway_id=one) for one in ids]
        return api.ListGatewaysResponse(total_count=len(found), result=found)


class Servicer(api.DeviceServiceServicer):  # type: ignore[misc]  # chirpstack-api has no types
    """The part of DeviceService that the sender calls."""

    def __init__(self, double: Double) -> None:
        self._double = double

    def Get(self, request: Any, context: Any) -> Any:  # noqa: N802 -- gRPC's name
        if self._double.away:
            context.abort(grpc.StatusCode.UNAVAILABLE, "away")
        if request.dev_eui not in self._double.types:
            context.abort(grpc.StatusCode.NOT_FOUND, "Object does not exist")
        device = api.Device(
            dev_eui=request.dev_eui,
            application_id=APPLICATION,
            device_profile_id=self._double.types[request.dev_eui],
        )
        return api.GetDeviceResponse(device=device)

    def List(self, request: Any, context: object) -> Any:  # noqa: N802 -- gRPC's name
        del context
        euis = list(self._double.types)
        if request.multicast_group_id:
            euis = self._double.groups[request.multicast_group_id].members
        found = [
            api.DeviceListItem(dev_eui=eui, device_profile_name="Test lamp")
            for eui in euis
        ]
        return api.ListDevicesResponse(total_count=len(found), result=found)

    def GetQueue(self, request: Any, context: object) -> Any:  # noqa: N802 -- gRPC's name
        del context
        with self._double.changed:
            items = [
                api.DeviceQueueItem(id=item["id"], dev_eui=request.dev_eui)
                for item in self._double.queues.get(request.dev_eui, ())
            ]
        return api.GetDeviceQueueItemsResponse(total_count=len(items), result=items)

    def GetActivation(self, request: Any, context: object) -> Any:  # noqa: N802 -- gRPC's name
        del context
        counter = self._double.f_cnt_down.get(request.dev_eui, 0)
        session = api.DeviceActivation(
            dev_eui=request.dev_eui, f_cnt_up=5, n_f_cnt_down=counter
        )
        return api.GetDeviceActivationResponse(device_activation=session)

    def FlushQueue(self, request: Any, context: object) -> Any:  # noqa: N802 -- gRPC's name
        del context
        with self._double.changed:
            self._double.queues[request.dev_eui] = []
        return Empty()


class Profiles(api.DeviceProfileServiceServicer):  # type: ignore[misc]  # chirpstack-api has no types
    """Device profiles; the id of one is its tag here."""

    def Get(self, request: Any, context: object) -> Any:  # noqa: N802 -- gRPC's name
        del context
        tags = {"device_type": request.id} if request.id else {}
        profile = api.DeviceProfile(id=request.id, tags=tags)
        return api.GetDeviceProfileResponse(device_profile=profile)


@contextmanager
def chirpstack_double(redis: Redis, mqtt: Mqtt) -> Iterator[Double]:
    """Serve a double on a free port."""
    double = Double(redis=redis)
    server = grpc.server(ThreadPoolExecutor(4))
    api.add_DeviceServiceServicer_to_server(Servicer(double), server)
    api.add_DeviceProfileServiceServicer_to_server(Profiles(), server)
    api.add_MulticastGroupServiceServicer_to_server(GroupServicer(double), server)
    api.add_GatewayServiceServicer_to_server(GatewayServicer(double), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    double.target = f"127.0.0.1:{port}"
    topics = ["application/+/device/+/command/down"]
    subscriber = Subscriber(mqtt, "double", topics, double.take)
    subscriber.start()
    try:
        yield double
    finally:
        subscriber.close()
        server.stop(None)
