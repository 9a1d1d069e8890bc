"""What must be known of an entity to judge a change of it: the log keeps what changed, not whom the rest is about.

    Heads(broker, tenant).of(change, entity) -> Head(document, created_at), None where it cannot be known any more

Of an entity that is still there it is the entity as it is now: whom it is about never changes. One that went, or that
went and came again, is looked up in its history, which tells of everybody whom it ever was about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from broker.model.entity import Document, Entity, Instance, member
from broker.model.subjects import DATA_SUBJECT
from broker.model.values import Instant, Json
from broker.operations.broker import Broker
from broker.ports import UNRESTRICTED, LoggedChange
from broker.query.temporal import TemporalQuery

_WHOM = TemporalQuery(names=frozenset({DATA_SUBJECT}))
_LAST = TemporalQuery(last_n=2)
"""Of what was deleted the last instance says so, and the one before it what there was."""


@dataclass(frozen=True, slots=True)
class Head:
    """Members of an entity as it is or last was, and when it was created; None: nobody knows."""

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
        known = history.evolution(self._tenant, entity_id, _LAST, UNRESTRICTED).evolutions
        if not known:
            return None
        document = {name: member(last) for name, held in known[0].attributes.items() if (last := _last(held))}
        whom = history.evolution(self._tenant, entity_id, _WHOM, UNRESTRICTED).evolutions
        about = [one for found in whom for one in found.attributes.get(DATA_SUBJECT, ()) if "deletedAt" not in one]
        if about:
            document[DATA_SUBJECT] = member(about)
        return Head(document, known[0].created_at)


def _last(held: Sequence[Instance]) -> list[Instance]:
    """The last instance of each dataset that was not one of a deletion."""
    found: dict[Json, Instance] = {}
    for one in held:
        if "deletedAt" not in one:
            found.setdefault(one.get("datasetId"), one)
    return [*found.values()]
