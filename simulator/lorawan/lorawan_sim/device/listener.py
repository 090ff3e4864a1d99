"""What a device listens to: its windows, and class C and ping slots beside them."""

from functools import lru_cache

from lorawan_sim.device.beacons import BeaconKeeper
from lorawan_sim.windows import Slot, Tuning, Window
from wire.air import AirFrame
from wire.lorawan.ids import DevAddr


class Listener(BeaconKeeper):
    """Knows which ear a frame falls into."""

    __slots__ = ()

    def windows(self) -> tuple[Window, ...]:
        """The receive windows that a frame may still fall into."""
        if self._class_b is None:
            return self._radio.windows
        return (*self._radio.windows, *self._class_b.windows())

    def always(self) -> tuple[tuple[Tuning, str], ...]:
        """What it listens to all the time (class C), and for which addresses."""
        if self._talk is None or not (self.profile.class_c or self._groups):
            return ()
        session = self._talk.session
        usual = self._rx2(session) if self.profile.class_c else None
        own = () if usual is None else _ears(usual, session.dev_addr)
        return (*own, *self._groups.class_c(usual)) if self._groups else own

    def _slot(self, frame: AirFrame) -> Slot | None:
        found = self._radio.slot(frame, [tuning for tuning, _ in self.always()])
        if found is not None or self._class_b is None or self._radio.is_deaf(frame):
            return found
        windows = self._class_b.windows()
        return next((one.slot for one in windows if one.catches(frame)), None)


@lru_cache(maxsize=65_536)  # asked whenever a class C device did anything
def _ears(rx2: Tuning, dev_addr: DevAddr) -> tuple[tuple[Tuning, str], ...]:
    return ((rx2, str(dev_addr)),)
