"""The server in every region, by the very files the real one reads."""

from pathlib import Path
from typing import Any

import pytest
from chirpstack_api import common, gw
from tests.chirpstack_embedded.conftest import (
    APP_KEY,
    DEV_EUI,
    GATEWAYS,
    JOIN_EUI,
    World,
    uplink_frame,
)

from chirpstack_embedded.config import (
    Configuration,
    Region,
    RegionNetwork,
    load_configuration,
    parse_configuration,
)
from chirpstack_embedded.core.region import RegionPlan
from chirpstack_embedded.core.session import abp_session
from chirpstack_embedded.errors import BadConfiguration
from chirpstack_embedded.station.config import router_config
from wire.lorawan.data import DataFrame
from wire.lorawan.ids import DevAddr
from wire.lorawan.join import JoinAccept, JoinRequest
from wire.lorawan.keys import Key, derive_session_keys
from wire.lorawan.keys_1_1 import SessionKeys11
from wire.lorawan.mac import LinkADRReq, TXParamSetupAns, TXParamSetupReq, parse_block
from wire.lorawan.mhdr import Direction
from wire.lorawan.region.catalogue import REGIONS
from wire.lorawan.session import Session

FILES = Path(__file__).parents[2] / "chirpstack" / "server-config"
NAMES = ("MQTT_SERVER", "MQTT_USERNAME", "MQTT_PASSWORD", "SQLITE_PATH")
ENVIRONMENT = {f"CHIRPSTACK_{name}": "" for name in NAMES} | {
    "CHIRPSTACK_MQTT_SERVER": "tcp://127.0.0.1:1883",
    "CHIRPSTACK_API_BIND": "127.0.0.1:0",
    "CHIRPSTACK_API_SECRET": "a secret of tests only, long enough",
    "CHIRPSTACK_REDIS_SERVER": "",
    "CHIRPSTACK_POSTGRESQL_DSN": "",
}
V = common.MacVersion


def stock(*ids: str) -> Configuration:
    configuration, _ = load_configuration(FILES, ENVIRONMENT, regions=ids)
    return configuration


class Abroad(World):
    """The small world, with a device in another region."""

    region = "us915_1"

    def say(
        self, phy_payload: bytes, *, mhz: float, sf: int, khz: int = 125, region: str
    ) -> None:
        frame = uplink_frame(phy_payload, GATEWAYS[0], frequency_hz=round(mhz * 1e6))
        lora = frame.tx_info.modulation.lora
        lora.spreading_factor, lora.bandwidth = sf, khz * 1000
        topic = f"{region}/gateway/{GATEWAYS[0]}/event/up"
        with self.store.transaction():
            self.server.receive(region, topic, frame.SerializeToString(), self.now)
            self._drain()
        self.when_time_passes(0.4)

    def join(self, *, mhz: float, sf: int, khz: int = 125, region: str) -> JoinAccept:
        self._nonce += 1
        request = JoinRequest.sealed(
            APP_KEY, join_eui=JOIN_EUI, dev_eui=DEV_EUI, dev_nonce=self._nonce
        )
        self.say(bytes(request), mhz=mhz, sf=sf, khz=khz, region=region)
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
        self.when_tx_ack()
        return accept

    def requests(self) -> tuple[Any, ...]:
        """The MAC commands of the last downlink."""
        assert self.session is not None
        frame = DataFrame.parse(self.downlinks[-1].items[0].phy_payload)
        clear = self.session.decrypt(frame, frame.f_cnt_16)
        octets = clear if frame.f_port == 0 else frame.f_opts
        return parse_block(octets, Direction.DOWN).commands


def world(*ids: str, **profile: Any) -> Abroad:
    made = Abroad(stock(*ids))
    made.given_gateways()
    made.given_device(**profile)
    return made


# region, first uplink (MHz, SF), RX1 (MHz, SF, kHz), RX2 (MHz, SF), power
WINDOWS = [
    ("us915_0", "US915", (902.3, 10), (923.3, 10, 500), (923.3, 12, 500), 21),
    ("us915_1", "US915", (904.1, 7), (923.9, 7, 500), (923.3, 12, 500), 21),
    ("au915_1", "AU915", (918.2, 10), (927.5, 10, 500), (923.3, 12, 500), 30),
    ("as923", "AS923", (923.4, 9), (923.4, 9, 125), (923.2, 10, 125), 16),
    ("as923_2", "AS923_2", (921.4, 9), (921.4, 9, 125), (921.4, 10, 125), 16),
    ("as923_3", "AS923_3", (916.8, 9), (916.8, 9, 125), (916.6, 10, 125), 16),
    ("as923_4", "AS923_4", (917.5, 9), (917.5, 9, 125), (917.3, 10, 125), 16),
    ("in865", "IN865", (865.985, 12), (865.985, 12, 125), (866.55, 10, 125), 30),
]


