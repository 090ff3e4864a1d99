"""
ChirpStack's gateway protocol over MQTT: the core's nouns to its messages and back.

Messages are those of ``gw.proto``, as protobuf or as its JSON (the server tells them
apart by itself, and answers each gateway in the encoding it was heard in).
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any

from chirpstack_api import common, gw
from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message

from gateway_sim.duty_cycle import WINDOW_S, Load
from gateway_sim.gateway import (
    CONTEXT_BYTES,
    Delay,
    Downlink,
    GpsEpoch,
    Immediately,
    Item,
    TxAck,
    Uplink,
)
from gateway_sim.stats import Modulation, Stats
from wire.air import AirFrame
from wire.declared import DeclaredGateway
from wire.errors import Malformed

CODE_RATES = {"4/5": gw.CR_4_5, "4/6": gw.CR_4_6, "4/7": gw.CR_4_7, "4/8": gw.CR_4_8}
CODING_RATES = {code: name for name, code in CODE_RATES.items()}
METADATA = {"simulator": "garonne"}


class Encoding(StrEnum):
    """How messages are written."""

    PROTOBUF = "protobuf"
    JSON = "json"


class Codec:
    """One gateway's messages, written in one encoding and read in either."""

    def __init__(self, place: DeclaredGateway, encoding: Encoding) -> None:
        self._gateway_id = str(place.gateway_id)
        self._encoding = encoding
        self._uplink = gw.UplinkFrame()  # refilled: four times as fast as a new one
        self._uplink.rx_info.gateway_id = self._gateway_id
        self._uplink.rx_info.crc_status = gw.CRC_OK
        self._uplink.rx_info.location.CopyFrom(_location(place))

    def up(self, uplink: Uplink) -> bytes:
        """The ``up`` event: bit for bit the same ``tx_info`` from every gateway."""
        message = self._uplink
        message.phy_payload = uplink.frame.phy_payload
        _fill_tx_info(message.tx_info, uplink.frame)
        rx_info = message.rx_info
        rx_info.uplink_id = uplink.uplink_id
        _set_instant(rx_info.gw_time, uplink.received_s)
        rx_info.rssi = round(uplink.rssi_dbm)
        rx_info.snr = round(uplink.snr_db, 1)
        rx_info.channel = uplink.channel
        rx_info.context = uplink.tmst.to_bytes(CONTEXT_BYTES, "big")
        return self._written(message)

    def ack(self, ack: TxAck) -> bytes:
        """The ``ack`` event."""
        return self._written(
            gw.DownlinkTxAck(
                gateway_id=self._gateway_id,
                downlink_id=ack.downlink_id,
                items=[
                    gw.DownlinkTxAckItem(status=gw.TxAckStatus.Value(status))
                    for status in ack.statuses
                ],
            )
        )

    def stats(self, stats: Stats) -> bytes:
        """The ``stats`` event: the only thing that makes a gateway ONLINE."""
        message = gw.GatewayStats(
            gateway_id=self._gateway_id,
            location=_location(stats.place),
            rx_packets_received=stats.received.total,
            rx_packets_received_ok=stats.received.total,
            tx_packets_received=stats.requested,
            tx_packets_emitted=stats.emitted.total,
            metadata=METADATA | {"name": stats.place.name},
            rx_packets_per_frequency=stats.received.per_frequency,
            tx_packets_per_frequency=stats.emitted.per_frequency,
            rx_packets_per_modulation=_per_modulation(stats.received.per_modulation),
            tx_packets_per_modulation=_per_modulation(stats.emitted.per_modulation),
            tx_packets_per_status=dict(stats.statuses),
            duty_cycle_stats=gw.DutyCycleStats(
                regulation=common.Regulation.ETSI_EN_300_220,
                window=timedelta(seconds=WINDOW_S),
                bands=[_band(load) for load in stats.loads],
            ),
        )
        _set_instant(message.time, stats.at_s)
        return self._written(message)

    def conn(self, *, online: bool) -> bytes:
        """The connection state; OFFLINE is the last will."""
        state = gw.ConnState.ONLINE if online else gw.ConnState.OFFLINE
        return self._written(gw.ConnState(gateway_id=self._gateway_id, state=state))

    def parse_down(self, payload: bytes) -> Downlink:
        """
        Read a ``command/down``.

        Raises Malformed for what is neither protobuf nor JSON of a DownlinkFrame and
        for a frame addressed to another gateway than the topic's.
        """
        message = _read(gw.DownlinkFrame(), payload)
        if message.gateway_id != self._gateway_id:
            raise Malformed(
                f"a downlink for gateway {message.gateway_id!r} "
                f"on the topic of {self._gateway_id}"
            )
        return Downlink(
            downlink_id=message.downlink_id,
            items=tuple(_item(item) for item in message.items),
        )

    def _written(self, message: Message) -> bytes:
        if self._encoding is Encoding.PROTOBUF:
            return message.SerializeToString()
        return json_format.MessageToJson(message, indent=None).encode()


