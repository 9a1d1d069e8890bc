"""Whose something is that somebody asked for and comes back to: entity maps, snapshots, subscriptions.

A map or a snapshot is its maker's, for the purposes that it was made for: for everybody else, and for other purposes of
theirs, there is none. A subscription is its maker's whatever its purposes; whoever runs the hub looks after all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from broker.model.values import Json
from broker.ports import SYSTEM, Principal

_KEEPERS: Final = frozenset({"operator", SYSTEM})


def owner_of(principal: Principal) -> dict[str, Json]:
    """Who asks, as it is kept with what they made: `{"principal": …, "purposes": […]}`."""
    return {"principal": principal.kept(), "purposes": list[Json](sorted(principal.purposes))}


def is_owner(asking: Principal, principal: str, purposes: Iterable[str]) -> bool:
    """Whether it is who asks now, for the same purposes."""
    return asking.kept() == principal and asking.purposes == frozenset(purposes)


def may_keep(asking: Principal, principal: str) -> bool:
    """Whether who asks may look after what somebody has made: their own, and whoever runs the hub everybody's."""
    if not _KEEPERS.isdisjoint(asking.roles):
        return True
    return _identity(asking) == _identity(Principal.of_kept(principal))


def _identity(principal: Principal) -> tuple[str, str, str]:
    return principal.name, principal.recipient, principal.subject
