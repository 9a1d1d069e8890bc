"""Retention in this engine: entities with old instances are found by reads, and each is written for itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from broker.model.values import Instant
from broker.ports.evolution import Retention
from broker.stores.mongo.connection import Bson
from broker.stores.mongo.ground import Ground
from broker.stores.mongo.history_heads import Head, heads
from broker.stores.mongo.history_leaves import HISTORY, of_entities
from broker.stores.mongo.history_plan import Outcome
from broker.stores.mongo.history_steps import Held, Work
from broker.stores.mongo.history_walk import CHUNK, all_ids
from broker.stores.past import SCOPE, Past, written
from broker.stores.thinning import cutoff, rule_for, thin


def due(ground: Ground, tenant: str, rules: Sequence[Retention], now: Instant) -> Iterator[str]:
    """Ids of entities that have old instances."""
    for chunk in _chunks(all_ids(ground, tenant)):
        before = {iri: at for iri, head in heads(ground, tenant, chunk).items() if (at := _before(head, rules, now))}
        if before:
            which: Bson = {"t": tenant, "i": {"$in": list(before)}, "k": HISTORY, "w": {"$lt": max(before.values())}}
            found = ground.trail.find({**which, "d": {"$exists": True}}, {"i": 1, "w": 1})
            yield from sorted({one["i"] for one in found if one["w"] < before[one["i"]]})


def decide(
    ground: Ground, tenant: str, rules: Sequence[Retention], now: Instant, head: Head | None
) -> tuple[Outcome | None, object]:
    """What the rule for an entity does to it, and how many instances go."""
    rule = None if head is None else rule_for(head.story().types, rules)
    before = None if rule is None else cutoff(rule, now)
    if head is None or rule is None or before is None:
        return None, 0
    work, gone = Work(ground, tenant, head), 0
    old: dict[str, list[Held]] = {}
    for held in work.older(before):
        if held.past.time < before and held.name != SCOPE and not _is_current(head, held):
            old.setdefault(held.name, []).append(held)
    for name, some in old.items():
        done = thin([held.past for held in some], rule)
        went = {id(past) for past in done.gone}
        for held in some:
            held.gone = held.gone or id(held.past) in went
        for past in done.put:
            work.put(name, past)
        gone += len(done.gone) - len(done.put)
    if (
        gone
        and head.entity is None
        and head.deleted_at is not None
        and not any(not held.gone for held in work.everything())
    ):
        return everything(ground, tenant, head), gone
    folded = work.fold(before)
    put, drop = work.written()
    return (Outcome(head, put, drop, passing=not (head.version or folded)) if put or drop else None), gone


def clear(ground: Ground, tenant: str, head: Head | None) -> tuple[Outcome | None, object]:
    """Take away what went as attributes expired (clause 4.22)."""
    if head is None:
        return None, None
    work = Work(ground, tenant, head)
    for name in {name for _, life in head.lives for name, _ in life.evaporated}:
        work.of(name)
    put, drop = work.written()
    return (Outcome(head, put, drop, passing=not head.version) if put or drop else None), None


def everything(ground: Ground, tenant: str, head: Head) -> Outcome:
    """Nothing is left of an entity's history."""
    found = ground.trail.find(of_entities(tenant, [head.iri]), {"_id": 1})
    return Outcome(head, drop=[one["_id"] for one in found], passing=True)


def begun(ground: Ground, tenant: str) -> dict[str, Instant]:
    """The earliest time of an instance, by type."""
    earliest: dict[str, Instant] = {}
    for one in ground.trail.find({"t": tenant, "k": HISTORY, "d": {"$exists": True}}, {"i": 1, "w": 1}):
        iri, at = one["i"], one["w"]
        if iri not in earliest or at < earliest[iri]:
            earliest[iri] = at
    found: dict[str, Instant] = {}
    for chunk in _chunks(iter(earliest)):
        for iri, head in heads(ground, tenant, chunk).items():
            if not head.dropped:
                at = earliest[iri]
                found |= {type_: min(at, found.get(type_, at)) for type_ in head.story().types}
    return found


def _before(head: Head, rules: Sequence[Retention], now: Instant) -> Instant | None:
    rule = rule_for(head.story().types, rules)
    return None if rule is None else cutoff(rule, now)


def _is_current(head: Head, held: Held) -> bool:
    """Whether it is what the entity still has."""
    entity, past = head.entity, held.past
    if entity is None:
        return False
    return any(_same(past, written(one, entity, 0)) for one in entity.instances(held.name))


def _same(past: Past, current: Past) -> bool:
    return past.body == current.body and (past.modified_at, past.observed_at) == (
        current.modified_at,
        current.observed_at,
    )


def _chunks(ids: Iterator[str]) -> Iterator[list[str]]:
    while chunk := [one for _, one in zip(range(CHUNK), ids, strict=False)]:
        yield chunk
