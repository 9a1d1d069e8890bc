"""Commands on their way to devices: judged right before they are sent, one at a time a device, in their order.

PENDING ─ judge ─┬─> ERROR, never sent
                 └─ sending (durable) ─ link ─┬─> DELIVERED | OK | ERROR
                                              ├─> not reached: again after a pause, until it expires
                                              └─> in doubt (crash, time out): again, or ERROR for what is done once
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Final, TypeAlias

from adapters.commands import states
from adapters.commands.book import Change, CommandBook
from adapters.commands.judging import Judged, Outside, Scene, judge
from adapters.commands.modelled import Models
from adapters.commands.rules import Rule
from adapters.commands.states import Commanded
from adapters.commands.targets import Targets
from adapters.device import Device
from adapters.order import Delivered, NotReached, Order
from adapters.store import NotKept
from broker.model.entity import as_list
from broker.model.values import Instant, Json
from broker.ports import Clock
from broker.ports.hub import Hub, HubAway

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
        self._finish()
        now = self._parts.clock.now()
        for going in [one for one in self._going.values() if one.until <= now]:
            going.pending.cancel()
        due = [one for one in self._parts.book.heads() if one.due <= now and _place(one) not in self._going]
        self._begin(due)

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

    def _begin(self, due: Sequence[Commanded]) -> None:
        """Judge these, keep what is to become of them, and send those that are."""
        changes: list[tuple[str, Change]] = []
        orders: list[Order | None] = []
        for one in due:
            judged = self._judged(one)
            if isinstance(judged, str):
                changes.append((one.id, partial(states.refused, reason=judged)))
                orders.append(None)
                continue
            device, told = judged
            changes.append((one.id, partial(states.sent, said={"value": told.value, "unit": told.unit})))
            orders.append(Order(one.id, device, one.name, told.value, told.unit, one.expires_at, one.part))
        for order, became in zip(orders, self._parts.book.steps(changes), strict=True):
            if order is not None and became is not None:
                self._send(became, order)

    def _judged(self, command: Commanded) -> tuple[Device, Judged] | str:
        """The same, or why it is not sent. Raises HubAway, NotKept: only then may it be judged again."""
        try:
            return self.judge(command)
        except Outside as outside:
            return str(outside)
        except (HubAway, NotKept):
            raise
        except Exception as error:  # the outermost loop of a judging: one command holds up no other
            log.exception("%s of %s could not be judged", command.id, command.entity)
            return f"it could not be judged: {type(error).__name__}"

    def _send(self, command: Commanded, order: Order) -> None:
        until = min(command.expires_at, command.changed_at + round(SEND_S * _SECOND))
        going = _Going(command, self._parts.send(order), until)
        self._going[_place(command)] = going
        going.pending.add_done_callback(lambda _: self._back(going))

    def _back(self, going: _Going) -> None:
        """On the thread of the links."""
        self._came.put(going)
        self._wake()

    def _finish(self) -> None:
        came = []
        while not self._came.empty():
            came.append(self._came.get())
        try:
            self._parts.book.steps([(going.command.id, self._outcome(going)) for going in came])
        except NotKept:
            for going in came:
                self._came.put(going)
            raise
        for going in came:
            self._going.pop(_place(going.command), None)

    def _outcome(self, going: _Going) -> Change:
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


def _place(command: Commanded) -> tuple[str, str, str]:
    """One command at a time is under way to each."""
    return command.adapter, command.tenant, command.device


def bounded(result: Json) -> Json:
    """What a device said, as far as it is kept."""
    text = result if isinstance(result, str) else repr(result)
    return result if len(text) <= TEXT_MAX else text[:TEXT_MAX]
