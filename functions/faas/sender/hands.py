"""What the sender does at ChirpStack and at the broker, and tells the lives about."""

from collections.abc import Callable, Iterable, Sequence

from city.command import Item
from city.command_life import Life
from city.errors import NetworkError, NotThere, Unreachable
from city.failpoint import Failpoint
from city.line import Effect
from city.mqtt import Publisher
from city.network import Network
from city.steps import NO_SESSION
from faas.sender.outgoing import down

Wanted = Sequence[tuple[Life, Effect]]

__all__ = ["Hands", "Wanted"]


class Hands:
    """
    Performs effects, all of a turn together.

    ``sure`` says, without asking anybody, that no other copy can be at work.
    """

    def __init__(
        self,
        *,
        network: Network,
        publisher: Publisher,
        sure: Callable[[], bool],
        failpoint: Failpoint,
        clock: Callable[[], float],
    ) -> None:
        self._network = network
        self._publisher = publisher
        self._sure = sure
        self._failpoint = failpoint
        self._clock = clock

    def perform(self, wanted: Wanted) -> None:
        """Do what is wanted and tell each life how it went."""
        away: Unreachable | None = None
        for life, effect in wanted:
            if effect.act != "publish" and away is None:
                away = self._ask(life, effect)
            elif effect.act != "publish":
                # One silence is enough: not a time-out for every device.
                life.trouble(effect.item.id, str(away), self._clock())
        self._publish([(life, e.item) for life, e in wanted if e.act == "publish"])

    def _ask(self, life: Life, effect: Effect) -> Unreachable | None:
        item = effect.item
        try:
            if effect.act == "prepare":
                life.prepared(item.id, self._f_cnt_down(life), self._clock())
            elif effect.act == "look":
                self._look(life, item)
            else:
                self._network.flush_queue(life.dev_eui)
                life.flushed(item.id, self._clock())
        except NotThere:
            life.hopeless(item.id, "ChirpStack knows no such device", self._clock())
        except NetworkError as error:
            life.trouble(item.id, str(error), self._clock())
            return error if isinstance(error, Unreachable) else None
        return None

    def _look(self, life: Life, item: Item) -> None:
        # The queue first: an item that leaves it in between has moved the counter.
        queue = self._network.queue(life.dev_eui)
        counter = self._f_cnt_down(life)
        there = any(queued.id == item.id for queued in queue)
        life.looked(item.id, in_queue=there, f_cnt_down=counter, now=self._clock())

    def _f_cnt_down(self, life: Life) -> int:
        session = self._network.activation(life.dev_eui)
        if session is None:
            return NO_SESSION
        if session.f_cnt_up == 0:
            life.radio.heard = False
        # LoRaWAN 1.1 counts application frames apart; the sum moves with either.
        return session.n_f_cnt_down + session.a_f_cnt_down

    def _publish(self, wanted: Sequence[tuple[Life, Item]]) -> None:
        if not wanted or not self._sure():
            return  # whoever holds the lease next looks before sending
        try:
            self._publisher.publish(list(_messages(wanted)))
        except Unreachable as error:
            for life, item in wanted:
                life.trouble(item.id, str(error), self._clock())
            return
        self._failpoint.reach("after_publish_before_mark")
        for life, item in wanted:
            life.published(item.id, self._clock())


def _messages(wanted: Iterable[tuple[Life, Item]]) -> Iterable[tuple[str, bytes]]:
    for life, item in wanted:
        entries = life.entries()
        entry = next(e for e in entries if e.command.id == item.command_id)
        yield down(entry.command.application_id, life.dev_eui, item)
