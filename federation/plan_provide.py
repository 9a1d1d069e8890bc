"""What of a write goes to which source, and what stays here, pure (clauses 4.3.6, 5.6.1 to 5.6.6, 5.6.17 to 5.6.20).

split    a document and the registrations that match it -> the shares of the sources, and what is left for this broker
├── exclusive, then redirect   take what they have registered: it is never held here
└── inclusive                  get what they have registered of the rest, which stays here as well
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from broker.model.entity import Document, Instance, as_list, instances, member
from broker.model.registration import OPERATION_GROUPS, EntityInfo, Information, Mode, Registration
from broker.model.values import Json
from broker.query.ast import HasType, Node, Or
from federation.messages import NOTHING_KNOWN, Head, Match

IDENTITY = frozenset({"id", "type", "scope", "expiresAt"})
"""Members of a document that are no attributes."""
DEFAULT_INSTANCE = "@none"
_ORDER: tuple[Mode, ...] = ("exclusive", "redirect", "inclusive")


@dataclass(frozen=True, slots=True)
class Share:
    """What of a write one source is concerned with: `document` reduced to what it has registered.

    `whole`: the registration is about entities, and names no attributes. `head` is what is known of the entity.
    """

    registration: Registration
    document: Document
    whole: bool = False
    head: Head = NOTHING_KNOWN

    @property
    def attributes(self) -> tuple[str, ...]:
        """The IRIs of its attributes."""
        return tuple(name for name in self.document if name not in IDENTITY)


@dataclass(frozen=True, slots=True)
class Split:
    """The shares of the sources, proxied ones first, and what is left to do here: None where that is nothing."""

    shares: tuple[Share, ...]
    rest: Document | None


def supports(registration: Registration, *operations: str) -> bool:
    """Whether the source serves one of these operations of Table 4.20-1."""
    return not _served(registration.operations).isdisjoint(operations)


@lru_cache(maxsize=1024)
def _served(operations: tuple[str, ...]) -> frozenset[str]:
    found: set[str] = set()
    for name in operations or ("federationOps",):
        found.update(OPERATION_GROUPS.get(name, (name,)))
    return frozenset(found)


def provided(matches: Iterable[Match], *operations: str, history: bool = False) -> list[Match]:
    """The registrations a write is about: none auxiliary, and no inclusive one that does not serve it.

    One that is about evolutions is not about what entities are like now (clause 5.2.9), which all writes are about but
    those of `history`.
    """
    return [
        one
        for one in matches
        if (history or not one.registration.temporal) and _is_written(one.registration, operations)
    ]


def _is_written(registration: Registration, operations: Sequence[str]) -> bool:
    return registration.proxied or (registration.mode == "inclusive" and supports(registration, *operations))


def any_type(types: Sequence[str]) -> Node | None:
    """The selection of entities of one of these types; None for no types, which is any (clause 4.17)."""
    if not types:
        return None
    nodes = tuple(HasType(one) for one in types)
    return nodes[0] if len(nodes) == 1 else Or(nodes)


def guesses(matches: Iterable[Match]) -> frozenset[str]:
    """The registrations that match for their types alone: where the types are not known, any of them might be meant."""
    return frozenset(
        one.registration.id
        for one in matches
        if all(part.entities and all(_is_typed_only(info) for info in part.entities) for part in one.information)
    )


def _is_typed_only(info: EntityInfo) -> bool:
    return bool(info.types) and info.id is None and info.id_pattern is None


def split(document: Document, matches: Sequence[Match], *, identity: bool) -> Split:
    """The write of a document, divided; `identity` says that each part is to be an entity of its own, with its types.

    Of an entity that is created, {id, type, speed, name}, with `speed` registered as exclusive: the share {id, type,
    speed} and the rest {id, type, name}.
    """
    left = dict(document)
    bare = not any(name not in IDENTITY for name in document)
    shares: list[Share] = []
    for mode in _ORDER:
        found = [
            share
            for one in matches
            if one.registration.mode == mode and (share := _share(one, left, bare=bare, identity=identity)) is not None
        ]
        shares += found
        if mode != "inclusive":
            for share in found:
                _take(left, share)
    return Split(tuple(shares), _rest(document, left, shares, identity=identity))


def _share(match: Match, document: Document, *, bare: bool, identity: bool) -> Share | None:
    """The part of the document that the source has registered; None where that is nothing.

    `bare`: there never were attributes to share, so that a whole entity is its id and types alone.
    """
    registration = match.registration
    whole = any(not part.attributes for part in match.information)
    wanted = frozenset[str]().union(*(part.attributes for part in match.information))
    reduced: Document = {}
    for name, value in document.items():
        if name not in IDENTITY and (whole or name in wanted):
            held = of_datasets(value, registration.dataset_ids)
            if held is not None:
                reduced[name] = held
    if not reduced and not (whole and bare):
        return None
    kept = _identity(document, match.information, whole=whole, identity=identity)
    return Share(registration, {**kept, **reduced}, whole)


def _identity(document: Document, parts: Sequence[Information], *, whole: bool, identity: bool) -> Document:
    kept: Document = {name: document[name] for name in sorted(IDENTITY) if name in document}
    if not (whole or identity):
        return {name: value for name, value in kept.items() if name == "id"}
    types = registered_types(as_list(kept.get("type")), parts)
    if types:
        kept["type"] = cast("Json", types[0] if len(types) == 1 else types)
    return kept


def registered_types(types: Sequence[str], parts: Sequence[Information]) -> list[str]:
    """Of these types those that the registration names; all where it names none (clause 4.3.6.1)."""
    infos = [info for part in parts for info in part.entities]
    if not infos or any(not info.types for info in infos):
        return list(types)
    known = {one for info in infos for one in info.types}
    return [one for one in types if one in known] or list(types)


def of_datasets(value: Json, dataset_ids: Sequence[str]) -> Json:
    """The instances of these datasets, all where there are none; None where the attribute has none of them."""
    if not dataset_ids or isinstance(value, str):
        return value
    found = [one for one in instances(value) if one.get("datasetId", DEFAULT_INSTANCE) in dataset_ids]
    return member(found) if found else None


def _take(left: Document, share: Share) -> None:
    """Remove from what is left what the source has got; other sources of the same mode have had their look."""
    for name in share.attributes:
        kept = list(_others(left.get(name), share.document[name]))
        if kept:
            left[name] = member(kept)
        else:
            left.pop(name, None)
    if share.whole:
        for name in ("scope", "expiresAt"):
            left.pop(name, None)


def _others(held: Json, taken: Json) -> Iterator[Instance]:
    if isinstance(held, str) or isinstance(taken, str):
        return
    gone = {one.get("datasetId") for one in instances(taken)}
    yield from (one for one in instances(held) if one.get("datasetId") not in gone)


def _rest(document: Document, left: Document, shares: Sequence[Share], *, identity: bool) -> Document | None:
    """What this broker does itself: nothing where sources took all there was."""
    if not any(share.registration.proxied for share in shares):
        return document
    if any(name not in IDENTITY for name in left):
        return left
    if not identity and not left.keys().isdisjoint(("scope", "expiresAt")):
        return left
    return None
