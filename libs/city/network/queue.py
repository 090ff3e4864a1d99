"""What waits in ChirpStack for a device."""

from chirpstack_api import api

from city.network import messages
from city.network.calls import Calls
from city.objects import QueueItem


class DeviceQueue(Calls):
    """Calls of DeviceService about the queue."""

    def queue(self, dev_eui: str) -> list[QueueItem]:
        """Return what waits for a device, expired items too."""
        request = api.GetDeviceQueueItemsRequest(dev_eui=dev_eui)
        answer = self._call(f"get queue of {dev_eui}", self._device.GetQueue, request)
        return list(map(messages.queue_item, answer.result))

    def enqueue(self, dev_eui: str, item: QueueItem) -> str:
        """Queue a downlink; return the id the server gives (``item.id`` is ignored)."""
        message = api.DeviceQueueItem(
            dev_eui=dev_eui,
            f_port=item.f_port,
            data=item.data,
            confirmed=item.confirmed,
        )
        if item.expires_at is not None:
            message.expires_at.FromNanoseconds(int(item.expires_at * 1e9))
        request = api.EnqueueDeviceQueueItemRequest(queue_item=message)
        return str(
            self._call(f"enqueue to {dev_eui}", self._device.Enqueue, request).id
        )

    def flush_queue(self, dev_eui: str) -> None:
        """Empty a device's queue, pending items too; they may be on the air already."""
        request = api.FlushDeviceQueueRequest(dev_eui=dev_eui)
        self._call(f"flush queue of {dev_eui}", self._device.FlushQueue, request)
