"""What two selections of one entity come to together: a snapshot keeps an entity once."""

from __future__ import annotations

from broker.model.entity import ENTITY_MEMBERS, Document, Entity, as_list, instances, member
from broker.model.values import Json


def united(held: Entity, added: Entity) -> Entity:
    """The entity with the types, scopes, attributes and instances that it lacked; itself where it lacked none."""
    document: Document = dict(held.document)
    for name in ("type", "scope"):
        _keep(document, name, _union(as_list(held.document.get(name)), as_list(added.document.get(name))))
    for name, value in added.document.items():
        if name not in ENTITY_MEMBERS:
            _keep(document, name, value if name not in document else _instances(document[name], value))
    if document == held.document:
        return held
    return Entity(document, held.created_at, held.modified_at, held.expires_at, held.version)


def _keep(document: Document, name: str, value: Json) -> None:
    if value is not None:
        document[name] = value


def _union(held: list[str], added: list[str]) -> Json:
    both: list[Json] = [*dict.fromkeys([*held, *added])]
    return (both[0] if len(both) == 1 else both) if both else None


def _instances(held: Json, added: Json) -> Json:
    known = {one.get("datasetId") for one in instances(held)}
    return member([*instances(held), *(one for one in instances(added) if one.get("datasetId") not in known)])
