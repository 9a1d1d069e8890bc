"""From the change log to commands: what was written with a good seal becomes one, once, however often it is read.

The position is kept with the commands that were found up to there, in one transaction. Without a position it begins
now: nothing that was written before this broker had adapters commands a device.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import Final

from adapters.commands.book import CommandBook
from adapters.commands.guarding import Guard
from adapters.commands.rules import TTL_MAX_S, Rule
from adapters.commands.seals import COMMAND_ID, COMMAND_TTL, ID_MAX, commander, content, number, ordered, text
from adapters.commands.states import Commanded
from adapters.commands.targets import Target, Targets
from broker.errors import NonexistentTenant
from broker.model.entity import instances
from broker.model.names import is_uri
from broker.model.values import Instant, Json
from broker.ports import Clock
from broker.ports.hub import Hub, HubChange, HubForgot

log = logging.getLogger("misono.adapters.commands")

SAVE_S: Final = 5.0
"""How often a position is kept that nothing but other changes moved: a start reads them once more."""
_SECOND: Final = 1_000_000
_COMMANDS: Final = uuid.UUID("0f6d1f0e-6a55-5a3b-9d5e-3a9f0d9e7c11")  # any fixed one


@dataclass(frozen=True, slots=True)
class Written:
    """One command attribute as a change left it: by whom, when, and for what it is."""

    tenant: str
    change: HubChange
    attribute: str
    instance: Mapping[str, Json]
    by: str
    at: Instant


class Finder:
    """Commands among changes."""

    def __init__(self, book: CommandBook, targets: Targets) -> None:
        self._book, self._targets = book, targets

    def commands(self, tenant: str, changes: list[HubChange]) -> Iterator[Commanded]:
        """Those that were ordered by these changes, and are not known."""
        for change in changes:
            target = self._targets.of(tenant, change.entity_id) if change.after else None
            if target is None:
                continue
            for name in target.rules.keys() & change.after.keys():
                rule = target.rule(name, [*change.types])
                written = None if rule is None else self._written(tenant, change, name)
                if rule is not None and written is not None:
                    found = self._command(written, rule, target)
                    if found is not None:
                        yield found

    def _written(self, tenant: str, change: HubChange, name: str) -> Written | None:
        """What the change ordered; None where it is a copy, or nobody was asked whether they may."""
        found = next((one for one in instances(change.after[name]) if "datasetId" not in one), None)
        if found is None:
            return None
        sealed = commander(self._book.key, (tenant, change.entity_id, name), found)
        if sealed is None or sealed[1] != change.at:
            return None
        return Written(tenant, change, name, content(found), *sealed)

    def _command(self, written: Written, rule: Rule, target: Target) -> Commanded | None:
        change = written.change
        ttl_s = number(written.instance, COMMAND_TTL)
        ttl_s = rule.ttl_s if ttl_s is None or ttl_s <= 0 else min(ttl_s, TTL_MAX_S)
        made = Commanded(
            id=text(written.instance, COMMAND_ID),
            tenant=written.tenant,
            entity=change.entity_id,
            attribute=written.attribute,
            instance=ordered(written.instance),
            adapter=target.device.adapter,
            device=target.device.id,
            name=rule.command.name,
            by=written.by,
            made_at=written.at,
            expires_at=written.at + round(ttl_s * _SECOND),
            part=target.part(change.entity_id, rule),
            once=rule.once,
            answers=rule.answers,
            due=written.at,
            changed_at=written.at,
        )
        return self._named(made, change.sequence)

    def _named(self, made: Commanded, sequence: int) -> Commanded | None:
        """The command with its id; None where it is the same that is there already."""
        if made.id and len(made.id) <= ID_MAX and is_uri(made.id):
            known = self._book.find(made.id)
            if known is None:
                return made
            if known.same_as(made):
                return None
        return _with_id(made, sequence)


class Follower:
    """Reads the changes of tenants, each from its own position, and only while the bell says that there is something.

    Where other processes serve the same store, their bells are not heard here, and all changes are read.
    """

    def __init__(self, hub: Hub, book: CommandBook, targets: Targets, clock: Clock, guard: Guard) -> None:
        self._hub, self._book, self._clock, self._guard = hub, book, clock, guard
        self._finder = Finder(book, targets)
        self._positions: dict[str, int] = {}
        self._saved: dict[str, Instant] = {}
        self._caught_up: set[str] = set()
        self._lock = Lock()

    def turn(self, tenant: str) -> int:
        """Take the commands that were written since; how many there were. Raises HubAway, NotKept."""
        with self._lock:
            try:
                newest = self._hub.newest(tenant)  # before the bell: what is in the log by now has rung, or is pending
            except NonexistentTenant:
                return 0
            position = self._position(tenant, newest)
            if not self._guard.bell.quiet(tenant):
                self._caught_up.discard(tenant)
                newest = self._hub.newest(tenant)  # once more: what has rung by now is read now, and rings no more
            if not self._guard.alone():  # asked after the position of the log: who wrote before it is known by now
                self._caught_up.discard(tenant)
            if newest < position:
                log.warning("the change log of %r was begun anew: no command is taken from before %d", tenant, newest)
                self._lose(tenant, position, newest)
                return 0
            if tenant in self._caught_up:
                self._pass_over(tenant, newest)
                return 0
            taken = self._read(tenant, position, newest)
            if self._positions[tenant] >= newest:
                self._caught_up.add(tenant)
            return taken

    def _position(self, tenant: str, newest: int) -> int:
        found = self._positions.get(tenant)
        if found is None:
            found = self._book.position(tenant)
        if found is None:
            found = self._guard.began.get(tenant, newest)
            self._book.take(tenant, found, ())
        self._positions[tenant] = found
        return found

    def _pass_over(self, tenant: str, newest: int) -> None:
        """None of the changes up to here commands anything."""
        now = self._clock.now()
        moved = newest > self._positions[tenant]
        self._positions[tenant] = newest
        if moved and now - self._saved.get(tenant, 0) >= SAVE_S * _SECOND:
            self._saved[tenant] = now
            self._book.take(tenant, newest, ())

    def _read(self, tenant: str, position: int, newest: int) -> int:
        taken = 0
        while position < newest:
            try:
                changes = self._hub.changes(tenant, position, 0.0)
            except HubForgot:
                log.warning(
                    "the changes of %r after %d are no longer kept: commands among them are lost", tenant, position
                )
                self._lose(tenant, position, newest)
                return taken
            if not changes:
                return taken
            position = changes[-1].sequence
            taken += len(self._book.take(tenant, position, [*self._finder.commands(tenant, changes)]))
            self._positions[tenant] = position
        return taken

    def _lose(self, tenant: str, position: int, newest: int) -> None:
        self._book.lost(tenant, position, newest)
        self._positions[tenant] = newest


def _with_id(made: Commanded, sequence: int) -> Commanded:
    """The id that a change gives: the same one however often it is read."""
    occasion = "\n".join((made.tenant, made.entity, made.attribute, str(made.made_at), str(sequence)))
    return replace(made, id=f"urn:ngsi-ld:Command:{uuid.uuid5(_COMMANDS, occasion)}")
