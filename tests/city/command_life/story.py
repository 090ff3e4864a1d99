"""A life of one device's commands with a hand on it."""

from typing import Any
from uuid import UUID

from city.command import Command, Entry, Payload, Rules
from city.command_life import Life
from city.line import Radio

EUI = "0102030405060708"
WITHIN_S = 15.0
ASK = Payload(f_port=60, data=b"\x03")
RULES = Rules(
    confirm_message="status",
    confirm_fields=("level",),
    confirm_reason="manual",
    echo_message="dimming",
    confirm_within_s=WITHIN_S,
    expires_s=600.0,
    status_request=ASK,
)


class Story:
    """A life with a hand on it: what it wanted is kept in ``acts``."""

    def __init__(self, rules: Rules = RULES, *, class_c: bool = True) -> None:
        self.life = Life(EUI, rules, Radio(class_c=class_c, heard=True))
        self.acts: list[tuple[str, str]] = []
        self.entries: dict[str, Entry] = {}
        self.published: list[str] = []
        self.now = 1000.0

    def drain(self) -> list[str]:
        """Collect effects and changes; the life survives being stored each time."""
        effects = self.life.effects()
        for _before, entry in self.life.changes():
            self.entries[entry.command.id] = entry
        acts = [effect.act for effect in effects]
        self.acts += [(effect.act, effect.item.id) for effect in effects]
        self.published += [e.item.id for e in effects if e.act == "publish"]
        return list(acts)

    def request(self, number: int, level: int = 60, **more: Any) -> str:
        command = Command(
            id=name(number),
            dev_eui=EUI,
            object={"level": level},
            requested_at=self.now,
            expires_at=self.now + more.pop("expires_s", 600.0),
            **more,
        )
        self.life.request(command, Payload(f_port=60, data=bytes([level])), self.now)
        self.drain()
        return command.id

    def hand_over(self, item_id: str, f_cnt_down: int = 7) -> None:
        self.life.prepared(item_id, f_cnt_down, self.now)
        self.drain()
        self.life.published(item_id, self.now)
        self.drain()

    def txack(self, item_id: str, time: float) -> None:
        self.life.transmitted(item_id, time, self.now)
        self.drain()

    def report(self, time: float, level: int, reason: str = "manual") -> None:
        document = {"message": "status", "level": level, "reason": reason}
        self.life.reported(time, document, self.now)
        self.drain()

    def look(self, item_id: str, *, in_queue: bool, f_cnt_down: int) -> None:
        self.life.looked(
            item_id, in_queue=in_queue, f_cnt_down=f_cnt_down, now=self.now
        )
        self.drain()

    def wait(self, seconds: float) -> list[str]:
        self.now += seconds
        self.life.tick(self.now)
        return self.drain()

    def state(self, number: int) -> str:
        return self.entries[name(number)].state

    def why(self, number: int) -> str:
        return self.entries[name(number)].why_not_yet

    def reason(self, number: int) -> str:
        return self.entries[name(number)].reason


def name(number: int) -> str:
    return str(UUID(int=number))


def sent(story: Story, number: int = 1, *, time: float = 50.0) -> None:
    story.request(number)
    story.hand_over(name(number))
    story.txack(name(number), time)
