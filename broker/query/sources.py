"""Which registrations a request is about: clause 5.12, one registration at a time; the meaning that an index keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from broker.model.registration import EntityInfo, Information, Registration
from broker.query.ast import And, HasType, Node, Or
from broker.query.patterns import compile_pattern


@dataclass(frozen=True, slots=True)
class Specification:
    """The entities and attributes that a request names, bound; None, or nothing in a tuple, is any.

    `types` is a type selection. `attributes` are IRIs. `temporal` tells whether it is about evolutions.
    """

    ids: tuple[str, ...] = ()
    id_pattern: str | None = None
    types: Node | None = None
    attributes: frozenset[str] = frozenset()
    dataset_ids: frozenset[str] = frozenset()
    temporal: bool = False


def matched(registration: Registration, wanted: Specification) -> tuple[Information, ...]:
    """The parts of the registration that match, none where it does not (clause 5.12)."""
    if wanted.dataset_ids and registration.dataset_ids and wanted.dataset_ids.isdisjoint(registration.dataset_ids):
        return ()
    return tuple(one for one in registration.information if _matches(one, wanted))


def _matches(one: Information, wanted: Specification) -> bool:
    if wanted.attributes and one.attributes and wanted.attributes.isdisjoint(one.attributes):
        return False
    return not one.entities or any(entity_matches(info, wanted) for info in one.entities)


def entity_matches(info: EntityInfo, wanted: Specification) -> bool:
    """Whether an EntityInfo and what a request says of entities can be about the same one (clause 5.12)."""
    if wanted.types is not None and info.types and not types_match(wanted.types, info.types):
        return False
    if info.id is None and info.id_pattern is None:
        return True
    if not wanted.ids and wanted.id_pattern is None:
        return True
    if info.id is not None:
        return info.id in wanted.ids or (wanted.id_pattern is not None and _fits(wanted.id_pattern, info.id))
    assert info.id_pattern is not None
    return wanted.id_pattern is not None or any(_fits(info.id_pattern, one) for one in wanted.ids)


def types_match(wanted: Node, types: Sequence[str]) -> bool:
    """Whether entities of these types can satisfy a type selection (clause 4.17)."""
    match wanted:
        case HasType(name):
            return name in types
        case And(terms):
            return all(types_match(term, types) for term in terms)
        case Or(terms):
            return any(types_match(term, types) for term in terms)
        case _:
            return True


def _fits(pattern: str, entity_id: str) -> bool:
    return compile_pattern(pattern).search(entity_id) is not None
