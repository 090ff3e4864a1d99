"""
Everybody a scenario needs: tenant, application, profile, gateway, device.

Each scenario gets a cast of its own, so none disturbs another. Casts that have
joined are made a dozen at a time: their joins share one de-duplication window.
"""

import secrets
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from chirpstack_api import api, common, gw
from tests.contract.air import Air
from tests.contract.caller import Caller, Refusal
from tests.contract.radio import downlink_of, uplink_frame
from tests.contract.site import Site

from wire.eui64 import EUI64
from wire.lorawan.join import JoinAccept, JoinRequest
from wire.lorawan.keys import Key, derive_session_keys
from wire.lorawan.session import Session

JOIN_EUI = EUI64.parse("70b3d57ed0000a01")
AT_ONCE = 20
FIRST_NONCE = 0x1F2E
LOCATION = common.Location(latitude=43.6045, longitude=1.444, altitude=152)
PROFILE: dict[str, Any] = {
    "name": "lamp-node-eu868",
    "region": common.Region.EU868,
    "mac_version": common.MacVersion.LORAWAN_1_0_3,
    "reg_params_revision": common.RegParamsRevision.A,
    "supports_otaa": True,
    "uplink_interval": 3600,
    "tags": {"profile": "yes", "who": "profile"},
}


@dataclass(kw_only=True)
class Cast:
    """One device with everything around it, and what the device itself knows."""

    tenant_id: str
    application_id: str
    profile: api.DeviceProfile
    dev_eui: str
    app_key: Key
    gateways: list[str]
    dev_nonce: int = FIRST_NONCE - 1
    f_cnt: int = 0
    session: Session | None = None
    join_accept: JoinAccept | None = None
    others: list[str] = field(default_factory=list)

    @property
    def accepted(self) -> JoinAccept:
        """The last join-accept; an error for a device that has none."""
        assert self.join_accept is not None, f"{self.dev_eui} has not joined"
        return self.join_accept

    def event(self, kind: str) -> str:
        """Return the topic of the device's events of a kind."""
        return f"application/{self.application_id}/device/{self.dev_eui}/event/{kind}"

    def next_join_request(
        self,
        nonce: int | None = None,
        key: Key | None = None,
        join_eui: EUI64 = JOIN_EUI,
    ) -> bytes:
        """Return a join-request with a new DevNonce, unless one is given."""
        self.dev_nonce = self.dev_nonce + 1 if nonce is None else nonce
        request = JoinRequest.sealed(
            key or self.app_key,
            join_eui=join_eui,
            dev_eui=EUI64.parse(self.dev_eui),
            dev_nonce=self.dev_nonce,
        )
        return bytes(request)

    def enter(self, phy_payload: bytes) -> None:
        """Take a join-accept as the device does: a new session, counters at zero."""
        accept = JoinAccept.open(phy_payload, self.app_key)
        assert accept is not None, "the join-accept is not for this device"
        keys = derive_session_keys(
            self.app_key,
            join_nonce=accept.join_nonce,
            net_id=accept.net_id,
            dev_nonce=self.dev_nonce,
        )
        self.join_accept, self.f_cnt = accept, 0
        self.session = Session(
            dev_addr=accept.dev_addr,
            nwk_s_key=keys.nwk_s_key,
            app_s_key=keys.app_s_key,
        )


