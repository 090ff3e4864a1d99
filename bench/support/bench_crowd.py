"""Devices joined over the air, and their uplinks as three gateways report them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import orjson
from bench_mqtt import Wire, open_loop, publish_packet
from chirpstack_api import gw

from wire.eui64 import EUI64
from wire.lorawan.fhdr import FCtrl
from wire.lorawan.join import JoinAccept, JoinRequest
from wire.lorawan.keys import Key, derive_session_keys
from wire.lorawan.session import Session

GATEWAYS = ("0016c001f1500a01", "0016c001f1500a02", "0016c001f1500a03")
JOIN_RATE = 300
DRAIN_S = 60.0
KEY = Key(bytes(range(16)))
JOIN_EUI = EUI64(bytes(8))
NO_ADR = FCtrl()
CHANNELS_HZ = (868_100_000, 868_300_000, 868_500_000)


@dataclass(slots=True, kw_only=True)
class Crowd:
    """The devices: their sessions, and what was heard of them."""

    sessions: dict[str, Session] = field(default_factory=dict)
    f_cnts: dict[str, int] = field(default_factory=dict)
    heard: dict[tuple[str, int], float] = field(default_factory=dict)
    accepts: dict[str, JoinAccept] = field(default_factory=dict)
    joined: dict[str, str] = field(default_factory=dict)
    last_at: float = 0.0

    def hear(self, topic: bytes, payload: bytes, now: float) -> None:
        """Take an ``up`` event or a downlink."""
        if topic.endswith(b"/event/up"):
            event = orjson.loads(payload)
            self.heard.setdefault((event["deviceInfo"]["devEui"], event["fCnt"]), now)
            self.last_at = now
        elif topic.endswith(b"/command/down"):
            frame = gw.DownlinkFrame.FromString(payload)
            accept = JoinAccept.open(frame.items[0].phy_payload, KEY)
            if accept is not None:
                self.accepts[str(accept.dev_addr)] = accept
        elif topic.endswith(b"/event/join"):
            event = orjson.loads(payload)
            self.joined[event["deviceInfo"]["devEui"]] = event["devAddr"]


def dev_eui(number: int) -> EUI64:
    """Name the device of this number."""
    return EUI64((0xBE4C << 48 | number).to_bytes(8))


def copies(phy_payload: bytes, number: int) -> bytes:
    """Return the PUBLISH packets with which three gateways report one frame."""
    packets = b""
    for place, gateway_id in enumerate(GATEWAYS):
        frame = gw.UplinkFrame(
            phy_payload=phy_payload,
            rx_info=gw.UplinkRxInfo(
                gateway_id=gateway_id,
                uplink_id=(number * 3 + place) & 0xFFFFFFFF,
                rssi=-80 - 7 * place,
                snr=9.0 - 3 * place,
                context=(number & 0xFFFFFFFF).to_bytes(4),
                crc_status=gw.CRCStatus.CRC_OK,
            ),
        )
        frame.tx_info.frequency = CHANNELS_HZ[number % len(CHANNELS_HZ)]
        lora = frame.tx_info.modulation.lora
        lora.bandwidth, lora.spreading_factor = 125_000, 7
        lora.code_rate = gw.CodeRate.CR_4_5
        topic = f"eu868/gateway/{gateway_id}/event/up"
        packets += publish_packet(topic, frame.SerializeToString())
    return packets


def join_all(wire: Wire, crowd: Crowd, numbers: Sequence[int]) -> None:
    """Join these devices over the air."""
    packets = [
        copies(
            bytes(
                JoinRequest.sealed(
                    KEY,
                    join_eui=JOIN_EUI,
                    dev_eui=dev_eui(number),
                    dev_nonce=number & 0xFFFF,
                )
            ),
            number,
        )
        for number in numbers
    ]
    wanted = len(crowd.joined) + len(numbers)
    open_loop(wire, packets, JOIN_RATE)
    listen(wire, lambda: len(crowd.joined) == len(crowd.accepts) == wanted)
    for number in numbers:
        eui = str(dev_eui(number))
        accept = crowd.accepts[crowd.joined[eui]]
        keys = derive_session_keys(
            KEY,
            join_nonce=accept.join_nonce,
            net_id=accept.net_id,
            dev_nonce=number & 0xFFFF,
        )
        crowd.sessions[eui] = Session(
            dev_addr=accept.dev_addr,
            nwk_s_key=keys.nwk_s_key,
            app_s_key=keys.app_s_key,
        )
        crowd.f_cnts[eui] = 0


def listen(wire: Wire, done: Callable[[], bool]) -> None:
    """Take in what comes until there is enough, or nothing comes any more."""
    until = time.monotonic() + DRAIN_S
    while not done() and time.monotonic() < until:
        wire.poll(0.1)


def uplinks(crowd: Crowd, number: int) -> list[tuple[tuple[str, int], bytes]]:
    """Build so many uplinks, of one device after the other."""
    found = []
    while len(found) < number:
        for place, (eui, session) in enumerate(crowd.sessions.items()):
            f_cnt = crowd.f_cnts[eui]
            crowd.f_cnts[eui] = f_cnt + 1
            phy_payload = session.uplink(
                f_cnt=f_cnt, f_port=1, payload=bytes([f_cnt & 1]), f_ctrl=NO_ADR
            )
            found.append(((eui, f_cnt), copies(phy_payload, f_cnt << 14 | place)))
    return found
