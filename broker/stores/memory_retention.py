"""Retention in the memory engine: what becomes of the old instances of one entity."""

from __future__ import annotations

from broker.model.entity import Entity
from broker.model.values import Instant
from broker.ports.evolution import Retention
from broker.stores.past import SCOPE, Past, written
from broker.stores.thinning import cutoff, thin


def retained(
    pasts: dict[str, list[Past]], entity: Entity | None, rule: Retention, now: Instant
) -> tuple[dict[str, list[Past]], int]:
    """The instances that stay, by attribute, and how many went; those that `entity` still has stay."""
    before, gone = cutoff(rule, now), 0
    if before is None:
        return pasts, 0
    left: dict[str, list[Past]] = {}
    for name, held in pasts.items():
        current = [] if entity is None else [written(one, entity, 0) for one in entity.instances(name)]
        old = [past for past in held if name != SCOPE and past.time < before and not _is_one_of(past, current)]
        done = thin(old, rule)
        went = {id(past) for past in done.gone}
        left[name] = [past for past in held if id(past) not in went] + done.put
        gone += len(done.gone) - len(done.put)
    return {name: held for name, held in left.items() if held}, gone


def _is_one_of(past: Past, current: list[Past]) -> bool:
    return any(
        past.body == one.body and (past.modified_at, past.observed_at) == (one.modified_at, one.observed_at)
        for one in current
    )
