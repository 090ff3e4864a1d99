"""The multicast groups of a ChirpStack; a group's frame has no MQTT form."""

from collections.abc import Callable, Iterator
from typing import Any

from chirpstack_api import api, common

from city.network import messages
from city.objects import Group, Named

Ask = Callable[[str, Callable[..., Any], Any], Any]
Pages = Callable[..., Iterator[Any]]


class NetworkGroups:
    """`Network.groups`: calls of MulticastGroupService, with their sentences."""

    def __init__(self, channel: Any, ask: Ask, pages: Pages) -> None:
        self._stub = api.MulticastGroupServiceStub(channel)
        self._devices = api.DeviceServiceStub(channel)
        self._gateways = api.GatewayServiceStub(channel)
        self._ask = ask
        self._pages = pages

    def listed(self, application_id: str = "") -> list[Named]:
        """Return the groups of an application; of all, for an administrator."""
        found = self._pages(
            "list multicast groups",
            self._stub.List,
            api.ListMulticastGroupsRequest,
            application_id=application_id,
        )
        return [messages.named(one) for one in found]

    def get(self, group_id: str) -> Group:
        """Return a group with its keys; NotThere if there is none."""
        request = api.GetMulticastGroupRequest(id=group_id)
        asked = f"get multicast group {group_id}"
        return _group(self._ask(asked, self._stub.Get, request).multicast_group)

    def create(self, group: Group) -> str:
        """Create a group; return its id."""
        request = api.CreateMulticastGroupRequest(multicast_group=_message(group))
        asked = f"create multicast group {group.name}"
        return str(self._ask(asked, self._stub.Create, request).id)

    def update(self, group: Group) -> None:
        """Replace a group, its frame counter too."""
        request = api.UpdateMulticastGroupRequest(multicast_group=_message(group))
        self._ask(f"update multicast group {group.name}", self._stub.Update, request)

    def delete(self, group_id: str) -> None:
        """Delete a group."""
        request = api.DeleteMulticastGroupRequest(id=group_id)
        self._ask(f"delete multicast group {group_id}", self._stub.Delete, request)

    def members(self, group: Group) -> list[str]:
        """Return the DevEUIs of the members."""
        found = self._pages(
            f"list members of {group.name}",
            self._devices.List,
            api.ListDevicesRequest,
            application_id=group.application_id,
            multicast_group_id=group.id,
        )
        return [str(one.dev_eui) for one in found]

    def gateways(self, group: Group) -> list[str]:
        """Return the ids of the gateways put into the group."""
        found = self._pages(
            f"list gateways of {group.name}",
            self._gateways.List,
            api.ListGatewaysRequest,
            multicast_group_id=group.id,
        )
        return [str(one.gateway_id) for one in found]

    def add_device(self, group_id: str, dev_eui: str) -> None:
        """Make a device a member."""
        request = api.AddDeviceToMulticastGroupRequest(
            multicast_group_id=group_id, dev_eui=dev_eui
        )
        asked = f"add {dev_eui} to multicast group {group_id}"
        self._ask(asked, self._stub.AddDevice, request)

    def remove_device(self, group_id: str, dev_eui: str) -> None:
        """Take a member out."""
        request = api.RemoveDeviceFromMulticastGroupRequest(
            multicast_group_id=group_id, dev_eui=dev_eui
        )
        asked = f"remove {dev_eui} from multicast group {group_id}"
        self._ask(asked, self._stub.RemoveDevice, request)

    def add_gateway(self, group_id: str, gateway_id: str) -> None:
        """Have a gateway send for the group."""
        request = api.AddGatewayToMulticastGroupRequest(
            multicast_group_id=group_id, gateway_id=gateway_id
        )
        asked = f"add gateway {gateway_id} to multicast group {group_id}"
        self._ask(asked, self._stub.AddGateway, request)

    def remove_gateway(self, group_id: str, gateway_id: str) -> None:
        """Take a gateway out."""
        request = api.RemoveGatewayFromMulticastGroupRequest(
            multicast_group_id=group_id, gateway_id=gateway_id
        )
        asked = f"remove gateway {gateway_id} from multicast group {group_id}"
        self._ask(asked, self._stub.RemoveGateway, request)

    def enqueue(
        self, group_id: str, f_port: int, data: bytes, expires_at: float
    ) -> int:
        """Queue one frame at every gateway of the group; return its counter."""
        item = api.MulticastGroupQueueItem(
            multicast_group_id=group_id, f_port=f_port, data=data
        )
        item.expires_at.FromNanoseconds(int(expires_at * 1e9))
        request = api.EnqueueMulticastGroupQueueItemRequest(queue_item=item)
        asked = f"enqueue to multicast group {group_id}"
        return int(self._ask(asked, self._stub.Enqueue, request).f_cnt)

    def queue(self, group_id: str) -> list[int]:
        """Return the counters of the frames that some gateway has not sent yet."""
        request = api.ListMulticastGroupQueueRequest(multicast_group_id=group_id)
        asked = f"get queue of multicast group {group_id}"
        return [
            int(i.f_cnt) for i in self._ask(asked, self._stub.ListQueue, request).items
        ]

    def flush(self, group_id: str) -> None:
        """Empty a group's queue."""
        request = api.FlushMulticastGroupQueueRequest(multicast_group_id=group_id)
        asked = f"flush queue of multicast group {group_id}"
        self._ask(asked, self._stub.FlushQueue, request)


def _group(message: Any) -> Group:
    return Group(
        id=message.id,
        name=message.name,
        application_id=message.application_id,
        region=common.Region.Name(message.region),
        mc_addr=message.mc_addr,
        mc_nwk_s_key=message.mc_nwk_s_key,
        mc_app_s_key=message.mc_app_s_key,
        f_cnt=message.f_cnt,
        data_rate=message.dr,
        frequency_hz=message.frequency,
    )


def _message(group: Group) -> Any:
    return api.MulticastGroup(
        id=group.id,
        name=group.name,
        application_id=group.application_id,
        region=common.Region.Value(group.region),
        mc_addr=group.mc_addr,
        mc_nwk_s_key=group.mc_nwk_s_key,
        mc_app_s_key=group.mc_app_s_key,
        f_cnt=group.f_cnt,
        group_type=api.MulticastGroupType.CLASS_C,
        dr=group.data_rate,
        frequency=group.frequency_hz,
    )
