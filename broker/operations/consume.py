"""Consuming context: retrieve one entity, query many (clauses 5.7.1, 5.7.2).

    retrieve_entity(broker, call, "urn:ngsi-ld:House:1") -> Entity
    query_entities(broker, call, Selection(HasType("https://…/House")), Window(limit=20)) -> Page

What comes back is what the caller may see, cut to what they asked for (`View`): the encoder only writes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from broker.encode.linking import Join, Linker
from broker.errors import BadRequestData, ResourceNotFound
from broker.model.entity import Document, Entity
from broker.operations import likeness
from broker.operations.broker import Broker, Call
from broker.operations.identifiers import require_uri
from broker.ports import Page
from broker.query.ast import (
    And,
    Between,
    Compare,
    Exists,
    Geo,
    HasAttribute,
    Linked,
    Node,
    OneOf,
    Or,
    Pattern,
    Selection,
    Window,
)
from broker.query.match import matches
from broker.query.projection import Projection, keep_datasets, project

NGSI_LD = "https://uri.etsi.org/ngsi-ld/"
SYSTEM = frozenset({"createdAt", "modifiedAt", "deletedAt", "expiresAt"})


@dataclass(frozen=True, slots=True)
class View:
    """How much of an entity to give.

    `projection` (bound) are pick or omit; `dataset_ids` the instances to keep, `@none` being the default one;
    `join` the linked entities.
    """

    projection: Projection | None = None
    dataset_ids: frozenset[str] | None = None
    join: Join | None = None


WHOLE = View()


def retrieve_entity(
    broker: Broker, call: Call, entity_id: str, types: Node | None = None, view: View = WHOLE
) -> Entity:
    """Retrieve Entity (clause 5.7.1), linked entities inside of it where the join is inline.

    Raises ResourceNotFound where there is none, of these types, or with any of the attributes that were picked;
    BadRequestData where the id is no URI.
    """
    entity = broker.entities.get(call.tenant, entity_id)
    if call.restriction.view is not None:
        entity = likeness.show(call.restriction, call.tenant, entity)
    if entity is None or (types is not None and not matches(types, entity, _nothing_linked)):
        require_uri(entity_id)
        raise _not_found(entity_id)
    return entity if view is WHOLE else _viewed(broker, call, entity, view)


def retrieve_with_linked(
    broker: Broker, call: Call, entity_id: str, types: Node | None = None, view: View = WHOLE
) -> list[Entity]:
    """Retrieve Entity with a flat join (clause 4.5.23.3): the entity, then those it links to, each once."""
    whole = retrieve_entity(broker, call, entity_id, types)
    if view.join is None:
        return [_viewed(broker, call, whole, view)]
    kept = of_datasets(whole, view.dataset_ids)
    found = _linker(broker, call, view.join).flat([kept], view.projection)
    _require_picked(found[0], view.projection)
    return found


def query_entities(broker: Broker, call: Call, selection: Selection, window: Window, view: View = WHOLE) -> Page:
    """Query Entities (clause 5.7.2): a page in the order asked for, linked entities behind it where the join is flat.

    `selection` is bound, and holds every filter of the request. Raises TooComplexQuery and TooManyResults past the
    limits. `total` and `more` speak of the selected entities, not of linked ones.
    """
    return viewed_page(broker, call, broker.entities.select(call.tenant, selection, window, call.restriction), view)


def viewed_page(broker: Broker, call: Call, page: Page, view: View) -> Page:
    """The page with as much of each entity as was asked for, and linked entities where they were."""
    if view is WHOLE or not page.entities:
        return page
    kept = [of_datasets(entity, view.dataset_ids) for entity in page.entities]
    if view.join is None:
        shown = [_projected(entity, view.projection) for entity in kept]
    elif view.join.mode == "flat":
        shown = _linker(broker, call, view.join).flat(kept, view.projection)
    else:
        linker = _linker(broker, call, view.join)
        shown = [linker.inline(entity, view.projection) for entity in kept]
    return Page(shown, page.total, page.more)


def of_datasets(entity: Entity, dataset_ids: frozenset[str] | None) -> Entity:
    """The entity with the instances of these datasets only; attributes left without one go (clause 5.7.2.4)."""
    if dataset_ids is None:
        return entity
    return _with(entity, keep_datasets(entity.document, dataset_ids))


def require_filter(
    *, types: Node | None, attributes: Iterable[str], q: Node | None, geo: Node | None, local: bool
) -> None:
    """Raise BadRequestData where a query is too wide (clause 5.7.2.4).

    It has a type selection, an attribute name (IRI), a q on an attribute, a geo-query, or is local. System attributes
    alone do not count.
    """
    if local or types is not None or geo is not None:
        return
    if any(not is_system(name) for name in attributes) or (q is not None and any(map(_is_own, _names(q)))):
        return
    raise BadRequestData(
        "This query could match everything.",
        pointer="type",
        clause="5.7.2.4",
        remedy="Add type, attrs, q on an attribute, or georel; or ask with local=true.",
    )


def require_depth(q: Node | None, projection: Projection | None, join: Join | None) -> None:
    """Raise BadRequestData where q or a projection goes deeper into linked entities than the join (clause 5.7.2.4)."""
    level = 0 if join is None else join.level
    for pointer, depth in (("q", linked_depth(q)), ("pick", 0 if projection is None else projection.depth)):
        if depth > level:
            raise BadRequestData(
                f"This reaches {depth} levels into linked entities, and {level} are joined.",
                pointer=pointer,
                clause="5.7.2.4",
                remedy=f"Ask with join=inline&joinLevel={depth}.",
            )


def linked_depth(node: Node | None) -> int:
    """How many levels of linked entities a condition reaches into: 1 for `rel{name}`."""
    match node:
        case And(terms) | Or(terms):
            return max(map(linked_depth, terms), default=0)
        case Linked(_, _, inner):
            return 1 + linked_depth(inner)
        case _:
            return 0


def is_system(name: str) -> bool:
    """Whether this is a system attribute: `createdAt`, or its IRI."""
    return name.removeprefix(NGSI_LD) in SYSTEM


def _is_own(name: str) -> bool:
    return not is_system(name)


def _names(node: Node) -> list[str]:
    match node:
        case And(terms) | Or(terms):
            return [name for term in terms for name in _names(term)]
        case Exists(path) | Compare(path) | OneOf(path) | Between(path) | Pattern(path) | Linked(path) | Geo(path):
            return [path.name]
        case HasAttribute(name):
            return [name]
        case _:
            return []


def _linker(broker: Broker, call: Call, join: Join) -> Linker:
    def follow(entity_id: str) -> Entity | None:
        return call.restriction.show(broker.entities.get(call.tenant, entity_id))

    return Linker(follow, join)


def _viewed(broker: Broker, call: Call, entity: Entity, view: View) -> Entity:
    kept = of_datasets(entity, view.dataset_ids)
    if view.join is not None and view.join.mode == "inline":
        shown = _linker(broker, call, view.join).inline(kept, view.projection)
    else:
        shown = _projected(kept, view.projection)
    _require_picked(shown, view.projection)
    return shown


def _require_picked(shown: Entity, projection: Projection | None) -> None:
    """Raise ResourceNotFound where attributes were picked and the entity has none of them (clause 5.7.1.4)."""
    if projection is None or projection.omits:
        return
    picked = [name for name in projection.by_name if ":" in name]
    if picked and not any(name in shown.document for name in picked):
        raise ResourceNotFound(
            "The entity has none of the attributes that were asked for.",
            pointer="pick",
            clause="5.7.1.4",
            remedy="Retrieve the entity without pick to see what it has.",
        )


def _projected(entity: Entity, projection: Projection | None) -> Entity:
    return entity if projection is None else _with(entity, project(entity.document, projection))


def _with(entity: Entity, document: Document) -> Entity:
    return Entity(document, entity.created_at, entity.modified_at, entity.expires_at, entity.version)


def _nothing_linked(_: str) -> Entity | None:
    return None


def _not_found(entity_id: str) -> ResourceNotFound:
    return ResourceNotFound(
        f"There is no entity {entity_id}.",
        pointer="entityId",
        clause="5.7.1.4",
        remedy="Create it by POST to /entities, or query /entities for what there is.",
    )
