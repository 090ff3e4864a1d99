"""
The vocabulary: ``given_*`` prepares, ``when_*`` lets something happen, ``then_*``
waits for what the server says of it, and writes it down.

Everything goes through the public faces of the server. A scenario never sleeps: it
waits for an answer, or (``then_nothing``) for a later device to be answered.
"""

import json
from typing import Any

from chirpstack_api import api, gw
from google.protobuf.json_format import MessageToDict, MessageToJson
from tests.contract.caller import Refusal, bearer
from tests.contract.normal import Names
from tests.contract.radio import Downlink, uplink_frame
from tests.contract.stage import Cast, Stage, event_topic

from wire.eui64 import EUI64
from wire.lorawan.fhdr import FCtrl
from wire.lorawan.ids import DevAddr
from wire.lorawan.keys import Key
from wire.lorawan.session import Session

KINDS = ("up", "join", "ack", "txack", "log", "status", "location", "integration")
NOBODY = "00000000-0000-4000-8000-000000000000"


class World:
    """One scenario: a cast on a stage, and the steps it has seen."""

    def __init__(
        self, stage: Stage, *, beside: "World | None" = None, mark: str = ""
    ) -> None:
        self.stage = stage
        self.steps: list[dict[str, Any]] = beside.steps if beside else []
        self.names: Names = beside.names if beside else Names()
        self._mark = mark
        self._cast: Cast | None = None

    @property
    def cast(self) -> Cast:
        """Who plays in this scenario."""
        assert self._cast is not None, "say given_device or given_joined first"
        return self._cast

    @property
    def session(self) -> Session:
        """The device's session."""
        assert self.cast.session is not None, "the device has no session"
        return self.cast.session

    # -- given

    def beside(self, mark: str) -> "World":
        """Return a second cast in the same scenario; ``mark`` tells its names apart."""
        return World(self.stage, beside=self, mark=f" {mark}")

    def given_device(self, **profile: Any) -> None:
        """A device with keys that has not joined."""
        self._enter(self.stage.cast(**profile))

    def given_joined(self, **profile: Any) -> None:
        """A device that has just joined; ``profile`` is changed after the join."""
        class_c = bool(profile.pop("supports_class_c", False))
        self._enter(self.stage.cast_joined(class_c=class_c))
        if profile:
            self.given_profile(**profile)

    def given_profile(self, **settings: Any) -> None:
        """Change the device-profile."""
        profile = self.cast.profile
        profile.MergeFrom(api.DeviceProfile(**settings))
        request = api.UpdateDeviceProfileRequest(device_profile=profile)
        self.stage.caller.do("DeviceProfileService/Update", request)

    def given_codec(self, script: str) -> None:
        """Give the profile a JavaScript codec."""
        self.given_profile(
            payload_codec_runtime=api.CodecRuntime.JS, payload_codec_script=script
        )

    def given_gateway(self, tenant_id: str = "", **settings: Any) -> str:
        """One more gateway, of the cast's tenant unless another is named."""
        tenant_id = tenant_id or self.cast.tenant_id
        gateway_id = self.stage.new_gateway(tenant_id, **settings)
        self.cast.gateways.append(gateway_id)
        self.names.add(gateway_id, f"gateway {len(self.cast.gateways)}{self._mark}")
        return gateway_id

    def given_queued(self, data: bytes = b"\x03\x00\xc8", **item: Any) -> str:
        """An item in the device's queue; returns its id."""
        wanted = {"dev_eui": self.cast.dev_eui, "f_port": 10, "data": data, **item}
        answer = self.stage.caller.do(
            "DeviceService/Enqueue",
            api.EnqueueDeviceQueueItemRequest(queue_item=api.DeviceQueueItem(**wanted)),
        )
        item_id: str = answer.id
        return item_id

    def given_activated(
        self, dev_addr: str = "01a7c3e5", *, f_cnt_up: int = 0, f_cnt_down: int = 0
    ) -> None:
        """An ABP session with keys made of the AppKey's octets."""
        nwk_s_key = Key(bytes(self.cast.app_key)[::-1])
        self.cast.session = Session(
            dev_addr=DevAddr.parse(dev_addr),
            nwk_s_key=nwk_s_key,
            app_s_key=self.cast.app_key,
        )
        self.cast.f_cnt = f_cnt_up
        activation = api.DeviceActivation(
            dev_eui=self.cast.dev_eui,
            dev_addr=dev_addr,
            app_s_key=self.cast.app_key.hex(),
            nwk_s_enc_key=nwk_s_key.hex(),
            s_nwk_s_int_key=nwk_s_key.hex(),
            f_nwk_s_int_key=nwk_s_key.hex(),
            f_cnt_up=f_cnt_up,
            n_f_cnt_down=f_cnt_down,
        )
        self.stage.caller.do(
            "DeviceService/Activate",
            api.ActivateDeviceRequest(device_activation=activation),
        )

    def given_woken(self) -> None:
        """A first uplink, heard and over: from now on class C is served."""
        self.when_uplink(confirmed=True)
        self.stage.air.take(self.cast.event("up"))
        self.stage.acknowledge(self.stage.take_down(self.cast.gateways[0]), "OK")
        self.stage.settle()

    # -- when

    def when_join(
        self, nonce: int | None = None, key: Key | None = None, **request: Any
    ) -> bytes:
        """Let the device ask to join."""
        phy_payload = self.cast.next_join_request(nonce, key, **request)
        self.when_frame(phy_payload)
        return phy_payload

    def when_uplink(
        self,
        payload: bytes = b"\x01",
        *,
        f_port: int | None = 2,
        f_cnt: int | None = None,
        f_opts: bytes = b"",
        confirmed: bool = False,
        f_ctrl: FCtrl | None = None,
        **air: Any,
    ) -> bytes:
        """Let the device send; the counter goes on by itself."""
        if f_cnt is None:
            f_cnt, self.cast.f_cnt = self.cast.f_cnt, self.cast.f_cnt + 1
        phy_payload = self.session.uplink(
            f_cnt=f_cnt,
            f_port=f_port,
            payload=payload,
            f_opts=f_opts,
            confirmed=confirmed,
            f_ctrl=f_ctrl or FCtrl(adr=True),
        )
        self.when_frame(phy_payload, **air)
        return phy_payload

    def when_frame(
        self,
        phy_payload: bytes,
        *,
        gateways: tuple[str, ...] = (),
        as_json: bool = False,
        **air: Any,
    ) -> None:
        """Let gateways (the first, unless others are named) hear a frame."""
        heard = {}
        for number, gateway_id in enumerate(gateways or self.cast.gateways[:1]):
            frame = uplink_frame(phy_payload, gateway_id, number, **air)
            payload = frame.SerializeToString()
            if as_json:
                payload = MessageToJson(frame, indent=None).encode()
            heard[event_topic(gateway_id, "up")] = payload
        self.stage.air.say_all(heard)

    def when_gateway_says(
        self, kind: str, payload: bytes, gateway_id: str = ""
    ) -> None:
        """Publish raw octets as a gateway's event."""
        self.stage.air.say(
            event_topic(gateway_id or self.cast.gateways[0], kind), payload
        )

    def when_tx_ack(self, of: Downlink, *statuses: str) -> None:
        """Let the gateway say what became of a downlink."""
        self.stage.acknowledge(of.frame, *(statuses or ("OK",)))

    def when_command(
        self, document: Any, *, dev_eui: str = "", kind: str = "down"
    ) -> None:
        """Publish a command of the application."""
        dev_eui = dev_eui or self.cast.dev_eui
        topic = (
            f"application/{self.cast.application_id}/device/{dev_eui}/command/{kind}"
        )
        payload = (
            document if isinstance(document, bytes) else json.dumps(document).encode()
        )
        self.stage.air.say(topic, payload)

    def when_asked(
        self,
        method: str,
        request: Any,
        *,
        token: str | None = None,
        metadata: Any = None,
    ) -> Any:
        """Call a method; the answer or the refusal is written down and returned."""
        if token is not None:
            metadata = bearer(token)
        answer = self.stage.caller.ask(method, request, metadata=metadata)
        step = {"asked": method, "request": MessageToDict(request)}
        if isinstance(answer, Refusal):
            self._write(**step, refused=answer.code, message=answer.message)
        else:
            self._write(**step, answer=MessageToDict(answer))
        return answer

    # -- then

    def show(self, name: str, answer: Any) -> None:
        """Write down what was answered, without the request."""
        if isinstance(answer, Refusal):
            self._write(shown=name, refused=answer.code, message=answer.message)
        else:
            self._write(shown=name, answer=MessageToDict(answer))

    def then_event(self, kind: str) -> dict[str, Any]:
        """Wait for the next event of a kind."""
        document: dict[str, Any] = json.loads(
            self.stage.air.take(self.cast.event(kind))
        )
        self._write(event=kind, document=document)
        return document

    def then_joined(self) -> Downlink:
        """Wait for the join-accept, take it and hear the ``join`` event."""
        frame = self.stage.take_down(self.cast.gateways[0])
        self.cast.enter(frame.items[0].phy_payload)
        self.names.add(str(self.session.dev_addr), f"dev_addr{self._mark}")
        downlink = Downlink(frame=frame, session=self.session)
        self._write(join_accept=_as_accepted(frame, self.cast))
        self.then_event("join")
        return downlink

    def then_downlink(self, gateway_id: str = "", *, conf_f_cnt: int = 0) -> Downlink:
        """Wait for the next downlink of the first gateway, unless another is named."""
        frame = self.stage.take_down(gateway_id or self.cast.gateways[0])
        downlink = Downlink(frame=frame, session=self.session, conf_f_cnt=conf_f_cnt)
        self._write(downlink=_as_read(downlink))
        return downlink

    def then_nothing(self, *kinds: str) -> None:
        """Nothing more came: no event (of these kinds) and, asked bare, no downlink."""
        self.stage.settle()
        heard = {
            kind: waiting
            for kind in kinds or KINDS
            if (waiting := self.stage.air.waiting(self.cast.event(kind)))
        }
        if not kinds:
            heard |= self._downlinks_waiting()
        assert {} == heard
        self._write(nothing=list(kinds) or "at all")

    def then_no_downlink(self) -> None:
        """No gateway was told to send anything."""
        self.stage.settle()
        assert {} == self._downlinks_waiting()
        self._write(nothing="no downlink")

    def then_queue(self) -> list[Any]:
        """Return the device's queue as the API shows it."""
        request = api.GetDeviceQueueItemsRequest(dev_eui=self.cast.dev_eui)
        answer = self.when_asked("DeviceService/GetQueue", request)
        return list(answer.result)

    def _downlinks_waiting(self) -> dict[str, list[bytes]]:
        topics = [f"eu868/gateway/{id_}/command/down" for id_ in self.cast.gateways]
        return {
            topic: waiting
            for topic in topics
            if (waiting := self.stage.air.waiting(topic))
        }

    def _enter(self, cast: Cast) -> None:
        self._cast = cast
        self.names.add(cast.tenant_id, f"tenant{self._mark}")
        self.names.add(cast.application_id, f"application{self._mark}")
        self.names.add(cast.profile.id, f"profile{self._mark}")
        self.names.add(cast.dev_eui, f"dev_eui{self._mark}")
        self.names.add(cast.dev_eui.upper(), f"DEV_EUI{self._mark}")
        self.names.add(cast.app_key.hex(), f"app_key{self._mark}")
        self.names.add(cast.gateways[0], f"gateway 1{self._mark}")
        if cast.session is not None:
            self.names.add(str(cast.session.dev_addr), f"dev_addr{self._mark}")

    def note(self, **step: Any) -> None:
        """Write down something a scenario found out by itself."""
        self._write(**step)

    def _write(self, **step: Any) -> None:
        self.steps.append({key: self.names.normal(step[key]) for key in step})


