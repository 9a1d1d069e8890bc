"""Offers and consents matched: who of the consenting has allowed all that is asked for, and how."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from broker.model.values import Instant, Json
from broker.ports.consents import ANY, GRANULARITIES, Grant, Grants, Item
from services.bank.items import DataItem

INDIVIDUAL = "individual"
"""The attribute is named in the consent."""
COMPREHENSIVE = "comprehensive"
"""The consent is for every attribute of the type that needs no special care."""


@dataclass(frozen=True, slots=True)
class Match:
    """How many people there are: who allowed all of it, by consents for each item or comprehensively; or some of it."""

    all: int
    individual: int
    comprehensive: int
    some: int

    def told(self, small: int) -> dict[str, Json]:
        """As JSON; counts from 1 below `small` are not told, since few people are somebody."""
        counts = {name: getattr(self, name) for name in ("all", "individual", "comprehensive", "some")}
        hidden = [name for name, count in counts.items() if 0 < count < small]
        told: dict[str, Json] = {name: count for name, count in counts.items() if name not in hidden}
        if hidden:
            # one count that is told beside its total would give the hidden one away
            told = {"some": told["some"]} if "some" in told else {}
            told["fewerThan"] = small
        return told


def match(grants: Grants, items: Sequence[DataItem], now: Instant) -> Match:
    """Over everybody who granted the recipient anything for the purpose."""
    full = individual = some = 0
    for subject in grants.subjects():
        ways = [how(grants, subject, item, now) for item in items]
        if all(ways):
            full += 1
            individual += all(way == INDIVIDUAL for way in ways)
        some += any(ways)
    return Match(full, individual, full - individual, some)


def how(grants: Grants, subject: str, item: DataItem, now: Instant) -> str:
    """How a person allows an item now: individually, comprehensively, or (empty) not at all."""
    found = {
        _way(granted.attribute)
        for type_ in item.types
        for grant in _valid(grants.of(subject, type_, item.attribute), now)
        for granted in grant.items
        if _covers(granted, type_, item)
    }
    return next((way for way in (INDIVIDUAL, COMPREHENSIVE) if way in found), "")


def _valid(found: Iterable[Grant], now: Instant) -> Iterable[Grant]:
    return (one for one in found if one.since <= now and (one.until is None or now < one.until))


def _covers(granted: Item, type_: str, item: DataItem) -> bool:
    named = granted.attribute == item.attribute or (granted.attribute == ANY and not item.special)
    fine = GRANULARITIES.index(granted.granularity) <= item.coarseness()
    return granted.type == type_ and named and fine


def _way(attribute: str) -> str:
    return COMPREHENSIVE if attribute == ANY else INDIVIDUAL
