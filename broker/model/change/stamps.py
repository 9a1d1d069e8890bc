"""createdAt and modifiedAt of instances, kept only where they say something (clauses 4.8, 5.6.2.4).

An instance carries `createdAt` only where it differs from the entity's, and `modifiedAt` only where it differs from
its own createdAt. One that is written again with the same content stays as it is, stamps included.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from broker.model.change.sameness import same
from broker.model.entity import INSTANCE_MEMBERS, Entity, Instance, instances, member
from broker.model.values import Instant, Json, to_text

STAMPS = frozenset({"createdAt", "modifiedAt"})


@lru_cache(maxsize=16)
def _text(now: Instant) -> str:
    return to_text(now)


@dataclass(slots=True)
class Moment:
    """The instant of a write, as text, and whether the entity is being made in it."""

    text: str
    creates: bool

    @classmethod
    def of(cls, entity: Entity, now: Instant) -> Moment:
        """The moment `now` in the life of this entity."""
        return cls(_text(now), now == entity.created_at)


def added(fresh: Instance, moment: Moment) -> Instance:
    """A new instance: `{"type": "Property", "value": 1, "createdAt": "2026-…Z"}`, its sub-attributes likewise."""
    if moment.creates:
        return fresh
    stamped: Instance = {**fresh, "createdAt": moment.text}
    for name in fresh.keys() - INSTANCE_MEMBERS:
        stamped[name] = member([added(one, moment) for one in instances(fresh[name])])
    return stamped


def renewed(old: Instance, fresh: Instance, moment: Moment) -> Instance:
    """`fresh` in the place of `old`: with its createdAt; `old` itself where the content is the same."""
    return settled(old, _with_subs(old, fresh, moment), moment)


def settled(old: Instance, written: Instance, moment: Moment) -> Instance:
    """`written` (a dict of our own, its sub-attributes stamped, itself unstamped) with the stamps that follow `old`."""
    if _agree(old, written):
        return old
    born = old.get("createdAt")
    if born is not None:
        written["createdAt"] = born
    if (born != moment.text) if born is not None else not moment.creates:
        written["modifiedAt"] = moment.text
    return written


def _with_subs(old: Instance, fresh: Instance, moment: Moment) -> Instance:
    written = dict(fresh)
    if INSTANCE_MEMBERS.issuperset(fresh):
        return written
    for name in fresh.keys() - INSTANCE_MEMBERS:
        before = by_dataset(old.get(name))
        after = [
            added(one, moment) if (prior := before.get(one.get("datasetId"))) is None else renewed(prior, one, moment)
            for one in instances(fresh[name])
        ]
        written[name] = regrouped(old.get(name), after)
    return written


def by_dataset(held: Json) -> dict[Json, Instance]:
    """The instances of a member by their datasetId, None for the default one."""
    return {one.get("datasetId"): one for one in instances(held)}


def regrouped(before: Json, after: list[Instance]) -> Json:
    """The member that holds `after`; the very same value as `before` where no instance changed."""
    held = instances(before)
    if len(held) == len(after) and all(a is b for a, b in zip(held, after, strict=True)):
        return before
    return member(after)


def unstamped(instance: Instance) -> Instance:
    """A copy to work on, without createdAt and modifiedAt."""
    copy = dict(instance)
    copy.pop("createdAt", None)
    copy.pop("modifiedAt", None)
    return copy


def _agree(old: Instance, written: Instance) -> bool:
    if len(old) - ("createdAt" in old) - ("modifiedAt" in old) != len(written):
        return False
    for name, value in written.items():  # an `all` over a generator costs half of an update
        if name not in old or not (old[name] is value or same(old[name], value)):
            return False
    return True
