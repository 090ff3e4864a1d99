"""A region is data: one typed table per part of the world."""

from dataclasses import dataclass
from enum import StrEnum

from wire.errors import Illegal
from wire.lorawan.airtime import fsk_airtime_s, lora_airtime_s
from wire.lorawan.class_b import ClassBPlan
from wire.lorawan.join import CFList
from wire.lorawan.mhdr import Direction

FHDR_SIZE = 7


class Modulation(StrEnum):
    """How a data rate is sent."""

    LORA = "lora"
    FSK = "fsk"
    LR_FHSS = "lr-fhss"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRate:
    """
    One row of a region's data rates.

    ``max_mac_payload`` is M: octets of FHDR, FPort and FRMPayload; N, the octets of
    FRMPayload, follows from it. The repeater value is M behind a repeater, and
    None where the regional parameters give none. The dwell value is M while frames
    may last 400 ms at most: None where that changes nothing, 0 where the data rate
    is then not to be used.
    """

    index: int
    modulation: Modulation
    bit_rate: int
    max_mac_payload: int
    max_mac_payload_repeater: int | None = None
    max_mac_payload_dwell: int | None = None
    spreading_factor: int = 0
    bandwidth_hz: int = 0
    uplink: bool = True
    downlink: bool = True

    @property
    def max_frm_payload(self) -> int:
        """N: octets of FRMPayload when FOpts are empty."""
        return self.max_mac_payload - FHDR_SIZE - 1

    def mac_payload(self, *, dwell: bool = False, repeater: bool = False) -> int:
        """M under these limits: the least of what each of them allows."""
        limits = [self.max_mac_payload]
        if dwell and self.max_mac_payload_dwell is not None:
            limits.append(self.max_mac_payload_dwell)
        if repeater and self.max_mac_payload_repeater is not None:
            limits.append(self.max_mac_payload_repeater)
        return min(limits)

    def frm_payload(self, *, dwell: bool = False, repeater: bool = False) -> int:
        """N under these limits; 0 where the data rate is not to be used."""
        most = self.mac_payload(dwell=dwell, repeater=repeater)
        return max(most - FHDR_SIZE - 1, 0)

    def airtime_s(self, size: int, direction: Direction = Direction.UP) -> float:
        """Seconds that a PHYPayload takes; a downlink carries no CRC."""
        if self.modulation is Modulation.FSK:
            return fsk_airtime_s(size, self.bit_rate)
        if self.modulation is Modulation.LR_FHSS:
            raise Illegal(f"DR{self.index} is LR-FHSS, whose airtime is not modelled")
        return lora_airtime_s(
            size,
            spreading_factor=self.spreading_factor,
            bandwidth_hz=self.bandwidth_hz,
            crc=direction is Direction.UP,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel and the data rates it takes, both ends included."""

    index: int
    frequency_hz: int
    min_dr: int
    max_dr: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SubBand:
    """
    A slice of spectrum whose transmitters share a duty cycle.

    Lower end included, upper end excluded. ``max_erp_dbm`` is the regulator's.
    """

    low_hz: int
    high_hz: int
    duty_cycle: float
    max_erp_dbm: float

    def holds(self, frequency_hz: int) -> bool:
        """Whether a centre frequency lies in it."""
        return self.low_hz <= frequency_hz < self.high_hz


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """
    Everything one region's regional parameters say, as data.

    ``name`` is ChirpStack's id of the set-up, such as ``us915_1``; ``common_name``
    the LoRa Alliance's of the region. ``rx1_data_rates[uplink DR][offset]`` is RX1's
    data rate, ``rx1_data_rates_dwell`` the same while downlinks may last 400 ms at
    most. Delays are seconds after the end of the uplink. ``tx_power`` index i means
    ``max_eirp_dbm`` - ``tx_power_step_db`` * i. ``fixed_channels``: devices know all
    channels from the start and networks only mask them (CFList type 1);
    ``enabled`` are those the network listens to, empty is all. ``join_data_rates``
    empty: all that every default channel takes. ``uplink_dwell``: in force until a
    TXParamSetupReq lifts it. ``least_125_khz``: with fewer channels of 125 kHz a
    device refuses a mask, unless its data rate is of 500 kHz.
    """

    name: str
    common_name: str
    data_rates: tuple[DataRate, ...]
    default_channels: tuple[Channel, ...]
    max_channels: int
    cf_list: CFList | None
    rx1_data_rates: dict[int, tuple[int, ...]]
    rx2_frequency_hz: int
    rx2_data_rate: int
    max_eirp_dbm: int
    max_tx_power: int
    sub_bands: tuple[SubBand, ...]
    downlink_eirp_dbm: int
    downlink_eirp_by_band: tuple[tuple[int, int, int], ...] = ()
    rx1_frequencies_hz: tuple[int, ...] = ()
    tx_power_step_db: int = 2
    rx1_delay_s: int = 1
    rx2_delay_s: int = 2
    join_accept_delay1_s: int = 5
    join_accept_delay2_s: int = 6
    adr_ack_limit: int = 64
    adr_ack_delay: int = 32
    tx_param_setup: bool = False
    fixed_channels: bool = False
    enabled: tuple[int, ...] = ()
    join_data_rates: tuple[int, ...] = ()
    rx1_data_rates_dwell: dict[int, tuple[int, ...]] | None = None
    uplink_dwell: bool = False
    least_125_khz: int = 0
    class_b: ClassBPlan | None = None

    def data_rate(self, index: int) -> DataRate:
        """Return the data rate, or raise Illegal when the region has none such."""
        for rate in self.data_rates:
            if rate.index == index:
                return rate
        raise Illegal(f"{self.common_name} has no DR{index}")

    def data_rate_of(
        self,
        spreading_factor: int,
        bandwidth_hz: int,
        direction: Direction = Direction.UP,
    ) -> DataRate | None:
        """Return the LoRa data rate with these parameters, None when there is none."""
        for rate in self.data_rates:
            if (rate.spreading_factor, rate.bandwidth_hz) == (
                spreading_factor,
                bandwidth_hz,
            ) and (rate.uplink if direction is Direction.UP else rate.downlink):
                return rate
        return None

    def rx1_data_rate(
        self, uplink_data_rate: int, rx1_dr_offset: int, *, dwell: bool = False
    ) -> int:
        """Data rate of RX1 after an uplink, or Illegal beyond the table."""
        table = (dwell and self.rx1_data_rates_dwell) or self.rx1_data_rates
        row = table.get(uplink_data_rate, ())
        if not 0 <= rx1_dr_offset < len(row):
            raise Illegal(
                f"{self.common_name} has no RX1 for DR{uplink_data_rate}"
                f" with offset {rx1_dr_offset}"
            )
        return row[rx1_dr_offset]

    def rx1_frequency_hz(self, uplink_frequency_hz: int) -> int:
        """
        Frequency of RX1, before any DlChannelReq.

        The uplink's own; where ``rx1_frequencies_hz`` holds downlink channels, the
        one whose number is the uplink channel's modulo their count.
        """
        channel = self.channel_of(uplink_frequency_hz)
        if not self.rx1_frequencies_hz or channel is None:
            return uplink_frequency_hz
        return self.rx1_frequencies_hz[channel.index % len(self.rx1_frequencies_hz)]

    def eirp_dbm(self, tx_power: int, max_eirp_dbm: int | None = None) -> int:
        """
        EIRP of a power index, or Illegal beyond the region's last.

        ``max_eirp_dbm`` is what a TXParamSetupReq gave instead of the region's.
        """
        if not 0 <= tx_power <= self.max_tx_power:
            raise Illegal(f"{self.common_name} has no TXPower {tx_power}")
        most = self.max_eirp_dbm if max_eirp_dbm is None else max_eirp_dbm
        return most - self.tx_power_step_db * tx_power

    def gateway_eirp_dbm(self, frequency_hz: int) -> int:
        """EIRP a gateway sends a downlink with."""
        for low_hz, high_hz, eirp_dbm in self.downlink_eirp_by_band:
            if low_hz <= frequency_hz <= high_hz:
                return eirp_dbm
        return self.downlink_eirp_dbm

    def sub_band(self, frequency_hz: int) -> SubBand | None:
        """Sub-band of a frequency; None where the region's spectrum ends."""
        return next((b for b in self.sub_bands if b.holds(frequency_hz)), None)

    def channel_of(self, frequency_hz: int) -> Channel | None:
        """Return the default or stock channel at this frequency."""
        return next(
            (c for c in self.all_channels() if c.frequency_hz == frequency_hz), None
        )

    def all_channels(self) -> tuple[Channel, ...]:
        """Every default channel, and those the stock CFList adds."""
        extra = self.cf_list.frequencies_hz if self.cf_list else ()
        first = self.default_channels[0]
        base = len(self.default_channels)
        return self.default_channels + tuple(
            Channel(
                index=base + at,
                frequency_hz=frequency_hz,
                min_dr=first.min_dr,
                max_dr=first.max_dr,
            )
            for at, frequency_hz in enumerate(extra)
            if frequency_hz
        )

    def stock_channels(self) -> tuple[Channel, ...]:
        """Channels of a device after a join with the stock CFList."""
        every = self.all_channels()
        if not self.enabled:
            return every
        return tuple(channel for channel in every if channel.index in self.enabled)
