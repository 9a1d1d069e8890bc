"""One page of entities out of several sources, each entity once (clauses 5.7.2.4, 4.3.6.7, 5.5.9, 6.3.13).

    ids       what is here in its order, then what each source lists, in the order of registrations
    page      the ids of the window; whatever sources have of them that they have not given yet is asked for by id
    filters   are decided on whole entities; sources are asked for more until a page is full

A source is asked for no more than the page can need, and for CANDIDATES_MAX where everything is needed: to count, and
where entities are split, which leaves no filter to the sources.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from broker.errors import TooManyResults
from broker.model.entity import Entity
from broker.model.values import Json
from broker.operations.consume import linked_depth
from broker.ports import Page
from broker.query.ast import And, IdIn, IdPattern, Node, Or, Selection, Window
from broker.query.match import compile_match
from broker.query.sources import Specification
from federation.found import Heard, naming_of
from federation.hub import Hub
from federation.incoming import id_of
from federation.linked import Links
from federation.messages import Forward, Match
from federation.plan import Asking, Naming, decides, narrowed, query

CANDIDATES_MAX: Final = 10_000
"""Entities of one source that are looked at for one answer."""
STEP: Final = 1_000
"""Entities asked of a source at once."""
CHUNK: Final = 200
"""Entities asked for by their ids at once: what a URL holds."""


@dataclass(slots=True)
class Listing:
    """What a source lists for one request, in its order, as far as it has been asked."""

    match: Match
    forward: Forward
    given: int = 0
    open: bool = True
    total: int | None = None
    ids: list[str] = field(default_factory=list)

    def next(self, wanted: int, *, count: bool) -> Forward:
        """The request for what comes next, up to `wanted` in all."""
        limit = min(max(wanted - self.given, 1), STEP)
        page = [("limit", str(limit))]
        page += [("offset", str(self.given))] if self.given else []
        page += [("count", "true")] if count else []
        return replace(self.forward, parameters=(*self.forward.parameters, *page))


@dataclass(slots=True)
class Gathering:
    """A query that is answered from here and from sources; `where` is all that an entity has to meet."""

    hub: Hub
    heard: Heard
    asking: Asking
    where: Node
    _listings: list[Listing] = field(default_factory=list)
    _asked: set[tuple[str, str]] = field(default_factory=set)
    _order: dict[str, None] = field(default_factory=dict)
    _here_open: bool = False
    _links: Links | None = None

    def page(self, window: Window) -> Page:
        """The entities of the window. Raises TooManyResults past what is looked at."""
        end = window.offset + window.limit
        if end > CANDIDATES_MAX:
            raise TooManyResults(
                f"the page ends at entity {end}, and {CANDIDATES_MAX} of each source are looked at", pointer="offset",
                clause="5.5.9", remedy="entityMap=true, and then pages of the map",
            )  # fmt: skip
        filtered = bool(self.asking.wanted.filters)
        everything = window.count or (self.asking.split and filtered)
        reach = CANDIDATES_MAX if everything else end + 1
        self._begin()
        self._list(reach, keep=CANDIDATES_MAX if filtered else end + 1, count=window.count)
        if not filtered:
            return self._plain(window)
        found = self._fitting(None if everything else end + 1)
        while not everything and len(found) <= end and self._open and reach < CANDIDATES_MAX:
            reach = min(4 * reach, CANDIDATES_MAX)
            self._list(reach, keep=CANDIDATES_MAX, count=False)
            found = self._fitting(end + 1)
        total = len(found) if window.count else None
        return Page(found[window.offset : end], total, len(found) > end)

    def _plain(self, window: Window) -> Page:
        """Without filters what is listed is what fits, so that only the page itself is put together."""
        end = window.offset + window.limit
        ids = list(self._order)
        self._complete(ids[window.offset : end])
        merged = [self._whole(one) for one in ids[window.offset : end]]
        more = len(ids) > end or self._open
        return Page([one for one in merged if one is not None], self._total() if window.count else None, more)

    def _total(self) -> int:
        """How many there are; of a source that has more than are looked at, as many as it says."""
        unseen = [one.total - one.given for one in self._listings if one.open and one.total is not None]
        return len(self._order) + sum(one for one in unseen if one > 0)

    @property
    def _open(self) -> bool:
        return self._here_open or any(one.open for one in self._listings)

    def _begin(self) -> None:
        exchange = self.heard.exchange
        for match in self.heard.matches:
            if self.asking.split or decides(match, self.asking.wanted):
                self._listings += [
                    Listing(match, one) for one in _planned(match, self.asking, naming_of(exchange, match))
                ]

    def _list(self, reach: int, *, keep: int, count: bool) -> None:
        """Let this broker and each source list up to `reach` entities, the first `keep` of them with what they say."""
        self._list_here(reach)
        due = [one for one in self._listings if one.open and one.given < reach]
        while due:
            forwards = [one.next(reach, count=count) for one in due]
            answers = self.hub.sources.ask(self.heard.exchange, forwards)
            for listing, forward, answered in zip(due, forwards, answers, strict=True):
                bodies = self.heard.take(listing.match, answered)
                limit = int(dict(forward.parameters)["limit"])
                told = answered.headers.get("ngsild-results-count", "")
                listing.total = int(told) if told.isascii() and told.isdigit() and len(told) < 10 else None  # noqa: PLR2004
                listing.open = len(bodies) >= limit
                self._take(listing, bodies[:limit], keep)
            due = [one for one in due if one.open and one.given < reach]
        for one in (each for listing in self._listings for each in listing.ids):
            self._order.setdefault(one)

    def _take(self, listing: Listing, bodies: Sequence[Json], keep: int) -> None:
        """Note what a source lists; of the first `keep` entities also what it says of them."""
        heard, match = self.heard, listing.match
        source = match.registration.id
        for body in bodies:
            listing.given += 1
            entity_id = id_of(body)
            if entity_id is None:
                heard.invalid(match, "an entity has no id")
                continue
            if listing.given <= keep:
                self._asked.add((source, entity_id))
                if not heard.read(match, body):
                    continue
            listing.ids.append(entity_id)

    def _list_here(self, reach: int) -> None:
        call, store = self.heard.exchange.call, self.heard.exchange.house.broker.entities
        where = self._identity() if self.asking.split else self.where
        page = store.select(call.tenant, Selection(where), Window(reach), call.restriction)
        for entity in page.entities:
            self.heard.here[entity.id] = entity
            self._order.setdefault(entity.id)
        self._here_open = page.more

    def _complete(self, ids: Sequence[str]) -> None:
        """Learn what else there is of these entities, here and at sources that have not been asked for them."""
        filtered = bool(self.asking.wanted.filters) and not self.asking.split
        if self._here_open or filtered:
            self._complete_here([one for one in ids if one not in self.heard.here])
        asked: list[tuple[Match, Forward]] = []
        for match, chunk in self._lacking(ids):
            forwards = narrowed(match, chunk, self.asking, naming_of(self.heard.exchange, match))
            asked += [(match, _limited(forward, len(chunk))) for forward in forwards]
        wanted = frozenset(ids)
        for match, bodies in self._told(asked):
            for body in bodies:
                if id_of(body) in wanted:
                    self.heard.read(match, body)
        if self.heard.here or len(self.heard.matches) > 1:
            self._date([one for one in ids if self.heard.is_unclear(one)])

    def _lacking(self, ids: Sequence[str]) -> Iterator[tuple[Match, list[str]]]:
        """Which sources have not been asked for which of these entities, and may have something of them."""
        done = {one.match.registration.id for one in self._listings}
        done -= {one.match.registration.id for one in self._listings if one.open}
        done |= self.heard.silent
        for match in self.heard.matches:
            source = match.registration.id
            if source not in done:
                rest = [one for one in ids if (source, one) not in self._asked]
                self._asked.update((source, one) for one in rest)
                for at in range(0, len(rest), CHUNK):
                    yield match, rest[at : at + CHUNK]

    def _date(self, ids: Sequence[str]) -> None:
        """Learn when those who disagree on these entities have changed them."""
        asking, asked, wanted = replace(self.asking, dated=True), list[tuple[Match, Forward]](), frozenset(ids)
        for match in self.heard.matches:
            undated = [
                one
                for one in ids
                if any(each is match and not part.dated for each, part in self.heard.parts.get(one, ()))
            ]
            for at in range(0, len(undated), CHUNK):
                chunk = undated[at : at + CHUNK]
                forwards = narrowed(match, chunk, asking, naming_of(self.heard.exchange, match))
                asked += [(match, _limited(forward, len(chunk))) for forward in forwards]
        for match, bodies in self._told(asked):
            self.heard.read_again(match, [one for one in bodies if id_of(one) in wanted])

    def _told(self, asked: Sequence[tuple[Match, Forward]]) -> Iterator[tuple[Match, list[Json]]]:
        """The bodies that sources answer with."""
        answers = self.hub.sources.ask(self.heard.exchange, [forward for _, forward in asked]) if asked else []
        for (match, _), answered in zip(asked, answers, strict=True):
            yield match, self.heard.take(match, answered)

    def _complete_here(self, ids: Sequence[str]) -> None:
        call, store = self.heard.exchange.call, self.heard.exchange.house.broker.entities
        for entity in store.get_many(call.tenant, ids).values() if ids else ():
            shown = call.restriction.show(entity)
            if shown is not None:
                self.heard.here[entity.id] = shown

    def _fitting(self, most: int | None) -> list[Entity]:
        """The whole entities that meet the query, in order; no more than `most` of them."""
        found: list[Entity] = []
        ids = list(self._order)
        size = CANDIDATES_MAX if most is None else max(most, CHUNK)
        for at in range(0, len(ids), size):
            self._complete(ids[at : at + size])
            self._follow(ids[at : at + size])
            merged = (self._whole(one) for one in ids[at : at + size])
            found += [one for one in merged if one is not None]
            if most is not None and len(found) >= most:
                return found[:most]
        return found

    def _whole(self, entity_id: str) -> Entity | None:
        entity = self.heard.merged(entity_id)
        return entity if entity is not None and compile_match(self.where)(entity, self._linked) else None

    def _follow(self, ids: Sequence[str]) -> None:
        """Learn of the linked entities that a filter looks at."""
        depth = max(map(linked_depth, self.asking.wanted.q), default=0)
        if depth:
            if self._links is None:
                self._links = Links(self.hub, self.heard.exchange, {}, self.heard.warnings, self.heard.silent)
            merged = map(self.heard.merged, ids)
            self._links.follow([one for one in merged if one is not None], depth)

    def _linked(self, entity_id: str) -> Entity | None:
        return None if self._links is None else self._links.get(entity_id)

    def _identity(self) -> Node:
        """The condition of the selectors alone."""
        nodes = tuple(map(_node_of, self.asking.wanted.selectors))
        return nodes[0] if len(nodes) == 1 else Or(nodes)


@dataclass(frozen=True, slots=True)
class Planned:
    """What a source is asked for a query: clients ask the same again and again."""

    match: Match
    asking: Asking
    naming: Naming
    forwards: list[Forward]

    def holds(self, match: Match, asking: Asking, naming: Naming) -> bool:
        """Whether it was made of the very same things."""
        return (
            self.match.registration is match.registration
            and self.asking.wanted is asking.wanted
            and self.naming.names is naming.names
            and self.asking.needed == asking.needed
            and self.asking.split == asking.split
            and self.asking.dated == asking.dated
        )


PLANNED_MAX: Final = 512
_plans: dict[tuple[int, int], Planned] = {}


def _planned(match: Match, asking: Asking, naming: Naming) -> list[Forward]:
    key = id(match.registration), id(asking.wanted)
    known = _plans.get(key)
    if known is None or not known.holds(match, asking, naming):
        if len(_plans) >= PLANNED_MAX:
            _plans.clear()
        # keeping what it was made of keeps the ids in the key taken
        known = _plans[key] = Planned(match, asking, naming, query(match, asking, naming))
    return known.forwards


def _limited(forward: Forward, limit: int) -> Forward:
    if forward.operation == "retrieveEntity":
        return forward
    return replace(forward, parameters=(*forward.parameters, ("limit", str(limit))))


def _node_of(one: Specification) -> Node:
    return And(tuple(_terms_of(one)))


def _terms_of(one: Specification) -> Iterator[Node]:
    if one.types is not None:
        yield one.types
    if one.ids:
        yield IdIn(one.ids)
    if one.id_pattern is not None:
        yield IdPattern(one.id_pattern)
