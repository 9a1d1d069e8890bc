"""What must be known of an entity to judge a change of it: the log keeps what changed, not whom the rest is about.

    Heads(broker, tenant).of(change, entity) -> Head(document, created_at), None where it cannot be known any more

Of an entity that is still there it is the entity as it is now: whom it is about never changes. One that went, or that
went and came again, is looked up in its history, which tells of everybody whom it ever was about.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.model.entity import Document, Entity, member
from broker.model.subjects import DATA_SUBJECT
from broker.model.values import Instant
from broker.operations.broker import Broker
from broker.ports import UNRESTRICTED, LoggedChange
from broker.query.temporal import TemporalQuery

_WHOM = TemporalQuery(names=frozenset({DATA_SUBJECT}))
_ANY = TemporalQuery(instances_max=1, sys_attrs=False)


@dataclass(frozen=True, slots=True)
class Head:
    """Members of an entity beside those that changed, and when it was created; None: nobody knows."""

    document: Document = field(default_factory=dict)
    created_at: Instant | None = None


class Heads:
    """Those of the entities of some changes; each is looked up once."""

    def __init__(self, broker: Broker, tenant: str) -> None:
        self._broker, self._tenant = broker, tenant
        self._past: dict[str, Head | None] = {}

    def of(self, change: LoggedChange, entity: Entity | None) -> Head | None:
        """The head of a change's entity; `entity` is it as it is now. None where the change may not be judged."""
        if entity is not None and entity.created_at <= change.at:
            return Head(entity.document, entity.created_at)
        if change.entity_id not in self._past:
            self._past[change.entity_id] = self._told(change.entity_id)
        found = self._past[change.entity_id]
        if found is None:
            return None if change.subjects or change.data_classes else Head()
        return found

    def _told(self, entity_id: str) -> Head | None:
        history = self._broker.history
        found = history.evolution(self._tenant, entity_id, _WHOM, UNRESTRICTED).evolutions
        if found and found[0].attributes.get(DATA_SUBJECT):
            return Head({DATA_SUBJECT: member([*found[0].attributes[DATA_SUBJECT]])}, found[0].created_at)
        known = history.evolution(self._tenant, entity_id, _ANY, UNRESTRICTED).evolutions
        return Head({}, known[0].created_at) if known else None
