"""If-Match and If-None-Match on writes; the ETag is the entity's version (RFC 9110, section 13.1)."""

from __future__ import annotations

from dataclasses import dataclass

from broker.errors import PreconditionFailed
from broker.model.entity import Entity


@dataclass(frozen=True, slots=True)
class Precondition:
    """What must hold of the entity inside the transaction, or nothing is written.

    `matches` are the versions of If-Match (`frozenset({3})`), `exists` is `If-Match: *`, `absent` is
    `If-None-Match: *`. Several may stand together.
    """

    matches: frozenset[int] | None = None
    exists: bool = False
    absent: bool = False

    def require(self, current: Entity | None) -> None:
        """Raise PreconditionFailed where it does not hold of the entity as it is."""
        if self.absent and current is not None:
            raise PreconditionFailed(
                "The entity exists.",
                pointer="If-None-Match",
                clause="6.3.4",
                remedy="Leave If-None-Match away to write onto what is there.",
            )
        if self.exists and current is None:
            raise PreconditionFailed(
                "The entity does not exist.",
                pointer="If-Match",
                clause="6.3.4",
                remedy="Create the entity first, without If-Match.",
            )
        if self.matches is not None and (current is None or current.version not in self.matches):
            raise PreconditionFailed(
                "The entity has another version by now.",
                pointer="If-Match",
                clause="6.3.4",
                remedy="GET the entity, decide anew, and send the ETag that it came with.",
            )


NO_PRECONDITION = Precondition()