@pytest.mark.proves("feature:regions", "event:join", "config:network.enabled_regions")
@pytest.mark.parametrize(("id_", "name", "up", "rx1", "rx2", "power"), WINDOWS)
def test_a_join_is_answered_in_the_windows_of_the_region(
    id_: str,
    name: str,
    up: tuple[float, int],
    rx1: tuple[float, int, int],
    rx2: tuple[float, int, int],
    power: int,
) -> None:
    abroad = world(id_, region=common.Region.Value(name))

    abroad.join(mhz=up[0], sf=up[1], region=id_)

    items = [item.tx_info for item in abroad.downlinks[0].items]
    assert [rx1, rx2] == [
        (
            it.frequency / 1e6,
            it.modulation.lora.spreading_factor,
            it.modulation.lora.bandwidth // 1000,
        )
        for it in items
    ]
    assert [power, power] == [it.power for it in items]


@pytest.mark.proves("feature:regions")
def test_a_wide_uplink_is_heard_and_answered_too() -> None:
    abroad = world("us915_1", region=common.Region.US915)

    abroad.join(mhz=904.6, sf=8, khz=500, region="us915_1")

    rx1 = abroad.downlinks[0].items[0].tx_info
    assert (923_900_000, 7) == (
        rx1.frequency,
        rx1.modulation.lora.spreading_factor,
    )


@pytest.mark.proves("feature:regions", "config:regions.network.enabled_uplink_channels")
def test_a_join_accept_of_a_fixed_plan_carries_the_sub_bands_masks() -> None:
    abroad = world("us915_1", region=common.Region.US915)

    accept = abroad.join(mhz=904.1, sf=10, region="us915_1")

    assert accept.cf_list is not None
    assert (0xFF00, 0, 0, 0, 2, 0, 0) == accept.cf_list.masks
    session = abroad.device.session
    assert session is not None
    assert [*range(8, 16), 65] == session.enabled_uplink_channels


@pytest.mark.parametrize("version", [V.LORAWAN_1_0_0, V.LORAWAN_1_0_2])
def test_before_1_0_3_masks_come_by_link_adr_req(version: int) -> None:
    abroad = world(
        "us915_1",
        region=common.Region.US915,
        mac_version=version,
        adr_algorithm_id="",
    )
    accept = abroad.join(mhz=904.1, sf=10, region="us915_1")
    assert accept.cf_list is None
    assert abroad.session is not None

    abroad.say(abroad.session.uplink(f_cnt=0), mhz=904.1, sf=10, region="us915_1")

    assert [(7, 2, 0), (0, 0xFF00, 1)] == [
        (one.ch_mask_cntl, one.ch_mask, one.nb_trans)
        for one in abroad.requests()
        if isinstance(one, LinkADRReq)
    ]


@pytest.mark.parametrize("id_", ["as923", "in865"])
def test_without_extra_channels_a_join_accept_has_no_cf_list(id_: str) -> None:
    abroad = world(id_, region=common.Region.Value(REGIONS[id_].common_name))
    first = REGIONS[id_].default_channels[0].frequency_hz / 1e6

    assert abroad.join(mhz=first, sf=9, region=id_).cf_list is None


@pytest.mark.proves("feature:regions")
def test_several_regions_are_served_at_once() -> None:
    abroad = world("eu868", "us915_1", region=common.Region.US915)

    abroad.join(mhz=904.1, sf=7, region="us915_1")

    assert "us915_1" == abroad.then_event("join")["regionConfigId"]
    # The same device is not one of the other region (trap: region mismatch).
    request = JoinRequest.sealed(
        APP_KEY, join_eui=JOIN_EUI, dev_eui=DEV_EUI, dev_nonce=9
    )
    abroad.forget()
    abroad.say(bytes(request), mhz=868.1, sf=7, region="eu868")
    assert [] == abroad.downlinks
    assert 1 == abroad.then_causes()["region_mismatch"]


def test_a_session_belongs_to_the_region_of_its_join() -> None:
    abroad = world("us915_0", "us915_1", region=common.Region.US915)
    abroad.join(mhz=904.1, sf=7, region="us915_1")
    assert abroad.session is not None
    abroad.forget()

    abroad.say(abroad.session.uplink(f_cnt=0), mhz=902.3, sf=7, region="us915_0")

    assert [] == abroad.then_kinds()
    assert 1 == abroad.then_causes()["mic"]


@pytest.mark.parametrize(
    ("mhz", "sf", "khz", "cause"),
    [
        (904.1, 12, 125, "unknown_data_rate"),  # DR8 goes down only
        (904.1, 11, 125, "unknown_data_rate"),
        (904.1, 8, 500, "unknown_channel"),  # the wide rate on a narrow channel
        (904.6, 8, 125, "unknown_channel"),  # and the other way round
        (904.2, 7, 125, "unknown_channel"),
        (868.1, 7, 125, "unknown_channel"),
    ],
)
def test_uplinks_must_have_a_channel_and_a_data_rate_of_the_region(
    mhz: float, sf: int, khz: int, cause: str
) -> None:
    abroad = world("us915_1", region=common.Region.US915)

    abroad.say(b"\x40" + bytes(12), mhz=mhz, sf=sf, khz=khz, region="us915_1")

    assert {cause: 1} == abroad.then_causes()


