"""
A region as the server plans it: the specification's tables plus the configuration.

The tables are ``wire``'s; what is here is how ChirpStack reads them
(contract §1.5, §1.7, §2.6).
"""

from functools import cached_property

from chirpstack_api import api, common, gw

from chirpstack_embedded.config import Region
from chirpstack_embedded.core.payload_size import max_payload_size
from chirpstack_embedded.model import Channel, Session, mac_version_value
from wire.lorawan.ids import DevAddr
from wire.lorawan.join import CFList
from wire.lorawan.region import Modulation
from wire.lorawan.region.catalogue import COMMON
from wire.lorawan.region.fixed import channel_masks

LORA_125_KHZ = 125_000
_CR_4_5 = gw.CodeRate.CR_4_5
CF_LIST_LENGTH = 5

# The SNR a demodulator needs, per spreading factor (contract §1.10).
REQUIRED_SNR_DB = {
    6: -5.0,
    7: -7.5,
    8: -10.0,
    9: -12.5,
    10: -15.0,
    11: -17.5,
    12: -20.0,
}

# What a profile without supported_uplink_data_rates is taken to support.
_FASTEST = {"US915": 4, "AU915": 6}
_FASTEST_ELSEWHERE = 5
# ChirpStack counts powers of IN865 that the regional parameters do not have.
_LAST_POWER = {"IN865": 14}
_WITHOUT_MASKS = frozenset(
    {
        common.MacVersion.LORAWAN_1_0_0,
        common.MacVersion.LORAWAN_1_0_1,
        common.MacVersion.LORAWAN_1_0_2,
    }
)
"""Versions whose CFList holds frequencies only: in fixed plans they get none."""
_AU915_WITHOUT_TX_PARAMS = frozenset(
    {common.MacVersion.LORAWAN_1_0_1, common.MacVersion.LORAWAN_1_0_2}
)


