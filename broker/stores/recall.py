"""What a temporal query means over one entity's history: the part of it that every engine must agree with.

An instance is asked for by one of its times. Without a `timerel`, instances count that were never observed, by when
they were written; with one, only those that have the time (clause 4.11). A page is cut in time, over all its attributes
(clause 6.3.10): what it shows of any of them is all there is within its range.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import cast

from broker.model.entity import Document, Entity, Instance, as_list, member
from broker.model.evolution import Evolution, Period
from broker.model.subjects import DATA_SUBJECT
from broker.model.values import Instant, Json, to_text
from broker.ports import UNRESTRICTED, Restriction
from broker.ports.evolution import EvolutionPage
from broker.query.ast import EVERYTHING, And, InScope, Node, Or
from broker.query.match import matches
from broker.query.temporal import Aggregation, TemporalQuery
from broker.stores.coarse import METHODS, Coarse, Key, Pasts, granularity_of, key_of
from broker.stores.past import SCOPE, Past
from broker.stores.periods import ALWAYS, Span, Timed, aggregate

_ADDED = frozenset({"instanceId", "modifiedAt"})

NameOf = Callable[[str, str, Past], str]
"""Gives the id of an instance: `(entity id, attribute, past)`."""


@dataclass(slots=True)
class Story:
    """What there is of one entity: its head, and instances by attribute (all, or those that were read).

    `beside` are the last instances of attributes of which none was read: they tell no more than that they are there.
    """

    id: str
    types: tuple[str, ...]
    scopes: tuple[str, ...]
    created_at: Instant
    modified_at: Instant
    deleted_at: Instant | None = None
    pasts: Mapping[str, Sequence[Past]] = field(default_factory=dict)
    beside: Mapping[str, Past] = field(default_factory=dict)

    def head(self) -> Evolution:
        """It without its instances."""
        return Evolution(self.id, self.types, self.created_at, self.modified_at, self.deleted_at, self.scopes)


@dataclass(slots=True)
class Told:
    """What a query asks of a story: its instances with the time that counted, in the order of the answer.

    `coarse` are those among them that may be seen only coarsely: they go into no other aggregates than METHODS.
    """

    story: Story
    rows: dict[str, Sequence[Timed]]
    coarse: Mapping[str, Collection[Key]] = field(default_factory=dict)


def union(some: Iterable[str], more: Iterable[str]) -> tuple[str, ...]:
    """All of both, each once, in their order."""
    return tuple(dict.fromkeys((*some, *more)))


def counted_at(past: Past, query: TemporalQuery) -> Instant | None:
    """The time of an instance that counts in a query."""
    match query.timeproperty:
        case "createdAt":
            return past.created_at
        case "modifiedAt":
            return past.modified_at
        case "deletedAt":
            return past.deleted_at
        case _:
            return past.time if query.timerel is None else past.observed_at


def span_of(query: TemporalQuery) -> Span:
    """`[start, end)` of a query."""
    match query.timerel:
        case "before":
            return ALWAYS[0], query.at
        case "after":
            return query.at, ALWAYS[1]
        case "between":
            return query.at, query.end
        case None:
            return ALWAYS


def tell(story: Story, query: TemporalQuery, where: Node, restriction: Restriction) -> Told | None:
    """The part of a story that is asked for; None where it does not match, or may not be seen."""
    seen = visible(story, restriction)
    granularity = None if restriction.coarse is None else granularity_of(query)
    wide = None if granularity is None else _visible_at(story, restriction, granularity)
    if seen is None and wide is None:
        return None
    seen = replace(cast(Story, wide), pasts={}) if seen is None else seen
    rest, scope_q = split(where)
    spans = scope_spans(seen, scope_q, span_of(query))
    if spans == []:
        return None
    rows = {name: timed(pasts, query) for name, pasts in seen.pasts.items()}
    if not _matches(rest, seen, rows):
        return None
    more: dict[str, list[Timed]] = {}
    if granularity is not None and wide is not None and _is_more(wide, seen):
        coarse = Coarse(partial(_judged_at, story, restriction), seen.pasts, restriction.now)
        more = coarse.rows(granularity, query, span_of(query), spans)
        rows |= {name: [*rows.get(name, ()), *held] for name, held in more.items()}
    keys = {name: frozenset(key_of(past) for _, past in held) for name, held in more.items()}
    return Told(seen, found, keys) if (found := _asked(seen, rows, query, spans)) is not None else None


def _visible_at(story: Story, restriction: Restriction, granularity: str) -> Story | None:
    """The story as it may go into the periods of an aggregation."""
    assert restriction.coarse is not None
    return visible(story, Restriction(restriction.where, restriction.coarse(granularity)))


def _judged_at(story: Story, restriction: Restriction, granularity: str, instead: Pasts | None) -> Pasts:
    """The instances that may be seen at a granularity: the story's, or what is put in the place of them."""
    if instead is not None:
        whom = {DATA_SUBJECT: story.pasts[DATA_SUBJECT]} if DATA_SUBJECT in story.pasts else {}
        story = replace(story, pasts={**whom, **instead}, beside={})
    found = _visible_at(story, restriction, granularity)
    return {} if found is None else found.pasts


