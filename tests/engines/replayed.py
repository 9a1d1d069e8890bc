"""The state that a change log tells of: what backups and survivors of a power cut are held against."""

from __future__ import annotations

from typing import Any

from broker.model.values import Instant
from broker.ports import ChangeLog

Told = tuple[dict[str, Any], Instant, Instant, int]
"""An entity as the log has it: its members with `expiresAt`, when it was made and last changed, its version."""


def replayed(log: ChangeLog, tenant: str, until: int | None = None) -> dict[str, Told]:
    """Every entity as of a sequence of the log, from its first row on."""
    state: dict[str, Told] = {}
    sequence = 0
    while rows := log.since(tenant, sequence, 1_000):
        for row in rows:
            sequence = row.sequence
            if until is not None and sequence > until:
                return state
            if row.after is None:
                del state[row.entity_id]
            elif row.before is None:
                state[row.entity_id] = (dict(row.after), row.at, row.at, row.version)
            else:
                members, made, _, _ = state[row.entity_id]
                kept = {name: value for name, value in members.items() if name not in row.before}
                state[row.entity_id] = (kept | dict(row.after), made, row.at, row.version)
    return state