def _read(message: Any, payload: bytes) -> Any:
    """The message in a payload; JSON starts with a brace, which no protobuf does."""
    try:
        if payload.startswith(b"{"):
            return json_format.Parse(payload, message, ignore_unknown_fields=True)
        message.ParseFromString(payload)
    except (DecodeError, json_format.ParseError, UnicodeDecodeError) as error:
        what = message.DESCRIPTOR.name
        raise Malformed(f"{len(payload)} bytes are no {what}: {error}") from error
    return message


def _item(item: gw.DownlinkFrameItem) -> Item:
    tx_info = item.tx_info
    lora = tx_info.modulation.lora
    return Item(
        phy_payload=item.phy_payload,
        frequency_hz=tx_info.frequency,
        power_dbm=tx_info.power,
        spreading_factor=lora.spreading_factor,
        bandwidth_hz=lora.bandwidth,
        coding_rate=CODING_RATES.get(lora.code_rate, ""),
        iq_inverted=lora.polarization_inversion,
        timing=_timing(tx_info.timing),
        context=tx_info.context,
    )


def _timing(timing: gw.Timing) -> Immediately | Delay | GpsEpoch | None:
    match timing.WhichOneof("parameters"):
        case "immediately":
            return Immediately()
        case "delay":
            return Delay(delay_s=_seconds(timing.delay.delay))
        case "gps_epoch":
            return GpsEpoch(time_s=_seconds(timing.gps_epoch.time_since_gps_epoch))
        case _:
            return None


def _seconds(duration: Any) -> float:
    # By hand: ToTimedelta raises beyond a timedelta's range, and anybody may send that.
    seconds: float = duration.seconds + duration.nanos / 1e9
    return seconds


def _fill_tx_info(tx_info: gw.UplinkTxInfo, frame: AirFrame) -> None:
    """Only what every gateway knows alike: a single other bit defeats the dedup."""
    tx_info.frequency = frame.frequency_hz
    lora = tx_info.modulation.lora
    lora.bandwidth = frame.bandwidth_hz
    lora.spreading_factor = frame.spreading_factor
    lora.code_rate = CODE_RATES[frame.coding_rate]


def _set_instant(timestamp: Any, at_s: float) -> None:
    # By hand: FromDatetime costs as much as all other fields together.
    at_us = round(at_s * 1_000_000)
    timestamp.seconds, timestamp.nanos = at_us // 1_000_000, at_us % 1_000_000 * 1_000


def _location(place: DeclaredGateway) -> common.Location:
    return common.Location(
        latitude=place.latitude,
        longitude=place.longitude,
        altitude=place.altitude_m,
        source=common.LocationSource.CONFIG,
    )


def _per_modulation(
    counts: Mapping[Modulation, int],
) -> list[gw.PerModulationCount]:
    return [
        gw.PerModulationCount(
            modulation=gw.Modulation(
                lora=gw.LoraModulationInfo(
                    bandwidth=modulation.bandwidth_hz,
                    spreading_factor=modulation.spreading_factor,
                    code_rate=CODE_RATES[modulation.coding_rate],
                )
            ),
            count=count,
        )
        for modulation, count in sorted(counts.items())
    ]


def _band(load: Load) -> gw.DutyCycleBand:
    return gw.DutyCycleBand(
        name=f"{load.name} MHz",
        frequency_min=load.sub_band.low_hz,
        frequency_max=load.sub_band.high_hz,
        load_max=timedelta(seconds=load.budget_s),
        load_tracked=timedelta(seconds=load.used_s),
    )
