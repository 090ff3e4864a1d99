"""
A region as the server plans it: the specification's tables plus the configuration.

The tables are ``wire``'s; what is here is how ChirpStack reads them
(contract §1.5, §1.7, §2.6).
"""

from functools import cached_property

from chirpstack_api import api, common, gw

from chirpstack_embedded.config import Region
from chirpstack_embedded.model import Channel, Session
from wire.lorawan.region import FHDR_SIZE, Modulation
from wire.lorawan.region import Region as RegionTable
from wire.lorawan.region.eu868 import EU868

TABLES: dict[str, RegionTable] = {"EU868": EU868}
"""The regions this server knows, by the LoRa Alliance's common name."""

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

_REPEATER_SIZE = 222
_TABLED_VERSIONS = frozenset(
    {
        common.MacVersion.LORAWAN_1_0_0,
        common.MacVersion.LORAWAN_1_0_1,
        common.MacVersion.LORAWAN_1_0_2,
        common.MacVersion.LORAWAN_1_0_3,
        common.MacVersion.LORAWAN_1_1_0,
    }
)
_OLD_REVISIONS = frozenset(
    {common.RegParamsRevision.RP002_1_0_0, common.RegParamsRevision.RP002_1_0_1}
)


class RegionPlan:
    """One active region: its table plus the channels of its configuration."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self.table = TABLES[region.common_name]
        self.rates = {rate.index: rate for rate in self.table.data_rates}
        self.default_data_rates = _data_rates(self.table)
        self.channels = [
            Channel(
                frequency_hz=channel.frequency_hz, data_rates=self.default_data_rates
            )
            for channel in self.table.default_channels
        ]
        self.default_channel_indices = list(range(len(self.channels)))
        self.channels += [
            Channel(frequency_hz=extra.frequency_hz, data_rates=extra.data_rates)
            for extra in region.network.extra_channels
        ]
        self._lora = {
            (rate.spreading_factor, rate.bandwidth_hz): rate.index
            for rate in self.table.data_rates
            if rate.modulation is Modulation.LORA
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
        self.max_tx_power_index = self.table.max_tx_power
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
        return self.table.rx1_data_rate(uplink_dr, offset)

    def rx2_frequency_hz(self, session: Session) -> int:
        """Return where the device listens in RX2."""
        return session.rx2_frequency_hz or self.table.rx2_frequency_hz

    def power_dbm(self, frequency_hz: int) -> int:
        """Return the EIRP of a downlink."""
        configured = self.region.network.downlink_tx_power_dbm
        if configured != -1:
            return configured
        return self.table.gateway_eirp_dbm(frequency_hz)

    def max_payload_size(self, profile: api.DeviceProfile, dr: int) -> int:
        """
        Return N, the largest application payload of a downlink.

        A version ChirpStack has no table for, such as 1.0.4, has DR4 = 222
        unless its revision is RP002-1.0.0 or -1.0.1 (contract §2.6).
        """
        rate = self.rates[dr]
        if self.region.network.repeater_compatible:
            limit = rate.max_mac_payload_repeater or rate.max_mac_payload
            return limit - FHDR_SIZE - 1
        untabled = profile.mac_version not in _TABLED_VERSIONS
        recent = profile.reg_params_revision not in _OLD_REVISIONS
        if dr == 4 and untabled and recent:  # noqa: PLR2004 - the one row that differs
            return _REPEATER_SIZE
        return rate.max_frm_payload

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


def _data_rates(table: RegionTable) -> tuple[int, ...]:
    first = table.default_channels[0]
    return tuple(range(first.min_dr, first.max_dr + 1))
