"""
How many uplinks a second one core simulates, and what a device weighs.

Virtual time: every device joins, then says a 20-octet message every minute; frames
are built with their real keys and MIC, windows open and close, budgets count. The
weight is the slope of the process's proportional set size between two fleets, so
the interpreter and the libraries do not count.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from lorawan_sim.behaviour import Message
from lorawan_sim.card import Card, Profile
from lorawan_sim.device import Device
from lorawan_sim.fleet import Fleet
from wire.air import AirFrame, AirMessage, encode
from wire.eui64 import EUI64
from wire.lorawan.ids import DevAddr, NetID
from wire.lorawan.join import DLSettings, JoinAccept, JoinRequest
from wire.lorawan.keys import Key
from wire.lorawan.mhdr import Direction, MType, m_type_of
from wire.lorawan.region.eu868 import EU868
from wire.radio.plan import RadioPlan

START = 1_800_000_000.0
PERIOD_S = 60.0
JOIN_EVERY_S = 0.5
SMALL, LARGE = 1_000, 10_000
KEY = Key(bytes(range(16)))


class EveryMinute:
    """A behaviour without a world, so that the MAC is what is measured."""

    __slots__ = ("_at", "_begins_at")
    battery = 255

    def __init__(self, begins_at: float) -> None:
        self._begins_at = begins_at
        self._at: float | None = None

    def joined(self, now: float) -> None:
        """Begin once everybody has joined."""
        self._at = max(now, self._begins_at) + PERIOD_S

    def received(self, f_port: int, payload: bytes, now: float) -> None:
        """Hear nothing."""

    def tick(self, now: float) -> None:
        """Leave the work to `uplinks`, which knows no time."""
        if self._at is not None and now >= self._at:
            self._at = -self._at

    def next_deadline(self) -> float | None:
        """A minute after the last message."""
        return self._at

    def uplinks(self) -> list[Message]:
        """One message when the minute is over."""
        if self._at is None or self._at > 0:
            return []
        self._at = PERIOD_S - self._at
        return [Message(f_port=2, payload=bytes(20))]


def begins_at(size: int) -> float:
    """When a fleet of that size begins to talk: late joiners included."""
    return START + JOIN_EVERY_S * size + 600.0


def joined_fleet(size: int) -> Fleet:
    """A fleet in which everybody has joined, slowly: join-accepts collide too."""
    fleet = Fleet(radio=RadioPlan(profile="ns3", interference="none"))
    profile = Profile(region=EU868)
    for number in range(size):
        card = Card(
            dev_eui=EUI64((number + 1).to_bytes(8)),
            join_eui=EUI64(bytes(8)),
            app_key=KEY,
            latitude=43.6,
            longitude=1.44,
        )
        start = START + JOIN_EVERY_S * number
        talk = EveryMinute(begins_at(size) + PERIOD_S * number / size)
        fleet.add(Device(card, talk, profile), starts_at=start)
    nonces = iter(range(1 << 24))
    while fleet.joined < size:
        now = fleet.next_deadline() or START
        fleet.tick(now)
        for frame in fleet.transmissions():
            if m_type_of(frame.phy_payload) is MType.JOIN_REQUEST:
                fleet.receive(accept(frame, next(nonces)), now)
        fleet.events()
    return fleet


def accept(request: AirFrame, nonce: int) -> AirFrame:
    """The join-accept in RX1."""
    JoinRequest.parse(request.phy_payload)
    granted = JoinAccept(
        join_nonce=nonce,
        net_id=NetID(bytes(3)),
        dev_addr=DevAddr(nonce.to_bytes(4)),
        dl_settings=DLSettings(rx2_data_rate=3),
        rx_delay=1,
        cf_list=EU868.cf_list,
    )
    phy = granted.seal(KEY)
    return AirFrame(
        phy_payload=phy,
        frequency_hz=request.frequency_hz,
        spreading_factor=request.spreading_factor,
        bandwidth_hz=request.bandwidth_hz,
        power_dbm=16,
        iq_inverted=True,
        start_s=request.end_s + EU868.join_accept_delay1_s,
        airtime_s=EU868.data_rate(5).airtime_s(len(phy), Direction.DOWN),
        sender=EUI64(bytes(8)),
        latitude=43.6,
        longitude=1.44,
    )


def uplinks_per_s(fleet: Fleet, seconds: float) -> tuple[float, float]:
    """Uplinks a CPU second, encoded for the ether; and virtual over real time."""
    sent, began = 0, time.process_time()
    first = fleet.next_deadline() or START
    now = first
    while time.process_time() - began < seconds:
        now = fleet.next_deadline() or now
        fleet.tick(now)
        for frame in fleet.transmissions():
            encode(AirMessage.UPLINK, frame)
            sent += 1
        fleet.events()
        fleet.unsaved()
    took = time.process_time() - began
    return sent / took, (now - first) / took


def pss_kib() -> int:
    """Proportional set size of this process, KiB."""
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise OSError("no Pss in /proc/self/smaps_rollup")


def weigh(size: int) -> int:
    """PSS in KiB after everybody joined and sent some minutes of messages."""
    fleet = joined_fleet(size)
    until = begins_at(size) + 3 * PERIOD_S
    while (now := fleet.next_deadline()) is not None and now < until:
        fleet.tick(now)
        fleet.transmissions()
        fleet.events()
        fleet.unsaved()
    return pss_kib()


def weigh_apart(size: int) -> int:
    """The same in a process of its own."""
    command = [sys.executable, "-P", __file__, "--weigh", str(size)]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env=dict(os.environ)
    )
    return int(done.stdout)


def main() -> None:
    """Print the figures, and write them to a file when told to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report", type=Path)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--weigh", type=int)
    options = parser.parse_args()
    if options.weigh:
        print(weigh(options.weigh))
        return
    rate, speed = uplinks_per_s(joined_fleet(SMALL), options.seconds)
    small, large = weigh_apart(SMALL), weigh_apart(LARGE)
    figures = {
        "uplinks_per_cpu_s": round(rate),
        "virtual_speed_1000_devices": round(speed),
        "pss_kib": {str(SMALL): small, str(LARGE): large},
        "kib_per_device": round((large - small) / (LARGE - SMALL), 2),
    }
    text = json.dumps(figures, indent=2)
    print(text)
    if options.report:
        options.report.write_text(text + "\n")


if __name__ == "__main__":
    main()
