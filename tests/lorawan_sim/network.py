"""A network of ten lines, made with wire only, and virtual time to join it to."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from lorawan_sim.behaviour import Message
from lorawan_sim.card import Card, Profile
from lorawan_sim.device import Device
from lorawan_sim.events import DeviceEvent, What
from lorawan_sim.session import Session
from wire.air import AirFrame
from wire.eui64 import EUI64
from wire.lorawan.counters import full_f_cnt_up
from wire.lorawan.data import DataFrame
from wire.lorawan.fhdr import FCtrl
from wire.lorawan.ids import DevAddr, NetID
from wire.lorawan.join import DLSettings, JoinAccept, JoinRequest
from wire.lorawan.keys import Key, derive_session_keys
from wire.lorawan.mac import MacCommand, build_block
from wire.lorawan.mhdr import Direction, MType, m_type_of
from wire.lorawan.region.eu868 import EU868
from wire.lorawan.session import Session as Crypto
from wire.radio.propagation import Link

NOON = 1_800_000_000.0
APP_KEY = Key(bytes(range(16)))
GATEWAY = EUI64.parse("00000000000000aa")
NEAR = Link(distance_m=100.0, rssi_dbm=-80.0, snr_db=9.0)
FAR = Link(distance_m=9000.0, rssi_dbm=-140.0, snr_db=-24.0, is_audible=False)
CARD = Card(
    dev_eui=EUI64.parse("0102030405060708"),
    join_eui=EUI64.parse("0000000000000001"),
    app_key=APP_KEY,
    latitude=43.6045,
    longitude=1.444,
)
CLASS_A = Profile(region=EU868)
CLASS_C = Profile(region=EU868, class_c=True)


class Script:
    """A behaviour that says what the test puts in, and remembers what it hears."""

    battery = 254

    def __init__(self) -> None:
        self.outbox: list[Message] = []
        self.inbox: list[tuple[int, bytes]] = []
        self.joins: list[float] = []
        self.wakes_at: float | None = None
        self.on_received: Callable[[], None] = lambda: None

    def say(
        self, payload: bytes = b"\x01", *, f_port: int = 1, confirmed: bool = False
    ) -> None:
        self.outbox.append(Message(f_port=f_port, payload=payload, confirmed=confirmed))

    def joined(self, now: float) -> None:
        self.joins.append(now)

    def received(self, f_port: int, payload: bytes, now: float) -> None:
        del now
        self.inbox.append((f_port, payload))
        self.on_received()

    def tick(self, now: float) -> None:
        if self.wakes_at is not None and self.wakes_at <= now:
            self.wakes_at = None

    def next_deadline(self) -> float | None:
        return self.wakes_at

    def uplinks(self) -> list[Message]:
        drained, self.outbox = self.outbox, []
        return drained


@dataclass(kw_only=True)
class Heard:
    """An uplink as the network reads it."""

    air: AirFrame
    frame: DataFrame
    f_cnt: int
    payload: bytes


@dataclass(kw_only=True)
class Network:
    """The other end: it accepts joins, verifies uplinks, makes downlinks."""

    app_key: Key = APP_KEY
    rx_delay: int = 1
    rx2_data_rate: int = 0
    rx1_dr_offset: int = 0
    answers_joins: bool = True
    join_slot: int = 1
    crypto: Crypto | None = None
    f_cnt_up: int = 0
    f_cnt_down: int = 0
    join_nonce: int = 0
    dev_nonces: list[int] = field(default_factory=list)
    uplinks: list[Heard] = field(default_factory=list)

    def hear(self, air: AirFrame) -> list[AirFrame]:
        if m_type_of(air.phy_payload) is MType.JOIN_REQUEST:
            return self._join(air)
        frame = DataFrame.parse(air.phy_payload)
        assert self.crypto is not None
        f_cnt = full_f_cnt_up(self.f_cnt_up, frame.f_cnt_16)
        assert self.crypto.verify(air.phy_payload, f_cnt)
        self.f_cnt_up = f_cnt + 1
        payload = self.crypto.decrypt(frame, f_cnt)
        self.uplinks.append(Heard(air=air, frame=frame, f_cnt=f_cnt, payload=payload))
        return []

    def _join(self, air: AirFrame) -> list[AirFrame]:
        request = JoinRequest.parse(air.phy_payload)
        self.dev_nonces.append(request.dev_nonce)
        if not self.answers_joins:
            return []
        accept = JoinAccept(
            join_nonce=self.join_nonce,
            net_id=NetID(bytes(3)),
            dev_addr=DevAddr(b"\x01\x02\x03" + self.join_nonce.to_bytes()),
            dl_settings=DLSettings(
                rx1_dr_offset=self.rx1_dr_offset, rx2_data_rate=self.rx2_data_rate
            ),
            rx_delay=self.rx_delay,
            cf_list=EU868.cf_list,
        )
        keys = derive_session_keys(
            self.app_key,
            join_nonce=self.join_nonce,
            net_id=accept.net_id,
            dev_nonce=request.dev_nonce,
        )
        self.crypto = Crypto(
            dev_addr=accept.dev_addr,
            nwk_s_key=keys.nwk_s_key,
            app_s_key=keys.app_s_key,
        )
        self.f_cnt_up = self.f_cnt_down = 0
        self.join_nonce += 1
        phy = accept.seal(self.app_key)
        return [rx1(air, phy, 5.0) if self.join_slot == 1 else rx2(air, phy, 6.0)]

    def down(
        self,
        payload: bytes = b"",
        *,
        f_port: int | None = None,
        commands: Iterable[MacCommand] = (),
        f_cnt: int | None = None,
        ack: bool = False,
        f_pending: bool = False,
        confirmed: bool = False,
    ) -> bytes:
        assert self.crypto is not None
        if f_cnt is None:
            f_cnt, self.f_cnt_down = self.f_cnt_down, self.f_cnt_down + 1
        return self.crypto.downlink(
            f_cnt=f_cnt,
            f_port=f_port,
            payload=payload,
            f_opts=build_block(commands),
            f_ctrl=FCtrl(ack=ack, f_pending=f_pending),
            confirmed=confirmed,
        )


def transmission(
    phy: bytes, start_s: float, frequency_hz: int, spreading_factor: int
) -> AirFrame:
    rate = EU868.data_rate_of(spreading_factor, 125_000)
    assert rate is not None
    return AirFrame(
        phy_payload=phy,
        frequency_hz=frequency_hz,
        spreading_factor=spreading_factor,
        bandwidth_hz=125_000,
        power_dbm=16,
        iq_inverted=True,
        start_s=start_s,
        airtime_s=rate.airtime_s(len(phy), Direction.DOWN),
        sender=GATEWAY,
        latitude=43.6,
        longitude=1.44,
    )


def rx1(up: AirFrame, phy: bytes, delay_s: float = 1.0) -> AirFrame:
    """A downlink that starts when the uplink's RX1 opens."""
    return transmission(phy, up.end_s + delay_s, up.frequency_hz, up.spreading_factor)


