"""Entity maps over sources: who has what, fixed by the first of a sequence of requests (clauses 4.3.6.7, 5.5.14, 5.14).

listing   what this broker finds, then what each source lists: by an entity map of its own where it makes one
page      the entities of the map, filters checked again on the whole of each; what no longer fits is struck out
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final
from urllib.parse import unquote

from broker.decode.query import Query, decode_query
from broker.errors import BadRequestData
from broker.http.entity_maps import made
from broker.http.exchange import Exchange
from broker.http.links import location
from broker.http.mapping import HEADER, Mapped, lifetime_of, map_headers, mapped
from broker.http.messages import Answer
from broker.http.query import links_of, window_of
from broker.http.respond import Headers
from broker.http.seeking import ANY_TYPE, Sought, attributes_of, query_of, seek
from broker.http.showing import geometry_property, show_many
from broker.model.entity import Entity
from broker.model.names import is_uri
from broker.model.values import Json
from broker.operations.broker import Broker
from broker.operations.consume import linked_depth, viewed_page
from broker.operations.entity_maps import LOCAL, MAP_MAX, Entry, Listing, entries, find_map, make_map
from broker.operations.mapped import Look, ids_of, listed_page
from broker.ports import INLINE, OverBudget, Page
from broker.query.ast import Selection
from broker.query.match import matches as fits
from federation.found import QUERIES, Heard, chosen, loop_of, naming_of, sources_of
from federation.hub import FarHandler, Hub, Local
from federation.incoming import id_of
from federation.linked import Links
from federation.merge_temporal import identity_of
from federation.messages import Answered, Forward, Match, Warned
from federation.overlay import Overlay
from federation.plan import Asking, decides, narrowed, query, serves
from federation.wanted import Wanted, names_in, wanted_of
from federation.warned import with_warnings

MAKES_MAPS: Final = "createEntityMapQueryEntity"
STEP: Final = 1_000
"""Entities asked of a source at once."""
LISTED_MAX: Final = 100_000
"""Entities of one source that makes no maps."""
CHUNK: Final = 200
"""Entities asked for by their ids at once."""


def wants_map(exchange: Exchange, query_: Query | None = None) -> bool:
    """Whether a request is one of a sequence over an entity map, or begins one."""
    if "ngsild-entitymap" in exchange.request.headers or exchange.parameters.flag("entityMap"):
        return True
    return query_ is not None and bool(query_.entity_map)


def create_entity_map(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """GET /entityMaps (clause 5.14.4)."""
    return _create(hub, exchange, local, query_of(exchange.parameters))


def create_entity_map_by_post(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """POST /entityMaps (clause 5.14.4)."""
    return _create(hub, exchange, local, decode_query(exchange.body))


def _create(hub: Hub, exchange: Exchange, local: Local, asked: Query) -> Answer:
    mapping = mapping_of(hub, exchange, asked)
    if mapping is None:
        return local(exchange)
    geometry_property(exchange, exchange.parameters.text("geometryProperty"))
    lifetime = lifetime_of(exchange, asked)
    call, broker = exchange.call, exchange.house.broker
    answer = made(exchange, make_map(broker, call, mapping.listing(), lifetime))
    return with_warnings(answer, mapping.warnings)


def query_in_map(hub: Hub, exchange: Exchange, local: Local, asked: Query) -> Answer:
    """Query Entities with an entity map, by GET or POST (clause 5.7.2.4)."""
    mapping = mapping_of(hub, exchange, asked)
    if mapping is None:
        return local(exchange)
    return mapping.answer()


def mapping_of(hub: Hub, exchange: Exchange, asked: Query) -> MapQuery | None:
    """The query as one over an entity map; None where no source matches. Raises OverBudget on the event loop."""
    if any(one.type == ANY_TYPE for one in asked.entities):
        return None
    names, parameters = exchange.call.names, exchange.parameters
    split = parameters.flag("splitEntities") or bool(asked.split_entities)
    attributes = attributes_of(asked, names)
    wanted = wanted_of(asked, names, attributes, split=split)
    matches = chosen(sources_of(hub, exchange, wanted.selectors, QUERIES), asked, names)
    if not matches:
        return None
    if INLINE.get():
        raise OverBudget
    sought = seek(asked, names, local=parameters.flag("local") if "local" in parameters else None)
    if sought.selection.order is not None:
        raise BadRequestData(
            "entities of several sources are not ordered", pointer="orderBy", clause="5.14.4.4",
            remedy="local=true, or leave orderBy out",
        )  # fmt: skip
    loop = loop_of(hub, exchange)
    return MapQuery(hub, exchange, wanted, sought, [] if loop else matches, split, [loop] if loop else [])


@dataclass(slots=True)
class MapQuery:
    """A query over an entity map; `warnings` grow as sources fail."""

    hub: Hub
    exchange: Exchange
    wanted: Wanted
    sought: Sought
    matches: Sequence[Match]
    split: bool
    warnings: list[Warned] = field(default_factory=list)

    def listing(self) -> Listing:
        """Who has what (clause 5.14.4.4): of split entities, all candidates."""
        call, places = self.exchange.call, self.exchange.house.broker.places
        where = identity_of(self.sought.selection.where) if self.split else self.sought.selection.where
        here = list(islice(places.walk_ids(call.tenant, Selection(where), call.restriction), MAP_MAX + 1))
        sources: dict[str, list[str]] = {one: [LOCAL] for one in here}
        linked: dict[str, str] = {}
        for match, ids, map_id in self._listed():
            if map_id is not None:
                linked[match.registration.id] = map_id
            for one in ids:
                known = sources.setdefault(one, [])
                if match.registration.id not in known:
                    known.append(match.registration.id)
        elsewhere = {one: told for one, told in sources.items() if told != [LOCAL]}
        return Listing(list(sources), elsewhere, linked)

    def answer(self) -> Answer:
        """The page of the map that the request names, or of a new one."""
        exchange, asked = self.exchange, self.wanted.query
        geometry_property(exchange, exchange.parameters.text("geometryProperty"))
        held = mapped(exchange, self.listing, asked)
        assert held is not None
        window, view = window_of(exchange), self.sought.view
        call, broker = exchange.call, exchange.house.broker
        listed = listed_page(broker, call, held.map, window, self._look(held))
        page = viewed_page(self._joining(listed.found), call, Page(listed.found, listed.total, listed.more), view)
        headers: Headers = () if page.total is None else (("NGSILD-Results-Count", str(page.total)),)
        if window.limit and (page.more or window.offset):
            headers += links_of(exchange, window, more=page.more)
        shown = [entity for entity in page.entities if entity.document]
        response = show_many(exchange, shown, asked.lang, headers + held.headers)
        return with_warnings(held.answered(response), self.warnings)

    def _joining(self, entities: Sequence[Entity]) -> Broker:
        """The broker that knows these entities, and what they link to wherever that is."""
        broker, join = self.exchange.house.broker, self.sought.view.join
        if join is None:
            return broker
        links = Links(self.hub, self.exchange, {one.id: one for one in entities}, self.warnings)
        links.follow(entities, join.level)
        return replace(broker, entities=Overlay(broker.entities, links.known))

    def _look(self, held: Mapped) -> Look[Entity]:
        def read(chunk: list[Entry]) -> Mapping[str, Entity]:
            return self._read(held, chunk)

        return Look(read, lambda chunk: read(chunk).keys(), self.sought.selection.where)

    def _read(self, held: Mapped, chunk: list[Entry]) -> dict[str, Entity]:
        """The entities of these entries that fit, each whole."""
        exchange = self.exchange
        heard = Heard(exchange, self.matches, warnings=self.warnings)
        call, store = exchange.call, exchange.house.broker.entities
        here = store.get_many(call.tenant, [entry.id for entry in chunk if LOCAL in entry.sources])
        for one in here.values():
            shown = call.restriction.show(one)
            if shown is not None:
                heard.here[shown.id] = shown
        asked = [pair for match in self.matches for pair in self._forwards(held, match, chunk)]
        if asked:
            known = frozenset(ids_of(chunk))
            answers = self.hub.sources.ask(exchange, [forward for _, forward in asked])
            for (match, _), answered in zip(asked, answers, strict=True):
                for body in heard.take(match, answered):
                    if id_of(body) in known:
                        heard.read(match, body)
        merged = [entity for entry in chunk if (entity := heard.merged(entry.id)) is not None]
        depth = linked_depth(self.sought.selection.where)
        links = Links(self.hub, exchange, warnings=self.warnings)
        if depth:
            links.follow(merged, depth)
        where = self.sought.selection.where
        return {entity.id: entity for entity in merged if fits(where, entity, links.get)}

    def _forwards(self, held: Mapped, match: Match, chunk: list[Entry]) -> Iterator[tuple[Match, Forward]]:
        """What a source is asked of these entries: of those it lists, or, where it cannot tell, of all."""
        source, naming = match.registration.id, naming_of(self.exchange, match)
        asks_all = not (self.split or decides(match, self.wanted))
        ids = [entry.id for entry in chunk if asks_all or source in entry.sources]
        linked = held.map.linked.get(source)
        headers = () if linked is None or asks_all else ((HEADER, location("entityMaps", linked)),)
        for at in range(0, len(ids), CHUNK):
            some = ids[at : at + CHUNK]
            for forward in narrowed(match, some, self._asking(), naming):
                if forward.operation == "retrieveEntity":
                    yield match, forward
                    continue
                limit = (("limit", str(len(some))),)
                yield match, replace(forward, parameters=forward.parameters + limit, headers=headers)

    def _asking(self) -> Asking:
        return Asking(self.wanted, self._needed(), self.split)

    def _needed(self) -> frozenset[str] | None:
        """The attributes that the query is answered and decided with; None for all."""
        if self.split or not self.wanted.attributes:
            return None
        return self.wanted.attributes | {name for node in self.wanted.filters for name in names_in(node)}

    def _listed(self) -> Iterator[tuple[Match, list[str], str | None]]:
        """Each source, what it lists, and the map it made of that."""
        forwards = [(match, one) for match in self.matches for one in self._queries(match)]
        by_map = [(match, one) for match, one in forwards if self._maps(match, forwards)] if self._sees_all else []
        answers = self.hub.sources.ask(self.exchange, [map_forward(one) for _, one in by_map]) if by_map else []
        told: set[str] = set()
        for (match, _), answered in zip(by_map, answers, strict=True):
            found = read_map(answered)
            if found is not None:
                told.add(match.registration.id)
                yield match, found[1], found[0]
        rest = [(match, one) for match, one in forwards if match.registration.id not in told]
        yield from ((match, ids, None) for match, ids in self._walked(rest))

    @property
    def _sees_all(self) -> bool:
        """Whether nothing is hidden from the caller: else it takes the entities to tell which may be listed."""
        return self.exchange.call.restriction.view is None

    def _queries(self, match: Match) -> list[Forward]:
        if not (self.split or decides(match, self.wanted)):
            return []
        naming = naming_of(self.exchange, match)
        return query(match, self._asking(), naming)

    def _maps(self, match: Match, forwards: Sequence[tuple[Match, Forward]]) -> bool:
        """Whether a source makes maps, and one of them says it all."""
        alone = sum(one.registration.id == match.registration.id for one, _ in forwards) == 1
        return alone and serves(match.registration, MAKES_MAPS) is not None

    def _walked(self, forwards: Sequence[tuple[Match, Forward]]) -> Iterator[tuple[Match, list[str]]]:
        """What sources list without a map, page by page."""
        heard = Heard(self.exchange, self.matches, warnings=self.warnings)

        def seen(match: Match, bodies: list[Json]) -> list[str]:
            if self._sees_all:
                return ids_in(bodies)
            for body in bodies:
                heard.read(match, body)
            found = [one for one in ids_in(bodies) if heard.parts.pop(one, None)]
            return list(dict.fromkeys(found))

        return walked(forwards, lambda asked: self.hub.sources.ask(self.exchange, asked), (heard.take, seen))


def ids_in(bodies: list[Json]) -> list[str]:
    """The ids in an answer, as far as they are any."""
    return [one for one in map(id_of, bodies) if one is not None and is_uri(one)]


def walked(
    forwards: Sequence[tuple[Match, Forward]],
    ask: Callable[[list[Forward]], list[Answered]],
    how: tuple[Callable[[Match, Answered], list[Json]], Callable[[Match, list[Json]], list[str]]],
) -> Iterator[tuple[Match, list[str]]]:
    """The ids in the answers to queries, page by page until a page is not full.

    `how` takes the bodies out of an answer, and then the ids out of those that may be seen.
    """
    take, seen = how
    due, offset = list(forwards), 0
    while due and offset < LISTED_MAX:
        page = (("limit", str(STEP)), *((("offset", str(offset)),) if offset else ()))
        answers = ask([replace(one, parameters=one.parameters + page) for _, one in due])
        left = []
        for (match, forward), answered in zip(due, answers, strict=True):
            bodies = take(match, answered)[:STEP]
            yield match, seen(match, bodies)
            if len(bodies) >= STEP:
                left.append((match, forward))
        due, offset = left, offset + STEP


def map_forward(forward: Forward, path: str = "/entityMaps", operation: str = MAKES_MAPS) -> Forward:
    """The request for an entity map of a query, instead of its entities."""
    return replace(forward, operation=operation, path=path)


def read_map(answered: Answered) -> tuple[str, list[str]] | None:
    """The id of a map that a source made, and what it lists; None where it made none (clause 5.5.14)."""
    body = answered.body
    if not answered.succeeded or not isinstance(body, dict):
        return None
    map_id, listed = body.get("id"), body.get("entityMap")
    if not isinstance(map_id, str) or not is_uri(map_id) or not isinstance(listed, dict):
        return None
    return map_id, [one for one in islice(listed, MAP_MAX) if is_uri(one)]


def pinned(exchange: Exchange, entity_id: str, sources: Sequence[str], *, temporal: bool = False) -> Exchange:
    """The exchange of a retrieval as one over a map that tells who has the entity, where it wants a map (5.7.1.4).

    The map that it names is taken where it is there, else one is made of `sources`.
    """
    if not wants_map(exchange):
        return exchange
    listing = Listing((entity_id,), {entity_id: tuple(sources)} if tuple(sources) != (LOCAL,) else {})
    held = mapped(exchange, lambda: listing, temporal=temporal)
    assert held is not None
    headers = {**exchange.request.headers, "ngsild-entitymap": dict(map_headers(held.map))[HEADER]}
    return replace(exchange, request=replace(exchange.request, headers=headers))


def listed_sources(exchange: Exchange, entity_id: str) -> frozenset[str] | None:
    """The sources that a named map knows of an entity; None where the request names none, or it is not there."""
    reference = exchange.request.headers.get("ngsild-entitymap")
    if reference is None:
        return None
    found = find_map(exchange.house.broker, exchange.call, unquote(reference.strip().rpartition("/")[2]))
    if found is None:
        return None
    for entry in entries(exchange.house.broker, exchange.call, found):
        if entry.id == entity_id:
            return frozenset(entry.sources)
    return frozenset()


HANDLERS: Final[Mapping[str, FarHandler]] = {
    "create_entity_map": create_entity_map,
    "create_entity_map_by_post": create_entity_map_by_post,
}
