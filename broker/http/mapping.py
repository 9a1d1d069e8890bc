"""The entity map of a request: the one that NGSILD-EntityMap names, or a new one (clauses 5.5.14, 5.7.2.4, 6.4.3.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import unquote

from broker.decode.given import Given
from broker.decode.lifetime import decode_lifetime
from broker.decode.query import Query
from broker.errors import ResourceNotFound
from broker.http.exchange import Exchange
from broker.http.links import location
from broker.http.messages import Response
from broker.http.respond import Headers
from broker.model.duration import Duration
from broker.operations import entity_maps
from broker.operations.entity_maps import EntityMap, Listing
from broker.ports import INLINE, OverBudget

HEADER = "NGSILD-EntityMap"
Lists: TypeAlias = Callable[[], Iterable[str] | Listing]
"""What a map lists, where one is made."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """The map of a request, and whether the request made it."""

    map: EntityMap
    made: bool

    @property
    def headers(self) -> Headers:
        """Where the map is."""
        return map_headers(self.map)

    def answered(self, response: Response) -> Response:
        """The answer to a query: 201 instead of 200 where the map is new (clause 6.4.3.2)."""
        if self.made and response.status == 200:  # noqa: PLR2004  an answer in an older version stays 203
            return Response(201, response.headers, response.body)
        return response


def map_headers(entity_map: EntityMap) -> Headers:
    """`NGSILD-EntityMap: /ngsi-ld/v1/entityMaps/urn:…`."""
    return ((HEADER, location("entityMaps", entity_map.id)),)


def mapped(exchange: Exchange, ids: Lists, query: Query | None = None, *, temporal: bool = False) -> Mapped | None:
    """The map that the request is about; None where it is about none.

    Where it names a map that is not there, or has expired, or asks for one, a map of `ids()` is made. Not on the event
    loop: it reads and writes much.
    """
    reference = exchange.request.headers.get("ngsild-entitymap")
    wanted = exchange.parameters.flag("entityMap") or (query is not None and bool(query.entity_map))
    if reference is None and not wanted:
        return None
    if INLINE.get():
        raise OverBudget
    broker, call = exchange.house.broker, exchange.call
    found = None if reference is None else entity_maps.find_map(broker, call, _id_of(reference))
    if found is not None:
        return Mapped(found, made=False)
    return Mapped(entity_maps.make_map(broker, call, ids(), lifetime_of(exchange, query), temporal=temporal), made=True)


def map_of_one(exchange: Exchange, entity_id: str, *, temporal: bool = False) -> Headers:
    """Where the map is that a retrieval is about, new or not; none for most (clauses 5.7.1.4, 5.7.3.4).

    Raises ResourceNotFound where the map that was named does not list the entity.
    """
    found = mapped(exchange, lambda: (entity_id,), temporal=temporal)
    if found is None:
        return ()
    if not found.made and not entity_maps.holds(exchange.house.broker, exchange.call, found.map, entity_id):
        raise ResourceNotFound(
            "the entity map does not list the entity", pointer=HEADER, clause="5.5.14", remedy="leave the map out"
        )
    return found.headers


def named_map(exchange: Exchange) -> EntityMap | None:
    """The map that the request names, None where it names none. Raises ResourceNotFound where that is not there."""
    reference = exchange.request.headers.get("ngsild-entitymap")
    if reference is None:
        return None
    found = entity_maps.find_map(exchange.house.broker, exchange.call, _id_of(reference))
    if found is None:
        raise ResourceNotFound(
            "the entity map is not there, or has expired", pointer=HEADER, clause="6.4.3.3",
            remedy="make one, look at what it lists, and ask again",
        )  # fmt: skip
    return found


def lifetime_of(exchange: Exchange, query: Query | None) -> Duration | None:
    """How long the map is wanted for; None where nobody says. Raises BadRequestData."""
    text = exchange.parameters.text("entityMapLifetime") or (query and query.entity_map_lifetime)
    if not text:
        return None
    return decode_lifetime(Given(text, "entityMapLifetime", "6.4.3.2"))


def _id_of(reference: str) -> str:
    """The map's id, of its URL or as it is."""
    return unquote(reference.strip().rpartition("/")[2])
