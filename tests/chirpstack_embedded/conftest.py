"""One server without I/O, one device, two gateways, and a small vocabulary."""

import json
import random
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from chirpstack_api import api, common, gw
from google.protobuf.json_format import MessageToJson

from chirpstack_embedded.codec import Codec
from chirpstack_embedded.config import (
    Broker,
    Configuration,
    ExtraChannel,
    Integration,
    Network,
    Region,
    RegionNetwork,
    Scheduler,
)
from chirpstack_embedded.core.context import Context, Event
from chirpstack_embedded.core.payloads import Payloads
from chirpstack_embedded.core.region import RegionPlan
from chirpstack_embedded.core.server import NetworkServer
from chirpstack_embedded.model import Device, Keys, QueueItem
from chirpstack_embedded.store import DeviceSettings, Store, access
from chirpstack_embedded.store.schema import DEFAULT_TENANT_ID
from wire.eui64 import EUI64
from wire.lorawan.fhdr import FCtrl
from wire.lorawan.ids import DevAddr
from wire.lorawan.join import JoinAccept, JoinRequest
from wire.lorawan.keys import Key, derive_session_keys
from wire.lorawan.session import Session

# NIST's sample key: public, never to be used in the field.
APP_KEY = Key(bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c"))
DEV_EUI = EUI64.parse("a81758fffe0301c4")
JOIN_EUI = EUI64.parse("70b3d57ed0000a01")
GATEWAYS = ("0016c001f1500a2b", "0016c001f1500a2c")
APPLICATION_ID = "1b7f4c0e-0e4d-4a53-9f0a-2f6b6a2d7c31"
PROFILE_ID = "8c1f6a3b-55d0-4f0e-b7cf-0f4a6f2e9a10"
START = 1_789_373_000.0
DR_SF = {0: 12, 1: 11, 2: 10, 3: 9, 4: 8, 5: 7}


def eu868(**network: Any) -> Region:
    """The stock region with RX2 at SF9, as the project configures it."""
    channels = tuple(
        ExtraChannel(frequency_hz=867_100_000 + 200_000 * i, data_rates=tuple(range(6)))
        for i in range(5)
    )
    settings = {
        "rx2_dr": 3,
        "rx2_frequency_hz": 869_525_000,
        "max_dr": 5,
        "extra_channels": channels,
    }
    return Region(
        id="eu868",
        common_name="EU868",
        broker=Broker(topic_prefix="eu868"),
        network=RegionNetwork(**{**settings, **network}),
    )


def configuration(**network: Any) -> Configuration:
    return Configuration(
        api_secret="a secret of tests only, long enough",
        api_bind="127.0.0.1:0",
        network=Network(scheduler=Scheduler(interval_s=0.25)),
        integration=Integration(enabled=True),
        regions=(eu868(**network),),
    )


class World:
    """
    A server, its store and one device, in chosen time.

    ``given_*`` prepares, ``when_*`` lets something happen and time pass,
    ``then_*`` looks at what came out.
    """

    def __init__(self, configured: Configuration | None = None) -> None:
        self.now = START
        self.configuration = configured or configuration()
        self.store = Store(":memory:", START)
        self.context = Context(
            configuration=self.configuration,
            devices=self.store.devices,
            keys=self.store.keys,
            gateways=self.store.gateways,
            multicast=self.store.multicast,
            payloads=Payloads(Codec()),
            rng=random.Random(1),
            plans={
                region.id: RegionPlan(region) for region in self.configuration.regions
            },
        )
        self.server = NetworkServer(self.context)
        self.events: list[Event] = []
        self.downlinks: list[gw.DownlinkFrame] = []
        self.warnings: list[str] = []
        self.session: Session | None = None
        self.f_cnt = 0
        self._nonce = 0x1F2E

    # -- given

    def given_gateways(
        self, *gateway_ids: str, tenant_id: str = DEFAULT_TENANT_ID
    ) -> None:
        with self.store.transaction():
            for gateway_id in gateway_ids or GATEWAYS:
                self.store.gateways.create(
                    api.Gateway(
                        gateway_id=gateway_id,
                        name=gateway_id,
                        tenant_id=tenant_id,
                        stats_interval=30,
                        location=common.Location(
                            latitude=43.6045, longitude=1.444, altitude=152
                        ),
                    ),
                    self.now,
                )

    def given_device(
        self,
        *,
        keys: bool = True,
        device: Mapping[str, Any] | None = None,
        **profile: Any,
    ) -> None:
        settings: dict[str, Any] = {
            "id": PROFILE_ID,
            "tenant_id": DEFAULT_TENANT_ID,
            "name": "lamp-node-eu868",
            "region": common.Region.EU868,
            "mac_version": common.MacVersion.LORAWAN_1_0_3,
            "supports_otaa": True,
            "adr_algorithm_id": "default",
            "tags": {"profile": "yes", "who": "profile"},
        }
        with self.store.transaction():
            self.store.applications.create(
                api.Application(
                    id=APPLICATION_ID,
                    tenant_id=DEFAULT_TENANT_ID,
                    name="street-lighting",
                    tags={"application": "yes", "who": "application"},
                ),
                self.now,
            )
            self.store.device_profiles.create(
                api.DeviceProfile(**{**settings, **profile}), self.now
            )
            chosen: dict[str, Any] = {
                "dev_eui": str(DEV_EUI),
                "name": "lamp-0147",
                "description": "",
                "application_id": APPLICATION_ID,
                "device_profile_id": PROFILE_ID,
                "join_eui": "0" * 16,
                "skip_fcnt_check": False,
                "is_disabled": False,
                "tags": {"district": "nord", "who": "device"},
            }
            self.store.devices.create(
                DeviceSettings(**{**chosen, **(device or {})}), self.now
            )
            if keys:
                self.store.keys.create(
                    Keys(dev_eui=str(DEV_EUI), nwk_key=bytes(APP_KEY)), self.now
                )

    def given_joined(self, **profile: Any) -> None:
        """A device that has just joined; the trays are empty again."""
        self.given_gateways()
        self.given_device(**profile)
        self.when_join()
        accept = JoinAccept.open(self.downlinks[-1].items[0].phy_payload, APP_KEY)
        assert accept is not None
        keys = derive_session_keys(
            APP_KEY,
            join_nonce=accept.join_nonce,
            net_id=accept.net_id,
            dev_nonce=self._nonce,
        )
        self.session = Session(
            dev_addr=accept.dev_addr,
            nwk_s_key=keys.nwk_s_key,
            app_s_key=keys.app_s_key,
        )
        self.f_cnt = 0
        self.when_tx_ack()
        self.forget()

    def given_quiet(self, **profile: Any) -> None:
        """A joined device whose first uplink has settled every MAC command."""
        self.given_joined(adr_algorithm_id="", **profile)
        self.when_uplink()
        self.when_time_passes(6)
        self.forget()

    def given_queued(
        self, data: bytes = b"\x03\x00\xc8", *, id_: str = "", **item: Any
    ) -> str:
        queue_item_id = (
            id_ or f"c2c1d1a7-42a8-4a5f-9d5c-6f1b8fc0a9b{len(self.device.queue)}"
        )
        with self.store.transaction():
            self.store.devices.enqueue(
                self.device,
                QueueItem(
                    id=queue_item_id,
                    dev_eui=str(DEV_EUI),
                    created_at=self.now,
                    data=data,
                    **{"f_port": 10, **item},
                ),
            )
        return queue_item_id

    # -- when

    def when_join(self, nonce: int | None = None, key: Key = APP_KEY) -> None:
        self._nonce = self._nonce + 1 if nonce is None else nonce
        request = JoinRequest.sealed(
            key, join_eui=JOIN_EUI, dev_eui=DEV_EUI, dev_nonce=self._nonce
        )
        self.when_frame(bytes(request))

    def when_uplink(
        self,
        payload: bytes = b"\x01",
        *,
        f_port: int | None = 2,
        f_cnt: int | None = None,
        f_opts: bytes = b"",
        confirmed: bool = False,
        f_ctrl: FCtrl | None = None,
        **air: Any,
    ) -> bytes:
        """Send an uplink and let 300 ms pass: de-duplication and the queue's window."""
        assert self.session is not None
        if f_cnt is None:
            f_cnt, self.f_cnt = self.f_cnt, self.f_cnt + 1
        phy_payload = self.session.uplink(
            f_cnt=f_cnt,
            f_port=f_port,
            payload=payload,
            f_opts=f_opts,
            confirmed=confirmed,
            f_ctrl=f_ctrl or FCtrl(adr=True),
        )
        self.when_frame(phy_payload, **air)
        self.when_time_passes(0.11)
        return phy_payload

    def when_frame(
        self,
        phy_payload: bytes,
        *,
        gateways: tuple[str, ...] = GATEWAYS[:1],
        wait_s: float = 0.2,
        as_json: bool = False,
        **air: Any,
    ) -> None:
        for number, gateway_id in enumerate(gateways):
            frame = uplink_frame(phy_payload, gateway_id, number, **air)
            payload = frame.SerializeToString()
            if as_json:
                payload = MessageToJson(frame).encode()
            self.when_gateway_says(gateway_id, "up", payload)
        self.when_time_passes(wait_s)

    def when_gateway_says(self, gateway_id: str, kind: str, payload: bytes) -> None:
        with self.store.transaction():
            topic = f"eu868/gateway/{gateway_id}/event/{kind}"
            self.server.receive("eu868", topic, payload, self.now)
            self._drain()

    def when_tx_ack(self, *statuses: str, of: gw.DownlinkFrame | None = None) -> None:
        frame = of or self.downlinks[-1]
        ack = gw.DownlinkTxAck(
            gateway_id=frame.gateway_id, downlink_id=frame.downlink_id
        )
        for status in statuses or ("OK",):
            ack.items.add().status = gw.TxAckStatus.Value(status)
        self.when_gateway_says(frame.gateway_id, "ack", ack.SerializeToString())

    def when_command(
        self, document: Any, *, dev_eui: str = str(DEV_EUI), **topic: str
    ) -> None:
        application_id = topic.get("application_id", APPLICATION_ID)
        kind = topic.get("kind", "down")
        payload = (
            document if isinstance(document, bytes) else json.dumps(document).encode()
        )
        with self.store.transaction():
            self.server.command(
                f"application/{application_id}/device/{dev_eui}/command/{kind}",
                payload,
                self.now,
            )
            self._drain()

    def when_time_passes(self, seconds: float) -> None:
        end = self.now + seconds
        while (deadline := self.server.next_deadline()) <= end:
            self.now = max(self.now, deadline)
            with self.store.transaction():
                self.server.tick(self.now)
                self._drain()
        self.now = end

    # -- then

    @property
    def device(self) -> Device:
        device = self.store.devices.get(str(DEV_EUI))
        assert device is not None
        return device

    def then_events(self, kind: str) -> list[dict[str, Any]]:
        return [
            json.loads(event.payload) for event in self.events if event.kind == kind
        ]

    def then_event(self, kind: str) -> dict[str, Any]:
        """The only event of a kind."""
        (document,) = self.then_events(kind)
        return document

    def then_kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    def then_causes(self) -> dict[str, int]:
        return dict(self.server.tallies.rejected)

    def forget(self) -> None:
        """Empty the trays."""
        self.events.clear()
        self.downlinks.clear()
        self.warnings.clear()

    def _drain(self) -> None:
        self.events += self.server.events()
        self.downlinks += [sent.frame for sent in self.server.transmissions()]
        self.warnings += self.server.warnings()


def uplink_frame(
    phy_payload: bytes,
    gateway_id: str,
    number: int = 0,
    *,
    dr: int = 3,
    snr: float = -5.0,
    rssi: int = -97,
    frequency_hz: int = 868_300_000,
    code_rate: int = gw.CodeRate.CR_4_5,
) -> gw.UplinkFrame:
    """A reception; SNR -5 leaves ADR nothing to do at SF9."""
    frame = gw.UplinkFrame(
        phy_payload=phy_payload,
        rx_info=gw.UplinkRxInfo(
            gateway_id=gateway_id,
            uplink_id=29481 + number,
            rssi=rssi - number,
            snr=snr - number,
            channel=1,
            rf_chain=1,
            context=bytes((0x4F, 0x58, 0x7A, number)),
            crc_status=gw.CRCStatus.CRC_OK,
        ),
    )
    frame.tx_info.frequency = frequency_hz
    lora = frame.tx_info.modulation.lora
    lora.bandwidth, lora.spreading_factor, lora.code_rate = (
        125_000,
        DR_SF[dr],
        code_rate,
    )
    return frame


def dev_addr_of(world: World) -> DevAddr:
    assert world.session is not None
    return world.session.dev_addr


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of a second of key derivation per store is for attackers, not tests."""
    monkeypatch.setattr(access, "_ITERATIONS", 1)


@pytest.fixture
def world() -> Iterator[World]:
    found = World()
    yield found
    found.store.close()