def _is_more(wide: Story, seen: Story) -> bool:
    """Whether anything may be seen coarsely only."""
    return any(len(held) > len(seen.pasts.get(name, ())) for name, held in wide.pasts.items())


def timed(pasts: Iterable[Past], query: TemporalQuery) -> list[Timed]:
    """Instances within the time of the query, oldest first."""
    start, end = span_of(query)
    found = [(at, past) for past in pasts if (at := counted_at(past, query)) is not None and start <= at < end]
    return sorted(found, key=lambda row: (row[0], row[1].time, row[1].number))


def page_of(
    told: Sequence[Told], query: TemporalQuery, name_of: NameOf, known_to: Instant | None = None
) -> EvolutionPage:
    """The answer. `known_to` is where what is known ends, backwards with lastN: what is beyond is cut off, too."""
    if query.aggregation is not None:
        return EvolutionPage([_aggregated(one, query) for one in told])
    limit, latest = query.instances_max, query.last_n is not None
    longest = [edge for one in told for rows in one.rows.values() if (edge := _boundary(rows, limit)) is not None]
    longest += [] if known_to is None else [known_to]
    if not longest:
        return EvolutionPage([_shown(one, query, name_of) for one in told])
    edge = max(longest) if latest else min(longest)
    evolutions = [_cut(one, query, name_of, edge) for one in told]
    times = [at for one in told for rows in one.rows.values() for at, _ in rows if _inside(at, edge, latest=latest)]
    return EvolutionPage(evolutions, cut=(min(times, default=edge), max(times, default=edge)))


def split(where: Node) -> tuple[Node, Node | None]:
    """A condition without its part about the scope, and that part: a scope holds for a time (clause 4.18)."""
    if where is EVERYTHING:
        return where, None
    if _only_scopes(where):
        return EVERYTHING, where
    if isinstance(where, And):
        scoped = tuple(term for term in where.terms if _only_scopes(term))
        if scoped:
            return And(tuple(term for term in where.terms if term not in scoped)), And(scoped)
    return where, None


def scope_spans(story: Story, scope_q: Node | None, span: Span) -> list[Span] | None:
    """When, within a query's time, the scope was as asked for; None where nothing was asked."""
    if scope_q is None:
        return None
    return [
        (start, end)
        for start, end, scopes in _scope_history(story)
        if start < span[1] and end > span[0] and _in_scopes(scope_q, story, scopes)
    ]


def visible(story: Story, restriction: Restriction) -> Story | None:
    """The story as a principal may see it; None where it does not exist for them."""
    if open_to_all(restriction):
        return story
    numbered, marks = _marked(story)
    entity = as_entity(story, numbered)
    if not matches(restriction.where, entity, _nobody):
        return None
    shown = restriction.show(entity)
    if shown is None:
        return None
    kept = {
        name: [_unmarked(one, marks) for one in held if "instanceId" in one]
        for name, held in shown.attributes()
        if name not in story.beside
    }
    if SCOPE in numbered and SCOPE in shown.document:
        kept[SCOPE] = list(story.pasts[SCOPE])
    if DATA_SUBJECT in kept:
        kept[DATA_SUBJECT] += [past for past in story.pasts[DATA_SUBJECT] if past.deleted_at is not None]
    return Story(
        story.id, tuple(shown.types), story.scopes, story.created_at, story.modified_at, story.deleted_at, kept
    )


