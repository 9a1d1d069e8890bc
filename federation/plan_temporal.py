"""Planning what sources are asked of histories, pure (clauses 4.3.6, 5.7.3.4, 5.7.4.4, 5.2.9)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote

from broker.decode.query import Query
from broker.model.registration import EntityInfo, Information, Registration
from broker.model.values import Instant, Json
from broker.query.ast import HasType, Node, Or
from broker.query.bind import unbind
from broker.query.patterns import compile_pattern
from broker.query.projection import Projection
from broker.query.sources import Specification, entity_matches
from broker.query.temporal import TemporalQuery
from broker.query.text import render
from broker.query.times import TemporalTexts
from federation.messages import Forward, Match
from federation.plan import Naming, filters_of, sees
from federation.wanted import Wanted

EVOLUTIONS: Final = "/temporal/entities"
POSTED: Final = "/temporal/entityOperations/query"
URL_CHARACTERS_MAX: Final = 4_000
"""Of parameters; what is longer goes by POST."""


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What of a request a source is asked: the ids, types and attributes (IRIs) that it registered, empty being any."""

    ids: tuple[str, ...] = ()
    id_pattern: str | None = None
    types: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()


def narrowed(match: Match, wanted: Specification) -> Narrowed:
    """The request cut to what the matching parts of a registration are about (clause 4.3.6.2)."""
    infos = [info for one in match.information for info in one.entities if entity_matches(info, wanted)]
    if not all(one.entities for one in match.information):
        infos.append(EntityInfo())
    ids = _ids(infos, wanted)
    pattern = wanted.id_pattern
    if pattern is None and not ids and infos and all(info.id_pattern == infos[0].id_pattern for info in infos):
        pattern = infos[0].id_pattern
    return Narrowed(ids, None if ids else pattern, _types(infos, wanted), attributes_of(match.information, wanted))


def attributes_of(parts: Iterable[Information], wanted: Specification) -> tuple[str, ...]:
    """The attributes that are both asked for and registered; none where any will do."""
    registered: dict[str, None] = {}
    for one in parts:
        if not one.attributes:
            return tuple(sorted(wanted.attributes))
        registered.update(dict.fromkeys((*one.property_names, *one.relationship_names)))
    return tuple(name for name in registered if not wanted.attributes or name in wanted.attributes)


def in_time(registration: Registration, query: TemporalQuery, span: tuple[Instant, Instant]) -> bool:
    """Whether a source says that it has something of that time (clause 5.2.9: matched for overlap).

    One that gives an interval for other timeproperties only has nothing; one that gives none has all times.
    """
    observed = query.timeproperty == "observedAt"
    interval = registration.observation_interval if observed else registration.management_interval
    if interval is None:
        return not registration.temporal
    return interval.start < span[1] and (interval.end is None or interval.end >= span[0])


