"""The report adds up what others counted, and fails when a law is broken."""

from dataclasses import replace

import pytest

from garonne.demo.ledger import Ledger, Seen, digest
from garonne.demo.meters import Meters, Sample, parse
from garonne.demo.report import Commands, Function, Report, Uplinks

LAMP, BAY = "00000000000000a1", "00000000000000b2"


def seen(kind: str, number: int, dev_eui: str = LAMP) -> Seen:
    return Seen(dev_eui, kind, bytes([number]))


def good() -> Report:
    published = frozenset({seen("up", 1), seen("up", 2), seen("join", 3)})
    return Report(
        devices=frozenset({LAMP, BAY}),
        joined=frozenset({LAMP, BAY}),
        gateways=2,
        online=2,
        uplinks=Uplinks(sent=4, heard=3, radio_lost=1, rejected=1),
        published=published,
        archived=[event.mark for event in published],
        functions=[
            Function(name="motion", invoked=2, failed=0, p50_ms=1.5, p99_ms=2.5)
        ],
        commands=Commands(
            by_state={"confirmed": 2, "superseded": 1}, switched=frozenset({LAMP})
        ),
        asked=3,
    )


def test_the_document_has_exactly_the_promised_keys() -> None:
    document = good().document()
    checks = document.pop("checks")

    assert {
        "devices": {"total": 2, "joined": 2},
        "gateways": {"total": 2, "online": 2},
        "uplinks": {
            "sent": 4,
            "heard": 3,
            "radio_lost": 1,
            "published": 2,
            "archived": 2,
            "lost": 0,
        },
        "functions": {
            "motion": {"invoked": 2, "failed": 0, "p50_ms": 1.5, "p99_ms": 2.5}
        },
        "commands": {
            "requested": 3,
            "confirmed": 2,
            "failed": 0,
            "expired": 0,
            "superseded": 1,
            "open": 0,
        },
        "lamps": {"switched": 1},
    } == document
    assert 5 == len(checks)
    assert good().passed


def test_a_good_run_is_told_in_one_sentence() -> None:
    assert [
        (
            "2 of 2 devices joined, 2 of 3 commands were confirmed by the lamp's own "
            "report, 3 events lie in the archive"
        )
    ] == good().sentences()


def test_what_went_wrong_is_told_in_sentences() -> None:
    functions = [Function(name="hello", invoked=3, failed=2, p50_ms=1.0, p99_ms=1.0)]
    bad = replace(good(), functions=functions, joined=frozenset({LAMP}), archived=[])

    told = bad.sentences()[1:]

    assert f"did not join: {BAY}" in told
    assert any(sentence.startswith("the function hello failed 2") for sentence in told)
    assert any(sentence.startswith("does not hold: published") for sentence in told)


@pytest.mark.parametrize(
    "broken",
    [
        replace(good(), joined=frozenset({LAMP})),
        replace(good(), uplinks=Uplinks(sent=5, heard=3, radio_lost=1, rejected=1)),
        replace(good(), uplinks=Uplinks(sent=2, heard=1, radio_lost=1, rejected=0)),
        replace(good(), archived=[b"\1", b"\2"]),
        replace(good(), archived=[b"\1", b"\2", b"\3", b"\3"]),
        replace(good(), commands=Commands(by_state={"confirmed": 2, "failed": 1})),
        replace(good(), commands=Commands(by_state={"confirmed": 2, "queued": 1})),
        replace(good(), asked=4),
    ],
    ids=[
        "one did not join",
        "a frame vanished on the air",
        "more published than heard",
        "an event is not in the archive",
        "an event is twice in the archive",
        "a command failed",
        "a command is open",
        "a command was forgotten",
    ],
)
def test_one_broken_law_fails_the_run(broken: Report) -> None:
    assert not broken.passed


def test_the_observer_counts_repeated_bytes_once() -> None:
    ledger = Ledger()
    topic = f"application/a/device/{LAMP.upper()}/event/up"

    for payload in (b"1", b"1", b"2"):
        ledger.note(topic, payload)
    ledger.note("application/a/device/x/event/up", b"3")
    ledger.note(f"application/a/device/{LAMP}/command/down", b"4")

    assert 2 == ledger.count("up")
    assert {LAMP} == ledger.devices("up")
    assert Seen(LAMP, "up", digest(topic, b"1")) in ledger.snapshot()


PAGE = """
# TYPE garonne_sim_uplinks_sent_total counter
garonne_sim_uplinks_sent_total{kind="data"} 7.0
garonne_sim_uplinks_sent_total{kind="join"} 2.0
# TYPE garonne_function_seconds histogram
garonne_function_seconds_bucket{function="f",le="0.001"} 0.0
garonne_function_seconds_bucket{function="f",le="0.002"} 50.0
garonne_function_seconds_bucket{function="f",le="0.004"} 100.0
garonne_function_seconds_bucket{function="f",le="+Inf"} 100.0
"""


def test_totals_are_read_by_label() -> None:
    meters = Meters()
    meters.update("devices", parse(PAGE))

    assert 7 == meters.total("garonne_sim_uplinks_sent_total", kind="data")
    assert 9 == meters.total("garonne_sim_uplinks_sent_total")
    assert {"data": 7.0, "join": 2.0} == meters.by(
        "garonne_sim_uplinks_sent_total", "kind"
    )
    assert not meters.has("garonne_nothing")


def test_quantiles_are_interpolated_between_bounds() -> None:
    meters = Meters()
    meters.update("worker", parse(PAGE))

    assert 0.002 == meters.quantile("garonne_function_seconds", 0.5, function="f")
    assert 0.003 == pytest.approx(
        meters.quantile("garonne_function_seconds", 0.75, function="f")
    )
    assert meters.quantile("garonne_function_seconds", 0.5, function="g") is None


def test_a_program_that_starts_again_does_not_make_totals_fall() -> None:
    meters = Meters()
    for value in (5, 8, 2, 3):
        meters.update("sender", [Sample("x_total", {}, value)])

    assert 8 + 3 == meters.total("x_total")


def test_a_page_that_is_none_counts_nothing() -> None:
    assert [] == parse("<html>not a page</html> 3 4 5")


def test_what_is_asked_after_the_books_were_closed_opens_nothing() -> None:
    commands = Commands(by_state={"confirmed": 2}, later=1)

    assert commands.law(asked=3).holds
    assert not commands.law(asked=2).holds
    assert 0 == commands.open


def test_one_is_told_as_one() -> None:
    report = replace(
        good(),
        commands=Commands(by_state={"failed": 1, "queued": 1}),
        functions=[
            Function(name="motion", invoked=2, failed=1, p50_ms=1.5, p99_ms=2.5)
        ],
        asked=2,
    )
    told = "\n".join(report.sentences())

    assert "1 command is open" == report.open_question
    assert "failed: 1 command\nstill open: 1 command\n" in told
    assert "motion failed 1 time: " in told


def test_what_a_server_does_not_count_keeps_no_books_open() -> None:
    balanced = Uplinks(sent=4, heard=3, radio_lost=1, rejected=None)

    assert balanced.is_quiet(2)
    assert not replace(balanced, sent=5).is_quiet(2)
    assert not replace(balanced, rejected=0).is_quiet(2)
