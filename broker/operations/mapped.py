"""Pages over an entity map: what it lists and what still fits, filled to their limit (clauses 5.5.9.3, 5.5.14)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Generic, TypeAlias, TypeVar

from broker.model.entity import Entity
from broker.operations.broker import Broker, Call
from broker.operations.consume import View, viewed_page
from broker.operations.entity_maps import IDS_MAX, EntityMap, Entry, entries, strike_out
from broker.ports import Page
from broker.ports.evolution import EvolutionPage
from broker.query.ast import EVERYTHING, And, IdIn, IdPattern, Node, Selection, Window
from broker.query.patterns import compile_pattern
from broker.query.temporal import TemporalQuery

T = TypeVar("T")
Read: TypeAlias = Callable[[list[Entry]], Mapping[str, T]]
"""Of these entries, at most a thousand, those that fit, by their ids, with what they stand for."""
Fitting: TypeAlias = Callable[[list[Entry]], Collection[str]]
"""Of these entries, at most a thousand, the ids of those that fit."""
LOOK_MIN = 50
"""Candidates looked at together, at least: most still fit, and then one look fills a page."""


@dataclass(frozen=True, slots=True)
class Look(Generic[T]):
    """How entries are looked at; `where` is the condition of the request."""

    read: Read[T]
    fitting: Fitting
    where: Node = EVERYTHING


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """What a page over a map holds, in the map's order."""

    found: list[T]
    total: int | None
    more: bool


def query_in_map(
    broker: Broker, call: Call, entity_map: EntityMap, asked: tuple[Selection, Window], view: View
) -> Page:
    """Query Entities, of those that the map lists and in its order (clause 5.7.2.4)."""
    selection, window = asked

    def read(chunk: list[Entry]) -> Mapping[str, Entity]:
        ids = ids_of(chunk)
        among = Selection(among_ids(ids, selection.where))
        page = broker.entities.select(call.tenant, among, Window(len(ids)), call.restriction)
        return {entity.id: entity for entity in page.entities}

    def fitting(chunk: list[Entry]) -> Collection[str]:
        return _fitting(broker, call, ids_of(chunk), selection.where)

    listed = listed_page(broker, call, entity_map, window, Look(read, fitting, selection.where))
    return viewed_page(broker, call, Page(listed.found, listed.total, listed.more), view)


def evolution_ids(broker: Broker, call: Call, where: Node, query: TemporalQuery) -> Iterator[str]:
    """The ids of all that Query Temporal Evolution of Entities selects (clause 5.14.5.4)."""
    brief = replace(query, aggregation=None, instances_max=1)
    return broker.history.evolution_ids(call.tenant, where, brief, call.restriction)


def evolutions_in_map(
    broker: Broker, call: Call, entity_map: EntityMap, asked: tuple[Node, TemporalQuery], window: Window
) -> EvolutionPage:
    """Query Temporal Evolution of Entities, of those that the map lists and in its order (clause 5.7.4.4)."""
    where, query = asked
    brief = replace(query, aggregation=None, instances_max=1)

    def fitting(chunk: list[Entry]) -> Mapping[str, str]:
        ids = ids_of(chunk)
        within = Window(len(ids))
        page = broker.history.evolutions(call.tenant, among_ids(ids, where), brief, within, call.restriction)
        return {one.id: one.id for one in page.evolutions}

    listed = listed_page(broker, call, entity_map, window, Look(fitting, fitting, where))
    page = EvolutionPage([])
    if listed.found:
        within, among = Window(len(listed.found)), among_ids(listed.found, where)
        page = broker.history.evolutions(call.tenant, among, query, within, call.restriction)
    by_id = {one.id: one for one in page.evolutions}
    return EvolutionPage([by_id[one] for one in listed.found if one in by_id], listed.total, listed.more, page.cut)


def fitting_in_map(broker: Broker, call: Call, entity_map: EntityMap, where: Node) -> list[str]:
    """The ids in the map of what meets the condition now."""
    found, candidates = list[str](), entries(broker, call, entity_map)
    while chunk := [entry.id for entry in islice(candidates, IDS_MAX)]:
        found += _fitting(broker, call, chunk, where)
    return found


def _fitting(broker: Broker, call: Call, ids: list[str], where: Node) -> list[str]:
    return list(broker.places.walk_ids(call.tenant, Selection(among_ids(ids, where)), call.restriction))


def ids_of(chunk: list[Entry]) -> list[str]:
    """The ids of these entries."""
    return [entry.id for entry in chunk]


def among_ids(ids: list[str], where: Node) -> Node:
    """What is one of these, and meets the condition."""
    return And((IdIn(tuple(ids)), where))


def listed_page(broker: Broker, call: Call, entity_map: EntityMap, window: Window, look: Look[T]) -> Listed[T]:
    """The page that begins at the window's offset in the map; what was looked at and does not fit is struck out.

    Where ids are asked for, the rest of the map is as if it were not there, and stays (clause 5.5.14).
    """
    total = _count(_asked(entries(broker, call, entity_map), look.where), look.fitting) if window.count else None
    found: list[T] = []
    misfits: list[int] = []
    candidates = _candidates(broker, call, entity_map, (window.offset, look.where))
    while len(found) <= window.limit:
        wanted = min(max(window.limit + 1 - len(found), LOOK_MIN), IDS_MAX)
        chunk = list(islice(candidates, wanted))
        if not chunk:
            break
        fits = look.read(chunk)
        found += [fits[entry.id] for entry in chunk if entry.id in fits]
        misfits += [entry.place for entry in chunk if entry.id not in fits]
    strike_out(broker, call, entity_map, misfits)
    return Listed(found[: window.limit], total, len(found) > window.limit)


def _candidates(broker: Broker, call: Call, entity_map: EntityMap, since: tuple[int, Node]) -> Iterator[Entry]:
    offset, where = since
    if _names_ids(where):
        return islice(_asked(entries(broker, call, entity_map), where), offset, None)
    return entries(broker, call, entity_map, offset)


def _asked(candidates: Iterator[Entry], where: Node) -> Iterator[Entry]:
    """Those whose ids a condition asks for."""
    terms = where.terms if isinstance(where, And) else (where,)
    for term in terms:
        if isinstance(term, IdIn):
            candidates = filter(partial(_is_one_of, frozenset(term.ids)), candidates)
        elif isinstance(term, IdPattern):
            candidates = filter(partial(_is_like, term.regex), candidates)
    return candidates


def _names_ids(where: Node) -> bool:
    terms = where.terms if isinstance(where, And) else (where,)
    return any(isinstance(term, IdIn | IdPattern) for term in terms)


def _is_one_of(ids: frozenset[str], entry: Entry) -> bool:
    return entry.id in ids


def _is_like(regex: str, entry: Entry) -> bool:
    return compile_pattern(regex).search(entry.id) is not None


def _count(candidates: Iterator[Entry], fitting: Fitting) -> int:
    """How many of the whole map still fit."""
    total = 0
    while chunk := list(islice(candidates, IDS_MAX)):
        total += len(fitting(chunk))
    return total
