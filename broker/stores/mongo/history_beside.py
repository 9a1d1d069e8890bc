"""What a change of an entity leaves in history: the leaves that are written beside it, always the same for a change."""

from __future__ import annotations

from broker.model.entity import ENTITY_MEMBERS, Entity
from broker.model.expiry import expired, over
from broker.model.values import Json
from broker.stores.mongo.connection import Bson
from broker.stores.mongo.ground import Happened
from broker.stores.mongo.history_leaves import ORDINAL_BITS, Entry, Life, bare, leaves
from broker.stores.past import SCOPE, Past, Step, ended, scope_changed, scope_past, steps, written


def documents(happened: Happened) -> list[Bson]:
    """The leaves of a change."""
    told = _Telling(happened)
    change, tenant, iri = happened.change, happened.tenant, happened.change.entity.id
    life = told.life or None
    made = leaves(tenant, iri, told.entries, life=life)
    if life is not None and not made:
        made = [bare(tenant, iri, change.sequence, life)]
    return made


class _Telling:
    """The instances that a change wrote, in their order."""

    def __init__(self, happened: Happened) -> None:
        self._change = change = happened.change
        self._number = change.sequence << ORDINAL_BITS
        self.entries: list[Entry] = []
        self.life = Life(change.at)
        before, after = change.before, change.after
        self._expires = before is not None and over(before, change.at)
        if before is None and after is not None:
            self.life.born = after.created_at
        if after is None and before is not None:
            self.life.ended = list(before.types), list(before.scopes)
        self.life.names = _new_names(before, after)
        self.life.types = _new_types(before, after)
        if scope_changed(before, after) and not self._expires:
            scope = None if after is None else after.document.get(SCOPE)
            self.entries.append((SCOPE, scope_past(scope, self._next(), change.at)))
        for step in steps(before, after):
            self._step(step)

    def _step(self, step: Step) -> None:
        name, was, now = step
        at, entity = self._change.at, self._change.entity
        if now is not None:
            self.entries.append((name, written(now, entity, self._next())))
        elif was is not None and expired(was, at):
            self.life.evaporated.append((name, str(was.get("datasetId", ""))))
        elif was is not None and not self._expires:
            created_at = written(was, entity, 0).created_at
            self.entries.append((name, ended(was, self._next(), created_at, at)))

    def _next(self) -> int:
        self._number += 1
        return self._number


def evaporates(happened: Happened) -> bool:
    """Whether a change took expired instances away, so that those before them must go."""
    before, after, at = happened.change.before, happened.change.after, happened.change.at
    was = happened.logged.before
    if before is None or was is None or not any(_may_expire(value) for value in was.values()):
        return False
    return any(now is None and one is not None and expired(one, at) for _, one, now in steps(before, after))


def _may_expire(value: Json) -> bool:
    some = value if isinstance(value, list) else [value]
    return any(isinstance(one, dict) and "expiresAt" in one for one in some)


def gone(past: Past, name: str, lives: list[tuple[int, Life]]) -> bool:
    """Whether an instance went as a later one of its attribute and dataset expired."""
    return any(
        (name, past.dataset) in life.evaporated and past.number >> ORDINAL_BITS < number and expired(past.body, life.at)
        for number, life in lives
    )


def _new_names(before: Entity | None, after: Entity | None) -> list[str]:
    """The attributes that there were none of before the change."""
    if after is None:
        return []
    old = {} if before is None else before.document
    return [name for name in after.document if name not in old and (name == SCOPE or name not in ENTITY_MEMBERS)]


def _new_types(before: Entity | None, after: Entity | None) -> list[str]:
    """The types that it had not before."""
    had = () if before is None else before.types
    return [] if after is None else [iri for iri in after.types if iri not in had]
