"""A simulated device and the embedded server, joined by a loop in virtual time."""

from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Any

from chirpstack_api import common, gw
from tests.chirpstack_embedded.conftest import DEV_EUI, GATEWAYS, JOIN_EUI, World
from tests.lorawan_sim.network import GATEWAY, NEAR, Script

from chirpstack_embedded.config import Configuration
from chirpstack_embedded.model import Keys
from lorawan_sim.card import Card, Profile
from lorawan_sim.device import Device
from lorawan_sim.events import DeviceEvent, What
from lorawan_sim.session import Session as DeviceSession
from wire.air import AirFrame
from wire.lorawan.airtime import lora_airtime_s
from wire.lorawan.keys import Key
from wire.lorawan.region import Region
from wire.lorawan.region.eu868 import EU868

NWK_KEY = Key.parse("2b7e151628aed2a6abf7158809cf4f3c")
APP_KEY = Key.parse("603deb1015ca71be2b73aef0857d7781")
CARD = Card(
    dev_eui=DEV_EUI,
    join_eui=JOIN_EUI,
    app_key=APP_KEY,
    nwk_key=NWK_KEY,
    latitude=43.6045,
    longitude=1.444,
)


class Pair(World):
    """`say` and `command` put something in, `run` lets time pass, `told` looks."""

    def __init__(
        self,
        *,
        region: Region = EU868,
        configured: Configuration | None = None,
        class_c: bool = False,
        session: DeviceSession | None = None,
        mac_version: str = "1.1.0",
        server_version: str = "LORAWAN_1_1_0",
        card: Card = CARD,
        **profile: Any,
    ) -> None:
        super().__init__(configured)
        self.region = region
        self.given_gateways()
        self.given_device(
            keys=False,
            region=common.Region.Value(region.common_name),
            mac_version=common.MacVersion.Value(server_version),
            supports_class_c=class_c,
            **profile,
        )
        with self.store.transaction():
            keys = Keys(
                dev_eui=str(DEV_EUI), nwk_key=bytes(NWK_KEY), app_key=bytes(APP_KEY)
            )
            self.store.keys.create(keys, self.now)
        self.script = Script()
        self.end_device = Device(
            card,
            self.script,
            Profile(region=region, mac_version=mac_version, class_c=class_c),
            session=session,
        )
        self.on_air: list[AirFrame] = []
        self.diary: list[DeviceEvent] = []
        self.window = 0
        self.is_deaf = False
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._ends: dict[bytes, float] = {}

    def joined(self) -> "Pair":
        """Join, and forget how."""
        self.end_device.join(self.now)
        self.run(20)
        assert self.end_device.joined
        self.forget()
        return self

    def say(self, payload: bytes = b"\x01", **how: Any) -> None:
        """Have the device send, and wait for the answer."""
        self.script.say(payload, **how)
        self.end_device.tick(self.now)
        self._carry()
        self.run(8)

    def run(self, seconds: float) -> None:
        """Let everything happen that is due."""
        end = self.now + seconds
        while (at := self._next()) <= end:
            self.now = max(self.now, at)
            while self._later and self._later[0][0] <= self.now:
                heappop(self._later)[2]()
            self.end_device.tick(self.now)
            self._carry()
            self._tick_server()
        self.now = end

    def told(self, what: What) -> list[DeviceEvent]:
        return [event for event in self.diary if event.what is what]

    @property
    def theirs(self) -> Any:
        """The server's session."""
        assert self.device.session is not None
        return self.device.session

    @property
    def ours(self) -> DeviceSession:
        """The device's session."""
        assert self.end_device.session is not None
        return self.end_device.session

    def _next(self) -> float:
        times = [self.server.next_deadline()]
        times += [self._later[0][0]] if self._later else []
        deadline = self.end_device.next_deadline()
        times += [] if deadline is None else [deadline]
        return min(times)

    def _carry(self) -> None:
        for frame in self.end_device.transmissions():
            self.on_air.append(frame)
            self._at(frame.end_s, partial(self._up, frame))
        self.diary += self.end_device.events()

    def _up(self, frame: AirFrame) -> None:
        context = len(self.on_air).to_bytes(4)
        self._ends[context] = frame.end_s
        up = gw.UplinkFrame(
            phy_payload=frame.phy_payload,
            rx_info=gw.UplinkRxInfo(
                gateway_id=GATEWAYS[0],
                rssi=-60,
                snr=9.0,
                context=context,
                crc_status=gw.CRCStatus.CRC_OK,
            ),
        )
        up.tx_info.frequency = frame.frequency_hz
        lora = up.tx_info.modulation.lora
        lora.bandwidth, lora.spreading_factor = (
            frame.bandwidth_hz,
            frame.spreading_factor,
        )
        lora.code_rate = gw.CodeRate.CR_4_5
        region_id = self.configuration.regions[0].id
        topic = f"{region_id}/gateway/{GATEWAYS[0]}/event/up"
        with self.store.transaction():
            self.server.receive(region_id, topic, up.SerializeToString(), self.now)
            self._drain()

    def _tick_server(self) -> None:
        before = len(self.downlinks)
        with self.store.transaction():
            self.server.tick(self.now)
            self._drain()
        for frame in self.downlinks[before:]:
            self._down(frame)

    def _down(self, frame: gw.DownlinkFrame) -> None:
        item = frame.items[min(self.window, len(frame.items) - 1)]
        tx, lora = item.tx_info, item.tx_info.modulation.lora
        start_s = self.now
        if tx.timing.HasField("delay"):
            start_s = self._ends[tx.context] + tx.timing.delay.delay.seconds
        air = AirFrame(
            phy_payload=item.phy_payload,
            frequency_hz=tx.frequency,
            spreading_factor=lora.spreading_factor,
            bandwidth_hz=lora.bandwidth,
            power_dbm=tx.power,
            iq_inverted=True,
            start_s=start_s,
            airtime_s=lora_airtime_s(
                len(item.phy_payload),
                spreading_factor=lora.spreading_factor,
                bandwidth_hz=lora.bandwidth,
                crc=False,
            ),
            sender=GATEWAY,
            latitude=43.6,
            longitude=1.44,
        )
        if not self.is_deaf:
            self._at(start_s, partial(self._hear, air))
        ignored = ["IGNORED"] * (len(frame.items[: self.window + 1]) - 1)
        region_id = self.configuration.regions[0].id
        ack = gw.DownlinkTxAck(
            gateway_id=frame.gateway_id, downlink_id=frame.downlink_id
        )
        for status in (*ignored, "OK"):
            ack.items.add().status = gw.TxAckStatus.Value(status)
        topic = f"{region_id}/gateway/{frame.gateway_id}/event/ack"
        with self.store.transaction():
            self.server.receive(region_id, topic, ack.SerializeToString(), self.now)
            self._drain()

    def _hear(self, air: AirFrame) -> None:
        self.end_device.receive(air, NEAR, self.now)
        self._carry()

    def _at(self, at: float, do: Callable[[], None]) -> None:
        heappush(self._later, (at, next(self._numbers), do))
