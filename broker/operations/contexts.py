"""The @contexts this broker stores: add, list, serve, delete and reload (clause 5.13).

A tenant sees its own hosted and implicitly created @contexts, and every cached one; no tenant has to exist for it.
The core @contexts are built in: they can be read like a hosted one, reloaded (nothing changes) and not deleted.

    POST   /ngsi-ld/v1/jsonldContexts        add_context(shelf, tenant, body)            201, Location: …/{local id}
    GET    /ngsi-ld/v1/jsonldContexts        list_contexts(shelf, tenant, kind=…, details=…)
    GET    /ngsi-ld/v1/jsonldContexts/{id}   serve_context(shelf, tenant, id, details=…) 200, application/json
    DELETE /ngsi-ld/v1/jsonldContexts/{id}   delete_context(shelf, tenant, id, reload=…) 204
"""

from __future__ import annotations

from broker.errors import BadRequestData, InvalidRequest, OperationNotSupported, ResourceNotFound
from broker.ldcontext.compile import check_context
from broker.model.values import Json, to_text
from broker.ports import ContextEntry, ContextShelf

KINDS = ("Cached", "Hosted", "ImplicitlyCreated")


def add_context(shelf: ContextShelf, tenant: str, body: Json) -> str:
    """The local id of the new @context; what stands beside the member @context is dropped (clause 5.13.2).

    Raises InvalidRequest where there is none, BadRequestData where it is no valid one.
    """
    if not isinstance(body, dict) or "@context" not in body:
        raise InvalidRequest(
            "the body has no member @context", pointer="/@context", clause="5.13.2.3",
            remedy='{"@context": {"speed": "https://example.org/speed"}}',
        )  # fmt: skip
    check_context(body["@context"])
    return shelf.add(body["@context"], tenant).id


def list_contexts(shelf: ContextShelf, tenant: str, *, kind: str | None = None, details: bool = False) -> list[Json]:
    """The URLs of the stored @contexts, or what is known of each, oldest first (clause 5.13.3).

    `kind` is `Cached`, `Hosted`, `ImplicitlyCreated` or None for all. Raises BadRequestData for another one.
    """
    if kind is not None and kind not in KINDS:
        raise BadRequestData(
            f"'{kind[:40]}' is no kind of @context", pointer="kind", clause="5.13.3.3", remedy=f"one of {KINDS}"
        )
    found = [entry for entry in shelf.entries(tenant) if kind is None or entry.kind == kind]
    return [describe(entry) if details else entry.url for entry in found]


def serve_context(shelf: ContextShelf, tenant: str, context_id: str, *, details: bool = False) -> dict[str, Json]:
    """`{"@context": …}`, or with `details` what is known of it (clause 5.13.4).

    Raises ResourceNotFound, and OperationNotSupported for the content of a cached one. Reading an entry this
    broker made for itself counts as a use of it, after it was shown.
    """
    entry = _entry(shelf, tenant, context_id)
    if entry.kind != "Hosted" and not entry.fixed:
        shelf.used(entry)
    if details:
        return describe(entry)
    if entry.kind == "Cached" and not entry.fixed:
        raise OperationNotSupported(
            "a cached @context is for this broker's own use and not served", pointer="contextId", clause="5.13.4.4",
            remedy=f"details=true for what is known of it, or GET {entry.url}",
        )  # fmt: skip
    return entry.document


def delete_context(shelf: ContextShelf, tenant: str, context_id: str, *, reload: bool = False) -> None:
    """Forget a stored @context, or with `reload` fetch a cached one again (clause 5.13.5).

    Raises ResourceNotFound; BadRequestData for reloading what is not cached and for deleting what is built in;
    LdContextNotAvailable where reloading fails, and then the stored one stays.
    """
    if reload:
        entry = shelf.entry(context_id, tenant)
        if entry is None or entry.kind != "Cached":
            raise BadRequestData(
                "only a cached @context can be reloaded", pointer="reload", clause="5.13.5.4",
                remedy="the URL or local id of one that GET /ngsi-ld/v1/jsonldContexts?kind=Cached lists",
            )  # fmt: skip
        if not entry.fixed:
            shelf.reload(entry)
        return
    entry = _entry(shelf, tenant, context_id)
    if entry.fixed:
        raise BadRequestData(
            "this @context is built in and cannot be deleted", pointer="contextId", clause="4.4",
            remedy="reload=true, or delete a hosted, cached or implicitly created one",
        )  # fmt: skip
    shelf.remove(entry)


def describe(entry: ContextEntry) -> dict[str, Json]:
    """`{"URL": …, "localId": …, "kind": "Cached", "createdAt": …, "numberOfHits": 3}` (clause 5.13.3.5)."""
    known: dict[str, Json] = {
        "URL": entry.url,
        "localId": entry.id,
        "kind": entry.kind,
        "createdAt": to_text(entry.created_at),
    }
    if not entry.fixed:  # uses of what is built in are not counted
        known["numberOfHits"] = entry.hits
    if entry.expires_at is not None:
        known["expiresAt"] = to_text(entry.expires_at)
    if entry.last_used_at is not None:
        known["lastUsage"] = to_text(entry.last_used_at)
    if entry.changed:
        known["extraInfo"] = {"changedTerms": list(entry.changed), "takenBy": "DELETE with reload=true"}
    return known


def _entry(shelf: ContextShelf, tenant: str, context_id: str) -> ContextEntry:
    found = shelf.entry(context_id, tenant)
    if found is None:
        raise ResourceNotFound(
            f"no @context is stored under '{context_id[:200]}'", pointer="contextId", clause="5.13.4.4",
            remedy="one that GET /ngsi-ld/v1/jsonldContexts?details=true lists",
        )  # fmt: skip
    return found
