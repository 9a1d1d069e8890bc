"""What becomes of old history: gone, or one aggregate for each period, shared by the engines.

A thinned instance is a Property of the average, observed when its period began, and says what it was made of:

    {"type": "Property", "value": 20.5, "unitCode": "CEL", "observedAt": "2026-01-01T00:00:00.000000Z",
     "https://…/least": {"type": "Property", "value": 18}, "https://…/greatest": {…}, "https://…/count": {…}}

Of an attribute that has other values than numbers, the last instance of each period stays as it is. Instances that an
entity still has, and its scopes, are not touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

from broker.model.entity import Instance
from broker.model.values import Instant, Json, to_text
from broker.ports.evolution import Retention
from broker.stores.past import Past
from broker.stores.periods import measure

_TERMS: Final = "https://uri.etsi.org/ngsi-ld/default-context/"
LEAST, GREATEST, COUNT = f"{_TERMS}least", f"{_TERMS}greatest", f"{_TERMS}count"


@dataclass(frozen=True, slots=True)
class Thinned:
    """What is to be done to the instances of one attribute."""

    gone: list[Past]
    put: list[Past]


def rule_for(types: Sequence[str], rules: Sequence[Retention]) -> Retention | None:
    """The first rule for an entity of these types; one without types is for all."""
    return next((rule for rule in rules if not rule.types or not rule.types.isdisjoint(types)), None)


def cutoff(rule: Retention, now: Instant) -> Instant | None:
    """Before when instances are old; None for never. Thinning takes whole periods."""
    if rule.keep is None:
        return None
    at = now - rule.keep
    return at - at % rule.period if rule.then == "thinned" and rule.period else at


def thin(old: Sequence[Past], rule: Retention) -> Thinned:
    """What is to be done to the old instances of one attribute, of all its datasets."""
    if rule.then == "gone" or not rule.period:
        return Thinned(list(old), [])
    groups: dict[tuple[str, Instant], list[Past]] = {}
    for past in old:
        groups.setdefault((past.dataset, past.time - past.time % rule.period), []).append(past)
    gone, put = list[Past](), list[Past]()
    for (_, start), held in groups.items():
        made = _made(sorted(held, key=lambda past: (past.time, past.number)), start)
        if made not in held:
            put.append(made)
        gone += [past for past in held if past is not made]
    return Thinned(gone, put)


def _made(held: Sequence[Past], start: Instant) -> Past:
    """What stands for the instances of one period."""
    last = held[-1]
    if len(held) == 1 and (COUNT in last.body or not _is_number(last)):
        return last
    if not all(_is_number(past) for past in held):
        return last
    parts = [_parts(past.body) for past in held]
    count = sum(part[3] for part in parts)
    total = sum(part[0] * part[3] for part in parts)
    body: Instance = {"type": "Property", "value": total / count, "observedAt": to_text(start)}
    for name in ("unitCode", "datasetId"):
        if name in last.body:
            body[name] = last.body[name]
    for name, value in ((LEAST, min(part[1] for part in parts)), (GREATEST, max(part[2] for part in parts))):
        body[name] = _property(value)
    body[COUNT] = _property(count)
    return replace(last, body=body, observed_at=start)


def _is_number(past: Past) -> bool:
    found = measure(past)
    return past.deleted_at is None and found.number is not None and not found.is_size


def _parts(body: Instance) -> tuple[float, float, float, int]:
    """`(average, least, greatest, count)` of what an instance stands for."""
    value = float(cast(float, body["value"]))
    if COUNT not in body:
        return value, value, value, 1
    held = [cast("Mapping[str, float]", body[name])["value"] for name in (LEAST, GREATEST, COUNT)]
    return value, held[0], held[1], int(held[2])


def _property(value: Json) -> Instance:
    return {"type": "Property", "value": value}
