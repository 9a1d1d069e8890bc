"""Linked entities wherever they are held, read level by level before an answer joins them (clause 4.5.23)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

from broker.decode.query import Query
from broker.encode.linking import JOINED_MAX
from broker.http.exchange import Exchange
from broker.model.entity import Entity
from broker.query.match import linked_objects
from broker.query.sources import Specification
from federation.found import Heard, naming_of, sources_of
from federation.hub import Hub
from federation.incoming import id_of
from federation.messages import Forward, Match, Warned
from federation.plan import Asking, narrowed
from federation.wanted import Wanted

CHUNK: Final = 200
"""Entities asked for by their ids at once: what a URL holds."""


@dataclass(slots=True)
class Links:
    """What is known of linked entities, by id; None for those that are nowhere.

    `warnings` grow as sources fail; those that are `silent` are not waited for at each level.
    """

    hub: Hub
    exchange: Exchange
    known: dict[str, Entity | None] = field(default_factory=dict)
    warnings: list[Warned] = field(default_factory=list)
    silent: set[str] = field(default_factory=set)

    def follow(self, entities: Iterable[Entity], levels: int) -> None:
        """Learn of what these link to, and of what that links to, so many levels."""
        frontier = list(entities)
        for _ in range(levels):
            targets = dict.fromkeys(one for entity in frontier for one in _targets(entity) if one not in self.known)
            ids = list(islice(targets, max(0, JOINED_MAX - len(self.known))))
            if not ids:
                return
            self._learn(ids)
            frontier = [entity for entity in map(self.known.get, ids) if entity is not None]

    def get(self, entity_id: str) -> Entity | None:
        """The entity as far as it was learnt of."""
        return self.known.get(entity_id)

    def _learn(self, ids: Sequence[str]) -> None:
        exchange, call = self.exchange, self.exchange.call
        matches = sources_of(self.hub, exchange, (Specification(tuple(ids)),))
        heard = Heard(exchange, matches, warnings=self.warnings, silent=self.silent)
        for entity in exchange.house.broker.entities.get_many(call.tenant, ids).values():
            shown = call.restriction.show(entity)
            if shown is not None:
                heard.here[shown.id] = shown
        heeded = [match for match in matches if match.registration.id not in self.silent]
        asked = [pair for match in heeded for pair in self._forwards(match, ids)]
        if asked:
            wanted = frozenset(ids)
            answers = self.hub.sources.ask(exchange, [forward for _, forward in asked])
            for (match, _), answered in zip(asked, answers, strict=True):
                for body in heard.take(match, answered):
                    if id_of(body) in wanted:
                        heard.read(match, body)
        self.known.update((one, heard.merged(one)) for one in ids)

    def _forwards(self, match: Match, ids: Sequence[str]) -> list[tuple[Match, Forward]]:
        found: list[tuple[Match, Forward]] = []
        naming = naming_of(self.exchange, match)
        for at in range(0, len(ids), CHUNK):
            some = ids[at : at + CHUNK]
            for forward in narrowed(match, some, _ANYTHING, naming):
                more = () if forward.operation == "retrieveEntity" else (("limit", str(len(some))),)
                found.append((match, replace(forward, parameters=forward.parameters + more)))
        return found


_ANYTHING: Final = Asking(Wanted((Specification(),), Query()))


def _targets(entity: Entity) -> Iterable[str]:
    for _, found in entity.attributes():
        for instance in found:
            yield from linked_objects(instance)
