"""Whose consents cover all that is asked for, over all of its days. Pure over the port Grants."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from broker.model.values import Instant
from broker.ports.consents import ANY, GRANULARITIES, Grant, Grants, Item
from services.bank.items import DataItem


@dataclass(frozen=True, slots=True)
class Times:
    """When it is asked, and what days (the first's beginning, the end exclusive) it is asked of."""

    now: Instant
    first: Instant
    end: Instant


def covered(grants: Grants, items: Sequence[DataItem], times: Times) -> list[str]:
    """Persons whose consents cover every item, in the order of their pseudonyms."""
    return sorted(one for one in grants.subjects() if all(_allows(grants, one, item, times) for item in items))


def _allows(grants: Grants, subject: str, item: DataItem, times: Times) -> bool:
    return any(
        _holds(grant, times) and any(_is(granted, type_, item) for granted in grant.items)
        for type_ in item.types
        for grant in _of(grants, subject, type_, item)
    )


def _of(grants: Grants, subject: str, type_: str, item: DataItem) -> Iterable[Grant]:
    return grants.of(subject, type_, item.attribute)


def _holds(grant: Grant, times: Times) -> bool:
    """Valid now, until the last of the days has come, and covering what was observed on them."""
    last = max(times.now, times.end - 1)
    valid = grant.since <= times.now and (grant.until is None or last < grant.until)
    begun = grant.covers_from is None or grant.covers_from <= times.first
    return valid and begun and (grant.covers_to is None or times.end <= grant.covers_to)


def _is(granted: Item, type_: str, item: DataItem) -> bool:
    named = granted.attribute == item.attribute or (granted.attribute == ANY and not item.special)
    return granted.type == type_ and named and GRANULARITIES.index(granted.granularity) <= item.coarseness()
