"""Two regions at once, real broker, real processes: a 1.1 device in the second."""

import json
from pathlib import Path

import pytest
from chirpstack_api import common, gw
from tests.chirpstack_embedded.conftest import (
    APP_KEY,
    DEV_EUI,
    GATEWAYS,
    JOIN_EUI,
    uplink_frame,
)
from tests.chirpstack_embedded.running import Ears, site

from wire.lorawan.join import JoinRequest
from wire.lorawan.join_1_1 import Asked, open_accept
from wire.lorawan.keys_1_1 import derive_session_keys_1_1, js_int_key
from wire.lorawan.mac import RekeyInd
from wire.lorawan.session_1_1 import Session11

pytestmark = pytest.mark.slow
GATEWAY = GATEWAYS[0]


def say(ears: Ears, phy_payload: bytes) -> None:
    """An uplink at SF7 on channel 9 of US915, the second of its sub-band."""
    frame = uplink_frame(phy_payload, GATEWAY, dr=5, frequency_hz=904_100_000)
    ears.say(f"us915_1/gateway/{GATEWAY}/event/up", frame.SerializeToString())


def join(ears: Ears) -> Session11:
    request = JoinRequest.sealed(
        APP_KEY, join_eui=JOIN_EUI, dev_eui=DEV_EUI, dev_nonce=1
    )
    say(ears, bytes(request))
    down = ears.wait(f"us915_1/gateway/{GATEWAY}/command/down")
    accept = open_accept(
        gw.DownlinkFrame.FromString(down).items[0].phy_payload,
        APP_KEY,
        js_int_key=js_int_key(APP_KEY, DEV_EUI),
        asked=Asked(join_eui=JOIN_EUI, nonce=1),
    )
    assert accept is not None
    keys = derive_session_keys_1_1(
        nwk_key=APP_KEY,
        app_key=APP_KEY,
        join_nonce=accept.join_nonce,
        join_eui=JOIN_EUI,
        dev_nonce=1,
    )
    return Session11(dev_addr=accept.dev_addr, keys=keys)


@pytest.mark.proves("feature:regions", "feature:lorawan-1.1")
def test_a_1_1_device_of_the_second_region_joins_and_reports(tmp_path: Path) -> None:
    with site(tmp_path) as (server, ears, _):
        server.environment["GARONNE_REGIONS"] = "us915_1"
        server.start()
        server.provision(
            region=common.Region.US915, mac_version=common.MacVersion.LORAWAN_1_1_0
        )
        session = join(ears)
        up = session.uplink(
            f_cnt=0,
            f_port=2,
            payload=b"\x01\x67",
            f_opts=bytes(RekeyInd()),
            tx_dr=3,
            tx_ch=9,
        )
        say(ears, up)
        told = json.loads(ears.wait("/event/up"))
        ears.wait(f"us915_1/gateway/{GATEWAY}/command/down", 2)

    assert ("AWc=", "us915_1", 3) == (told["data"], told["regionConfigId"], told["dr"])
    assert "Traceback" not in server.log()
