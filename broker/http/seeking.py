"""What a query asks for, from its texts to bound nodes and a view (clauses 4.21, 5.7.1, 5.7.2, 6.4.3.2).

Parameters of a GET become the same `Query` that a POST brings in its body; from there on there is one way.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from broker.decode.query import EntitySelector, GeoQuery, Ordering, Query
from broker.encode.linking import Join
from broker.errors import BadRequestData
from broker.http.parameters import Parameters
from broker.ldcontext.active import ActiveContext
from broker.operations.consume import WHOLE, View, require_depth, require_filter
from broker.query.ast import And, HasAttribute, Node, Or, Selection
from broker.query.ast import Ordering as BoundOrdering
from broker.query.bind import bind
from broker.query.geo import parse_geo
from broker.query.ids import parse_id_pattern, parse_ids
from broker.query.ordering import bind_order, parse_order_by
from broker.query.projection import Projection, bind_projection, parse_omit, parse_pick
from broker.query.q import parse_q
from broker.query.scopes import parse_scope_q
from broker.query.types import parse_types

ANY_TYPE = "*"


@dataclass(frozen=True, slots=True)
class Sought:
    """A query understood: what to select, and how much of it to give."""

    selection: Selection
    view: View


@lru_cache(maxsize=1024)
def query_of(parameters: Parameters) -> Query:
    """The Query that the parameters of a GET or DELETE make."""
    text = parameters.text
    return Query(
        entities=_selectors(parameters),
        q=text("q"),
        geo=_geo(parameters),
        scope_q=text("scopeQ"),
        csf=text("csf"),
        lang=text("lang"),
        attrs=_words(text("attrs")),
        pick=_words(text("pick")),
        omit=_words(text("omit")),
        dataset_ids=parameters.words("datasetId"),
        contained_by=parameters.words("containedBy"),
        expand_values=",".join(parameters.words("expandValues")) or None,
        json_keys=",".join(parameters.words("jsonKeys")) or None,
        join=text("join"),
        join_level=parameters.number("joinLevel", 0) or None,
        ordering=_ordering(parameters),
    )


def _words(text: str | None) -> tuple[str, ...]:
    """The text of a list as one piece: what separates its names is the business of its parser."""
    return () if text is None else (text,)


def _selectors(parameters: Parameters) -> tuple[EntitySelector, ...]:
    types, ids, pattern = (parameters.text(name) for name in ("type", "id", "idPattern"))
    if types == ids == pattern is None:
        return ()
    return (EntitySelector(types or "", _words(ids), pattern),)


def _geo(parameters: Parameters) -> GeoQuery | None:
    georel = parameters.text("georel")
    if georel is None:
        return None
    geometry, coordinates = parameters.text("geometry") or "", parameters.text("coordinates") or ""
    return GeoQuery(georel, geometry, coordinates, parameters.text("geoproperty"))


def _ordering(parameters: Parameters) -> Ordering | None:
    order_by = parameters.text("orderBy")
    if order_by is None:
        return None
    text = parameters.text
    return Ordering(order_by, text("orderFrom"), text("orderGeometry"), text("collation"))


@lru_cache(maxsize=1024)
def seek(query: Query, names: ActiveContext, *, local: bool | None, attrs_select: bool = True) -> Sought:
    """The query, parsed and bound to the caller's @context.

    `local` is the parameter, None where it was not given; `attrs_select` says that attrs is a condition too. Raises
    BadRequestData for what no grammar knows, for a query that is too wide, and for one that reaches deeper than its
    join (clause 5.7.2.4).
    """
    types, where = [], []
    for selector in query.entities:
        parts = _selector(selector, names)
        types += [part for part in parts[:1] if selector.type not in ("", ANY_TYPE)]
        where.append(And(tuple(parts)))
    q = _q(query, names)
    geo = None if query.geo is None else _bound_geo(query.geo, names)
    attributes = attributes_of(query, names)
    require_filter(
        types=types[0] if types else None, attributes=attributes, q=q, geo=geo, local=_is_local(query, local=local)
    )
    if query.csf is not None:
        parse_q(query.csf)  # it chooses among sources, of which there are none yet: well formed is all it can be
    view = view_of(query, names)
    require_depth(q, view.projection, view.join)
    terms: list[Node] = [Or(tuple(where))] if len(where) > 1 else list(where)
    if attributes and attrs_select:
        terms.append(_has_any(attributes))
    terms += [node for node in (q, geo) if node is not None]
    if query.scope_q is not None:
        terms.append(parse_scope_q(query.scope_q))
    return Sought(Selection(_and(terms), _order(query, names)), view)


def _and(terms: list[Node]) -> Node:
    flat: list[Node] = []
    for term in terms:
        flat += term.terms if isinstance(term, And) else (term,)
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def _selector(selector: EntitySelector, names: ActiveContext) -> list[Node]:
    """The conditions of one selector, that on types first."""
    parts: list[Node] = []
    if selector.type not in ("", ANY_TYPE):
        parts.append(bind(parse_types(selector.type), names))
    if selector.ids:
        parts.append(parse_ids(",".join(selector.ids)))
    if selector.id_pattern is not None:
        parts.append(parse_id_pattern(selector.id_pattern))
    return parts


def _is_local(query: Query, *, local: bool | None) -> bool:
    """Whether only this broker's data is asked for: `local=true`, or a type selection `*` (clause 5.7.2.4)."""
    any_type = any(selector.type == ANY_TYPE for selector in query.entities)
    if any_type and local is False:
        raise BadRequestData(
            "type=* is about this broker's own entities", pointer="local", clause="6.4.3.2", remedy="leave local out"
        )
    return any_type or bool(local)


