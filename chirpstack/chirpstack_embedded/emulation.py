"""
What ChirpStack v4 shows to the outside, and how far the embedded server emulates it.

What the code itself says (which methods a service has, which MAC commands have a
handler, which configuration keys are obeyed) is read from it; here stands the rest.
``docs/reference/chirpstack-parity.md`` is made of both by ``scripts/docs-parity``.
A row that is emulated, fully or partly, names a test that proves it: a test
carries ``@pytest.mark.proves("<kind>:<name>")``.
"""

from dataclasses import dataclass
from typing import Literal

from chirpstack_embedded.config.keys import KNOWN
from chirpstack_embedded.core.mac import HANDLERS
from chirpstack_embedded.grpc_api.internal import PUBLIC, STREAMS
from chirpstack_embedded.grpc_api.server import SERVICES
from chirpstack_embedded.grpc_api.servicer import method_names

State = Literal["emulated", "partly", "not emulated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing ChirpStack has; ``note`` says what is missing, or why."""

    kind: str
    name: str
    state: State
    note: str = ""

    @property
    def claim(self) -> str:
        """What a test's mark names."""
        return f"{self.kind}:{self.name}"


PARTLY: dict[str, str] = {
    "config:logging.level": "read; `GARONNE_LOG` decides",
    "grpc:DeviceProfileService/List": "only by tenant: no vendor or device",
    "grpc:InternalService/Settings": "no OpenID Connect and no OAuth2",
    "grpc:GatewayService/GetDutyCycleMetrics": "always empty",
    "grpc:ApplicationService/ListIntegrations": "MQTT is the only one",
    "grpc:InternalService/GlobalSearch": "names and ids, not tags",
    "config:regions.gateway.backend.enabled": "only `mqtt`",
    "config:integration.enabled": "only `mqtt`",
}
"""Rows the code calls emulated that are not wholly so."""

MQTT: dict[str, str] = {
    "gateway/event/up": "",
    "gateway/event/stats": "",
    "gateway/event/ack": "",
    "gateway/command/down": "",
    "command/down": "",
    "event": "",
}
"""Topics that are served, without prefix and ids; ``event`` is the integration's."""

MQTT_MISSING: dict[str, str] = {
    "gateway/event/mesh": "no relay gateways",
    "gateway/state/conn": "the real server does not read it either",
    "gateway/command/config": "the real server sends it to Concentratord only",
}

EVENTS = ("up", "join", "ack", "txack", "log", "status")
EVENTS_MISSING: dict[str, str] = {
    "location": "nothing produces it in 4.20 either",
    "integration": "gone in 4.20",
}

MAC: dict[str, int] = {
    "LinkCheckReq": 0x02,
    "LinkADRReq": 0x03,
    "RXParamSetupReq": 0x05,
    "DevStatusReq": 0x06,
    "NewChannelReq": 0x07,
    "RXTimingSetupReq": 0x08,
    "DeviceTimeReq": 0x0D,
    "TxParamSetupReq": 0x09,
    "ResetInd": 0x01,
    "RekeyInd": 0x0B,
    "RejoinParamSetupReq": 0x0F,
    "DeviceModeInd": 0x20,
    "PingSlotInfoReq": 0x10,
    "PingSlotChannelReq": 0x11,
    "BeaconFreqReq": 0x13,
}
"""Commands and their CID; emulated when the server has a handler for the CID."""

MAC_MISSING: dict[str, str] = {
    "DutyCycleReq": "the real server never sends it",
    "DlChannelReq": "the real server never sends it",
    "ADRParamSetupReq": "the real server never sends it",
    "ForceRejoinReq": "the real server never sends it",
    "RelayConfReq": "no relays",
    "EndDeviceConfReq": "no relays",
    "FilterListReq": "no relays",
    "UpdateUplinkListReq": "no relays",
    "CtrlUplinkListReq": "no relays",
    "ConfigureFwdLimitReq": "no relays",
    "NotifyNewEndDeviceReq": "no relays",
}

CONFIG_MISSING: dict[str, str] = {
    "postgresql.*": "keeps everything in SQLite",
    "redis.*": "needs none",
    "sqlite.pragmas": "its own business",
    "sqlite.max_open_connections": "its own business",
    "logging.json": "the format is fixed",
    "logging.flatten_json": "the format is fixed",
    "monitoring.*": "metrics are served on `GARONNE_METRICS`",
    "gateway.client_cert_lifetime": "no client certificates",
    "gateway.ca_cert": "no client certificates",
    "gateway.ca_key": "no client certificates",
    "network.secondary_net_ids": "",
    "network.dev_addr_prefixes": "the prefix is that of the NetID",
    "network.device_session_ttl": "sessions do not end by themselves",
    "network.adr_plugins": "",
    "integration.mqtt.event_topic": "the default topics only",
    "integration.mqtt.command_topic": "the default topics only",
    "integration.mqtt.channel_capacity": "events wait in SQLite, not in memory",
    "integration.mqtt.client.*": "no client certificates",
    "integration.postgresql.*": "",
    "integration.amqp.*": "",
    "integration.kafka.*": "",
    "user_authentication.*": "",
    "join_server.*": "",
    "backend_interfaces.*": "",
    "roaming.*": "",
    "keks": "",
    "ui.*": "no web interface",
    "regions.gateway.channels": "for Concentratord only",
    "regions.gateway.backend.mqtt.event_topic": "the default topics only",
    "regions.gateway.backend.mqtt.command_topic": "the default topics only",
    "regions.gateway.backend.mqtt.v4_migrate": "messages of v3 are dropped",
    "regions.gateway.backend.mqtt.channel_capacity": "",
    "regions.network.rx2_prefer_on_link_budget": "",
}

CODECS: dict[str, str] = {
    "none": "",
    "js": "decodeUplink: bytes, fPort, recvTime, variables",
    "js-encode": "encodeDownlink: bytes and port",
    "js-strict": "module semantics: an undeclared variable is an error",
    "js-errors": "exceptions and `errors` become UPLINK_CODEC",
    "js-time-limit": "100 ms of wall time",
    "js-numbers": "every number is a double, NaN is null",
    "js-modules": "Buffer, base64-js, ieee754",
    "cayenne-lpp": "decoding and encoding",
}

FEATURES: dict[str, tuple[State, str]] = {
    "class-a": ("emulated", "both windows, FOpts, FPending, ACK"),
    "class-c": ("emulated", ""),
    "multicast-class-c-delay": ("emulated", ""),
    "multicast-class-c-gps-time": ("emulated", ""),
    "multicast-class-b": ("emulated", ""),
    "class-b": ("emulated", "gateways send the beacons"),
    "otaa": ("emulated", "LoRaWAN 1.0.x and 1.1"),
    "abp": ("emulated", "LoRaWAN 1.0.x and 1.1"),
    "adr": ("emulated", "the default algorithm"),
    "deduplication": ("emulated", ""),
    "rx1-delay-window": ("emulated", "the profile's delay is the application's time"),
    "flush-queue-on-activate": ("emulated", ""),
    "encrypted-downlink": ("emulated", "encrypted by the client with the AppSKey"),
    "dev-addr-prefixes": ("emulated", "of tenants"),
    "private-gateways": ("emulated", "up and down"),
    "quotas": ("emulated", "devices and gateways of a tenant"),
    "api-keys": ("emulated", "administrator, tenant, read-only"),
    "restart": ("emulated", "counters, queues and sessions survive it"),
    "measurements": ("emulated", "found in objects, kept by hour, day and month"),
    "link-metrics": ("emulated", "of devices and gateways, not their duty cycles"),
    "region-eu868": ("emulated", ""),
    "regions": (
        "partly",
        "US915, AU915, the AS923 group and IN865, several at once; no others",
    ),
    "semtech-udp": ("emulated", "in the place of a gateway bridge"),
    "basics-station": ("emulated", "in the place of a gateway bridge"),
    "tx-ack-per-protocol": (
        "emulated",
        "[what each gateway protocol tells](gateway-protocols.md)",
    ),
    "strict-gateways": ("emulated", "ours: a gateway speaks for itself only"),
    "lorawan-1.1": ("emulated", "rejoin-requests are dropped, as by the real server"),
    "users": ("not emulated", "one administrator, `admin`"),
    "relay": ("not emulated", ""),
    "fuota": ("not emulated", ""),
    "roaming": ("not emulated", ""),
    "join-server": ("not emulated", ""),
    "web-interface": ("not emulated", ""),
    "application-integrations": ("not emulated", "HTTP, InfluxDB, …; MQTT only"),
}

CHECKS = (
    "stats bring a gateway online",
    "a join is accepted in two windows and told",
    "a used DevNonce is logged",
    "a wrong key is logged",
    "counter 0, then a retransmission",
    "two gateways, one event",
    "an unknown gateway is not heard",
    "progress on the tx ack",
    "TOO_LATE is logged, the item stays",
    "acknowledged, or not",
    "too large for SF12",
    "expired",
    "a codec that throws",
    "a second device of one DevEUI",
    "a foreign device under a tenant's key",
    "keys present and absent",
    "LinkCheckReq and DeviceTimeReq",
    "class C before and after the first uplink",
)
"""What a suite of any ChirpStack should check, in order from 1."""

TRAPS = (
    "no tx ack, no progress",
    "the 100 ms window",
    "JSON is told by `gatewayId`",
    "de-duplication by every bit of txInfo",
    "`codeRate` is mandatory",
    "`crcStatus` is not looked at",
    "the AppKey of 1.0.x is in `nwkKey`",
    "DevNonces are a set per JoinEUI",
    "JoinNonce 0; JoinAccept's RX2 is the band's",
    "the counter is the next expected",
    "what is rendered, what is left out",
    "ids shared by events, empty in the scheduler's",
    "errors of MQTT commands are invisible",
    "how queue items die",
    "class C: when, where, how often",
    "the odd status codes",
    "proto defaults of a profile",
    "online is stats, not conn",
    "ADR on the first uplink",
    "configuration: substitution, unknown keys, defaults of the code",
)
"""The details most likely to be wrong, in order from 1."""


def rows() -> list[Row]:
    """Return every row of the page, in its order."""
    return [
        *_grpc(),
        *_states("mqtt", MQTT),
        *_missing("mqtt", MQTT_MISSING),
        *_states("event", dict.fromkeys(EVENTS, "")),
        *_missing("event", EVENTS_MISSING),
        *(_mac(name, cid) for name, cid in MAC.items()),
        *_missing("mac", MAC_MISSING),
        *_states("config", dict.fromkeys(sorted(KNOWN), "")),
        *_missing("config", CONFIG_MISSING),
        *_states("codec", CODECS),
        *(
            Row(kind="feature", name=name, state=state, note=note)
            for name, (state, note) in FEATURES.items()
        ),
        *_states("check", {str(n): text for n, text in enumerate(CHECKS, 1)}),
        *_states("trap", {str(n): text for n, text in enumerate(TRAPS, 1)}),
    ]


def _grpc() -> list[Row]:
    return [
        _served("grpc", f"{service}/{method}", served=_is_served(service, method))
        for service in SERVICES
        for method in method_names(service)
    ]


def _is_served(service: str, method: str) -> bool:
    more = {**PUBLIC, **STREAMS} if service == "InternalService" else {}
    return method in SERVICES[service] or method in more


def _mac(name: str, cid: int) -> Row:
    return _served("mac", name, served=cid in HANDLERS)


def _served(kind: str, name: str, *, served: bool, note: str = "") -> Row:
    missing = PARTLY.get(f"{kind}:{name}", "")
    state: State = "not emulated"
    if served:
        state = "partly" if missing else "emulated"
    return Row(kind=kind, name=name, state=state, note=missing or note)


def _states(kind: str, names: dict[str, str]) -> list[Row]:
    return [_served(kind, name, served=True, note=note) for name, note in names.items()]


def _missing(kind: str, names: dict[str, str]) -> list[Row]:
    return [
        Row(kind=kind, name=name, state="not emulated", note=note)
        for name, note in names.items()
    ]
