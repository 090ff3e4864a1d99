"""The root keys of devices, and the nonces they have used."""

from typing import Final

from chirpstack_api import api

from city.errors import NotThere
from city.network.calls import Calls

NO_KEY: Final = "0" * 32


class DeviceKeys(Calls):
    """Calls of DeviceService about keys."""

    def app_key(self, dev_eui: str) -> str | None:
        """Return a 1.0.x device's AppKey (hex), None if it has none."""
        request = api.GetDeviceKeysRequest(dev_eui=dev_eui)
        try:
            answer = self._call(f"get keys of {dev_eui}", self._device.GetKeys, request)
        except NotThere:
            return None
        return str(answer.device_keys.nwk_key)

    def set_app_key(self, dev_eui: str, app_key: str, *, both: bool = False) -> None:
        """
        Give a 1.0.x device its AppKey (hex), or another one; nonces are kept.

        `both`: a 1.1 device, whose NwkKey and AppKey are this one key.
        """
        # ChirpStack keeps the AppKey of a 1.0.x device in nwk_key.
        second = app_key if both else NO_KEY
        keys = api.DeviceKeys(dev_eui=dev_eui, nwk_key=app_key, app_key=second)
        if self.app_key(dev_eui) is None:
            create = api.CreateDeviceKeysRequest(device_keys=keys)
            self._call(f"create keys of {dev_eui}", self._device.CreateKeys, create)
        else:
            update = api.UpdateDeviceKeysRequest(device_keys=keys)
            self._call(f"update keys of {dev_eui}", self._device.UpdateKeys, update)

    def flush_dev_nonces(self, dev_eui: str) -> None:
        """Forget which DevNonces a device has used."""
        request = api.FlushDevNoncesRequest(dev_eui=dev_eui)
        asked = f"flush nonces of {dev_eui}"
        self._call(asked, self._device.FlushDevNonces, request)
