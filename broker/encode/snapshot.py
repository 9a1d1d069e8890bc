"""Snapshots as they go out: their status, and the news of it (clauses 5.2.41, 5.3.4)."""

from __future__ import annotations

from collections.abc import Sequence

from broker.model.secrets import masked
from broker.model.snapshot import Snapshot
from broker.model.subscription import Endpoint
from broker.model.values import Instant, Json, to_text


def encode_snapshot(snapshot: Snapshot) -> dict[str, Json]:
    """The status (clause 5.2.41); secrets in its endpoint and its receiverInfo are hidden."""
    body: dict[str, Json] = {
        "id": snapshot.id,
        "type": "Snapshot",
        **snapshot.given,
        "snapshotPriority": snapshot.priority,
        "snapshotStatus": snapshot.status,
    }
    shown = masked(Endpoint(snapshot.endpoint or "", receiver_info=snapshot.receiver_info))
    if snapshot.endpoint is not None:
        body["endpoint"] = shown.uri
    if snapshot.receiver_info:
        body["receiverInfo"] = [{"key": key, "value": value} for key, value in shown.receiver_info]
    body.update(_details(snapshot, "snapshotTemporalQueriesDetails"))
    return {
        **body,
        "createdAt": to_text(snapshot.created_at),
        "modifiedAt": to_text(snapshot.modified_at),
        "expiresAt": to_text(snapshot.expires_at),
        "lastUsedAt": to_text(snapshot.last_used_at),
    }


def encode_news(snapshot: Snapshot, notification_id: str, now: Instant) -> dict[str, Json]:
    """A SnapshotNotification (clause 5.3.4); one that expires before it was notified of is no more."""
    return {
        "id": notification_id,
        "type": "SnapshotNotification",
        "snapshotId": snapshot.id,
        "snapshotStatus": snapshot.status,
        "snapshotPriority": snapshot.priority,
        "expiresAt": to_text(snapshot.expires_at),
        "notifiedAt": to_text(now),
        **_details(snapshot, "temporalSnapshotQueriesDetails"),
    }


def _details(snapshot: Snapshot, temporal: str) -> dict[str, Json]:
    both: Sequence[tuple[str, tuple[Json, ...]]] = (
        ("snapshotQueriesDetails", snapshot.details),
        (temporal, snapshot.temporal_details),
    )
    return {name: list(details) for name, details in both if details}