def _marked(story: Story) -> tuple[dict[str, list[Past]], dict[str, Past]]:
    """The instances as a view judges them, each with a mark, and the instances by their marks.

    That it once was said no longer whom an entity is about says nothing of whom it is about.
    """
    numbered: dict[str, list[Past]] = {}
    marks: dict[str, Past] = {}
    for name, pasts in story.pasts.items():
        for past in pasts:
            if name != DATA_SUBJECT or past.deleted_at is None:
                mark = str(len(marks))
                marks[mark] = past
                numbered.setdefault(name, []).append(_with_body(past, {**_judged(past), "instanceId": mark}))
    numbered.update({name: [_with_body(past, _judged(past))] for name, past in story.beside.items()})
    return numbered, marks


def _judged(past: Past) -> Instance:
    """An instance with what a view needs to judge it: when it was written, where it was never observed."""
    body: Instance = {**past.body}
    if past.observed_at is None:
        body["modifiedAt"] = to_text(past.modified_at)
    return body


def as_entity(story: Story, pasts: Mapping[str, Sequence[Past]]) -> Entity:
    """A story as an entity that has all of these instances at once."""
    document: Document = {"id": story.id, "type": cast(Json, list(story.types))}
    if story.scopes or SCOPE in pasts:
        document["scope"] = cast(Json, list(story.scopes))
    for name, held in pasts.items():
        if held and name != SCOPE:
            document[name] = member([past.body for past in held])
    return Entity(document, story.created_at, story.modified_at)


def open_to_all(restriction: Restriction) -> bool:
    """Whether nothing is hidden."""
    return restriction is UNRESTRICTED or (restriction.view is None and restriction.where == EVERYTHING)


def _with_body(past: Past, body: Instance) -> Past:
    return Past(past.number, body, past.created_at, past.modified_at, past.observed_at, past.deleted_at)


def _unmarked(instance: Instance, marks: Mapping[str, Past]) -> Past:
    past = marks[cast(str, instance["instanceId"])]
    return _with_body(past, {name: value for name, value in instance.items() if name not in _ADDED})


def _nobody(_: str) -> Entity | None:
    return None


def _matches(where: Node, story: Story, rows: Mapping[str, Sequence[Timed]]) -> bool:
    if where == EVERYTHING:
        return True
    held = {name: [past for _, past in found if past.deleted_at is None] for name, found in rows.items()}
    return matches(where, as_entity(story, held), _nobody)


def _asked(
    story: Story, rows: Mapping[str, Sequence[Timed]], query: TemporalQuery, spans: list[Span] | None
) -> dict[str, Sequence[Timed]] | None:
    """The rows of the attributes asked for, in the order of the answer; None where there are none."""
    found: dict[str, Sequence[Timed]] = {}
    for name, held in rows.items():
        if query.names and name not in query.names:
            continue
        kept = held if spans is None else _within(name, story, held, spans)
        if query.dataset_ids and name != SCOPE:
            kept = [row for row in kept if (row[1].dataset or "@none") in query.dataset_ids]
        if query.last_n is not None:
            kept = list(reversed(kept))[: query.last_n]
        if kept:
            found[name] = kept
    asked_all = query.timerel is None and query.timeproperty != "deletedAt" and not (query.names or query.dataset_ids)
    return found if found or (asked_all and not story.pasts) else None


def _within(name: str, story: Story, held: Sequence[Timed], spans: list[Span]) -> Sequence[Timed]:
    """Rows of the times when the scope was as asked for; of the scope itself what was valid then."""
    if name == SCOPE:
        return [(past.time, past) for past in _by_time(story.pasts[SCOPE]) if any(past.time == at for at, _ in spans)]
    return [row for row in held if any(start <= row[0] < end for start, end in spans)]


