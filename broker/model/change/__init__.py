"""What each write makes of an entity: pure functions `(entity, fragment, …, now) -> (entity, UpdateResult)`.

    entity, result = change.update(entity, {"https://…/speed": {"type": "Property", "value": 9}}, now)

An entity is never changed in place, and what a write leaves alone is shared with the one before it. Where nothing is
changed at all the very same entity comes back (`after is before`). One module a family of clauses: `whole` (5.6.1,
5.6.18), `attributes` (5.6.2, 5.6.3, 5.6.5, 5.6.19, 5.6.21), `partial` (5.6.4, 5.5.8), `merging` (5.6.17, 5.5.12).
"""

from __future__ import annotations

from broker.model.change.attributes import append, delete_attribute, keep_only, purge, replace_attribute, update
from broker.model.change.merging import NO_OPTIONS, MergeOptions, merge
from broker.model.change.partial import partial_update
from broker.model.change.result import NotUpdated, UpdateResult
from broker.model.change.whole import create, replace

__all__ = [
    "NO_OPTIONS",
    "MergeOptions",
    "NotUpdated",
    "UpdateResult",
    "append",
    "create",
    "delete_attribute",
    "keep_only",
    "merge",
    "partial_update",
    "purge",
    "replace",
    "replace_attribute",
    "update",
]