def _q(query: Query, names: ActiveContext) -> Node | None:
    if query.q is None:
        return None
    expand, json_keys = (frozenset((text or "").split(",")) - {""} for text in (query.expand_values, query.json_keys))
    return bind(parse_q(query.q, expand_values=expand, json_keys=json_keys), names)


def _bound_geo(geo: GeoQuery, names: ActiveContext) -> Node:
    return bind(parse_geo(geo.georel, geo.geometry, geo.coordinates, geo.geoproperty), names)


def _order(query: Query, names: ActiveContext) -> BoundOrdering | None:
    given = query.ordering
    if given is None:
        return None
    parsed = parse_order_by(given.order_by, given.order_from, given.order_geometry, given.collation)
    return bind_order(parsed, names)


def attributes_of(query: Query, names: ActiveContext) -> tuple[str, ...]:
    """The IRIs of `attrs`, names of core members apart (clause 6.4.3.2)."""
    terms = [term.strip() for text in query.attrs for term in text.split(",")]
    return tuple(names.expand(term, "attrs") for term in terms)


def _has_any(attributes: tuple[str, ...]) -> Node:
    found: tuple[Node, ...] = tuple(HasAttribute(name) for name in attributes)
    return found[0] if len(found) == 1 else Or(found)


def view_of(query: Query, names: ActiveContext) -> View:
    """How much of an entity is asked for: pick, omit or attrs, datasetId, join (clauses 4.21, 4.5.23).

    Raises BadRequestData for projections that exclude each other.
    """
    projection = _projection(query, names)
    join = _join(query)
    datasets = frozenset(query.dataset_ids) or None
    return View(projection, datasets, join) if projection or datasets or join else WHOLE


def _projection(query: Query, names: ActiveContext) -> Projection | None:
    given = [name for name in ("pick", "omit", "attrs") if getattr(query, name)]
    if len(given) > 1:
        raise BadRequestData(
            f"{given[0]} and {given[1]} exclude each other", pointer=given[1], clause="4.21", remedy=f"give {given[0]}"
        )
    if query.pick:
        return bind_projection(parse_pick(",".join(query.pick)), names)
    if query.omit:
        return bind_projection(parse_omit(",".join(query.omit)), names)
    if query.attrs:
        return bind_projection(parse_pick(",".join(("id", "type", "scope", *query.attrs))), names)
    return None


def _join(query: Query) -> Join | None:
    if query.join is None or query.join == "@none":
        return None
    return Join("flat" if query.join == "flat" else "inline", query.join_level or 1, frozenset(query.contained_by))
