"""The socket of the bridge, in a thread."""

import logging
import socket
import threading
from contextlib import suppress

from chirpstack_embedded.adapters.gateway_backend import OnMessage, OnRefused
from chirpstack_embedded.core.context import Transmission
from chirpstack_embedded.errors import ChirpStackError
from chirpstack_embedded.udp.bridge import Address, Bridge
from wire.errors import Malformed
from wire.eui64 import EUI64

DATAGRAM = 65_536
LOOK_UP_S = 0.5
logger = logging.getLogger(__package__)


class UdpListener:
    """The socket of the bridge."""

    def __init__(
        self,
        region_config_id: str,
        prefix: str,
        bind: Address,
        *,
        on_message: OnMessage,
        on_refused: OnRefused = lambda *_: None,
    ) -> None:
        self._region_config_id = region_config_id
        self._bridge = Bridge(prefix)
        self._bind = bind
        self._on_message = on_message
        self._on_refused = on_refused
        self._lock = threading.Lock()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(LOOK_UP_S)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="udp", daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._socket.getsockname()[1])

    @property
    def is_ready(self) -> bool:
        """Whether it listens."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Listen; one sentence when somebody else does already."""
        try:
            self._socket.bind(self._bind)
        except OSError as error:
            host, port = self._bind
            raise ChirpStackError(f"cannot listen on {host}:{port}: {error}") from error
        self._thread.start()
        logger.info("gw.udp.listen host=%s port=%d", self._bind[0], self.port)

    def stop(self) -> None:
        """End the thread, then close the socket."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()

    def send(self, transmission: Transmission, *, as_json: bool) -> bool:  # noqa: ARG002 - the datagram's own JSON is the only way
        """Send one downlink by UDP to a gateway that came by UDP; False to others."""
        with self._lock:
            is_ours = self._bridge.knows(EUI64.parse(transmission.gateway_id))
            if is_ours:
                self._bridge.send(transmission.frame)
        if is_ours:
            self._let_out()
        return is_ours

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                datagram, source = self._socket.recvfrom(DATAGRAM)
            except OSError:
                continue  # nothing came, or an ICMP complaint about what we sent
            try:
                with self._lock:
                    self._bridge.receive(datagram, source)
            except Malformed as fault:
                self._on_refused(
                    "malformed", f"protocol=udp source={source} reason={fault}"
                )
            self._let_out()

    def _let_out(self) -> None:
        with self._lock:
            datagrams, events = self._bridge.datagrams(), self._bridge.events()
        for address, datagram in datagrams:
            with suppress(OSError):
                self._socket.sendto(datagram, address)
        for topic, payload in events:
            self._on_message(self._region_config_id, topic, payload)
