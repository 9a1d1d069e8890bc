"""A query of entities, taken apart: by what sources are matched, and what they are asked (clause 5.7.2.4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from broker.decode.query import EntitySelector, Query
from broker.ldcontext.active import ActiveContext
from broker.query.ast import (
    Absent,
    And,
    Between,
    Compare,
    Exists,
    Geo,
    HasAttribute,
    IdIn,
    Linked,
    Node,
    OneOf,
    Or,
    Pattern,
)
from broker.query.bind import bind
from broker.query.geo import parse_geo
from broker.query.ids import parse_ids
from broker.query.q import parse_q
from broker.query.scopes import parse_scope_q
from broker.query.sources import Specification
from broker.query.targets import ENTITY_ELEMENTS
from broker.query.types import parse_types


@dataclass(frozen=True, slots=True)
class Wanted:
    """A query, bound to IRIs.

    `selectors` are the entities it is about, one of them enough; `query` its texts in the names of the request;
    `q` (the terms that must all hold), `geo` and `scope` its filters; `attributes` those it names in `attrs`, none
    being any. `expanded` and `opaque` are the attributes (IRIs) of expandValues and jsonKeys.
    """

    selectors: tuple[Specification, ...]
    query: Query
    q: tuple[Node, ...] = ()
    geo: Geo | None = None
    scope: Node | None = None
    attributes: frozenset[str] = frozenset()
    expanded: frozenset[str] = frozenset()
    opaque: frozenset[str] = frozenset()

    @property
    def filters(self) -> tuple[Node, ...]:
        """All that an entity has to meet beside being one of the selectors'; `attrs` is one of them."""
        found = (*self.q, *(one for one in (self.geo, self.scope) if one is not None))
        if self.attributes:
            return (*found, Or(tuple(map(HasAttribute, sorted(self.attributes)))))
        return found


@lru_cache(maxsize=1024)
def wanted_of(query: Query, names: ActiveContext, attributes: tuple[str, ...], *, split: bool) -> Wanted:
    """The query taken apart; `attributes` are the IRIs of its `attrs`.

    Of split entities, registrations that have only what is filtered by are asked too. Raises BadRequestData.
    """
    geo = query.geo
    expand, opaque = _words(query.expand_values), _words(query.json_keys)
    q = None if query.q is None else bind(parse_q(query.q, expand_values=expand, json_keys=opaque), names)
    bound: Geo | None = None
    if geo is not None:
        node = bind(parse_geo(geo.georel, geo.geometry, geo.coordinates, geo.geoproperty), names)
        assert isinstance(node, Geo)
        bound = node
    terms = () if q is None else _terms(q)
    scope = None if query.scope_q is None else parse_scope_q(query.scope_q)
    known = frozenset(attributes)
    if split and known:
        known |= frozenset(name for node in (*terms, *((bound,) if bound else ())) for name in names_in(node))
    selectors = tuple(_specification(one, names, known, query.dataset_ids) for one in query.entities)
    anything = Specification(attributes=known, dataset_ids=frozenset(query.dataset_ids))
    return Wanted(
        selectors or (anything,), query, terms, bound, scope, frozenset(attributes),
        frozenset(names.expand(one, "expandValues") for one in expand),
        frozenset(names.expand(one, "jsonKeys") for one in opaque),
    )  # fmt: skip


def names_in(node: Node) -> Iterator[str]:
    """The attributes (IRIs) a condition looks at; elements of the entity itself are none."""
    match node:
        case And(terms) | Or(terms):
            for term in terms:
                yield from names_in(term)
        case Exists(path) | Absent(path) | Compare(path) | OneOf(path) | Between(path) | Pattern(path):
            if path.subs or path.name not in ENTITY_ELEMENTS:
                yield path.name
        case Linked(path) | Geo(path):
            yield path.name
        case HasAttribute(name):
            yield name
        case _:
            return


def is_about_links(node: Node) -> bool:
    """Whether a condition reaches into linked entities, which may be held anywhere."""
    match node:
        case And(terms) | Or(terms):
            return any(map(is_about_links, terms))
        case _:
            return isinstance(node, Linked)


def _terms(node: Node) -> tuple[Node, ...]:
    return node.terms if isinstance(node, And) else (node,)


def _words(text: str | None) -> frozenset[str]:
    return frozenset((text or "").split(",")) - {""}


def _specification(
    selector: EntitySelector, names: ActiveContext, attributes: frozenset[str], datasets: tuple[str, ...]
) -> Specification:
    types = None if selector.type in ("", "*") else bind(parse_types(selector.type), names)
    listed = parse_ids(",".join(selector.ids)) if selector.ids else IdIn(())
    assert isinstance(listed, IdIn)
    return Specification(listed.ids, selector.id_pattern, types, attributes, frozenset(datasets))