class Stage:
    """One server, its faces, and the casts in waiting."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.air = Air(site.mqtt)
        self.caller = Caller(site.grpc, site.token)
        self._joined: dict[bool, deque[Cast]] = {False: deque(), True: deque()}
        self._user_token = ""
        self._beacon: Cast | None = None

    def close(self) -> None:
        """Leave the server."""
        self.air.close()
        self.caller.close()

    def user_token(self) -> str:
        """Return a person's token: some methods refuse API keys."""
        if not self._user_token:
            request = api.LoginRequest(
                email=self.site.email, password=self.site.password
            )
            login = self.caller.ask("InternalService/Login", request, metadata=[])
            assert not isinstance(login, Refusal), f"the suite cannot log in: {login}"
            self._user_token = login.jwt
        return self._user_token

    def cast(self, **profile: Any) -> Cast:
        """Make a cast whose device has keys and has not joined."""
        tenant_id = self.new_tenant()
        application = api.Application(
            tenant_id=tenant_id,
            name="street-lighting",
            tags={"application": "yes", "who": "application"},
        )
        application_id = self.caller.do(
            "ApplicationService/Create",
            api.CreateApplicationRequest(application=application),
        ).id
        made = self.new_profile(tenant_id, **profile)
        gateway_id = self.new_gateway(tenant_id)
        cast = Cast(
            tenant_id=tenant_id,
            application_id=application_id,
            profile=made,
            dev_eui=secrets.token_hex(8),
            app_key=Key(secrets.token_bytes(16)),
            gateways=[gateway_id],
        )
        self.add_device(cast)
        return cast

    def cast_joined(self, *, class_c: bool = False) -> Cast:
        """Return a cast whose device has joined and has not sent an uplink."""
        waiting = self._joined[class_c]
        if not waiting:
            waiting.extend(self._join_many(AT_ONCE, class_c=class_c))
        return waiting.popleft()

    def new_tenant(self, **settings: Any) -> str:
        """Create a tenant that may have gateways."""
        wanted = {"name": "city", "can_have_gateways": True, **settings}
        request = api.CreateTenantRequest(tenant=api.Tenant(**wanted))
        tenant_id: str = self.caller.do("TenantService/Create", request).id
        return tenant_id

    def new_profile(self, tenant_id: str, **settings: Any) -> api.DeviceProfile:
        """Create a device-profile: OTAA, LoRaWAN 1.0.3, no codec, no ADR."""
        profile = api.DeviceProfile(**{**PROFILE, "tenant_id": tenant_id, **settings})
        request = api.CreateDeviceProfileRequest(device_profile=profile)
        profile.id = self.caller.do("DeviceProfileService/Create", request).id
        return profile

    def new_gateway(self, tenant_id: str, **settings: Any) -> str:
        """Register a gateway with the tenant."""
        gateway_id = secrets.token_hex(8)
        wanted = {
            "gateway_id": gateway_id,
            "name": "roof",
            "tenant_id": tenant_id,
            "stats_interval": 30,
            "location": LOCATION,
            **settings,
        }
        request = api.CreateGatewayRequest(gateway=api.Gateway(**wanted))
        self.caller.do("GatewayService/Create", request)
        return gateway_id

    def add_device(self, cast: Cast) -> None:
        """Create the cast's device and its keys."""
        device = api.Device(
            dev_eui=cast.dev_eui,
            name="lamp-0147",
            application_id=cast.application_id,
            device_profile_id=cast.profile.id,
            tags={"district": "nord", "who": "device"},
            join_eui="0" * 16,
        )
        keys = api.DeviceKeys(dev_eui=cast.dev_eui, nwk_key=cast.app_key.hex())
        self.caller.do("DeviceService/Create", api.CreateDeviceRequest(device=device))
        self.caller.do(
            "DeviceService/CreateKeys", api.CreateDeviceKeysRequest(device_keys=keys)
        )

    def send_up(self, cast: Cast, phy_payload: bytes) -> None:
        """Let the cast's gateway hear a frame."""
        gateway_id = cast.gateways[0]
        frame = uplink_frame(phy_payload, gateway_id)
        self.air.say(event_topic(gateway_id, "up"), frame.SerializeToString())

    def take_down(self, gateway_id: str) -> gw.DownlinkFrame:
        """Return the next downlink for a gateway."""
        return downlink_of(self.air.take(f"eu868/gateway/{gateway_id}/command/down"))

    def settle(self) -> None:
        """
        Return when whatever was said before has had its windows.

        A device that nobody looks at sends a confirmed uplink and is answered.
        """
        if self._beacon is None:
            self._beacon = self.cast_joined()
        cast = self._beacon
        assert cast.session is not None
        phy_payload = cast.session.uplink(f_cnt=cast.f_cnt, f_port=1, confirmed=True)
        cast.f_cnt += 1
        self.send_up(cast, phy_payload)
        self.air.take(cast.event("up"))
        downlink = self.take_down(cast.gateways[0])
        self.acknowledge(downlink, "OK")

    def acknowledge(self, downlink: gw.DownlinkFrame, *statuses: str) -> None:
        """Publish a gateway's tx ack, one status per item."""
        ack = gw.DownlinkTxAck(
            gateway_id=downlink.gateway_id, downlink_id=downlink.downlink_id
        )
        for status in statuses:
            ack.items.add().status = gw.TxAckStatus.Value(status)
        self.air.say(event_topic(downlink.gateway_id, "ack"), ack.SerializeToString())

    def _join_many(self, count: int, *, class_c: bool) -> list[Cast]:
        casts = [self.cast(supports_class_c=class_c) for _ in range(count)]
        for cast in casts:
            self.send_up(cast, cast.next_join_request())
        for cast in casts:
            cast.enter(self.take_down(cast.gateways[0]).items[0].phy_payload)
            self.air.take(cast.event("join"))
        return casts


def event_topic(gateway_id: str, kind: str) -> str:
    """Return the topic of a gateway's events."""
    return f"eu868/gateway/{gateway_id}/event/{kind}"
