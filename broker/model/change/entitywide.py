"""The members of an entity that are no attributes, in a write: type, scope, expiresAt (clauses 4.16, 4.18, 4.22)."""

from __future__ import annotations

from typing import cast

from broker.errors import BadRequestData
from broker.model.change.nulls import is_null
from broker.model.entity import ATTRIBUTES_MAX, Document, Entity, as_list
from broker.model.values import Instant, Json, to_instant

NO_ATTRIBUTES = frozenset({"id", "type", "scope", "expiresAt"})


def add_types(document: Document, fragment: Document) -> None:
    """Put the fragment's types after those the document has, each once: types are never taken away here."""
    held, given = document["type"], fragment["type"]
    if held == given:
        return
    types = as_list(held)
    more = [iri for iri in as_list(given) if iri not in types]
    if more:
        document["type"] = cast("Json", [*types, *more])


def add_scopes(document: Document, scope: Json) -> None:
    """Put the fragment's scopes after those the document has, each once."""
    held = as_list(document.get("scope"))
    more = [one for one in as_list(scope) if one not in held]
    if more:
        document["scope"] = cast("Json", [*held, *more] if held or len(more) > 1 else more[0])


def set_scope(document: Document, scope: Json) -> None:
    """The fragment's scope instead of the document's; a null takes it away."""
    if is_null(scope):
        document.pop("scope", None)
    elif document.get("scope") != scope:
        document["scope"] = scope


def expiry(entity: Entity, fragment: Document) -> Instant | None:
    """When the entity expires after a fragment that may say so; a null makes it durable again."""
    if "expiresAt" not in fragment:
        return entity.expires_at
    given = fragment["expiresAt"]
    return to_instant(given) if isinstance(given, str) else None


def rebuilt(entity: Entity, document: Document, expires_at: Instant | None, now: Instant) -> Entity:
    """The entity with this document; itself where nothing in it is another value than before.

    Raises BadRequestData where it would grow beyond what an entity may have (clause 4.5.1).
    """
    before = entity.document
    if len(before) < len(document) > ATTRIBUTES_MAX:
        raise BadRequestData(
            f"The entity would have {len(document)} members.",
            clause="4.5.1",
            remedy=f"At most {ATTRIBUTES_MAX}, or several entities.",
        )
    if (
        expires_at == entity.expires_at
        and len(before) == len(document)
        and all(value is before.get(name) for name, value in document.items())
    ):
        return entity
    return Entity(document, entity.created_at, now, expires_at, entity.version + 1)
