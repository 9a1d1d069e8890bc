"""Creating an entity, and replacing it as a whole (clauses 5.6.1, 5.6.18)."""

from __future__ import annotations

from broker.model.change.attributes import written_over
from broker.model.change.entitywide import expiry
from broker.model.change.result import UpdateResult
from broker.model.change.stamps import Moment
from broker.model.entity import ENTITY_MEMBERS, Document, Entity
from broker.model.values import Instant, to_instant


def create(document: Document, now: Instant) -> Entity:
    """The entity of a decoded document: `expiresAt` leaves it and becomes the entity's.

    `create({"id": "urn:ngsi-ld:T:1", "type": "https://…/T"}, now)` has version 1 and was created at `now`.
    """
    if "expiresAt" not in document:
        return Entity(document, now, now)
    given = document["expiresAt"]
    kept = {name: value for name, value in document.items() if name != "expiresAt"}
    return Entity(kept, now, now, to_instant(given) if isinstance(given, str) else None)


def replace(entity: Entity, document: Document, now: Instant) -> tuple[Entity, UpdateResult]:
    """The entity with the content of `document` and nothing else.

    It keeps its createdAt, and so do the instances that it had before under the same name and datasetId
    (clause 5.6.18.4). Members come in the order of `document`.
    """
    moment = Moment.of(entity, now)
    held = entity.document
    written: Document = {}
    for name, value in document.items():
        if name in ENTITY_MEMBERS:
            written[name] = value
        elif name != "expiresAt":
            written[name] = written_over(held.get(name), value, moment)
    expires_at = expiry(entity, document) if "expiresAt" in document else None
    result = UpdateResult([name for name in written if name not in ENTITY_MEMBERS])
    if expires_at == entity.expires_at and list(held) == list(written) and _unchanged(held, written):
        return entity, result
    return Entity(written, entity.created_at, now, expires_at, entity.version + 1), result


def _unchanged(held: Document, written: Document) -> bool:
    return all(
        value is held[name] or (name in ENTITY_MEMBERS and value == held[name]) for name, value in written.items()
    )