def rx2(up: AirFrame, phy: bytes, delay_s: float = 2.0, sf: int = 12) -> AirFrame:
    """A downlink that starts when the uplink's RX2 opens."""
    return transmission(phy, up.end_s + delay_s, EU868.rx2_frequency_hz, sf)


class Virtual:
    """One device and its network in one process; time jumps to what comes next."""

    def __init__(
        self, device: Device, network: Network | None = None, *, now: float = NOON
    ) -> None:
        self.device = device
        self.network = network or Network()
        self.now = now
        self.sent: list[AirFrame] = []
        self.events: list[DeviceEvent] = []
        self.answer: Callable[[Heard], list[AirFrame]] = lambda _: []
        self._coming: list[AirFrame] = []

    def deliver(self, frame: AirFrame, link: Link = NEAR) -> None:
        """Hand one frame to the device when it starts."""
        self.run(until=frame.start_s)
        self.device.receive(frame, link, frame.start_s)
        self._carry()

    def run(self, *, until: float) -> None:
        """Let everything happen that is due."""
        while (at := self._next()) is not None and at <= until:
            self.now = max(self.now, at)
            while self._coming and self._coming[0].start_s <= self.now:
                self.device.receive(self._coming.pop(0), NEAR, self.now)
            self.device.tick(self.now)
            self._carry()
        self.now = max(self.now, until)

    def poke(self) -> None:
        """Tick now: the behaviour has something to say."""
        self.device.tick(self.now)
        self._carry()

    def told(self, what: What) -> list[DeviceEvent]:
        return [event for event in self.events if event.what is what]

    def _next(self) -> float | None:
        times = [frame.start_s for frame in self._coming]
        deadline = self.device.next_deadline()
        return min([*times, *([] if deadline is None else [deadline])], default=None)

    def _carry(self) -> None:
        for air in self.device.transmissions():
            self.sent.append(air)
            before = len(self.network.uplinks)
            self._coming += self.network.hear(air)
            for heard in self.network.uplinks[before:]:
                self._coming += self.answer(heard)
            self._coming.sort(key=lambda frame: frame.start_s)
        self.events += self.device.events()


def new_device(
    profile: Profile = CLASS_A,
    *,
    card: Card = CARD,
    seed: int = 1,
    dev_nonce: int = 0,
    session: Session | None = None,
) -> tuple[Device, Script]:
    script = Script()
    device = Device(
        card, script, profile, seed=seed, dev_nonce=dev_nonce, session=session
    )
    return device, script


def joined(
    profile: Profile = CLASS_A, network: Network | None = None
) -> tuple[Virtual, Script]:
    """A device that has just joined, nothing left to do."""
    device, script = new_device(profile)
    city = Virtual(device, network)
    device.join(NOON)
    city.run(until=NOON + 20)
    assert device.joined
    city.sent.clear()
    city.events.clear()
    return city, script


def gaps(times: Iterable[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times)]
