"""Entity maps of histories over sources (clauses 5.14.5, 5.7.4.4, 4.3.6.7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

from broker.http.entity_maps import made
from broker.http.links import location
from broker.http.mapping import HEADER, lifetime_of, mapped
from broker.http.messages import Answer
from broker.http.query import window_of
from broker.http.respond import Headers
from broker.model.values import Json
from broker.operations.entity_maps import LOCAL, MAP_MAX, EntityMap, Entry, Listing, make_map
from broker.operations.mapped import Fitting, Look, Read, evolution_ids, listed_page
from broker.stores.recall import Told, page_of
from federation.gather_temporal import Gathering
from federation.heard_temporal import Found, Heard, read_bodies
from federation.maps import ids_in, map_forward, read_map, walked
from federation.merge_temporal import Merged, identity_of
from federation.messages import Answered, Forward, Match, Warned
from federation.plan import serves
from federation.warned import warning_of, with_warnings

MAKES_MAPS: Final = "createEntityMapQueryTemporal"


def create_map(gathering: Gathering, found: Found) -> Answer:
    """A new map (clause 5.14.5): 201."""
    exchange = gathering.exchange
    paging = MapPaging(gathering, found, list(found.warnings))
    lifetime = lifetime_of(exchange, gathering.query)
    broker, call = exchange.house.broker, exchange.call
    response = made(exchange, make_map(broker, call, paging.listing(), lifetime, temporal=True))
    return with_warnings(response, paging.warnings)


def answer_in_map(gathering: Gathering, found: Found) -> Answer:
    """A page over the map that the request names, or over a new one (clause 5.7.4.4)."""
    exchange = gathering.exchange
    paging = MapPaging(gathering, found, list(found.warnings))
    held = mapped(exchange, paging.listing, gathering.query, temporal=True)
    assert held is not None
    window = window_of(exchange)
    broker, call = exchange.house.broker, exchange.call

    look = Look(paging.reader(held.map), paging.fitting(held.map), gathering.asked.where)
    listed = listed_page(broker, call, held.map, window, look)
    ends = paging.heard.ends(backwards=gathering.asked.query.last_n is not None)
    page = page_of(listed.found, gathering.asked.query, paging.merged.name_of, ends)
    page = replace(page, total=listed.total, more=listed.more)
    response = gathering.respond(page, window, (*paging.warnings, *paging.heard.warnings), held.headers)
    return held.answered(response)


@dataclass(slots=True)
class MapPaging:
    """A temporal query over an entity map; what sources say is kept for the page it is made for."""

    gathering: Gathering
    found: Found
    warnings: list[Warned] = field(default_factory=list)
    merged: Merged = field(default_factory=Merged)
    heard: Heard = field(default_factory=Heard)

    def listing(self) -> Listing:
        """Who has what (clause 5.14.5.4)."""
        exchange, asked = self.gathering.exchange, self.gathering.asked
        where = identity_of(asked.where) if self.gathering.split else asked.where
        query = replace(asked.query, names=frozenset(), dataset_ids=()) if self.gathering.split else asked.query
        here = islice(evolution_ids(exchange.house.broker, exchange.call, where, query), MAP_MAX + 1)
        sources: dict[str, list[str]] = {one: [LOCAL] for one in here}
        linked: dict[str, str] = {}
        for match, ids, map_id in self._listed():
            if map_id is not None:
                linked[match.registration.id] = map_id
            for one in ids:
                known = sources.setdefault(one, [])
                if match.registration.id not in known:
                    known.append(match.registration.id)
        return Listing(list(sources), {one: told for one, told in sources.items() if told != [LOCAL]}, linked)

    def reader(self, entity_map: EntityMap) -> Read[Told]:
        """What reads the entries of a page."""

        def read(chunk: list[Entry]) -> Mapping[str, Told]:
            heard = self._of(entity_map, chunk)
            self.heard = self.heard.and_also(heard)
            before = set(self.merged.stories)
            self.gathering.merged(heard.versions, self.merged)
            found = {one.story.id: one for one in self.gathering.told(self.merged)}
            return {one: told for one, told in found.items() if one not in before}

        return read

    def fitting(self, entity_map: EntityMap) -> Fitting:
        """What counts entries that fit, and keeps nothing of them."""

        def fitting(chunk: list[Entry]) -> set[str]:
            merged = self.gathering.merged(self._of(entity_map, chunk).versions)
            return {one.story.id for one in self.gathering.told(merged)}

        return fitting

    def _of(self, entity_map: EntityMap, chunk: list[Entry]) -> Heard:
        """What there is of these entries: here, at sources that list them, and at those that cannot tell."""
        ids: dict[str, list[str]] = {}
        headers: dict[str, Headers] = {}
        for match in self.found.matches:
            source = match.registration.id
            lists = self.gathering.lists(match)
            ids[source] = [one.id for one in chunk if source in one.sources or not lists]
            if source in entity_map.linked and lists:
                headers[source] = ((HEADER, location("entityMaps", entity_map.linked[source])),)
        known = {one.id for one in chunk}
        heard = self.gathering.of(self.found.matches, ids, headers)
        heard = replace(heard, versions=tuple(one for one in heard.versions if one.evolution.id in known))
        return self.gathering.here(len(chunk), [one.id for one in chunk if LOCAL in one.sources]).and_also(heard)

    def _listed(self) -> Iterator[tuple[Match, list[str], str | None]]:
        """Each source, what it lists, and the map it made of that."""
        hub, exchange = self.gathering.hub, self.gathering.exchange
        forwards = [(one, self._forward(one)) for one in self.found.matches if self.gathering.lists(one)]
        by_map = [(match, one) for match, one in forwards if serves(match.registration, MAKES_MAPS) is not None]
        if exchange.call.restriction.view is not None:
            by_map = []  # it takes the histories to tell which may be listed
        asked = [map_forward(one, "/temporal/entityMaps", MAKES_MAPS) for _, one in by_map]
        told: set[str] = set()
        for (match, _), answered in zip(by_map, hub.sources.ask(exchange, asked) if asked else [], strict=True):
            found = read_map(answered)
            if found is not None:
                told.add(match.registration.id)
                yield match, found[1], found[0]
        rest = [(match, one) for match, one in forwards if match.registration.id not in told]
        for match, ids in walked(rest, lambda some: hub.sources.ask(exchange, some), (self._take, self._seen)):
            yield match, ids, None

    def _forward(self, match: Match) -> Forward:
        """The query as a source is asked to list what fits: the last instance of each is enough."""
        asking = self.gathering.asking(match)
        return self.gathering.forward(match, replace(asking, times=replace(asking.times, last_n=1)))

    def _seen(self, match: Match, bodies: list[Json]) -> list[str]:
        if self.gathering.exchange.call.restriction.view is None:
            return ids_in(bodies)
        heard = read_bodies(self.gathering.exchange, match, bodies)
        return [one.story.id for one in self.gathering.told(self.gathering.merged(heard.versions))]

    def _take(self, _: Match, answered: Answered) -> list[Json]:
        warning = warning_of(answered)
        if warning is not None:
            self.warnings.append(warning)
        return answered.body if answered.succeeded and isinstance(answered.body, list) else []