class RegionPlan:
    """One active region: its table plus the channels of its configuration."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self.table = COMMON[region.common_name]
        self.rates = {rate.index: rate for rate in self.table.data_rates}
        self.channels = [
            Channel(
                frequency_hz=channel.frequency_hz,
                data_rates=tuple(range(channel.min_dr, channel.max_dr + 1)),
            )
            for channel in self.table.default_channels
        ]
        self.default_data_rates = self.channels[0].data_rates
        self.default_channel_indices = list(range(len(self.channels)))
        self.channels += [
            Channel(frequency_hz=extra.frequency_hz, data_rates=extra.data_rates)
            for extra in region.network.extra_channels
        ]
        self._lora = {
            (rate.spreading_factor, rate.bandwidth_hz): rate.index
            for rate in self.table.data_rates
            if rate.modulation is Modulation.LORA and rate.uplink
        }
        self._fsk = {
            rate.bit_rate: rate.index
            for rate in self.table.data_rates
            if rate.modulation is Modulation.FSK
        }
        self._by_air = {
            (channel.frequency_hz, dr): index
            for index, channel in reversed(list(enumerate(self.channels)))
            for dr in channel.data_rates
        }
        wanted = region.network.enabled_uplink_channels
        self.enabled_channels = list(wanted) or list(range(len(self.channels)))
        self.max_tx_power_index = _LAST_POWER.get(
            region.common_name, self.table.max_tx_power
        )
        fastest = _FASTEST.get(region.common_name, _FASTEST_ELSEWHERE)
        self.usual_data_rates = tuple(range(fastest + 1))
        self._wanted: dict[tuple[int, ...], dict[int, Channel]] = {}

    @cached_property
    def extra_channels(self) -> dict[int, Channel]:
        """Channels a device learns by CFList or NewChannelReq."""
        first = len(self.default_channel_indices)
        return dict(enumerate(self.channels[first:], first))

    def wanted_channels(self, supported: tuple[int, ...]) -> dict[int, Channel]:
        """Return the extra channels with the data-rates a device can do."""
        found = self._wanted.get(supported)
        if found is None:
            found = self._wanted[supported] = self._intersect(set(supported))
        return found

    def _intersect(self, supported: set[int]) -> dict[int, Channel]:
        common_rates = {
            index: tuple(sorted(supported.intersection(channel.data_rates)))
            for index, channel in self.extra_channels.items()
        }
        return {
            index: Channel(
                frequency_hz=self.channels[index].frequency_hz, data_rates=data_rates
            )
            for index, data_rates in common_rates.items()
            if data_rates
        }

    def cf_list_channels(self) -> dict[int, Channel]:
        """Return the extra channels that fit a CFList: five with the default rates."""
        fitting = [
            (index, channel)
            for index, channel in self.extra_channels.items()
            if channel.data_rates == self.default_data_rates
        ]
        return dict(fitting[:CF_LIST_LENGTH])

    def cf_list(self, profile: api.DeviceProfile) -> CFList | None:
        """Return the CFList of a JoinAccept: frequencies, or masks of a fixed plan."""
        if not self.table.fixed_channels:
            channels = self.cf_list_channels().values()
            frequencies_hz = tuple(channel.frequency_hz for channel in channels)
            return CFList(frequencies_hz=frequencies_hz) if frequencies_hz else None
        if profile.mac_version in _WITHOUT_MASKS:
            return None
        return CFList(masks=channel_masks(self.enabled_channels))

    def joined_channels(self, cf_list: CFList | None) -> list[int]:
        """Return the channels a device uses after a JoinAccept with this CFList."""
        if cf_list is not None and cf_list.masks:
            return sorted(self.enabled_channels)
        return [*self.default_channel_indices, *sorted(self.cf_list_channels())]

    def sets_up_transmission(self, profile: api.DeviceProfile) -> bool:
        """Whether devices know TxParamSetupReq."""
        if self.region.common_name != "AU915":
            return self.table.tx_param_setup
        return profile.mac_version not in _AU915_WITHOUT_TX_PARAMS

    def uplink_data_rate(self, tx_info: gw.UplinkTxInfo) -> int | None:
        """Return the data-rate with exactly this modulation, coding rate included."""
        modulation = tx_info.modulation
        if modulation.HasField("lora"):
            lora = modulation.lora
            if lora.code_rate != _CR_4_5:
                return None
            return self._lora.get((lora.spreading_factor, lora.bandwidth))
        if modulation.HasField("fsk"):
            return self._fsk.get(modulation.fsk.datarate)
        return None

    def uplink_channel(self, frequency_hz: int, dr: int) -> int | None:
        """Return the index of the channel with this frequency and data-rate."""
        return self._by_air.get((frequency_hz, dr))

    def rx1_data_rate(self, uplink_dr: int, offset: int) -> int:
        """Return the data-rate of RX1."""
        dwell = self.region.network.dwell_time_400ms
        return self.table.rx1_data_rate(uplink_dr, offset, dwell=dwell)

    def rx1_frequency_hz(self, uplink_frequency_hz: int) -> int:
        """Return where RX1 answers an uplink."""
        return self.table.rx1_frequency_hz(uplink_frequency_hz)

    def rx2_frequency_hz(self, session: Session) -> int:
        """Return where the device listens in RX2."""
        return session.rx2_frequency_hz or self.table.rx2_frequency_hz

    def ping_slot_hz(self, dev_addr: DevAddr, beacon_ms: int) -> int:
        """Return where the region has a device listen in a beacon's period."""
        class_b = self.table.class_b
        if class_b is None:
            return self.table.rx2_frequency_hz
        return class_b.ping_slot_frequency_hz(dev_addr, beacon_ms // 1000)

    def power_dbm(self, frequency_hz: int) -> int:
        """Return the EIRP of a downlink."""
        configured = self.region.network.downlink_tx_power_dbm
        if configured != -1:
            return configured
        return self.table.gateway_eirp_dbm(frequency_hz)

    def max_payload_size(
        self, profile: api.DeviceProfile, dr: int, *, version: str = ""
    ) -> int:
        """
        Return N, the largest application payload of a downlink.

        A session keeps the LoRaWAN ``version`` it began with, such as ``1.0.3``.
        """
        return max_payload_size(
            self.region,
            self.rates[dr],
            version=mac_version_value(version) if version else profile.mac_version,
            revision=profile.reg_params_revision,
        )

    def required_snr_db(self, dr: int) -> float:
        """Return the SNR an uplink of this data-rate needs; 0 if it is not LoRa."""
        return REQUIRED_SNR_DB.get(self.rates[dr].spreading_factor, 0.0)

    @cached_property
    def max_lora_125_dr(self) -> int:
        """The highest enabled data-rate of LoRa with 125 kHz."""
        return max(
            (
                dr
                for index in self.enabled_channels
                for dr in self.channels[index].data_rates
                if self.rates[dr].bandwidth_hz == LORA_125_KHZ
            ),
            default=0,
        )

    def set_modulation(self, tx_info: gw.DownlinkTxInfo, dr: int) -> None:
        """Describe a downlink of this data-rate (contract §1.7)."""
        rate = self.rates[dr]
        if rate.modulation is Modulation.LORA:
            lora = tx_info.modulation.lora
            lora.bandwidth = rate.bandwidth_hz
            lora.spreading_factor = rate.spreading_factor
            lora.code_rate = _CR_4_5
            lora.polarization_inversion = True
        else:
            tx_info.modulation.fsk.datarate = rate.bit_rate
            tx_info.modulation.fsk.frequency_deviation = rate.bit_rate // 2
