"""Snapshots of what context sources have, too (clauses 5.16.1.4, 5.7.2.4, 5.7.4.4).

A snapshot is filled in the background, so its queries are asked as if its maker asked them now, with what they may see
and in their names, but with nothing of their request passed on: that has been answered long ago.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from itertools import islice
from typing import Final

from broker.decode.query import decode_query
from broker.decode.temporal_query import decode_temporal_query
from broker.http.exchange import Exchange, House
from broker.http.media import JSON, NO_PREFERENCE
from broker.http.messages import Request
from broker.http.parameters import Parameters
from broker.http.route import API_ROOT
from broker.http.seeking import ANY_TYPE, attributes_of, seek
from broker.http.temporal import understood
from broker.model.entity import Entity
from broker.model.evolution import Evolution
from broker.model.values import Json
from broker.operations.broker import Call
from broker.ports.places import Inquiry
from broker.query.ast import Selection
from broker.query.match import matches as fits
from broker.stores.recall import page_of
from federation.found import QUERIES, Heard, chosen, naming_of, sources_of
from federation.gather_temporal import Gathering
from federation.heard_temporal import matching, specification_of, texts_for
from federation.hub import Hub
from federation.incoming import id_of
from federation.linked import Links
from federation.messages import Forward, Match, Warned
from federation.plan import Asking, Naming, decides, narrowed, query
from federation.wanted import wanted_of

READY_S: Final = 60.0
"""How long filling waits at the start of a process for its doors."""
STEP: Final = 1_000
"""Entities asked of a source at once."""
LISTED_MAX: Final = 100_000
"""Entities of one source in one query of a snapshot."""
BATCH: Final = 100
WHOLE: Final = 2**31 - 1


class FarSnapshots:
    """The port `broker.ports.places.Elsewhere` over a hub, from `begin` on."""

    def __init__(self) -> None:
        self._parts: Future[tuple[Hub, House]] = Future()

    def begin(self, hub: Hub, house: House) -> None:
        """From now on sources can be asked."""
        self._parts.set_result((hub, house))

    def entities(self, inquiry: Inquiry) -> Iterator[Sequence[Entity]]:
        """The entities that sources have a part of, each whole and once."""
        hub, house = self._parts.result(READY_S)
        asked = decode_query(inquiry.body)
        if not hub.registry.active(inquiry.tenant) or any(one.type == ANY_TYPE for one in asked.entities):
            return
        exchange = _exchange(house, inquiry, "entityOperations/query")
        names = exchange.call.names
        wanted = wanted_of(asked, names, attributes_of(asked, names), split=bool(asked.split_entities))
        matches = chosen(sources_of(hub, exchange, wanted.selectors, QUERIES), asked, names)
        heard = Heard(exchange, matches)
        selection = seek(asked, names, local=None).selection
        yield from _Entities(hub, heard, Asking(wanted, None, bool(asked.split_entities)), selection).batches()
        inquiry.failures.extend(_told(heard.warnings))

    def linked(self, inquiry: Inquiry, entities: Sequence[Entity], levels: int) -> Mapping[str, Entity | None]:
        """What these link to, wherever it is; nothing where there are no sources."""
        hub, house = self._parts.result(READY_S)
        if not hub.registry.active(inquiry.tenant):
            return {}
        links = Links(hub, _exchange(house, inquiry, "entityOperations/query"))
        links.follow(entities, levels)
        inquiry.failures.extend(one for one in _told(links.warnings) if one not in inquiry.failures)
        return links.known

    def evolutions(self, inquiry: Inquiry) -> Iterator[Sequence[Evolution]]:
        """The histories that sources have a part of, each whole and once."""
        hub, house = self._parts.result(READY_S)
        body = decode_temporal_query(inquiry.body)
        if not hub.registry.active(inquiry.tenant) or any(one.type == ANY_TYPE for one in body.query.entities):
            return
        exchange = _exchange(house, inquiry, "temporal/entityOperations/query")
        names = exchange.call.names
        asked = understood(exchange, body.query, body.times)
        asked = replace(asked, query=replace(asked.query, instances_max=WHOLE))
        wanted = specification_of(names, body.query, asked.where)
        found = matching(hub, exchange, "queryTemporal", wanted, (body.query, asked.query))
        split = bool(body.query.split_entities)
        entities = wanted_of(body.query, names, attributes_of(body.query, names), split=split)
        texts = texts_for(body.times, asked.query)
        gathering = Gathering(hub, exchange, body.query, texts, asked, wanted, split, entities, whole=True)
        heard = gathering.all_of(found.matches)
        ids = list(dict.fromkeys(one.evolution.id for one in heard.versions))
        for at in range(0, len(ids), BATCH):
            some = frozenset(ids[at : at + BATCH])
            here = gathering.here(len(some), sorted(some)).versions
            merged = gathering.merged([*here, *(one for one in heard.versions if one.evolution.id in some)])
            yield page_of(gathering.told(merged), asked.query, merged.name_of).evolutions
        inquiry.failures.extend(_told([*found.warnings, *heard.warnings]))


def _exchange(house: House, inquiry: Inquiry, path: str) -> Exchange:
    """The query as a request of its maker."""
    names = house.names.resolve(inquiry.context, inquiry.tenant) if inquiry.context is not None else house.core
    call = Call(inquiry.tenant, names, inquiry.principal, inquiry.restriction)
    request = Request("POST", f"{API_ROOT}/{path}", "", {})
    return Exchange(house, request, {}, Parameters({}), JSON, NO_PREFERENCE, call, inquiry.body, None)


def _told(warnings: Sequence[Warned]) -> list[str]:
    return list(dict.fromkeys(f"{one.agent}: {one.text}" for one in warnings))


class _Entities:
    """One query of a snapshot over its sources: what each lists is kept, for it may be another one the next moment."""

    def __init__(self, hub: Hub, heard: Heard, asking: Asking, selection: Selection) -> None:
        self._hub = hub
        self._heard = heard
        self._asking = asking
        self._where = selection.where

    def batches(self) -> Iterator[list[Entity]]:
        """The entities that fit, in batches."""
        self._list()
        ids = iter(self._candidates())
        while some := list(islice(ids, BATCH)):
            self._complete(some)
            merged = [entity for one in some if self._heard.parts.get(one) and (entity := self._whole(one)) is not None]
            if merged:
                yield merged
            for one in some:
                self._heard.parts.pop(one, None)
                self._heard.here.pop(one, None)

    def _list(self) -> None:
        """Read all that sources list, page by page."""
        wanted = self._asking.wanted
        listing = [one for one in self._heard.matches if self._asking.split or decides(one, wanted)]
        due = [(one, forward) for one in listing for forward in query(one, self._asking, self._naming(one))]
        offset = 0
        while due and offset < LISTED_MAX:
            page = (("limit", str(STEP)), *((("offset", str(offset)),) if offset else ()))
            asked = [(one, replace(forward, parameters=forward.parameters + page)) for one, forward in due]
            full = [self._read(one, forward) >= STEP for one, forward in self._answers(asked)]
            due = [pair for pair, more in zip(due, full, strict=True) if more]
            offset += STEP
        if due:
            names = ", ".join(sorted({match.registration.id for match, _ in due}))
            self._heard.warnings.append(Warned(299, names, f"more than {LISTED_MAX} entities"))

    def _answers(self, asked: Sequence[tuple[Match, Forward]]) -> Iterator[tuple[Match, list[Json]]]:
        answers = self._hub.sources.ask(self._heard.exchange, [forward for _, forward in asked])
        for (match, _), answered in zip(asked, answers, strict=True):
            yield match, self._heard.take(match, answered)

    def _read(self, match: Match, bodies: list[Json]) -> int:
        for body in bodies[:STEP]:
            self._heard.read(match, body)
        return len(bodies)

    def _candidates(self) -> Iterator[str]:
        """Those that a source listed, and, where a source cannot tell, those that are here."""
        listed = list(self._heard.parts)
        yield from listed
        if any(not decides(one, self._asking.wanted) for one in self._heard.matches):
            known, call = frozenset(listed), self._heard.exchange.call
            places = self._heard.exchange.house.broker.places
            here = places.walk_ids(call.tenant, Selection(self._where), call.restriction)
            yield from (one for one in here if one not in known)

    def _complete(self, ids: Sequence[str]) -> None:
        """What is here of these, and what those sources have that could not list them."""
        exchange, wanted = self._heard.exchange, self._asking.wanted
        call, known = exchange.call, frozenset(ids)
        for entity in exchange.house.broker.entities.get_many(call.tenant, ids).values():
            shown = call.restriction.show(entity)
            if shown is not None:
                self._heard.here[shown.id] = shown
        if self._asking.split:
            return
        asked = [
            (match, replace(forward, parameters=(*forward.parameters, ("limit", str(len(ids))))))
            for match in self._heard.matches
            if not decides(match, wanted)
            for forward in narrowed(match, ids, self._asking, self._naming(match))
            if forward.operation != "retrieveEntity"
        ]
        for match, bodies in self._answers(asked) if asked else ():
            self._read(match, [body for body in bodies if id_of(body) in known])

    def _whole(self, entity_id: str) -> Entity | None:
        entity = self._heard.merged(entity_id)
        return entity if entity is not None and fits(self._where, entity, self._linked) else None

    def _linked(self, entity_id: str) -> Entity | None:
        call = self._heard.exchange.call
        return call.restriction.show(self._heard.exchange.house.broker.entities.get(call.tenant, entity_id))

    def _naming(self, match: Match) -> Naming:
        return naming_of(self._heard.exchange, match)