def _scope_history(story: Story) -> list[tuple[Instant, Instant, list[str]]]:
    changes = _by_time(story.pasts.get(SCOPE, ()))
    if not changes:
        return [(*ALWAYS, list(story.scopes))]
    ends = [past.time for past in changes[1:]] + [ALWAYS[1]]
    return [(past.time, end, as_list(past.body["value"])) for past, end in zip(changes, ends, strict=True)]


def _by_time(pasts: Iterable[Past]) -> list[Past]:
    return sorted(pasts, key=lambda past: (past.time, past.number))


def _in_scopes(scope_q: Node, story: Story, scopes: list[str]) -> bool:
    return matches(scope_q, Entity({"id": story.id, "type": "", "scope": cast(Json, scopes)}, 0, 0), _nobody)


def _only_scopes(node: Node) -> bool:
    if isinstance(node, (And, Or)):
        return bool(node.terms) and all(_only_scopes(term) for term in node.terms)
    return isinstance(node, InScope)


def _boundary(rows: Sequence[Timed], limit: int) -> Instant | None:
    """The time of the last instance that a page of this length holds; None where it holds all, or all of one time."""
    return rows[limit - 1][0] if len(rows) > limit and rows[-1][0] != rows[limit - 1][0] else None


def _inside(at: Instant, edge: Instant, *, latest: bool) -> bool:
    return at >= edge if latest else at <= edge


def _cut(one: Told, query: TemporalQuery, name_of: NameOf, edge: Instant) -> Evolution:
    latest = query.last_n is not None
    kept: dict[str, Sequence[Timed]] = {}
    for name, rows in one.rows.items():
        kept[name] = [row for row in rows if _inside(row[0], edge, latest=latest)]
    shorter = frozenset(name for name, rows in kept.items() if len(rows) < len(one.rows[name]))
    kinds = {name: kind_of(one.rows[name]) for name, rows in kept.items() if not rows}
    return replace(_shown(Told(one.story, kept), query, name_of), cut=shorter, kinds=kinds)


def kind_of(rows: Sequence[Timed]) -> str:
    """The kind of an attribute, as of its last instance."""
    return cast(str, rows[-1][1].body["type"])


def _shown(one: Told, query: TemporalQuery, name_of: NameOf) -> Evolution:
    attributes = {
        name: [instance_of(past, name_of(one.story.id, name, past), query) for _, past in rows]
        for name, rows in one.rows.items()
    }
    return replace(one.story.head(), attributes=attributes)


def instance_of(past: Past, instance_id: str, query: TemporalQuery) -> Instance:
    """An instance as the answer has it."""
    shown: Instance = {**past.body, "instanceId": instance_id}
    if query.sys_attrs or query.timeproperty == "createdAt":
        shown["createdAt"] = to_text(past.created_at)
    if query.sys_attrs or query.timeproperty == "modifiedAt":
        shown["modifiedAt"] = to_text(past.modified_at)
    if past.deleted_at is not None:
        shown["deletedAt"] = to_text(past.deleted_at)
    return shown


def _aggregated(one: Told, query: TemporalQuery) -> Evolution:
    asked = cast(Aggregation, query.aggregation)
    rows = {name: sorted(held, key=lambda row: row[0]) for name, held in one.rows.items()}
    found = dict[str, dict[str, list[Period]]]()
    if one.coarse:  # of what may be seen coarsely only, other methods know nothing
        fine = tuple(method for method in asked.methods if method not in METHODS)
        raw = {
            name: [row for row in held if key_of(row[1]) not in one.coarse.get(name, ())] for name, held in rows.items()
        }
        found = aggregate(raw, replace(query, aggregation=replace(asked, methods=fine))) if fine else {}
        asked = replace(asked, methods=tuple(method for method in asked.methods if method in METHODS))
    for name, held in aggregate(rows, replace(query, aggregation=asked)).items():
        found[name] = found.get(name, {}) | held
    kinds = {name: kind_of(one.rows[name]) for name in found}
    return replace(one.story.head(), aggregated=found, kinds=kinds)