def _as_read(downlink: Downlink) -> dict[str, Any]:
    return {
        "gatewayId": downlink.frame.gateway_id,
        "items": [
            {"txInfo": MessageToDict(item.tx_info), "frame": _frame(downlink, window)}
            for window, item in enumerate(downlink.frame.items)
        ],
    }


def _as_accepted(frame: gw.DownlinkFrame, cast: Cast) -> dict[str, Any]:
    accept = cast.join_accept
    assert accept is not None
    cf_list = accept.cf_list
    return {
        "items": [MessageToDict(item.tx_info) for item in frame.items],
        "joinNonce": accept.join_nonce,
        "netId": str(accept.net_id),
        "dlSettings": accept.dl_settings.octet(),
        "rxDelay": accept.rx_delay,
        "cfList": bytes(cf_list).hex() if cf_list else None,
    }


def _frame(downlink: Downlink, window: int) -> dict[str, Any]:
    data = downlink.data(window)
    return {
        "type": data.m_type.name,
        "fCtrl": [
            name for name in ("adr", "ack", "f_pending") if getattr(data.f_ctrl, name)
        ],
        "fCnt": data.f_cnt_16,
        "fOpts": downlink.f_opts(window).hex(),
        "fPort": data.f_port,
        "payload": downlink.clear(window).hex(),
    }


__all__ = ["EUI64", "FCtrl", "World", "gw"]
