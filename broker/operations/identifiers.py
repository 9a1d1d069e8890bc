"""Entity ids in paths and arrays: URIs, or BadRequestData (clauses 4.5.1, 5.5.2)."""

from __future__ import annotations

from broker.errors import BadRequestData
from broker.model.names import is_uri


def require_uri(entity_id: str, pointer: str = "entityId") -> None:
    """Raise BadRequestData where the id is no URI."""
    if not is_uri(entity_id):
        raise BadRequestData(
            f"The entity id {entity_id[:80]!r} is no URI.",
            pointer=pointer,
            clause="5.5.2",
            remedy='Give a URI such as "urn:ngsi-ld:House:1".',
        )
