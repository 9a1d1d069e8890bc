"""Planning what each matching source is asked for entities, pure (clauses 4.3.6.1, 5.7.1.4, 5.7.2.4).

A request is cut to what a registration is about: its ids, types and attributes, and of the filters those that look at
nothing else. What a source cannot decide alone is decided here, on the whole entity.

    registered {type House, propertyNames [temperature]}, asked type=House,Room&q=temperature>20;name=="x"
        ->  GET /entities?type=House&attrs=temperature&q=temperature>20
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final, cast
from urllib.parse import quote

from broker.ldcontext.active import ActiveContext
from broker.model.entity import Entity
from broker.model.registration import OPERATION_GROUPS, EntityInfo, Information, Registration
from broker.model.values import Json
from broker.query.ast import And, HasType, Node, Or
from broker.query.bind import unbind
from broker.query.patterns import compile_pattern
from broker.query.sources import Specification, entity_matches
from broker.query.text import geo_parameters, render
from federation.messages import Forward, Match
from federation.wanted import Wanted, is_about_links, names_in

URL_CHARACTERS_MAX: Final = 4_000
"""Of parameters; what is longer is asked by POST where the source serves that."""
SINGLY_MAX: Final = 20
"""Entities that are retrieved one by one where a source cannot be queried for them."""
_ANY: Final = (EntityInfo(),)
_SYSTEM: Final = ("options", "sysAttrs")


@dataclass(frozen=True, slots=True)
class Naming:
    """The names that a source is asked in, and the source of their @context."""

    names: ActiveContext
    context: Json


@dataclass(frozen=True, slots=True)
class Asking:
    """A query as sources are asked it.

    `needed` are the attributes (IRIs) that it is answered and decided with, None for all; `split`: an entity may be
    spread over sources, so that no filter is left to them (clause 5.7.2.4). `dated`: with the times at which things
    were made and changed, which conflicts need, and few answers beside.
    """

    wanted: Wanted
    needed: frozenset[str] | None = None
    split: bool = False
    dated: bool = True


@dataclass(slots=True)
class Group:
    """Entities of one registration that are asked for together, empty being any.

    `types` are IRIs or a type selection; `attributes` those to give, IRIs.
    """

    types: tuple[str, ...] | Node | None
    ids: list[str] = field(default_factory=list)
    pattern: str | None = None
    attributes: tuple[str, ...] = ()


def serves(registration: Registration, *operations: str) -> str | None:
    """The first of these operations of Table 4.20-1 that the source serves; None for none of them."""
    served = _served(registration.operations)
    return next((one for one in operations if one in served), None)


@lru_cache(maxsize=1024)
def _served(operations: tuple[str, ...]) -> frozenset[str]:
    found: set[str] = set()
    for name in operations or ("federationOps",):
        found.update(OPERATION_GROUPS.get(name, (name,)))
    return frozenset(found)


def retrieval(match: Match, entity_id: str, needed: frozenset[str] | None, naming: Naming) -> list[Forward]:
    """Retrieve Entity, forwarded by the operation that the source serves: several where it serves queries only.

    `needed` are the attributes (IRIs) that are wanted; None for all.
    """
    registration = match.registration
    if serves(registration, "retrieveEntity") is None:
        wanted = Specification((entity_id,))
        return _queries(match, [(wanted, groups(match.information, wanted, needed))], naming, ())
    attributes = _attributes(match.information, needed)
    if attributes is None:
        return []
    path = f"/entities/{quote(entity_id, safe='')}"
    return [
        Forward(
            registration, "retrieveEntity", "GET", path, (*_attrs(attributes, naming), _SYSTEM), context=naming.context
        )
    ]


def query(match: Match, asking: Asking, naming: Naming) -> list[Forward]:
    """Query Entities, forwarded: one request, or several where a URL cannot say it all; without limit and offset."""
    wanted = asking.wanted
    found = [(one, groups(match.information, one, asking.needed)) for one in wanted.selectors]
    filters = () if asking.split else filters_of(match.information, wanted, naming)
    return _timed(_queries(match, found, naming, filters, by_post=bool(wanted.query.entities[1:])), asking)


def _timed(forwards: list[Forward], asking: Asking) -> list[Forward]:
    if asking.dated:
        return forwards
    return [replace(one, parameters=tuple(each for each in one.parameters if each != _SYSTEM)) for one in forwards]


def narrowed(match: Match, ids: Sequence[str], asking: Asking, naming: Naming) -> list[Forward]:
    """What the source has of these entities, where that meets the filters it can apply."""
    wanted, needed = asking.wanted, asking.needed
    types = wanted.selectors[0].types if len(wanted.selectors) == 1 else None
    only = Specification(tuple(ids), types=types)
    found = [(only, groups(match.information, only, needed))]
    filtered = not asking.split and decides(match, wanted)
    forwards = _queries(match, found, naming, filters_of(match.information, wanted, naming) if filtered else ())
    if forwards or serves(match.registration, "retrieveEntity") is None:
        return _timed(forwards, asking)
    some = [one for _, each in found for group in each for one in group.ids]
    return [one for each in some[:SINGLY_MAX] for one in retrieval(match, each, needed, naming)]


def decides(match: Match, wanted: Wanted) -> bool:
    """Whether the source has something of what is filtered by, if there are filters: it may know of entities.

    One that has none of it can only add to what others know of an entity.
    """
    if not wanted.filters or any(not one.attributes for one in match.information):
        return True
    registered = frozenset(name for one in match.information for name in one.attributes)
    return any(not registered.isdisjoint(names_in(one)) for one in wanted.filters)


def given(match: Match, entity: Entity, *, any_id: bool = False) -> frozenset[str] | None:
    """The attributes that a registration offers of an entity, none for all of them; None where it is not about it.

    `any_id`: idPattern is not looked at.
    """
    offered: set[str] = set()
    about = False
    for one in match.information:
        if one.entities and not any(is_about(info, entity, any_id=any_id) for info in one.entities):
            continue
        if not one.attributes:
            return frozenset()
        about = True
        offered.update(one.attributes)
    return frozenset(offered) if about else None


def is_about(info: EntityInfo, entity: Entity, *, any_id: bool = False) -> bool:
    """Whether an EntityInfo is about this entity."""
    if info.types and not any(one in info.types for one in entity.types):
        return False
    if info.id is not None:
        return info.id == entity.id
    return any_id or info.id_pattern is None or compile_pattern(info.id_pattern).search(entity.id) is not None


def groups(parts: Iterable[Information], wanted: Specification, needed: frozenset[str] | None) -> list[Group]:
    """What of the entities that are wanted a registration is about, those of the same kind together."""
    found: dict[object, Group] = {}
    for part in parts:
        attributes = _attributes((part,), needed)
        if attributes is None:
            continue
        for info in part.entities or _ANY:
            if not entity_matches(info, wanted):
                continue
            types, ids = _types(info, wanted), _ids(info, wanted)
            pattern = None if ids else wanted.id_pattern or info.id_pattern
            lone = isinstance(types, tuple) and not ids and pattern is None
            key = (attributes, pattern, bool(ids), None if lone else types)
            group = found.get(key)
            if group is None:
                found[key] = Group(types, list(ids), pattern, attributes)
            else:
                group.ids += [one for one in ids if one not in group.ids]
                if lone and isinstance(group.types, tuple):
                    group.types = tuple(dict.fromkeys((*group.types, *cast("tuple[str, ...]", types))))
    return list(found.values())


def _types(info: EntityInfo, wanted: Specification) -> tuple[str, ...] | Node | None:
    """The registered types that are wanted; the selection as it is where they do not say it all."""
    if not info.types:
        return wanted.types
    if wanted.types is None:
        return info.types
    plain = _plain(wanted.types)
    return wanted.types if plain is None else tuple(one for one in info.types if one in plain)


def _plain(types: Node) -> frozenset[str] | None:
    """The types of a selection that is one of them, or any of several; None for any other."""
    match types:
        case HasType(name):
            return frozenset((name,))
        case Or(terms) if all(isinstance(term, HasType) for term in terms):
            return frozenset(term.iri for term in terms if isinstance(term, HasType))
        case _:
            return None


def _ids(info: EntityInfo, wanted: Specification) -> tuple[str, ...]:
    if info.id is not None:
        return (info.id,)
    if info.id_pattern is None or not wanted.ids:
        return wanted.ids
    fits = compile_pattern(info.id_pattern).search
    return tuple(one for one in wanted.ids if fits(one) is not None)


def _attributes(parts: Iterable[Information], needed: frozenset[str] | None) -> tuple[str, ...] | None:
    """The attributes to ask for, none for all; None where nothing that is registered is needed."""
    registered: dict[str, None] = {}
    for one in parts:
        if not one.attributes:
            return () if needed is None else tuple(sorted(needed))
        registered.update(dict.fromkeys((*one.property_names, *one.relationship_names)))
    return tuple(one for one in registered if needed is None or one in needed) or None


def _queries(
    match: Match,
    found: Sequence[tuple[Specification, list[Group]]],
    naming: Naming,
    filters: Sequence[tuple[str, str]],
    *,
    by_post: bool = False,
) -> list[Forward]:
    operation = serves(
        match.registration, *(("queryBatch", "queryEntity") if by_post else ("queryEntity", "queryBatch"))
    )
    asked = [group for _, each in found for group in each if group.types or group.attributes or filters]
    if operation is None or not asked:
        return []
    gets = [
        Forward(
            match.registration, "queryEntity", "GET", "/entities", (*_which(group, naming), *filters, _SYSTEM),
            context=naming.context,
        )
        for group in asked
    ]  # fmt: skip
    long = any(sum(len(name) + len(text) for name, text in one.parameters) > URL_CHARACTERS_MAX for one in gets)
    several = len(gets) > 1 or long
    if operation == "queryEntity" and not (several and serves(match.registration, "queryBatch")):
        return gets
    by_attributes: dict[tuple[str, ...], list[Group]] = {}
    for group in asked:
        by_attributes.setdefault(group.attributes, []).append(group)
    return [_posted(match.registration, each, naming, filters) for each in by_attributes.values()]


def _posted(
    registration: Registration, asked: Sequence[Group], naming: Naming, filters: Sequence[tuple[str, str]]
) -> Forward:
    """The same as the body of a POST (clause 5.2.23)."""
    body: dict[str, Json] = {"type": "Query"}
    selectors: list[Json] = []
    for group in asked:
        which = dict(_which(group, naming))
        ids = group.ids
        selector: dict[str, Json] = {"type": which["type"]} if "type" in which else {}
        if ids:
            selector["id"] = ids[0] if len(ids) == 1 else cast("Json", list(ids))
        if group.pattern is not None:
            selector["idPattern"] = group.pattern
        if selector:
            selectors.append(selector)
    if selectors:
        body["entities"] = selectors
    attrs = dict(_attrs(asked[0].attributes, naming)).get("attrs")
    if attrs is not None:
        body["attrs"] = cast("Json", attrs.split(","))
    rest = dict(filters)
    geo: dict[str, Json] = {name: rest.pop(name) for name in _GEO if name in rest}
    if geo:
        body["geoQ"] = geo
    body.update(rest)
    return Forward(
        registration, "queryBatch", "POST", "/entityOperations/query", (_SYSTEM,), body, context=naming.context
    )


_GEO: Final = ("georel", "geometry", "coordinates", "geoproperty")


def _which(group: Group, naming: Naming) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if isinstance(group.types, tuple):
        if group.types:
            found.append(("type", ",".join(naming.names.terms[one] for one in group.types)))
    elif group.types is not None:
        found.append(("type", render(unbind(group.types, naming.names))))
    if group.ids:
        found.append(("id", ",".join(group.ids)))
    elif group.pattern is not None:
        found.append(("idPattern", group.pattern))
    return [*found, *_attrs(group.attributes, naming)]


def _attrs(attributes: Sequence[str], naming: Naming) -> list[tuple[str, str]]:
    if not attributes:
        return []
    terms = naming.names.terms
    return [("attrs", ",".join(terms[one] for one in attributes))]


def sees(parts: Iterable[Information], node: Node) -> bool:
    """Whether all that a condition looks at is registered, by each part."""
    if is_about_links(node):
        return False
    names = frozenset(names_in(node))
    return all(not one.attributes or names <= one.attributes for one in parts)


def filters_of(parts: Sequence[Information], wanted: Wanted, naming: Naming) -> tuple[tuple[str, str], ...]:
    """The parameters of those filters that the source can apply, in its names."""
    found: list[tuple[str, str]] = []
    terms = tuple(one for one in wanted.q if sees(parts, one))
    if terms:
        node = terms[0] if len(terms) == 1 else And(terms)
        found.append(("q", render(unbind(node, naming.names, wanted.expanded))))
        for name, iris in (("expandValues", wanted.expanded), ("jsonKeys", wanted.opaque)):
            if iris:
                found.append((name, ",".join(naming.names.terms[one] for one in sorted(iris))))
    if wanted.scope is not None:
        found.append(("scopeQ", cast("str", wanted.query.scope_q)))
    if wanted.geo is not None and sees(parts, wanted.geo):
        node = unbind(wanted.geo, naming.names)
        found += geo_parameters(node).items()  # type: ignore[arg-type]
    return tuple(found)
