"""What gateways say and hear, in protobuf or JSON."""

from dataclasses import dataclass
from typing import Any

from chirpstack_api import gw
from google.protobuf.json_format import Parse

from wire.lorawan.data import DataFrame
from wire.lorawan.mac import MacCommand, parse_block
from wire.lorawan.mhdr import Direction
from wire.lorawan.session import Session
from wire.lorawan.session_1_1 import Session11

DR_SF = {0: 12, 1: 11, 2: 10, 3: 9, 4: 8, 5: 7}
CONTEXT = bytes.fromhex("4f587a02")


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
    **rx_info: Any,
) -> gw.UplinkFrame:
    """Return a reception by the n-th gateway; SNR -5 at SF9 leaves ADR no step."""
    frame = gw.UplinkFrame(
        phy_payload=phy_payload,
        rx_info=gw.UplinkRxInfo(
            **{
                "gateway_id": gateway_id,
                "uplink_id": 29481 + number,
                "rssi": rssi - number,
                "snr": snr - number,
                "channel": 1,
                "rf_chain": 1,
                "context": CONTEXT,
                "crc_status": gw.CRCStatus.CRC_OK,
                **rx_info,
            }
        ),
    )
    frame.tx_info.frequency = frequency_hz
    lora = frame.tx_info.modulation.lora
    lora.bandwidth, lora.code_rate = 125_000, code_rate
    lora.spreading_factor = DR_SF[dr]
    return frame


def downlink_of(payload: bytes) -> gw.DownlinkFrame:
    """Read a command, whichever encoding the server chose."""
    if payload.startswith(b"{"):
        return Parse(payload.decode(), gw.DownlinkFrame())
    return gw.DownlinkFrame.FromString(payload)


@dataclass(frozen=True, slots=True, kw_only=True)
class Downlink:
    """A downlink as the device would read it."""

    frame: gw.DownlinkFrame
    session: Session
    conf_f_cnt: int = 0
    """Of the uplink an ACK bit is about; 1.1 signs it."""

    def data(self, window: int = 0) -> DataFrame:
        """Return the frame of one window."""
        return DataFrame.parse(self.frame.items[window].phy_payload)

    @property
    def f_cnt(self) -> int:
        """The counter of the first window's frame; tests stay below 65,536."""
        return self.data().f_cnt_16

    def clear(self, window: int = 0) -> bytes:
        """Return the decrypted payload."""
        found = self.data(window)
        phy_payload = self.frame.items[window].phy_payload
        assert self._is_signed(phy_payload), "the MIC of the downlink is wrong"
        return self.session.decrypt(found, found.f_cnt_16)

    def f_opts(self, window: int = 0) -> bytes:
        """Return the MAC commands of the header; 1.1 encrypts them."""
        found = self.data(window)
        if isinstance(self.session, Session11):
            return self.session.clear_f_opts(found, found.f_cnt_16)
        return found.f_opts

    def _is_signed(self, phy_payload: bytes) -> bool:
        if isinstance(self.session, Session11):
            return self.session.verify(
                phy_payload, self.f_cnt, conf_f_cnt=self.conf_f_cnt
            )
        return self.session.verify(phy_payload, self.f_cnt)

    def commands(self, window: int = 0) -> tuple[MacCommand, ...]:
        """Return the MAC commands, wherever they stand."""
        found = self.data(window)
        octets = self.clear(window) if found.f_port == 0 else self.f_opts(window)
        return parse_block(octets, Direction.DOWN).commands

    @property
    def timings(self) -> list[str]:
        """Say when each item is sent: ``immediately`` or a delay in seconds."""
        return [_timing(item.tx_info.timing) for item in self.frame.items]


def _timing(timing: gw.Timing) -> str:
    kind = timing.WhichOneof("parameters")
    if kind == "delay":
        return f"{timing.delay.delay.ToTimedelta().total_seconds():g}s"
    return str(kind)
