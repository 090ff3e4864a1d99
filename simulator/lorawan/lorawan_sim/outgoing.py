"""What a device still has to say: MAC answers first, then its application."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from lorawan_sim.behaviour import Message

_QUEUE_MAX = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    One MAC command for the next uplinks, as bytes with its CID in front.

    A sticky one is repeated in every uplink until a class A downlink arrives
    (LoRaWAN 1.0.3 §5.4, §5.7, §5.9). An indication of 1.1 is repeated until the
    network confirms it, whatever else it says.
    """

    octets: bytes
    sticky: bool = False
    until_confirmed: bool = False


class Answers:
    """MAC commands waiting for an uplink, in the order they were caused."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[Answer] = []

    def __len__(self) -> int:
        if not self._waiting:
            return 0
        return sum(len(answer.octets) for answer in self._waiting)

    @property
    def fresh(self) -> bool:
        """Whether there is one that was never sent."""
        return bool(self._waiting) and not all(one.sticky for one in self._waiting)

    def add(self, answer: Answer) -> None:
        """Queue one; a sticky one replaces its predecessor of the same CID."""
        if answer.sticky:
            cid = answer.octets[0]
            self._waiting = [a for a in self._waiting if a.octets[0] != cid]
        self._waiting.append(answer)

    def replace(self, octets: bytes) -> bool:
        """Say this instead of every answer of the same CID; whether there was one."""
        cid, before = octets[0], self._waiting
        self._waiting = [
            Answer(octets=octets, sticky=one.sticky) if one.octets[0] == cid else one
            for one in before
        ]
        return self._waiting != before

    def heard(self) -> None:
        """A class A downlink arrived: the sticky ones have been understood."""
        self._waiting = [
            answer
            for answer in self._waiting
            if not answer.sticky or answer.until_confirmed
        ]

    def confirmed(self, cid: int) -> None:
        """The network confirmed an indication."""
        self._waiting = [
            answer
            for answer in self._waiting
            if not (answer.until_confirmed and answer.octets[0] == cid)
        ]

    def peek(self, limit: int) -> list[Answer]:
        """The first whole commands that fit in `limit` octets together."""
        chosen, used = [], 0
        for answer in self._waiting:
            used += len(answer.octets)
            if used > limit:
                break
            chosen.append(answer)
        return chosen

    def sent(self, answers: Sequence[Answer]) -> None:
        """What `peek` gave has left the antenna: only the sticky ones stay."""
        gone = self._waiting[: len(answers)]
        kept = [answer for answer in gone if answer.sticky]
        self._waiting = kept + self._waiting[len(answers) :]


class Mailbox:
    """
    Application messages in order of arrival.

    Nothing is cut: `most` octets is what the region's fastest data rate takes,
    a longer message is refused at the door. `refused()` drains what was, and
    why.
    """

    __slots__ = ("_messages", "_most", "_refused")

    def __init__(self, most: int) -> None:
        self._messages: deque[Message] = deque()
        self._most = most
        self._refused: list[tuple[Message, str]] = []

    def put(self, message: Message) -> None:
        """Queue a message; a full queue gives up its oldest one for it."""
        if len(message.payload) > self._most:
            reason = f"{len(message.payload)} octets, the most at any data rate is"
            self._refused.append((message, f"{reason} {self._most}"))
            return
        self._messages.append(message)
        if len(self._messages) > _QUEUE_MAX:
            gone = self._messages.popleft()
            self._refused.append((gone, f"{_QUEUE_MAX} newer messages wait"))

    def __len__(self) -> int:
        return len(self._messages)

    def first_within(self, limit: int) -> Message | None:
        """The first message of at most `limit` octets."""
        for message in self._messages:
            if len(message.payload) <= limit:
                return message
        return None

    def too_long(self, limit: int) -> Message | None:
        """The first message that `limit` octets keep waiting."""
        return next((m for m in self._messages if len(m.payload) > limit), None)

    def remove(self, message: Message) -> None:
        """Take a message out."""
        self._messages.remove(message)

    def refused(self) -> list[tuple[Message, str]]:
        """What was not taken, and why, drained."""
        drained, self._refused = self._refused, []
        return drained
