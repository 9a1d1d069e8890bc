"""Types and attributes of all sources that tell of them, with those that are here (clauses 5.7.5 to 5.7.11).

Each source that serves the operation is asked for it; the lists are united, and numbers are added up: an entity that
is spread over sources counts at each (clause 5.7.11 takes estimates).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import quote

from broker.errors import BadRequestData
from broker.http.exchange import Exchange
from broker.http.messages import Answer
from broker.ldcontext.active import ActiveContext
from broker.model.entity import VALUE_MEMBER, Document, Entity
from broker.model.values import Json
from broker.ports import INLINE, AttributeCount, OverBudget, Restriction, TypeCount
from broker.query.ast import HasType
from broker.query.sources import Specification
from federation.consume import shown, shown_here
from federation.found import Heard, loop_of, naming_of, sources_of
from federation.hub import FarHandler, Hub, Local
from federation.messages import Forward, Match
from federation.overlay import Counted

NAMES_MAX: Final = 10_000
"""Names in the list of one source."""
_COUNT_MAX: Final = 2**53


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: the operation of Table 4.20-1, its path in the names of a source, and what it is about."""

    operation: str
    path: Callable[[ActiveContext], str]
    about: Specification
    details: bool = False


def list_types(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """GET /types (clauses 5.7.5, 5.7.6)."""
    details = exchange.parameters.flag("details")
    operation = "retrieveEntityTypeDetails" if details else "retrieveEntityTypes"
    return _answer(hub, exchange, local, Question(operation, lambda _: "/types", Specification(), details))


def describe_type(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """GET /types/{type} (clause 5.7.7)."""
    iri = exchange.call.names.expand(exchange.path["type"], "type")

    def path(names: ActiveContext) -> str:
        return f"/types/{quote(names.terms[iri], safe='')}"

    return _answer(hub, exchange, local, Question("retrieveEntityTypeInfo", path, Specification(types=HasType(iri))))


def list_attributes(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """GET /attributes (clauses 5.7.8, 5.7.9)."""
    details = exchange.parameters.flag("details")
    operation = "retrieveAttrTypeDetails" if details else "retrieveAttrTypes"
    return _answer(hub, exchange, local, Question(operation, lambda _: "/attributes", Specification(), details))


def describe_attribute(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """GET /attributes/{attrId} (clause 5.7.10)."""
    try:
        iri = exchange.call.names.expand(exchange.path["attrId"], "attrId")
    except BadRequestData:
        return local(exchange)

    def path(names: ActiveContext) -> str:
        return f"/attributes/{quote(names.terms[iri], safe='')}"

    about = Specification(attributes=frozenset((iri,)))
    return _answer(hub, exchange, local, Question("retrieveAttrTypeInfo", path, about))


HANDLERS: Mapping[str, FarHandler] = {
    "retrieve_entity_types": list_types,
    "retrieve_entity_type": describe_type,
    "retrieve_attributes": list_attributes,
    "retrieve_attribute": describe_attribute,
}


def _answer(hub: Hub, exchange: Exchange, local: Local, question: Question) -> Answer:
    matches = sources_of(hub, exchange, (question.about,), (question.operation,))
    if not matches:
        return local(exchange)
    if INLINE.get():
        raise OverBudget
    loop = loop_of(hub, exchange)
    if loop is not None:
        return shown_here(exchange, local, loop)
    heard, asked = Heard(exchange, matches), []
    for match in matches:
        naming = naming_of(exchange, match)
        parameters = (("details", "true"),) if question.details else ()
        path = question.path(naming.names)
        asked.append(
            (match, Forward(match.registration, question.operation, "GET", path, parameters, context=naming.context))
        )
    answers = hub.sources.ask(exchange, [forward for _, forward in asked])
    counted = Counted(exchange.house.broker.entities)
    for (match, _), answered in zip(asked, answers, strict=True):
        for body in heard.take(match, answered)[:NAMES_MAX]:
            try:
                found = _read(body, naming_of(exchange, match).names)
            except BadRequestData as error:
                heard.invalid(match, str(error))
                continue
            _add(counted, _shown(_offered(found, match), exchange.call.restriction))
    return shown(exchange, local, counted, heard.warnings)


def _read(body: Json, names: ActiveContext) -> list[TypeCount | AttributeCount]:
    """What one object of an answer tells. Raises BadRequestData."""
    if not isinstance(body, dict):
        raise BadRequestData("neither types nor attributes", clause="5.2.24", remedy='{"type": "EntityTypeList", …}')
    match body.get("type"):
        case "EntityTypeList":
            return [TypeCount(one, 0, {}) for one in _iris(body.get("typeList"), names)]
        case "AttributeList":
            return [AttributeCount(one, 0, _NONE, _NONE) for one in _iris(body.get("attributeList"), names)]
        case "EntityType":
            attributes = dict.fromkeys(_iris(body.get("attributeNames"), names), _NONE)
            return [TypeCount(_iri(body.get("typeName"), names), 0, attributes)]
        case "EntityTypeInfo":
            details = [_attribute(one, names) for one in _list(body.get("attributeDetails"))]
            kinds = {one.iri: one.kinds for one in details}
            return [TypeCount(_iri(body.get("typeName"), names), _number(body.get("entityCount")), kinds)]
        case "Attribute":
            return [_attribute(body, names)]
        case _:
            raise BadRequestData(
                "neither types nor attributes", clause="5.2.24", remedy='{"type": "EntityTypeList", …}'
            )


_NONE: Final = frozenset[str]()


def _attribute(body: Json, names: ActiveContext) -> AttributeCount:
    if not isinstance(body, dict):
        raise BadRequestData("no attribute", clause="5.2.28", remedy='{"type": "Attribute", …}')
    kinds = frozenset(one for one in _list(body.get("attributeTypes")) if isinstance(one, str) and one in VALUE_MEMBER)
    types = frozenset(_iris(body.get("typeNames"), names))
    return AttributeCount(_iri(body.get("attributeName"), names), _number(body.get("attributeCount")), kinds, types)


def _list(value: Json) -> list[Json]:
    return value[:NAMES_MAX] if isinstance(value, list) else []


def _iris(value: Json, names: ActiveContext) -> list[str]:
    return [_iri(one, names) for one in _list(value)]


def _iri(value: Json, names: ActiveContext) -> str:
    if not isinstance(value, str):
        raise BadRequestData("a name is a text", clause="5.2.24", remedy="a name of the @context, or an IRI")
    return names.expand(value)


def _number(value: Json) -> int:
    return min(max(value, 0), _COUNT_MAX) if isinstance(value, int) and not isinstance(value, bool) else 0


def _offered(found: Iterable[TypeCount | AttributeCount], match: Match) -> list[TypeCount | AttributeCount]:
    """What of it the source has registered: its types and attributes, where it names any."""
    parts = match.information
    infos = [info for part in parts for info in part.entities]
    closed = all(part.entities for part in parts) and all(info.types for info in infos)
    types = frozenset(one for info in infos for one in info.types) if closed else None
    names = frozenset(one for part in parts for one in part.attributes) if all(p.attributes for p in parts) else None
    kept: list[TypeCount | AttributeCount] = []
    for one in found:
        if isinstance(one, TypeCount):
            if types is None or one.iri in types:
                inner = {iri: kinds for iri, kinds in one.attributes.items() if names is None or iri in names}
                kept.append(TypeCount(one.iri, one.entities, inner))
        elif names is None or one.iri in names:
            kept.append(AttributeCount(one.iri, one.instances, one.kinds, one.types & types if types else one.types))
    return kept


def _shown(
    found: Iterable[TypeCount | AttributeCount], restriction: Restriction
) -> Iterable[TypeCount | AttributeCount]:
    """What of it the caller may see: what would be left of an entity of that type, with that attribute."""
    if restriction.view is None:
        return found
    kept: list[TypeCount | AttributeCount] = []
    for one in found:
        if isinstance(one, AttributeCount):
            types = frozenset(each for each in one.types if _seen(restriction, each, one.iri))
            if types or (not one.types and _seen(restriction, _ANY_TYPE, one.iri)):
                kept.append(AttributeCount(one.iri, one.instances, one.kinds, types))
        elif _seen(restriction, one.iri):
            inner = {iri: kinds for iri, kinds in one.attributes.items() if _seen(restriction, one.iri, iri)}
            kept.append(TypeCount(one.iri, one.entities, inner))
    return kept


_ANY_TYPE: Final = "urn:ngsi-ld:any"


def _seen(restriction: Restriction, type_iri: str, attribute: str | None = None) -> bool:
    document: Document = {"id": _ANY_TYPE, "type": type_iri}
    if attribute is not None:
        document[attribute] = cast("Json", {"type": "Property", "value": 0})
    left = restriction.show(Entity(document, 0, 0))
    return left is not None and (attribute is None or attribute in left.document)


def _add(counted: Counted, found: Iterable[TypeCount | AttributeCount]) -> None:
    for one in found:
        if isinstance(one, TypeCount):
            counted.add_type(one)
        else:
            counted.add_attribute(one)
