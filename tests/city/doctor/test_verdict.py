"""The verdict alone: facts in, one sentence out; the newest trouble speaks."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from city.doctor import Facts, Finding, judge
from city.doctor.facts import Answer, DeviceFacts, Event, Frame, GatewayFacts, Heard
from city.doctor.finding import KINDS

NOW = 1_800_000_000.0
GATEWAY = GatewayFacts(
    gateway_id="0016c001f1500a2b",
    name="town hall",
    tenant_id="t",
    state="ONLINE",
    last_seen_at=NOW - 10,
    region="EU868",
)
LAMP = DeviceFacts(
    name="lamp-01", tenant_id="t", app_key="2b" * 16, uplink_interval_s=600
)
AWAKE = replace(LAMP, f_cnt_up=7, dev_addr="01a7c3e5", last_seen_at=NOW - 60)


def facts(device: DeviceFacts | None = LAMP, **more: object) -> Facts:
    told = {"dev_eui": "a81758fffe0301c4", "now": NOW, "gateways": (GATEWAY,), **more}
    return Facts(device=device, **told)  # type: ignore[arg-type] # a test's words


def event(kind: str, ago_s: float, code: str = "", text: str = "") -> Event:
    return Event(kind=kind, time=NOW - ago_s, code=code, description=text)


def kind(device: DeviceFacts | None = LAMP, **more: object) -> str:
    return judge(facts(device, **more)).kind


def test_a_trouble_that_is_older_than_the_last_report_is_over() -> None:
    trouble = event("log", 100, "UPLINK_MIC")

    assert "wrong_key" == kind(events=[trouble])
    assert "well" == kind(AWAKE, events=[trouble, event("up", 60)])
    assert "wrong_key" == kind(AWAKE, events=[trouble, event("up", 101)])


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (("UPLINK_MIC", "OTAA"), "used_nonce"),
        (("OTAA", "UPLINK_MIC"), "wrong_key"),
    ],
)
def test_the_newest_trouble_speaks(codes: Sequence[str], expected: str) -> None:
    logs = [event("log", 50 - n, code) for n, code in enumerate(codes)]

    assert expected == kind(events=logs)


def test_no_gateway_at_all_and_gateways_that_went_silent() -> None:
    silent = replace(GATEWAY, state="OFFLINE", last_seen_at=NOW - 3 * 3600)
    finding = judge(facts(gateways=(silent,)))

    assert "no_gateway" == kind(gateways=())
    assert "gateways_silent" == finding.kind
    assert "the last since 3 h ago" in finding.sentence


def test_a_device_that_went_silent_says_since_when_and_what_is_due() -> None:
    gone = replace(AWAKE, last_seen_at=NOW - 5 * 86400)
    finding = judge(facts(gone, listened_s=10))

    assert "silent" == finding.kind
    assert (
        "lamp-01 was not heard since 5 days ago, and not in the last 10 s;"
        " it should report every 10 min." == finding.sentence
    )


def test_too_late_in_the_log_names_no_time_that_nobody_measured() -> None:
    finding = judge(
        facts(AWAKE, events=[event("log", 1, "DOWNLINK_GATEWAY", "TOO_LATE")])
    )

    assert "window_missed" == finding.kind
    assert " ms" not in finding.sentence


def test_a_measured_time_is_told_in_milliseconds() -> None:
    late = Answer(
        at=NOW - 1,
        gateway_id=GATEWAY.gateway_id,
        downlink_id=1,
        is_join=True,
        asked_at=NOW - 6.25,
        status="TOO_LATE",
    )

    assert "The answer took 5250 ms to the broker." in (
        judge(facts(answers=[late])).sentence
    )


def test_a_later_good_answer_ends_the_trouble_of_an_earlier_one() -> None:
    answer = Answer(
        at=NOW - 9, gateway_id="g", downlink_id=1, is_join=False, status="TOO_LATE"
    )
    good = replace(answer, at=NOW - 3, downlink_id=2, status="OK")

    assert "window_missed" == kind(AWAKE, answers=[answer])
    assert "well" == kind(AWAKE, answers=[answer, good])


def test_one_gateway_that_serves_the_device_is_enough() -> None:
    foreign = replace(GATEWAY, gateway_id="f" * 16, tenant_id="u", private=True)
    heard = Heard(at=NOW, gateway_id=foreign.gateway_id, is_join=True)
    ours = replace(heard, gateway_id=GATEWAY.gateway_id)
    both = (GATEWAY, foreign)

    assert "gateway_private" == kind(gateways=both, heard=[heard])
    assert "gateway_private" != kind(gateways=both, heard=[heard, ours])


def test_a_commands_wait_ends_with_the_first_report() -> None:
    lamp = replace(AWAKE, supports_class_c=True, waiting=1, f_cnt_up=0)

    assert "class_c_waits" == kind(lamp)
    assert "well" == kind(replace(lamp, f_cnt_up=1))


@given(
    st.builds(
        Facts,
        dev_eui=st.just("a81758fffe0301c4"),
        now=st.just(NOW),
        device=st.none() | st.sampled_from([LAMP, AWAKE]),
        gateways=st.lists(st.just(GATEWAY), max_size=2),
        events=st.lists(
            st.builds(
                Event,
                kind=st.sampled_from(["up", "join", "log", "txack"]),
                time=st.floats(NOW - 1e6, NOW),
                code=st.sampled_from(["", "UPLINK_MIC", "OTAA", "UPLINK_CODEC"]),
            )
        ),
        frames=st.lists(
            st.builds(
                Frame,
                kind=st.sampled_from(["JoinRequest", "JoinAccept"]),
                time=st.floats(NOW - 1e6, NOW),
            )
        ),
        heard=st.lists(
            st.builds(
                Heard,
                at=st.floats(NOW - 10, NOW),
                gateway_id=st.just(GATEWAY.gateway_id),
                is_join=st.booleans(),
            )
        ),
    )
)
def test_there_is_always_one_sentence_and_an_advice_unless_it_is_well(
    known: Facts,
) -> None:
    finding = judge(known)

    assert finding.kind in KINDS
    assert finding.sentence.endswith(".")
    assert "\n" not in finding.sentence + finding.advice
    assert bool(finding.advice) != finding.healthy


def test_a_finding_knows_whether_it_is_well() -> None:
    assert Finding(kind="well", sentence="").healthy
    assert not Finding(kind="silent", sentence="").healthy
