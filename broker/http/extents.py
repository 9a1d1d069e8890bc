"""Answers that tell of persons without showing them: how many there are, which, how far they reach (pure).

A count, a map and the numbers beside a type or an attribute rest on everybody whom the policy showed while they were
made: that somebody is among them is told, and that somebody is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias, cast

from broker.decode.query import Query, decode_query
from broker.decode.temporal_query import decode_temporal_query
from broker.decode.text import parse_json
from broker.http.exchange import Exchange
from broker.http.messages import Response
from broker.http.seeking import query_of, seek
from broker.operations.consume import linked_depth
from broker.ports.disclosing import Disclosing, Extent
from broker.query.ast import HasType, Or
from broker.query.concerning import attributes_in

_COUNT: Final = "NGSILD-Results-Count"
_ERRORS: Final = 300
_Reads: TypeAlias = Callable[[Exchange], Query]


def note_extent(found: Disclosing, operation: str, exchange: Exchange, response: Response) -> None:
    """Note what the answer tells beside the entities in it; most tell nothing."""
    if response.status >= _ERRORS:
        return
    if operation in COUNTED:
        if any(name == _COUNT for name, _ in response.headers):
            found.left_extent(_sought("count", exchange, COUNTED[operation]))
    elif operation in MAPS:
        found.left_extent(_sought("map", exchange, MAPS[operation]))
    elif operation in OTHERS:
        found.left_extent(OTHERS[operation](found, exchange, response))


def _sought(kind: str, exchange: Exchange, read: _Reads) -> Extent:
    """What the query of a request asks; it was answered, so that it is not too wide."""
    where = seek(read(exchange), exchange.call.names, local=True).selection.where
    if linked_depth(where):  # linked entities may be of any type, and whatever of them was looked at counts
        return Extent(kind)
    return Extent(kind, where, attributes_in(where))


def _by_get(exchange: Exchange) -> Query:
    return query_of(exchange.parameters)


def _by_post(exchange: Exchange) -> Query:
    return decode_query(exchange.body)


def _temporal_by_post(exchange: Exchange) -> Query:
    return decode_temporal_query(exchange.body).query


def _of_map(_found: Disclosing, _exchange: Exchange, _response: Response) -> Extent:
    return Extent("map")


def _of_type(_found: Disclosing, exchange: Exchange, _response: Response) -> Extent:
    return Extent("count", HasType(exchange.call.names.expand(exchange.path["type"], "type")))


def _of_attribute(found: Disclosing, exchange: Exchange, response: Response) -> Extent:
    """Entities that have it for their persons' sake; where it is nobody's, those of the types that have it."""
    names = exchange.call.names
    iri = names.expand(exchange.path["attrId"], "attrId")
    if found.looked_at(iri):
        return Extent("count", names=frozenset({iri}), strict=True)
    body = cast("Mapping[str, object]", parse_json(response.body))
    types = cast("list[str]", body.get("typeNames", []))
    return Extent("count", Or(tuple(HasType(names.expand(one, "type")) for one in types)))


def _of_everything(_found: Disclosing, _exchange: Exchange, _response: Response) -> Extent:
    return Extent("extent")


COUNTED: Final[Mapping[str, _Reads]] = {
    "query_entities": _by_get,
    "query_entities_by_post": _by_post,
    "query_temporal_evolutions": _by_get,
    "query_temporal_by_post": _temporal_by_post,
}
MAPS: Final[Mapping[str, _Reads]] = {
    "create_entity_map": _by_get,
    "create_entity_map_by_post": _by_post,
    "create_temporal_entity_map": _by_get,
    "create_temporal_entity_map_by_post": _temporal_by_post,
}
OTHERS: Final[Mapping[str, Callable[[Disclosing, Exchange, Response], Extent]]] = {
    "retrieve_entity_map": _of_map,
    "retrieve_entity_type": _of_type,
    "retrieve_attribute": _of_attribute,
    "show_catalogue": _of_everything,
}
