"""What a query for context sources asks for, from its parameters (clauses 5.10.2, 6.8.3.2)."""

from __future__ import annotations

from typing import cast

from broker.errors import BadRequestData
from broker.http.exchange import Exchange
from broker.http.parameters import Parameters
from broker.http.recalling import texts_of
from broker.ldcontext.active import ActiveContext
from broker.query.ast import Geo, IdIn, Node
from broker.query.bind import bind
from broker.query.geo import parse_geo
from broker.query.ids import parse_id_pattern, parse_ids
from broker.query.q import parse_q
from broker.query.scopes import parse_scope_q
from broker.query.source_filters import SourceQuery, attributes_named
from broker.query.sources import Specification
from broker.query.temporal import TemporalQuery
from broker.query.times import NO_TIMES, parse_times
from broker.query.types import parse_types

ANY_TYPE = "*"


def source_query(exchange: Exchange) -> SourceQuery:
    """The registrations that the parameters mean. Raises BadRequestData (clause 5.10.2.4).

    `type=*` is any: with it alone all registrations are listed.
    """
    parameters, names = exchange.parameters, exchange.call.names
    text = parameters.text
    q, geo = _q(parameters, names), _geo(parameters, names)
    attributes = frozenset(_listed(parameters, names)) | set(attributes_named(q)) | set(attributes_named(geo))
    ids, pattern, types = _ids(parameters), text("idPattern"), text("type")
    if types is None and not ids and not attributes and q is None:
        raise BadRequestData(
            "This query could match every registration.", pointer="type", clause="5.10.2.4",
            remedy="Add type, attrs, q, georel or id; type=* asks for all.",
        )  # fmt: skip
    if pattern is not None:
        parse_id_pattern(pattern)
    scope, csf = text("scopeQ"), text("csf")
    wanted = Specification(
        ids, pattern, None if types in (None, ANY_TYPE) else bind(parse_types(types), names), attributes,
        frozenset(parameters.words("datasetId")),
    )  # fmt: skip
    return SourceQuery(
        (wanted,), geo, None if scope is None else parse_scope_q(scope),
        None if csf is None else bind(parse_q(csf), names), _times(parameters),
    )  # fmt: skip


def _ids(parameters: Parameters) -> tuple[str, ...]:
    text = parameters.text("id")
    if text is None:
        return ()
    return cast(IdIn, parse_ids(text)).ids


def _q(parameters: Parameters, names: ActiveContext) -> Node | None:
    text = parameters.text("q")
    if text is None:
        return None
    expand, json_keys = (frozenset(parameters.words(name)) for name in ("expandValues", "jsonKeys"))
    return bind(parse_q(text, expand_values=expand, json_keys=json_keys), names)


def _geo(parameters: Parameters, names: ActiveContext) -> Geo | None:
    text = parameters.text
    georel = text("georel")
    if georel is None:
        return None
    node = parse_geo(georel, text("geometry") or "", text("coordinates") or "", text("geoproperty"))
    return cast(Geo, bind(node, names))


def _listed(parameters: Parameters, names: ActiveContext) -> list[str]:
    """The IRIs of `attrs`; of `pick` those that name attributes."""
    found = []
    for name in ("attrs", "pick"):
        terms = [term.strip() for term in (parameters.text(name) or "").split(",")]
        found += [names.expand(term, name) for term in terms if term and term not in ("id", "type", "scope")]
    return found


def _times(parameters: Parameters) -> TemporalQuery | None:
    texts = texts_of(parameters)
    return None if texts == NO_TIMES else parse_times(texts)