def retrieval(match: Match, wanted: Specification, asked: Asking) -> Forward:
    """Retrieve Temporal Evolution of an Entity, forwarded (clause 5.7.3.4)."""
    part = narrowed(match, wanted)
    parameters = [*_times(asked.times), *_attrs(part, asked), *_datasets(asked.query), ("options", "sysAttrs")]
    path = f"{EVOLUTIONS}/{quote(wanted.ids[0], safe='')}"
    return Forward(
        match.registration, "retrieveTemporal", "GET", path, tuple(parameters), context=asked.naming.context,
        headers=asked.headers,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asking:
    """A temporal request as it is passed on.

    `wanted` are its conditions; `split` leaves those out that only the whole entity can be asked (clause 5.7.4.4).
    `ids` are the entities that it is narrowed to, over those of the query.
    """

    query: Query
    times: TemporalTexts
    naming: Naming
    split: bool = False
    wanted: Wanted | None = None
    limit: int | None = None
    offset: int = 0
    ids: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    by_id: str | None = None

    def narrowed_to(self, ids: Sequence[str]) -> Asking:
        """The same of these entities."""
        return replace(self, ids=tuple(ids), limit=len(ids), offset=0)


def sees_all(match: Match, wanted: Wanted) -> bool:
    """Whether a source can decide all conditions, so that its answer is of entities that are wanted (4.3.6.7)."""
    filters = wanted.q if wanted.geo is None else (*wanted.q, wanted.geo)
    return all(sees(match.information, one) for one in filters)


def temporal_query(match: Match, wanted: Specification, asked: Asking) -> Forward:
    """Query Temporal Evolution of Entities, forwarded (clause 5.7.4.4)."""
    part = narrowed(match, replace(wanted, ids=asked.ids) if asked.ids else wanted)
    conditions = (
        () if asked.split or asked.wanted is None else filters_of(match.information, asked.wanted, asked.naming)
    )
    which = [*_which(part, asked), *conditions]
    rest = [] if asked.limit is None else [("limit", str(asked.limit))]
    rest += [("offset", str(asked.offset))] if asked.offset else []
    parameters = [*which, *_times(asked.times), *_attrs(part, asked), *_datasets(asked.query), *_order(asked)]
    shown = [*rest, ("options", "sysAttrs")]
    forward = Forward(
        match.registration, "queryTemporal", "GET", EVOLUTIONS, (*parameters, *shown),
        context=asked.naming.context, headers=asked.headers,
    )  # fmt: skip
    if sum(len(name) + len(text) for name, text in parameters) <= URL_CHARACTERS_MAX:
        return forward
    return replace(forward, method="POST", path=POSTED, parameters=tuple(shown), body=posted(parameters))


def posted(parameters: Iterable[tuple[str, str]]) -> Json:
    """The parameters of a temporal query as the body of a POST (clauses 5.2.21, 5.2.23)."""
    given = dict(parameters)
    selector: dict[str, Json] = {"type": given.get("type", "*")}
    if "id" in given:
        selector["id"] = [*given["id"].split(",")]
    if "idPattern" in given:
        selector["idPattern"] = given["idPattern"]
    times: dict[str, Json] = {name: given[name] for name in _TIMES if name in given}
    if "lastN" in given:
        times["lastN"] = int(given["lastN"])
    body: dict[str, Json] = {"type": "Query", "entities": [selector], "temporalQ": times}
    body |= {name: given[name] for name in _PLAIN if name in given}
    body |= {name: [*given[name].split(",")] for name in _LISTS if name in given}
    if "georel" in given:
        body["geoQ"] = {name: given[name] for name in _GEO if name in given}
    if "orderBy" in given:
        body["ordering"] = {"orderBy": [given["orderBy"]]}
    return body


_PLAIN: Final = ("q", "scopeQ", "expandValues", "jsonKeys")
_LISTS: Final = ("attrs", "datasetId")
_TIMES: Final = ("timerel", "timeAt", "endTimeAt", "timeproperty")
_GEO: Final = ("georel", "geometry", "coordinates", "geoproperty")


def _times(times: TemporalTexts) -> list[tuple[str, str]]:
    found = {
        "timerel": times.timerel, "timeAt": times.time_at, "endTimeAt": times.end_time_at,
        "timeproperty": times.timeproperty, "lastN": None if times.last_n is None else str(times.last_n),
    }  # fmt: skip
    return [(name, text) for name, text in found.items() if text is not None]


def _attrs(part: Narrowed, asked: Asking) -> list[tuple[str, str]]:
    if not part.attributes:
        return []
    terms = asked.naming.names.terms
    return [("attrs", ",".join("scope" if name == "scope" else terms[name] for name in part.attributes))]


def _datasets(query: Query) -> list[tuple[str, str]]:
    return [("datasetId", ",".join(query.dataset_ids))] if query.dataset_ids else []


def _order(asked: Asking) -> list[tuple[str, str]]:
    if asked.by_id is None:
        return []
    return [("orderBy", "id;desc" if asked.by_id == "descending" else "id")]


def _which(part: Narrowed, asked: Asking) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if part.types:
        found.append(("type", ",".join(asked.naming.names.terms[name] for name in part.types)))
    elif asked.wanted is not None and (types := selection_of(asked.wanted)) is not None:
        found.append(("type", render(unbind(types, asked.naming.names))))
    if part.ids:
        found.append(("id", ",".join(part.ids)))
    elif part.id_pattern is not None:
        found.append(("idPattern", part.id_pattern))
    return found


def selection_of(wanted: Wanted) -> Node | None:
    """The type selection of all selectors together; None where one of them has none."""
    nodes = [one.types for one in wanted.selectors]
    found = tuple(dict.fromkeys(one for one in nodes if one is not None))
    if len(found) < len(set(nodes)):
        return None
    return found[0] if len(found) == 1 else Or(found)


def _ids(infos: Sequence[EntityInfo], wanted: Specification) -> tuple[str, ...]:
    if any(info.id is None and info.id_pattern is None for info in infos):
        return wanted.ids
    if wanted.ids:
        return tuple(one for one in wanted.ids if any(_has(info, one) for info in infos))
    named = [info.id for info in infos if info.id is not None]
    return tuple(dict.fromkeys(named)) if len(named) == len(infos) else ()


def _has(info: EntityInfo, entity_id: str) -> bool:
    if info.id is not None:
        return info.id == entity_id
    return info.id_pattern is not None and compile_pattern(info.id_pattern).search(entity_id) is not None


def _types(infos: Sequence[EntityInfo], wanted: Specification) -> tuple[str, ...]:
    """The registered types that are asked for; none where the selection of the request is passed on as it is."""
    if not all(info.types for info in infos):
        return ()
    registered = tuple(dict.fromkeys(name for info in infos for name in info.types))
    if wanted.types is None:
        return registered
    names = _plain(wanted.types)
    return () if names is None else tuple(name for name in registered if name in names)


def _plain(types: Node) -> frozenset[str] | None:
    """The types of a selection that is one of them, or any of several; None for any other."""
    match types:
        case HasType(name):
            return frozenset((name,))
        case Or(terms) if all(isinstance(term, HasType) for term in terms):
            return frozenset(term.iri for term in terms if isinstance(term, HasType))
        case _:
            return None


def specification(
    query: Query, types: Node | None, projection: Projection | None, attrs: Iterable[str]
) -> Specification:
    """What a temporal query names, for matching: `attrs` are IRIs, `types` the bound selection."""
    attributes = frozenset(attrs)
    if projection is not None and not projection.omits:
        attributes |= frozenset(name for name in projection.by_name if ":" in name)
    selectors = query.entities
    ids: tuple[str, ...] = ()
    pattern = None
    if selectors and all(one.ids for one in selectors):
        ids = tuple(dict.fromkeys(one.strip() for each in selectors for text in each.ids for one in text.split(",")))
    elif len(selectors) == 1:
        pattern = selectors[0].id_pattern
    datasets = frozenset(query.dataset_ids)
    return Specification(ids, pattern, types, attributes, datasets, temporal=True)
