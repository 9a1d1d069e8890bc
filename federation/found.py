"""Whom a consumption request concerns, and what their answers hold (clauses 5.12, 5.7.1.4, 5.7.2.4, 6.3.17)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from broker.decode.query import Query
from broker.errors import NgsiError
from broker.http.exchange import Exchange
from broker.ldcontext.active import ActiveContext
from broker.model.entity import ENTITY_MEMBERS, Entity, instances
from broker.model.registration import Information, Registration
from broker.model.values import Json
from broker.operations.entity_maps import LOCAL
from broker.query.ast import Geo
from broker.query.bind import bind
from broker.query.geo import parse_geo
from broker.query.q import parse_q
from broker.query.source_filters import as_entity, fits_csf, fits_geo
from broker.query.sources import Specification
from federation.hub import Hub
from federation.incoming import id_of
from federation.merge import Part, merge_parts, without
from federation.messages import Answered, Match, Warned
from federation.naming import names_for
from federation.plan import Naming, given, serves
from federation.reading import Reader
from federation.via import is_loop, via_of
from federation.warned import agent_of, looped, relayed, warning_of

READS = ("retrieveEntity", "queryEntity", "queryBatch")
"""Operations by which an entity of a source can be had."""
QUERIES = ("queryEntity", "queryBatch")
"""Operations by which its entities can be found."""


def sources_of(
    hub: Hub, exchange: Exchange, specifications: Iterable[Specification], operations: Sequence[str] = READS
) -> list[Match]:
    """The registrations that match one of the specifications and serve one of the operations, oldest first."""
    tenant, via = exchange.call.tenant, via_of(exchange.request)
    found: dict[str, Match] = {}
    for one in specifications:
        for match in hub.registry.matching(tenant, None, one, via):
            if not _is_of_histories(match.registration) and serves(match.registration, *operations) is not None:
                known = found.get(match.registration.id)
                found[match.registration.id] = match if known is None else _both(known, match)
    return list(found.values())


def _is_of_histories(registration: Registration) -> bool:
    """Whether it is about histories only: it says of which time, and not which operations are served."""
    return registration.temporal and not registration.operations


def _both(one: Match, other: Match) -> Match:
    parts: list[Information] = [*one.information]
    parts += [part for part in other.information if part not in parts]
    return Match(one.registration, tuple(parts))


def chosen(matches: list[Match], query: Query, names: ActiveContext) -> list[Match]:
    """Those that the context source filter of a query lets be asked, and whose place is not elsewhere (5.7.2.4)."""
    if not matches:
        return matches
    if query.geo is not None:
        geo = query.geo
        place = bind(parse_geo(geo.georel, geo.geometry, geo.coordinates, geo.geoproperty), names)
        assert isinstance(place, Geo)
        matches = [one for one in matches if _may_be_in(one, place)]
    if query.csf is None:
        return matches
    csf = bind(parse_q(query.csf), names)
    return [one for one in matches if fits_csf(one.registration, csf)]


def _may_be_in(match: Match, place: Geo) -> bool:
    """Whether a source may have something there: one that says nothing of its place may (clause 4.3.6.1)."""
    told = as_entity(match.registration).document.get(place.path.name)
    return told is None or fits_geo(match.registration, place)


def naming_of(exchange: Exchange, match: Match) -> Naming:
    """The names a source is asked in."""
    return Naming(*names_for(exchange, match.registration))


def loop_of(hub: Hub, exchange: Exchange) -> Warned | None:
    """The warning of a request that has been here before: no source is asked then."""
    return looped(hub.alias) if is_loop(exchange.request, hub.alias, exchange.call.tenant) else None


@dataclass(slots=True)
class Heard:
    """What is known of entities, by id: what is here, and what each source said, in the order of registrations.

    `silent` are sources that did not answer, and are not waited for again. `patterned`: the request has an idPattern,
    which matches any that a registration has (clause 5.12): what fits the one is taken although it does not fit the
    other.
    """

    exchange: Exchange
    matches: Sequence[Match]
    here: dict[str, Entity] = field(default_factory=dict)
    parts: dict[str, list[tuple[Match, Part]]] = field(default_factory=dict)
    warnings: list[Warned] = field(default_factory=list)
    patterned: bool = False
    silent: set[str] = field(default_factory=set)
    _readers: dict[str, Reader] = field(default_factory=dict)
    _proxied: bool = False

    def __post_init__(self) -> None:
        self._proxied = any(match.registration.proxied for match in self.matches)

    def take(self, match: Match, answered: Answered) -> list[Json]:
        """The bodies of entities in an answer, unread; none where it is a failure, which is warned of."""
        warning = warning_of(answered)
        if warning is not None:
            self.warnings.append(warning)
        self.warnings += relayed(answered)
        if answered.status == 0:
            self.silent.add(match.registration.id)
        if not answered.succeeded:
            return []
        if isinstance(answered.body, list):
            return answered.body
        if isinstance(answered.body, dict):
            return [answered.body]
        if warning is None:
            self.invalid(match, "the answer holds no entities")
        return []

    def read(self, match: Match, body: Json) -> bool:
        """Add an entity of an answer, as far as it was registered and the caller may see it; whether there is any."""
        source = match.registration.id
        reader = self._readers.get(source)
        if reader is None:
            reader = self._readers[source] = Reader(self.exchange, match, any_id=self.patterned)
        try:
            part = reader.read(body)
        except NgsiError as error:
            self.invalid(match, str(error))
            return False
        if part is None:
            return False
        self.parts.setdefault(part.entity.id, []).append((match, part))
        return True

    def read_again(self, match: Match, bodies: Sequence[Json]) -> None:
        """Add entities in place of what the source said of them before."""
        for entity_id in {id_of(body) for body in bodies}:
            if entity_id in self.parts:
                self.parts[entity_id] = [one for one in self.parts[entity_id] if one[0] is not match]
        for body in bodies:
            self.read(match, body)
        order = {one.registration.id: place for place, one in enumerate(self.matches)}
        for entity_id in {id_of(body) for body in bodies}:
            if entity_id in self.parts:
                self.parts[entity_id].sort(key=lambda one: order[one[0].registration.id])

    def is_unclear(self, entity_id: str) -> bool:
        """Whether it takes the times of changes to tell which of two instances is the current one."""
        said = self.parts.get(entity_id, ())
        if len(said) + (entity_id in self.here) < 2 or all(part.dated for _, part in said):  # noqa: PLR2004  a conflict
            return False
        documents = [part.entity.document for _, part in said]
        documents += [self.here[entity_id].document] if entity_id in self.here else []
        seen: set[tuple[str, Json]] = set()
        for document in documents:
            for name, value in document.items():
                if name in ENTITY_MEMBERS:
                    continue
                for one in instances(value):
                    key = name, one.get("datasetId")
                    if key in seen and "observedAt" not in one:
                        return True
                    seen.add(key)
        return False

    def invalid(self, match: Match, reason: str) -> None:
        """Warn of something that is no entity, once for each source."""
        warning = Warned(111, agent_of(match.registration), reason)
        if not any(one.code == warning.code and one.agent == warning.agent for one in self.warnings):
            self.warnings.append(warning)

    def sources(self, entity_id: str) -> list[str]:
        """Who has the entity, as an entity map tells it (clause 5.2.39)."""
        here = [LOCAL] if entity_id in self.here else []
        return [*here, *dict.fromkeys(match.registration.id for match, _ in self.parts.get(entity_id, ()))]

    def merged(self, entity_id: str) -> Entity | None:
        """The entity of all parts; what is proxied comes from its source alone (clause 4.3.6.3)."""
        said = self.parts.get(entity_id, ())
        here = self.here.get(entity_id)
        if len(said) == 1 and here is None and (said[0][0].registration.proxied or not self._proxied):
            return said[0][1].entity
        parts = [] if here is None else [(None, Part(here))]
        return self._united([*parts, *said])

    def _united(self, parts: Sequence[tuple[Match | None, Part]]) -> Entity | None:
        kept: list[Part] = []
        for match, part in parts:
            if match is not None and match.registration.proxied:
                kept.append(part)
                continue
            entity = self._unclaimed(part.entity)
            if entity is not None:
                kept.append(part if entity is part.entity else replace(part, entity=entity))
        return merge_parts(kept, self.exchange.house.broker.clock.now()) if kept else None

    def _unclaimed(self, entity: Entity) -> Entity | None:
        """What of an entity is not registered as held by another source alone."""
        left: Entity | None = entity
        for match in self.matches:
            if left is not None and match.registration.proxied:
                claimed = given(match, left)
                if claimed is not None:
                    left = without(left, claimed or None)
        return left
