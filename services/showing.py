"""What a room shows in the hub: entities as they are by now, and those that are no more."""

from __future__ import annotations

from collections.abc import Mapping

from broker.errors import ResourceNotFound, ServiceUnavailable
from broker.ports.hub import Fragment, Hub, HubAway


def show(hub: Hub, tenant: str, shown: Mapping[str, Fragment | None], done: str) -> None:
    """Write these, by entity id; None: it is gone from the hub. `done` is what is so already: `booked`, `kept`.

    Raises ServiceUnavailable where the hub is away, or does not take one of them.
    """
    fragments = [one for one in shown.values() if one is not None]
    gone = [entity_id for entity_id, one in shown.items() if one is None]
    try:
        refused = [one for one in hub.upsert(tenant, fragments) if one is not None] if fragments else []
        if gone:
            deleted = hub.delete(tenant, gone)
            refused += [one for one in deleted if one is not None and not isinstance(one, ResourceNotFound)]
    except HubAway as error:
        raise ServiceUnavailable(f"it is {done}, and shown in the hub soon", remedy="Ask again.") from error
    if refused:
        raise ServiceUnavailable(f"it is {done}, but the hub does not show it: {refused[0].detail}")
