"""What a change leaves in history: instances as they were, shared by the engines.

A deleted attribute leaves an instance whose value is `urn:ngsi-ld:null` (clauses 4.5.7, 4.5.8); the scope has a history
like a Property's, observed when it was written (clause 4.5.6).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, cast

from broker.model.entity import ENTITY_MEMBERS, VALUE_MEMBER, Entity, Instance, instances
from broker.model.subjects import JUDGED_BY
from broker.model.values import NGSI_LD_NULL, Instant, Json, to_instant, to_text
from broker.ports.evolution import ReplaceInstance
from broker.stores.images import same

SCOPE: Final = "scope"
_KEPT: Final = ("datasetId", *sorted(JUDGED_BY))
"""What an instance that was deleted is still known by."""
SYSTEM_MEMBERS: Final = ("createdAt", "modifiedAt", "deletedAt", "instanceId")


@dataclass(slots=True)
class Past:
    """One instance as it was: `body` without what stands beside it.

    `number` orders instances of one time by their writing, and is what their ids are made of.
    """

    number: int
    body: Instance
    created_at: Instant
    modified_at: Instant
    observed_at: Instant | None = None
    deleted_at: Instant | None = None

    @property
    def time(self) -> Instant:
        """When it was observed, else when it was written: the order of history."""
        return self.modified_at if self.observed_at is None else self.observed_at

    @property
    def dataset(self) -> str:
        """Its datasetId; empty for the default instance."""
        return cast(str, self.body.get("datasetId", ""))


Step: TypeAlias = "tuple[str, Instance | None, Instance | None]"
"""An attribute and one instance of it before and after; None for what was or is not there."""


def steps(before: Entity | None, after: Entity | None) -> Iterator[Step]:
    """What one change did, instance by instance; those that are the same are not among them."""
    old = {} if before is None else before.document
    new = {} if after is None else after.document
    for name in old if not new else {**old, **new} if old else new:
        if name in ENTITY_MEMBERS:
            continue
        was, now = old.get(name), new.get(name)
        if was is not None and now is not None and (was is now or same(was, now)):
            continue
        yield from _pairs(name, instances(was), instances(now))


def scope_changed(before: Entity | None, after: Entity | None) -> bool:
    """Whether the scope is another one than before."""
    was = None if before is None else before.document.get(SCOPE)
    return was != (None if after is None else after.document.get(SCOPE))


def plain(instance: Instance) -> Instance:
    """The instance without system attributes, which stand in a Past beside it."""
    if not any(name in instance for name in SYSTEM_MEMBERS):
        return instance
    return {name: value for name, value in instance.items() if name not in SYSTEM_MEMBERS}


def written(instance: Instance, entity: Entity, number: int) -> Past:
    """An instance of a current entity as history has it."""
    created_at = moment(instance, "createdAt")
    created_at = entity.created_at if created_at is None else created_at
    modified_at = moment(instance, "modifiedAt")
    modified_at = created_at if modified_at is None else modified_at
    return Past(number, plain(instance), created_at, modified_at, moment(instance, "observedAt"))


def given(instance: Instance, number: int, now: Instant) -> Past:
    """An instance that a client gave to history itself."""
    deleted_at = moment(instance, "deletedAt")
    return Past(number, plain(instance), now, now, moment(instance, "observedAt"), deleted_at)


def copied(instance: Instance, number: int, now: Instant) -> Past:
    """An instance of another history, with its own times."""
    past = given(instance, number, now)
    created_at, modified_at = moment(instance, "createdAt"), moment(instance, "modifiedAt")
    past.created_at = now if created_at is None else created_at
    past.modified_at = past.created_at if modified_at is None else modified_at
    return past


def times(past: Past) -> tuple[object, ...]:
    """What two copies of one instance have in common."""
    return past.dataset, past.observed_at, past.created_at, past.modified_at, past.deleted_at


def corrected(old: Past, step: ReplaceInstance, now: Instant) -> Past:
    """An instance with other content (clause 5.6.14); raises what the step's guard does."""
    instance = step.instance if step.guard is None else step.guard(old.body)
    return replace(given(instance, old.number, now), created_at=old.created_at)


def ended(body: Instance, number: int, created_at: Instant, now: Instant) -> Past:
    """The instance that says that one like `body` was deleted."""
    kind = cast(str, body["type"])
    nothing: Json = {"@none": NGSI_LD_NULL} if kind == "LanguageProperty" else NGSI_LD_NULL
    left: Instance = {"type": kind, VALUE_MEMBER[kind]: nothing}
    left.update({name: body[name] for name in _KEPT if name in body})
    return Past(number, left, created_at, now, None, now)


def scope_past(scope: Json, number: int, at: Instant) -> Past:
    """The scope from `at` on; None: from then on there is none."""
    if scope is None:
        return Past(number, {"type": "Property", "value": []}, at, at, None, at)
    return Past(number, {"type": "Property", "value": scope, "observedAt": to_text(at)}, at, at, at)


def moment(instance: Instance, member: str) -> Instant | None:
    """A temporal member of an instance; None where it has none."""
    text = instance.get(member)
    return None if text is None else to_instant(cast(str, text))


def _pairs(name: str, was: list[Instance], now: list[Instance]) -> Iterator[Step]:
    old = {one.get("datasetId"): one for one in was}
    new = {one.get("datasetId"): one for one in now}
    for dataset in {**old, **new}:
        before, after = old.get(dataset), new.get(dataset)
        if before is None or after is None or not same(before, after):
            yield name, before, after
