"""`/entityMaps`, `/entityMaps/{entityMapId}`, `/temporal/entityMaps` (clauses 6.32, 6.34, 6.35)."""

from __future__ import annotations

from broker.decode.given import Given
from broker.decode.query import Query, decode_query
from broker.decode.temporal_query import decode_temporal_query
from broker.errors import BadRequestData
from broker.http.exchange import Exchange
from broker.http.mapping import lifetime_of, map_headers
from broker.http.messages import Answer, Deferred, Response
from broker.http.recalling import texts_of
from broker.http.respond import NO_CONTENT, content
from broker.http.seeking import query_of, seek
from broker.http.showing import geometry_property
from broker.http.temporal import understood
from broker.model.values import Instant
from broker.operations import entity_maps
from broker.operations.entity_maps import EntityMap, encode_map, entries
from broker.operations.mapped import evolution_ids
from broker.query.times import TemporalTexts

_OUTPUT_ONLY = frozenset({"entityMap", "linkedMaps"})
_CLAUSE = "5.2.39"


def create_entity_map(exchange: Exchange) -> Answer:
    """GET /entityMaps: 201 (clause 6.34.3.1)."""
    return _create(exchange, query_of(exchange.parameters))


def create_entity_map_by_post(exchange: Exchange) -> Answer:
    """POST /entityMaps: 201 (clause 6.34.3.2)."""
    return _create(exchange, decode_query(exchange.body))


def _create(exchange: Exchange, query: Query) -> Answer:
    geometry_property(exchange, exchange.parameters.text("geometryProperty"))
    local = exchange.parameters.flag("local") if "local" in exchange.parameters else None
    broker, call = exchange.house.broker, exchange.call
    selection = seek(query, call.names, local=local).selection
    lifetime = lifetime_of(exchange, query)
    ids = broker.places.walk_ids(call.tenant, selection, call.restriction)
    return made(exchange, entity_maps.make_map(broker, call, ids, lifetime))


def create_temporal_entity_map(exchange: Exchange) -> Answer:
    """GET /temporal/entityMaps: 201 (clause 6.35.3.1)."""
    return _create_temporal(exchange, query_of(exchange.parameters), texts_of(exchange.parameters))


def create_temporal_entity_map_by_post(exchange: Exchange) -> Answer:
    """POST /temporal/entityMaps: 201 (clause 6.35.3.2)."""
    body = decode_temporal_query(exchange.body)
    return _create_temporal(exchange, body.query, body.times)


def _create_temporal(exchange: Exchange, query: Query, times: TemporalTexts | None) -> Answer:
    found, lifetime = understood(exchange, query, times), lifetime_of(exchange, query)
    broker, call = exchange.house.broker, exchange.call
    ids = evolution_ids(broker, call, found.where, found.query)
    return made(exchange, entity_maps.make_map(broker, call, ids, lifetime, temporal=True))


def made(exchange: Exchange, entity_map: EntityMap) -> Response:
    """201 with the map and where it is."""
    listed = entries(exchange.house.broker, exchange.call, entity_map)
    return content(exchange, encode_map(entity_map, listed), map_headers(entity_map), 201)


def retrieve_entity_map(exchange: Exchange) -> Answer:
    """GET /entityMaps/{entityMapId}: 200 (clause 6.32.3.1)."""
    map_id = exchange.path["entityMapId"]
    return content(exchange, entity_maps.retrieve_map(exchange.house.broker, exchange.call, map_id))


def update_entity_map(exchange: Exchange) -> Answer:
    """PATCH /entityMaps/{entityMapId}: 204 (clause 6.32.3.2)."""
    map_id = exchange.path["entityMapId"]
    expires_at = _new_expiry(Given(exchange.body, "", _CLAUSE), map_id)
    return Deferred(entity_maps.update_map(exchange.house.broker, exchange.call, map_id, expires_at), _no_content)


def delete_entity_map(exchange: Exchange) -> Answer:
    """DELETE /entityMaps/{entityMapId}: 204 (clause 6.32.3.3)."""
    pending = entity_maps.delete_map(exchange.house.broker, exchange.call, exchange.path["entityMapId"])
    return Deferred(pending, _no_content)


def _new_expiry(fragment: Given, map_id: str) -> Instant | None:
    members = fragment.members()
    for name in members:
        if name == "type":
            fragment.member(name).one_of("EntityMap")
        elif name == "id" and members[name] != map_id:
            raise fragment.member(name).refused("the id of the path, or none")
        elif name not in _OUTPUT_ONLY and name not in ("id", "expiresAt"):
            raise BadRequestData(
                f"an entity map has no member {name[:50]!r}",
                pointer=f"/{name[:50]}",
                clause=_CLAUSE,
                remedy="expiresAt",
            )
    return fragment.member("expiresAt").instant() if "expiresAt" in members else None


def _no_content(_: None) -> Response:
    return NO_CONTENT
