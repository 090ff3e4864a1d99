"""The law: handlers can read whatever the device types' own examples say."""

import pytest

import handlers
from faas import Uplink, collect
from faas.app import Runner
from faas.cloudevents import Delivery
from faas.functions import OnEvent
from faas.testing import examples

FUNCTIONS = collect(handlers)
TYPES = sorted(
    {
        function.trigger.device_type
        for function in FUNCTIONS.values()
        if isinstance(function.trigger, OnEvent) and function.trigger.device_type
    }
)


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(event, id=f"{device_type}-{event.message}-{event.f_cnt}")
        for device_type in TYPES
        for event in examples(device_type)
    ],
)
def test_every_example_is_understood_by_every_handler_of_its_type(
    event: Uplink,
) -> None:
    (found,) = Runner(FUNCTIONS).run([Delivery(event=event, arrived_s=0.0)])

    assert [] == [a for a in found["answers"] if a["outcome"] != "done"]


@pytest.mark.parametrize("device_type", TYPES)
def test_some_example_wakes_each_type_of_handler(device_type: str) -> None:
    runner = Runner(FUNCTIONS)
    batch = [Delivery(event=e, arrived_s=0.0) for e in examples(device_type)]

    assert any(found["answers"] for found in runner.run(batch))
