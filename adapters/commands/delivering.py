"""Commands on their way to devices: judged right before they are sent, one at a time a device, in their order.

PENDING ─ judge ─┬─> ERROR, never sent
                 └─ sending (durable) ─ link ─┬─> DELIVERED | OK | ERROR
                                              ├─> not reached: again after a pause, until it expires
                                              └─> in doubt (crash, time out): again, or ERROR for what is done once
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Final, TypeAlias

from adapters.commands import states
from adapters.commands.book import CommandBook
from adapters.commands.judging import Judged, Outside, Scene, judge
from adapters.commands.modelled import Models
from adapters.commands.rules import Rule
from adapters.commands.states import Commanded, Step
from adapters.commands.targets import Targets
from adapters.device import Device
from adapters.order import Delivered, NotReached, Order
from broker.model.entity import as_list
from broker.model.values import Instant, Json
from broker.ports import Clock
from broker.ports.hub import Hub

log = logging.getLogger("misono.adapters.commands")

SEND_S: Final = 30.0
"""How long a link may take to hand a command over; then nobody knows."""
MINUTE_US: Final = 60_000_000
TEXT_MAX: Final = 10_000
_SECOND: Final = 1_000_000
Send: TypeAlias = Callable[[Order], "Future[Delivered]"]
"""Hands an order to the link of its device; the future fails with NotReached."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the deliverer works with."""

    hub: Hub
    book: CommandBook
    targets: Targets
    models: Models
    send: Send
    clock: Clock


@dataclass(frozen=True, slots=True)
class _Going:
    """One command that a link has now, and until when it is waited for."""

    command: Commanded
    pending: Future[Delivered]
    until: Instant


class Deliverer:
    """All methods are called from one thread; `wake` is called from others when there is something to do."""

    def __init__(self, parts: Parts, wake: Callable[[], None]) -> None:
        self._parts, self._wake = parts, wake
        self._going: dict[tuple[str, str, str], _Going] = {}
        self._came: SimpleQueue[_Going] = SimpleQueue()

    @property
    def waits(self) -> bool:
        """Whether a link has a command now."""
        return bool(self._going)

    def turn(self) -> None:
        """Take what links answered, and send what is due. Raises HubAway, NotKept."""
        while not self._came.empty():
            self._finish(self._came.get())
        now = self._parts.clock.now()
        for going in [one for one in self._going.values() if one.until <= now]:
            going.pending.cancel()
        heads: set[tuple[str, str, str]] = set()
        for command in self._parts.book.open():
            place = (command.adapter, command.tenant, command.device)
            if command.status != "PENDING" or place in heads:
                continue
            heads.add(place)  # what comes after it waits for it
            if place not in self._going and command.due <= now:
                self._begin(place, command)

    def leave(self) -> None:
        """Wait for no link any more; what it has now is in doubt until somebody asks."""
        for going in [*self._going.values()]:
            going.pending.cancel()

    def judge(self, command: Commanded) -> tuple[Device, Judged]:
        """What the device would be told, now. Raises Outside, HubAway."""
        parts = self._parts
        target = parts.targets.behind(command.adapter, command.device, (command.tenant, command.entity))
        entity = parts.hub.entity(command.tenant, command.entity)
        if target is None or entity is None:
            raise Outside("the device, or its entity, is no longer there")
        rule = target.rule(command.attribute, as_list(entity["type"]))
        if rule is None:
            raise Outside(f"{command.name} is no command of this device any more")
        self._require_rate(command, rule)
        range_, against = parts.models.about(entity, command.attribute, command.instance)
        look = partial(parts.hub.entity, command.tenant)
        return target.device, judge(rule, command.instance, Scene(entity, look, range_, against))

    def _require_rate(self, command: Commanded, rule: Rule) -> None:
        given = self._parts.book.given_before(command, command.made_at - MINUTE_US)
        if given >= rule.rate_per_min:
            raise Outside(f"{given} commands came within the minute before; at most {rule.rate_per_min} are sent")

    def _begin(self, place: tuple[str, str, str], command: Commanded) -> None:
        book = self._parts.book
        try:
            device, judged = self.judge(command)
        except Outside as outside:
            book.step(command.id, partial(states.refused, reason=str(outside)))
            return
        said: Mapping[str, Json] = {"value": judged.value, "unit": judged.unit}
        sending = book.step(command.id, partial(states.sent, said=said))
        if sending is None:
            return
        order = Order(command.id, device, command.name, judged.value, judged.unit, command.expires_at, command.part)
        until = min(command.expires_at, sending.changed_at + round(SEND_S * _SECOND))
        going = _Going(sending, self._parts.send(order), until)
        self._going[place] = going
        going.pending.add_done_callback(lambda _: self._back(going))

    def _back(self, going: _Going) -> None:
        """On the thread of the links."""
        self._came.put(going)
        self._wake()

    def _finish(self, going: _Going) -> None:
        command = going.command
        self._parts.book.step(command.id, self._outcome(going))
        self._going.pop((command.adapter, command.tenant, command.device), None)

    def _outcome(self, going: _Going) -> Callable[[Commanded, Instant], Step | None]:
        try:
            delivered = going.pending.result()
        except NotReached as error:
            return partial(states.not_reached, reason=str(error)[:TEXT_MAX])
        except CancelledError:
            return partial(states.in_doubt, reason="the link did not answer in time")
        except Exception as error:  # the outermost loop of a sending
            log.exception("the link of %s failed with a command", going.command.adapter)
            return partial(states.in_doubt, reason=f"the link failed: {type(error).__name__}")
        return partial(states.delivered, outcome=Delivered(delivered.status, bounded(delivered.result)))


def bounded(result: Json) -> Json:
    """What a device said, as far as it is kept."""
    text = result if isinstance(result, str) else repr(result)
    return result if len(text) <= TEXT_MAX else text[:TEXT_MAX]
