"""
Collect the facts and ask for the verdict; listen while that could change it.

Works on any ChirpStack v4: its API (device, keys, session, gateways, the streams of
events and frames) and, with a broker, what gateways say for a short while.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, Final

from redis import Redis

from city.doctor.events import event_of, frame_of, unique
from city.doctor.facts import DeviceFacts, Event, Facts, Frame, GatewayFacts
from city.doctor.finding import Finding
from city.doctor.radio import TOPICS, Radio
from city.doctor.remembered import remembered
from city.doctor.verdict import judge
from city.errors import NetworkError, NotThere
from city.mqtt import Subscriber
from city.network import Network
from city.objects import DeviceEvent
from city.settings import Mqtt
from wire.eui64 import EUI64

__all__ = ["LISTEN_S", "examine", "finding_document"]

LISTEN_S: Final = 10.0
HISTORY_S: Final = 1.5
"""ChirpStack replays a stream's history at once; after so long it was all."""

LOOK_EVERY_S: Final = 0.5
BROKER_S: Final = 5.0

Open = Callable[[str], AbstractContextManager[Iterator[DeviceEvent]]]


def examine(
    dev_eui: str,
    network: Network,
    broker: Mqtt | None = None,
    *,
    store: Redis | None = None,
    listen_s: float = LISTEN_S,
    clock: Callable[[], float] = time.time,
) -> Finding:
    """
    Return why a device is not heard, or that all is well.

    Listens ``listen_s`` seconds at most, and only while more could be learnt. ``store``
    is our own Redis, which remembers more events than ChirpStack does. Raises
    NetworkError when ChirpStack or the broker cannot be asked.
    """
    dev_eui = str(EUI64.parse(dev_eui))
    doctor = Doctor(dev_eui, network, clock)
    if store is not None:
        doctor.remember(remembered(store, dev_eui))
    with ExitStack() as stack:
        for follow in doctor.streams():
            stack.enter_context(follow)
        if broker is not None and listen_s > 0:
            stack.enter_context(listening(broker, doctor.take))
        return doctor.verdict(listen_s if broker is not None else 0.0)


class Doctor:
    """One examination: what is known so far, growing while the doctor listens."""

    def __init__(
        self, dev_eui: str, network: Network, clock: Callable[[], float]
    ) -> None:
        self._dev_eui = dev_eui
        self._network = network
        self._clock = clock
        self._lock = threading.Lock()
        self._events: list[Event] = []
        self._frames: list[Frame] = []
        self._gateways = gateway_facts(network)
        self._device = device_facts(network, dev_eui)
        self._radio = Radio(
            dev_eui,
            dev_addr=self._device.dev_addr if self._device else "",
            app_key=self._device.app_key if self._device else "",
        )

    def remember(self, events: list[Event]) -> None:
        """Take events that are not from ChirpStack's own short memory."""
        with self._lock:
            self._events += events

    def streams(self) -> list[AbstractContextManager[None]]:
        """Return what follows the device's events and frames."""
        if self._device is None:
            return []
        return [
            self._follow(self._network.device_events, self._event),
            self._follow(self._network.device_frames, self._frame),
        ]

    def take(self, topic: str, payload: bytes) -> None:
        """Take a message of the broker (any thread)."""
        with self._lock:
            self._radio.take(topic, payload, self._clock())

    def verdict(self, listen_s: float) -> Finding:
        """Judge once the history is there; again and again while listening."""
        begun = self._clock()
        pause = threading.Event()
        pause.wait(HISTORY_S if self._device else 0.0)
        while True:
            listened_s = self._clock() - begun
            finding = judge(self.facts(min(listened_s, listen_s)))
            if finding.settled or listened_s >= listen_s:
                return finding
            pause.wait(LOOK_EVERY_S)

    def facts(self, listened_s: float) -> Facts:
        """Return what is known now."""
        device = device_facts(self._network, self._dev_eui)
        with self._lock:
            return Facts(
                dev_eui=self._dev_eui,
                now=self._clock(),
                device=device,
                backwards="" if device else backwards(self._network, self._dev_eui),
                gateways=self._gateways,
                events=unique(self._events),
                frames=tuple(self._frames),
                heard=tuple(self._radio.heard),
                answers=tuple(self._radio.answers),
                listened_s=listened_s,
            )

    def _event(self, item: DeviceEvent) -> None:
        with self._lock:
            self._events.append(event_of(item, self._clock()))

    def _frame(self, item: DeviceEvent) -> None:
        with self._lock:
            self._frames.append(frame_of(item))

    @contextmanager
    def _follow(self, stream: Open, note: Callable[[Any], None]) -> Iterator[None]:
        with stream(self._dev_eui) as items:
            reader = threading.Thread(target=_drain, args=(items, note), daemon=True)
            reader.start()
            yield
        reader.join(HISTORY_S)


def _drain(items: Iterator[DeviceEvent], note: Callable[[Any], None]) -> None:
    try:
        for item in items:
            note(item)
    except NetworkError:
        return  # the stream ends when the examination does


@contextmanager
def listening(broker: Mqtt, take: Callable[[str, bytes], None]) -> Iterator[None]:
    """Hear all gateways; Unreachable when the broker does not let us."""
    ears = Subscriber(broker, f"garonne-doctor-{os.getpid()}", TOPICS, take)
    try:
        ears.start(timeout_s=BROKER_S)
        yield
    finally:
        ears.close()


def device_facts(network: Network, dev_eui: str) -> DeviceFacts | None:
    """Return the device with its profile, key and session; None: there is none."""
    try:
        device = network.device(dev_eui)
    except NotThere:
        return None
    profile = network.device_profile(device.device_profile_id)
    session = network.activation(dev_eui)
    return DeviceFacts(
        name=device.name or dev_eui,
        tenant_id=network.application_tenant(device.application_id),
        disabled=device.disabled,
        region=str(profile["region"]),
        region_config_id=str(profile["region_config_id"]),
        supports_otaa=bool(profile["supports_otaa"]),
        supports_class_c=bool(profile["supports_class_c"]),
        uplink_interval_s=int(profile["uplink_interval"]),
        app_key=network.app_key(dev_eui) or "",
        dev_addr=session.dev_addr if session else "",
        f_cnt_up=session.f_cnt_up if session else None,
        last_seen_at=network.last_seen_at(dev_eui),
        waiting=len(network.queue(dev_eui)),
    )


def gateway_facts(network: Network) -> tuple[GatewayFacts, ...]:
    """Return every gateway that this key may see."""
    private = {one.id: network.keeps_gateways(one.id) for one in network.tenants()}
    return tuple(
        GatewayFacts(
            gateway_id=gateway.gateway_id,
            name=gateway.name or gateway.gateway_id,
            tenant_id=gateway.tenant_id,
            state=gateway.state,
            last_seen_at=gateway.last_seen_at,
            region=gateway.region,
            private=private.get(gateway.tenant_id, False),
        )
        for tenant_id in private
        for gateway in network.gateways(tenant_id)
    )


def backwards(network: Network, dev_eui: str) -> str:
    """Return the DevEUI turned round if ChirpStack knows that one."""
    turned = bytes.fromhex(dev_eui)[::-1].hex()
    try:
        network.device(turned)
    except NetworkError:
        return ""
    return turned


def finding_document(dev_eui: str, finding: Finding) -> dict[str, Any]:
    """Return a finding for tools."""
    return {
        "devEui": dev_eui,
        "kind": finding.kind,
        "healthy": finding.healthy,
        "sentence": finding.sentence,
        "advice": finding.advice,
    }
