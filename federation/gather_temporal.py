"""One temporal request that is answered from several sources (clauses 5.7.3.4, 5.7.4.4, 5.14.5.4).

Whole entities: each source applies the conditions of the query itself. Split ones: it gives all that may be part of
one, and the conditions are decided here. Where a page is full, sources that have more are asked for the rest of what
is on the page by its ids. Answers that are cut in time cut this one, but for aggregates, for which they are followed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from broker.decode.query import Query
from broker.http.exchange import Exchange
from broker.http.messages import Answer, Response
from broker.http.respond import Headers
from broker.http.temporal import Understood, answered, encoded, paging
from broker.model.values import Instant, Json, to_text
from broker.ports.evolution import EvolutionPage
from broker.query.ast import And, IdIn, Node, Window
from broker.query.sources import Specification
from broker.query.times import TemporalTexts
from broker.stores.recall import Told, page_of, tell
from federation.heard_temporal import Found, Heard, headers_of, heard_here, heard_of, kept_of, naming_of, part_of
from federation.hub import Hub, Local
from federation.merge_temporal import Merged, Version, identity_of, merge_evolutions
from federation.messages import Forward, Match, Warned
from federation.plan_temporal import Asking, sees_all, temporal_query
from federation.wanted import Wanted
from federation.warned import agent_of, with_warnings

ENTITIES_MAX: Final = 10_000
"""Histories of one source that are looked at where all are needed: to count, and where entities are split."""
STEP: Final = 1_000
"""Histories asked of a source at once."""
FOLLOWED_MAX: Final = 100
"""Answers cut in time that are followed for one aggregate."""


Asked: TypeAlias = Sequence[tuple[Match, Asking]]
"""Whom, and what."""


@dataclass(frozen=True, slots=True)
class Gathering:
    """A temporal query, and whom it may be asked of."""

    hub: Hub
    exchange: Exchange
    query: Query
    texts: TemporalTexts
    asked: Understood
    wanted: Specification
    split: bool
    entities: Wanted
    whole: bool = False
    """Whether answers that are cut in time are followed in any case."""

    @property
    def condition(self) -> Node:
        """What is checked of merged histories."""
        return self.asked.where if self.split else kept_of(self.asked.where)

    def answer(self, found: Found, window: Window, local: Local) -> Answer:
        """The page, by offset and limit; that of this broker alone where sources have nothing."""
        everything = self.split or window.count
        needed = ENTITIES_MAX if everything else window.offset + window.limit + 1
        listing = [match for match in found.matches if self.lists(match)]
        heard, full = self._all(listing, needed)
        if not heard.versions and not self.split and len(listing) == len(found.matches):
            alone = local(self.exchange)
            assert isinstance(alone, Response)
            return with_warnings(alone, (*found.warnings, *heard.warnings))
        heard = self.here(needed).and_also(heard)
        merged = self.merged(heard.versions)
        told = self.told(merged)
        shown = told[window.offset : window.offset + window.limit]
        late = [match for match in found.matches if match.registration.id in full or not self.lists(match)]
        if late and shown:
            rest = self.of(late, {match.registration.id: [one.story.id for one in shown] for match in late})
            known = {(one.source, one.evolution.id) for one in heard.versions}
            more = [one for one in rest.versions if (one.source, one.evolution.id) not in known]
            heard = replace(heard.and_also(rest), versions=heard.versions + tuple(more))
            merged = self.merged(heard.versions)
            again = {one.story.id: one for one in self.told(merged)}
            shown = [again[one.story.id] for one in shown if one.story.id in again]
        page = replace(
            page_of(shown, self.asked.query, merged.name_of, self.ends(heard)),
            total=len(told) if window.count else None,
            more=len(told) > window.offset + window.limit,
        )
        return self.respond(page, window, (*found.warnings, *heard.warnings))

    def lists(self, match: Match) -> bool:
        """Whether a source can tell which entities are wanted; else it is asked for its parts of those."""
        return self.split or sees_all(match, self.entities)

    def respond(self, page: EvolutionPage, window: Window, warnings: Iterable[Warned], more: Headers = ()) -> Response:
        """The page as it goes out."""
        headers: Headers = () if page.total is None else (("NGSILD-Results-Count", str(page.total)),)
        if window.limit and (page.more or window.offset):
            headers += paging(self.exchange, window, more=page.more)
        bodies: list[Json] = [*encoded(self.exchange, page, self.asked.recalled)]
        headers += more + headers_of(warnings)
        return answered(self.exchange, bodies, (page, self.asked.query), headers)

    def told(self, merged: Merged) -> list[Told]:
        """What of merged histories is asked for, in the order of the answer."""
        query, restriction = self.asked.query, self.exchange.call.restriction
        stories = list(merged.stories.values())
        if query.by_id is not None:
            stories.sort(key=lambda story: story.id, reverse=query.by_id == "descending")
        return [one for story in stories if (one := tell(story, query, self.condition, restriction)) is not None]

    def merged(self, versions: Iterable[Version], into: Merged | None = None) -> Merged:
        """Histories of all that gave some."""
        return merge_evolutions(versions, self.asked.query, self.exchange.house.broker.clock.now(), into)

    def ends(self, heard: Heard) -> Instant | None:
        """Where what is known of all ends."""
        return heard.ends(backwards=self.asked.query.last_n is not None)

    def here(self, needed: int, ids: Sequence[str] | None = None) -> Heard:
        """What this broker has: of whole entities what meets the query, of split ones all that may belong to one."""
        call, query = self.exchange.call, part_of(self.asked.query)
        where = self.asked.where
        if self.split:
            where, query = identity_of(where), replace(query, names=frozenset(), dataset_ids=(), last_n=None)
        if ids is not None:
            where = And((where, IdIn(tuple(ids))))
        history = self.exchange.house.broker.history
        page = history.evolutions(call.tenant, where, query, Window(needed), call.restriction)
        return heard_here(page, self.asked.query)

    def of(
        self, matches: Sequence[Match], ids: dict[str, list[str]], headers: dict[str, Headers] | None = None
    ) -> Heard:
        """What each source has of these entities, by the id of its registration."""
        asked = [match for match in matches if ids.get(match.registration.id)]

        def narrow(match: Match, asking: Asking) -> Asking:
            source = match.registration.id
            return replace(asking.narrowed_to(ids[source]), headers=(headers or {}).get(source, ()))

        return self._ask(asked, narrow) if asked else Heard()

    def forward(self, match: Match, asking: Asking | None = None) -> Forward:
        """The query as one source is asked it."""
        wanted = replace(self.wanted, attributes=frozenset()) if self.split else self.wanted
        return temporal_query(match, wanted, asking or self.asking(match))

    def all_of(self, matches: Sequence[Match]) -> Heard:
        """All that sources have, up to ENTITIES_MAX of each; of those that cannot list, what belongs to it."""
        heard, _ = self._all([one for one in matches if self.lists(one)], ENTITIES_MAX)
        ids = list(dict.fromkeys(one.evolution.id for one in heard.versions))
        late = [one for one in matches if not self.lists(one)]
        for at in range(0, len(ids) if late else 0, STEP):
            some = ids[at : at + STEP]
            heard = heard.and_also(self.of(late, {one.registration.id: some for one in late}))
        return heard

    def asking(self, match: Match) -> Asking:
        """The query in the names of a source, without a limit."""
        texts = replace(self.texts, last_n=None) if self.split else self.texts
        naming = naming_of(self.exchange, match.registration)
        return Asking(self.query, texts, naming, self.split, self.entities, by_id=self.asked.query.by_id)

    def _all(self, matches: Sequence[Match], needed: int) -> tuple[Heard, set[str]]:
        """The first `needed` of each source, asked for in steps, and those sources that may have more."""
        heard, offset, due = Heard(), 0, list(matches)
        while due and offset < needed:
            told = self._ask(due, self._paged(min(STEP, needed - offset), offset))
            heard = heard.and_also(replace(told, listed=()))
            listed = dict(told.listed)
            due = [match for match in due if listed.get(match.registration.id, 0) >= min(STEP, needed - offset)]
            offset += STEP
        return heard, {match.registration.id for match in due}

    def _paged(self, limit: int, offset: int) -> Callable[[Match, Asking], Asking]:
        def paged(_: Match, asking: Asking) -> Asking:
            return replace(asking, limit=limit, offset=offset)

        return paged

    def _ask(self, matches: Sequence[Match], narrow: Callable[[Match, Asking], Asking]) -> Heard:
        asked = [(match, narrow(match, self.asking(match))) for match in matches]
        heard = self._heard(asked)
        if self.asked.query.aggregation is None and not self.whole:
            return heard
        only = [(match, asking.narrowed_to(_ids_of(heard, match))) for match, asking in asked]
        return followed(only, heard, self._heard)

    def _heard(self, asked: Asked) -> Heard:
        answers = self.hub.sources.ask(self.exchange, [self.forward(match, asking) for match, asking in asked])
        return heard_of(self.exchange, zip([match for match, _ in asked], answers, strict=True), self.asked.query)


def followed(asked: Asked, heard: Heard, ask: Callable[[Asked], Heard]) -> Heard:
    """All there is of what was cut in time, as far as FOLLOWED_MAX answers go: an average is of the whole."""
    told, whole, rounds = heard, replace(heard, known_to=()), 0
    while told.known_to and rounds < FOLLOWED_MAX:
        edges = dict(told.known_to)
        due = [
            (match, _beyond(asking, edges[match.registration.id]))
            for match, asking in asked
            if match.registration.id in edges
        ]
        told = ask(due)
        told = replace(told, known_to=tuple(one for one in told.known_to if edges.get(one[0]) != one[1]))
        whole = whole.and_also(replace(told, known_to=(), listed=()))
        rounds += 1
    left = [match for match, _ in asked if match.registration.id in dict(told.known_to)]
    return whole.and_also(Heard(warnings=tuple(map(_unfinished, left))))


def _unfinished(match: Match) -> Warned:
    return Warned(299, agent_of(match.registration), f"it has more instances than {FOLLOWED_MAX} answers hold")


def _ids_of(heard: Heard, match: Match) -> list[str]:
    return [one.evolution.id for one in heard.versions if one.source == match.registration.id]


def _beyond(asking: Asking, edge: Instant) -> Asking:
    """The same of the time that is left: after the edge, or, backwards, before it; of the edge itself all is known."""
    texts, at = asking.times, to_text(edge)
    if texts.last_n is None:
        at = to_text(edge + 1)
        end = {"between": texts.end_time_at, "before": texts.time_at}.get(texts.timerel or "")
        return replace(asking, times=replace(texts, timerel="between" if end else "after", time_at=at, end_time_at=end))
    if texts.timerel in ("after", "between"):
        return replace(asking, times=replace(texts, timerel="between", end_time_at=at))
    return replace(asking, times=replace(texts, timerel="before", time_at=at, end_time_at=None))
