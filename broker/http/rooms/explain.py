"""/admin/explain: who may see something of an entity now, and why it was left out; without values.

    GET /admin/explain?entity=urn:…&recipient=urn:…&purpose=https://…    as that organisation, for that purpose
    GET /admin/explain?entity=urn:…&subject=urn:misono:subject:…         as that resident
    GET /admin/explain?entity=urn:…&role=operator                        as somebody of that role
    GET /admin/explain/seers?entity=urn:…&attribute=https://…            organisations that may see the attribute

Purposes and attributes are IRIs; several purposes are separated by commas.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from broker.encode.text import dump
from broker.errors import BadRequestData, NonexistentTenant, ResourceNotFound
from broker.http.messages import Response
from broker.http.rooms.route import Asked, Route
from broker.model.entity import Entity
from broker.model.values import Json
from broker.ports import ROLES, EntityStore, Principal

PATH: Final = "/admin/explain"
_WHO: Final = frozenset({"recipient", "purpose", "subject", "role", "name"})

Explain: TypeAlias = Callable[[str, Entity, Principal], Json]
"""Tenant, entity, who asks: what they see, and why."""
Seers: TypeAlias = Callable[[str, Entity, str], Json]
"""Tenant, entity, attribute (IRI): who may see it."""


def explain_routes(entities: EntityStore, explain: Explain, seers: Seers) -> Sequence[Route]:
    """The rows of the table."""

    def explained(asked: Asked) -> Response:
        return _answer(explain(asked.tenant, _entity(entities, asked), _who(asked)))

    def seen_by(asked: Asked) -> Response:
        entity, attribute = _entity(entities, asked), asked.query.get("attribute", "")
        if ":" not in attribute:
            raise BadRequestData("no attribute", pointer="attribute", remedy="attribute=IRI")
        told = seers(asked.tenant, entity, attribute)
        return _answer({"entity": entity.id, "attribute": attribute, "seers": told})

    return (
        Route("GET", PATH, "explain_access", explained, parameters=_WHO | {"entity"}),
        Route("GET", f"{PATH}/seers", "explain_seers", seen_by, parameters=frozenset({"entity", "attribute"})),
    )


def _entity(entities: EntityStore, asked: Asked) -> Entity:
    wanted = asked.query.get("entity", "")
    try:
        found = entities.get(asked.tenant, wanted)
    except NonexistentTenant:
        found = None
    if found is None:
        raise ResourceNotFound("there is no such entity", pointer="entity", remedy="entity=urn:…")
    return found


def _who(asked: Asked) -> Principal:
    query = asked.query
    recipient, subject, role = query.get("recipient", ""), query.get("subject", ""), query.get("role", "")
    roles = {role} if role else {"recipient"} if recipient else {"resident"} if subject else set[str]()
    if not roles <= ROLES:
        raise BadRequestData(f"there is no role {role[:40]!r}", pointer="role", remedy=", ".join(sorted(ROLES)))
    purposes = frozenset(one for one in query.get("purpose", "").split(",") if one)
    return Principal(query.get("name", "explained"), purposes, frozenset(roles), None, recipient, subject)


def _answer(told: Json) -> Response:
    return Response(200, (("Content-Type", "application/json"), ("Cache-Control", "no-store")), dump(told))
