"""Who may do something in a resident's name: to look at what is theirs is not enough for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from broker.errors import Forbidden
from services.room import Ground

if TYPE_CHECKING:
    from services.consents.room import ConsentRoom

DECIDE: Final = "mayDecide"


def require_deciding(ground: Ground, tenant: str, own: str, subject: str) -> None:
    """Let through who decides for themself, or by a delegation with that scope. Raises Forbidden."""
    if subject == own:
        return
    room = cast("ConsentRoom | None", ground.rooms.get("consents"))
    if room is None or not room.delegations.kind(tenant, own, subject, DECIDE):
        raise Forbidden("you may look for this person, not decide", pointer="for", remedy=f"the scope {DECIDE}")
