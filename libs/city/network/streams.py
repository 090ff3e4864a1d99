"""What ChirpStack tells of a device while one listens."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
from chirpstack_api import api

from city.network.calls import Calls
from city.network.sentences import explain
from city.objects import DeviceEvent


class Streams(Calls):
    """Calls of InternalService that stream."""

    @contextmanager
    def device_events(
        self, dev_eui: str, *, timeout_s: float | None = None
    ) -> Iterator[Iterator[DeviceEvent]]:
        """
        Open the stream of a device's events: about ten old ones first, then the new.

        After ``timeout_s`` it ends with Unreachable.

        ::

            with network.device_events(dev_eui) as events:
                for event in events:
                    ...
        """
        request = api.StreamDeviceEventsRequest(dev_eui=dev_eui)
        call = self._internal.StreamDeviceEvents(
            request, metadata=self._metadata, timeout=timeout_s
        )
        try:
            yield _events(call, f"stream events of {dev_eui}")
        finally:
            call.cancel()

    @contextmanager
    def device_frames(self, dev_eui: str) -> Iterator[Iterator[DeviceEvent]]:
        """Open the stream of a device's frames; ``kind`` is the frame's type."""
        request = api.StreamDeviceFramesRequest(dev_eui=dev_eui)
        call = self._internal.StreamDeviceFrames(request, metadata=self._metadata)
        try:
            yield _events(call, f"stream frames of {dev_eui}")
        finally:
            call.cancel()


def _events(call: Any, asked: str) -> Iterator[DeviceEvent]:
    try:
        for item in call:
            yield DeviceEvent(
                id=item.id,
                kind=item.description,
                time=item.time.ToNanoseconds() / 1e9,
                body=item.body,
                properties=dict(item.properties),
            )
    except grpc.RpcError as error:
        raise explain(error, asked) from error
