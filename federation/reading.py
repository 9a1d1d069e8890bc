"""What one source says of entities, taken for as much as it has registered and the caller may see (clause 4.3.6.1)."""

from __future__ import annotations

from broker.http.exchange import Exchange, resolve
from broker.ldcontext.active import ActiveContext
from broker.model.entity import Entity
from broker.model.values import Json
from federation.incoming import read_part
from federation.merge import Part, only
from federation.messages import Match
from federation.naming import names_for
from federation.persons import says_more
from federation.plan import given


class Reader:
    """Reads the entities in the answers of one source to one request."""

    def __init__(self, exchange: Exchange, match: Match, *, any_id: bool) -> None:
        self._exchange = exchange
        self._match = match
        self._any_id = any_id
        self._now = exchange.house.broker.clock.now()
        self._own: ActiveContext | None = None
        self._auxiliary = match.registration.mode == "auxiliary"
        self._datasets = match.registration.dataset_ids
        restriction = exchange.call.restriction
        self._show = None if restriction.view is None else restriction.show
        infos = [info for part in match.information for info in part.entities]
        self._by_type = all(info.id is None and (any_id or info.id_pattern is None) for info in infos)
        self._known: dict[str, frozenset[str] | None] = {}

    def read(self, body: Json) -> Part | None:
        """The entity of a body as far as it may be used; None where it may not. Raises NgsiError for what is none."""
        part = read_part(body, self._names, self._now, auxiliary=self._auxiliary)
        offered = None if part is None else self._offered(part.entity)
        if part is None or offered is None:
            return None
        entity = part.entity if self._show is None else self._shown(part.entity)
        if entity is not None and (offered or self._datasets):
            entity = only(entity, offered, self._datasets)
        if entity is part.entity or entity is None:
            return part if entity is not None else None
        return Part(entity, part.auxiliary, part.dated) if self._show is None or says_more(entity) else None

    def _shown(self, entity: Entity) -> Entity | None:
        """As much as the caller may see of all that the source said: whom it is about may be registered or not."""
        return None if self._show is None else self._show(entity)

    def _offered(self, entity: Entity) -> frozenset[str] | None:
        """The attributes that are registered of it, none for all; remembered by type where that is all that counts."""
        kind = entity.document["type"]
        if not self._by_type or not isinstance(kind, str):
            return given(self._match, entity, any_id=self._any_id)
        if kind not in self._known:
            self._known[kind] = given(self._match, entity, any_id=self._any_id)
        return self._known[kind]

    def _names(self, context: Json) -> ActiveContext:
        if context is not None:
            return resolve(self._exchange.house, context, self._exchange.call.tenant)
        if self._own is None:
            self._own = names_for(self._exchange, self._match.registration)[0]
        return self._own
