"""
Laws of a command's life, whatever happens in whatever order.

A small ChirpStack beside the core may lose, delay, flush and refuse; the core sees it
only through tx acks, logs, reports and looks.
"""

from collections import Counter
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from city.command import ENDS, Command, Entry, Payload, Rules, State, derived_id
from city.command_life import Life
from city.line import Effect, Radio
from city.steps import EXPIRY_GRACE_S

if TYPE_CHECKING:
    from collections.abc import Mapping

EUI: Final = "0102030405060708"
RULES: Final = Rules(
    confirm_message="status",
    confirm_fields=("level",),
    confirm_reason="manual",
    echo_message="dimming",
    confirm_within_s=15.0,
    expires_s=300.0,
    status_request=Payload(f_port=60, data=b"\x00"),
)
LEVELS: Final = st.sampled_from([0, 50, 100])
FAULTS: Final = st.sampled_from(["", "", "untold", "lost", "away"])


class Lives(RuleBasedStateMachine):
    """One device, its core, and a ChirpStack that does what ChirpStack may do."""

    def __init__(self) -> None:
        super().__init__()
        self.life = Life(EUI, RULES, Radio(class_c=True))
        self.now = 1000.0
        self.time = 50.0  # the server's clock is another one
        self.queue: list[str] = []
        self.counter = 0
        self.flying: list[str] = []
        self.flushed: set[str] = set()
        self.number = 0
        self.states: dict[str, State] = {}
        self.ended: Counter[str] = Counter()
        self.instants: dict[str, Mapping[str, float]] = {}
        self.wanted: dict[str, Any] = {}
        # What ought to be true of a confirmation, kept outside of the core.
        self.tx_acked: dict[str, float] = {}
        self.reports: list[tuple[float, Mapping[str, Any]]] = []
        self.sent: Counter[str] = Counter()
        self.until: dict[str, float] = {}
        self.fault = ""

    # -- what people do

    @rule(
        level=LEVELS,
        supersedes=st.booleans(),
        manual=st.booleans(),
        lifetime_s=st.sampled_from([300, 300, 3]),
        fault=FAULTS,
    )
    def request(
        self, level: int, supersedes: bool, manual: bool, lifetime_s: int, fault: str
    ) -> None:
        self.fault = fault
        self.number += 1
        command = Command(
            id=str(UUID(int=self.number)),
            dev_eui=EUI,
            object={"level": level},
            requested_at=self.now,
            expires_at=self.now + lifetime_s,
            supersedes=supersedes,
            manual=manual,
        )
        self.wanted[command.id] = command.object
        self.life.request(command, Payload(f_port=60, data=bytes([level])), self.now)
        self.collect()

    @precondition(lambda self: self.life.entries())
    @rule(which=st.integers(0, 5))
    def cancel(self, which: int) -> None:
        entries = self.life.entries()
        entry = entries[which % len(entries)]
        self.life.cancel(entry.command.id, "ada", self.now)
        self.collect()

    # -- what the adapter does, at once and well unless a fault is due

    def perform(self, effect: Effect) -> None:
        item_id, fault = effect.item.id, self.fault
        if effect.act == "publish":
            self.fault = ""
        if effect.act == "publish":
            self.publish(item_id, fault)
        elif fault == "away":
            self.fault = ""
            self.life.trouble(item_id, "away", self.now)
        elif effect.act == "prepare":
            self.life.prepared(item_id, self.counter, self.now)
        elif effect.act == "look":
            there = item_id in self.queue
            self.life.looked(
                item_id, in_queue=there, f_cnt_down=self.counter, now=self.now
            )
        else:
            self.queue.clear()
            self.life.flushed(item_id, self.now)

    def publish(self, item_id: str, fault: str) -> None:
        if fault not in {"lost", "away"} and item_id not in self.queue:
            self.queue.append(item_id)
        if fault in {"", "lost"}:
            self.life.published(item_id, self.now)
        else:
            self.life.trouble(item_id, "the broker does not answer", self.now)

    @rule()
    def crash(self) -> None:
        """What was stored is all there is."""
        self.life = Life.parse(bytes(self.life), EUI, RULES)
        self.life.recover(self.now)
        self.collect()

    # -- what ChirpStack and the device do

    @precondition(lambda self: self.queue)
    @rule(acked=st.sampled_from(["now", "now", "later", "never"]))
    def transmit(self, acked: str) -> None:
        item_id = self.queue.pop(0)
        self.sent[item_id] += 1
        self.counter += 1
        self.time += 0.1
        if acked == "now":
            self.tx_ack(item_id)
        elif acked == "later":
            self.flying.append(item_id)

    @precondition(lambda self: self.flying)
    @rule()
    def late_tx_ack(self) -> None:
        """After a join, ChirpStack looks for the row: sent anew, it is taken away."""
        item_id = self.flying.pop(0)
        if item_id in self.flushed:
            self.flushed.discard(item_id)
            if item_id not in self.queue:
                return
            self.queue.remove(item_id)
        self.tx_ack(item_id)

    def tx_ack(self, item_id: str) -> None:
        self.tx_acked[item_id] = self.time
        self.life.transmitted(item_id, self.time, self.now)
        self.collect()

    @precondition(lambda self: self.queue)
    @rule(code=st.sampled_from(["EXPIRED", "DOWNLINK_PAYLOAD_SIZE"]))
    def discard(self, code: str) -> None:
        self.life.dropped(self.queue.pop(0), code, "", self.now)
        self.collect()

    @rule()
    def join(self) -> None:
        self.queue.clear()
        self.flushed.update(self.flying)
        self.counter = 0
        self.sent.clear()
        self.life.joined(self.now)
        self.collect()

    @rule()
    def other_downlink(self) -> None:
        self.counter += 1

    @rule(right=st.booleans(), old=st.booleans())
    def report_state(self, right: bool, old: bool) -> None:
        entry = self.life.sent or self.life.open
        level = entry.command.object["level"] if entry and right else 50
        self.report(level, "status", old=old)

    @rule(level=LEVELS, message=st.sampled_from(["dimming", "usage"]))
    def report_else(self, level: int, message: str) -> None:
        self.report(level, message, old=False)

    def report(self, level: int, message: str, *, old: bool) -> None:
        self.time += 0.1
        time = self.time - 5 if old else self.time
        document = {"message": message, "level": level, "reason": "manual"}
        self.reports.append((time, document))
        self.life.reported(time, document, self.now)
        self.collect()

    @rule(seconds=st.sampled_from([2.0, 16.0, 16.0, 301.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.time += seconds
        self.life.tick(self.now)
        self.collect()

    # -- the laws

    def collect(self) -> None:
        for before, entry in self.life.changes():
            self.learn(before, entry)
        for effect in self.life.effects():
            self.until[effect.item.id] = effect.item.expires_at + EXPIRY_GRACE_S
            self.perform(effect)
            self.collect()

    def learn(self, before: State | None, entry: Entry) -> None:
        command_id = entry.command.id
        assert before == self.states.get(command_id)
        assert before not in ENDS, "nothing follows an end"
        self.states[command_id] = entry.state
        self.instants[command_id] = entry.at
        if entry.state in ENDS:
            self.ended[entry.state] += 1
        if entry.state in {"failed", "expired", "superseded"}:
            assert entry.reason
        if entry.state == "confirmed":
            self.confirmed(entry)

    def confirmed(self, entry: Entry) -> None:
        ours = {i: t for i, t in self.tx_acked.items() if self.belongs(i, entry)}
        assert ours, "confirmed without any tx ack"
        first = min(ours.values())
        level = self.wanted[entry.command.id]["level"]
        assert any(
            time > first
            and document["message"] == "status"
            and document["level"] == level
            and document["reason"] == "manual"
            for time, document in self.reports
        ), "confirmed without a matching report after the tx ack"

    def belongs(self, item_id: str, entry: Entry) -> bool:
        command_id = entry.command.id
        names = ("status", "status 2", "status 3", "again 1")
        return item_id in {command_id, *(derived_id(command_id, n) for n in names)}

    @invariant()
    def at_most_one_item_is_in_chirpstack(self) -> None:
        # What has expired there lies in the queue until there is a chance to send it.
        alive = [item_id for item_id in self.queue if self.now < self.until[item_id]]
        assert len(alive) <= 1

    @invariant()
    def within_a_session_nothing_goes_on_the_air_twice(self) -> None:
        assert max(self.sent.values(), default=0) <= 1

    @invariant()
    def nobody_is_asked_before_being_told(self) -> None:
        for item_id in self.sent:
            told = {str(UUID(int=n)) for n in range(1, self.number + 1)}
            asks = {
                derived_id(command_id, request): command_id
                for command_id in told
                for request in ("status", "status 2", "status 3")
            }
            command_id = asks.get(item_id)
            assert command_id is None or "transmitted" in self.instants[command_id]

    @invariant()
    def what_is_requested_is_open_or_has_ended(self) -> None:
        is_open = len(self.life.entries())
        assert self.number == is_open + sum(self.ended.values())

    @invariant()
    def every_open_command_says_why(self) -> None:
        assert all(entry.why_not_yet for entry in self.life.entries())

    @invariant()
    def whoever_is_not_idle_has_a_deadline(self) -> None:
        assert self.life.idle == (self.life.next_deadline() is None)

    @invariant()
    def stored_and_read_back_it_is_the_same(self) -> None:
        stored = bytes(self.life)
        assert stored == bytes(Life.parse(stored, EUI, RULES))


TestLives = Lives.TestCase
TestLives.settings = settings(
    max_examples=80, stateful_step_count=30, deadline=None, print_blob=False
)


def test_left_alone_every_command_ends() -> None:
    life = Life(EUI, RULES, Radio())
    command = Command(
        id=str(UUID(int=1)), dev_eui=EUI, object={}, requested_at=0.0, expires_at=60.0
    )
    life.request(command, Payload(f_port=60, data=b""), 0.0)
    while (deadline := life.next_deadline()) is not None:
        life.tick(deadline)
        assert deadline < 120.0

    assert life.idle