def test_every_region_has_its_file_and_they_all_load() -> None:
    regions = stock(*REGIONS).regions

    assert list(REGIONS) == [region.id for region in regions]
    for region in regions:
        table = REGIONS[region.id]
        assert table.common_name == region.common_name
        assert region.id == region.broker.topic_prefix
        assert table.rx2_frequency_hz == region.network.rx2_frequency_hz
        assert table.enabled == region.network.enabled_uplink_channels


def test_regions_of_the_environment_come_before_those_of_the_file() -> None:
    assert ["in865", "eu868"] == [region.id for region in stock("in865").regions]


MINIMAL = """
[api]
secret = "s"
[network]
enabled_regions = ["r"]
[[regions]]
id = "r"
"""


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ('common_name = "US915"\n[[regions.network.extra_channels]]', "are fixed"),
        (
            'common_name = "IN865"\n[regions.network]\nenabled_uplink_channels = [3]',
            "enables the uplink channels [3], it has 0 to 2",
        ),
        ('common_name = "KR920"', "the embedded server knows EU868, US915"),
    ],
)
def test_what_a_region_cannot_be_is_said(rest: str, words: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        parse_configuration(MINIMAL + rest, {})

    assert any(words in fault for fault in caught.value.faults)


def test_as923_may_be_written_with_a_dash() -> None:
    configuration, _ = parse_configuration(MINIMAL + 'common_name = "AS923-3"', {})

    assert "AS923_3" == configuration.regions[0].common_name


# TxParamSetupReq


def heard_in_as923(**network: Any) -> Abroad:
    configured = stock("as923")
    region = configured.regions[0]
    changed = Region(
        id=region.id,
        common_name=region.common_name,
        network=RegionNetwork(
            rx2_dr=2, rx2_frequency_hz=923_200_000, max_dr=5, **network
        ),
    )
    made = Abroad(
        Configuration(
            api_secret=configured.api_secret,
            network=configured.network,
            integration=configured.integration,
            regions=(changed,),
        )
    )
    made.given_gateways()
    made.given_device(region=common.Region.AS923, adr_algorithm_id="")
    made.join(mhz=923.2, sf=9, region="as923")
    return made


def test_stock_as923_sets_up_nothing() -> None:
    abroad = heard_in_as923()
    assert abroad.session is not None
    abroad.forget()

    abroad.say(abroad.session.uplink(f_cnt=0), mhz=923.2, sf=9, region="as923")

    assert [] == abroad.downlinks


@pytest.mark.proves("mac:TxParamSetupReq", "config:regions.network.uplink_max_eirp")
def test_dwell_time_and_power_are_set_up_until_the_device_took_them() -> None:
    abroad = heard_in_as923(uplink_dwell_time_400ms=True, uplink_max_eirp_dbm=14)
    assert abroad.session is not None
    wanted = TXParamSetupReq(uplink_dwell=True, downlink_dwell=False, max_eirp_dbm=14)

    abroad.say(abroad.session.uplink(f_cnt=0), mhz=923.2, sf=9, region="as923")
    assert (wanted,) == abroad.requests()
    abroad.when_tx_ack()
    abroad.forget()
    answer = abroad.session.uplink(f_cnt=1, f_opts=bytes(TXParamSetupAns()))
    abroad.say(answer, mhz=923.2, sf=9, region="as923")

    assert [] == abroad.downlinks
    session = abroad.device.session
    assert session is not None
    assert (True, False, 4) == (
        session.uplink_dwell_400ms,
        session.downlink_dwell_400ms,
        session.uplink_max_eirp_index,
    )


def test_abp_devices_have_no_region_before_their_first_uplink() -> None:
    abroad = world("au915_1", region=common.Region.AU915, supports_otaa=False)
    dev_addr, key = DevAddr.parse("01020304"), Key(bytes(16))
    session = Session(dev_addr=dev_addr, nwk_s_key=key, app_s_key=key)
    device = abroad.device
    device.session = abp_session(
        device,
        dev_addr=str(dev_addr),
        keys=SessionKeys11(
            f_nwk_s_int_key=key, s_nwk_s_int_key=key, nwk_s_enc_key=key, app_s_key=key
        ),
        f_cnt_down=0,
    )
    device.dev_addr = str(dev_addr)
    with abroad.store.transaction():
        abroad.store.devices.save(device)

    abroad.say(session.uplink(f_cnt=0), mhz=916.8, sf=10, region="au915_1")

    assert ["up"] == abroad.then_kinds()
    assert abroad.device.session is not None
    assert "au915_1" == abroad.device.session.region_config_id
    assert gw.DownlinkFrame is type(abroad.downlinks[0])


@pytest.mark.parametrize("id_", REGIONS)
def test_basics_station_is_told_every_region(id_: str) -> None:
    (region, *_) = stock(id_).regions
    config = router_config(RegionPlan(region))

    heard = {channel.frequency_hz for channel in config.up_channels}
    wanted = {channel.frequency_hz for channel in REGIONS[id_].stock_channels()}
    assert wanted == heard
    rx2 = config.data_rates[REGIONS[id_].rx2_data_rate]
    assert rx2 is not None
    low_hz, high_hz = config.frequency_range_hz
    assert low_hz <= REGIONS[id_].rx2_frequency_hz <= high_hz
