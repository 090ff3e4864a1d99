"""DeviceService: the queue."""

from chirpstack_api import api
from tests.chirpstack_embedded.grpc_api.site import (
    EUI,
    NOBODY,
    Code,
    Site,
    activation,
    enqueue,
    refused,
)


def test_the_queue_is_first_in_first_out_and_ignores_client_ids(site: Site) -> None:
    site.device()
    ids = [
        site.admin.Device.Enqueue(enqueue(data=bytes((n,)), id=NOBODY)).id
        for n in range(3)
    ]

    queue = site.admin.Device.GetQueue(api.GetDeviceQueueItemsRequest(dev_eui=EUI))
    assert (ids, [b"\x00", b"\x01", b"\x02"]) == (
        [item.id for item in queue.result],
        [item.data for item in queue.result],
    )
    assert NOBODY not in ids
    site.admin.Device.FlushQueue(api.FlushDeviceQueueRequest(dev_eui=EUI))
    empty = site.admin.Device.GetQueue(api.GetDeviceQueueItemsRequest(dev_eui=EUI))
    assert 0 == empty.total_count


def test_a_flush_happens_before_the_item_is_found_wrong(site: Site) -> None:
    site.device()
    site.admin.Device.Enqueue(enqueue())
    request = enqueue(f_port=256)
    request.flush_queue = True

    assert (
        Code.INVALID_ARGUMENT,
        "Validation error: FPort must be between 1 - 255",
    ) == refused(site.admin.Device.Enqueue, request)
    queue = site.admin.Device.GetQueue(api.GetDeviceQueueItemsRequest(dev_eui=EUI))
    assert 0 == queue.total_count


def test_the_next_counter_of_a_fresh_session_is_1(site: Site) -> None:
    site.device()
    site.admin.Device.Activate(activation())

    got = site.admin.Device.GetNextFCntDown(
        api.GetDeviceNextFCntDownRequest(dev_eui=EUI)
    )
    assert 1 == got.f_cnt_down


def test_an_object_is_encoded_or_the_codec_is_quoted(site: Site) -> None:
    script = "function encodeDownlink(i) { return {bytes: [i.data.level]}; }"
    profile_id = site.profile(
        payload_codec_runtime=api.CodecRuntime.JS, payload_codec_script=script
    )
    site.device(device_profile_id=profile_id)
    request = enqueue()
    request.queue_item.object.update({"level": 60})

    site.admin.Device.Enqueue(request)
    queue = site.admin.Device.GetQueue(api.GetDeviceQueueItemsRequest(dev_eui=EUI))
    assert [b"\x3c"] == [item.data for item in queue.result]

    broken = api.DeviceProfile(
        id=profile_id,
        name="p",
        payload_codec_runtime=api.CodecRuntime.JS,
        payload_codec_script="function encodeDownlink() { throw new Error('no'); }",
    )
    site.admin.DeviceProfile.Update(
        api.UpdateDeviceProfileRequest(device_profile=broken)
    )
    code, message = refused(site.admin.Device.Enqueue, request)
    assert Code.INTERNAL == code
    assert message.startswith("JS error: Error: no")
