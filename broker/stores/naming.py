"""Whom data are about, as every engine answers it: an engine tells where persons are named, and this sums it up.

about([("urn:a", {DATA_SUBJECT: {"type": "Property", "value": ["urn:p:1", "urn:p:2"]}}),
       ("urn:b", {"https://…/room": {…, DATA_SUBJECT: {…, "value": "urn:p:1"}}})], "urn:p:1")
-> {"urn:a": {"urn:p:1", "urn:p:2"}, "urn:b": {}}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from broker.model.entity import ENTITY_MEMBERS, instances
from broker.model.subjects import DATA_SUBJECT, parts_of, subjects_of, whose
from broker.model.values import Json

Named: TypeAlias = tuple[str, Mapping[str, Json]]
"""An entity's id, and its document or a part of one."""


def about(found: Iterable[Named], subject: str) -> dict[str, frozenset[str]]:
    """As EvolutionStore.about says."""
    own: dict[str, set[str]] = {}
    parts: set[str] = set()
    for entity_id, document in found:
        own.setdefault(entity_id, set()).update(whose(document))
        if next(parts_of(document, subject), None) is not None:
            parts.add(entity_id)
    whole = {one: frozenset(named) for one, named in own.items() if subject in named}
    return {**dict.fromkeys(parts, frozenset[str]()), **whole}


def subjects(found: Iterable[Named]) -> list[str]:
    """As EvolutionStore.subjects says."""
    named: set[str] = set()
    for _, document in found:
        named |= named_in(document)
    return sorted(named)


def named_in(document: Mapping[str, Json]) -> set[str]:
    """Everybody whom a document, or an instance of it, is about."""
    named = {*whose(document)}
    for name, value in document.items():
        if name not in ENTITY_MEMBERS:
            for one in instances(value):
                if DATA_SUBJECT in one:
                    named |= subjects_of(one[DATA_SUBJECT])
    return named
