"""A snapshot as this broker holds it: what was asked for, how far it has come, and where its data are (clause 5.2.41).

It is kept as a held document of kind `snapshot` whose body is `to_body()`. Its queries stand there twice: as they came,
for answers, and as what they mean (`Sought`), so that a snapshot which a stopped process left half filled can be filled
by another one that knows no @context.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

from broker.model.values import Instant, Json

Status = Literal["preparing", "success", "partial", "failure", "empty"]
PRIORITY = 5
"""Of a snapshot that says nothing of its priority, from 1 (goes first) to 10."""


@dataclass(frozen=True, slots=True)
class Sought:
    """A query, bound.

    `where` is its condition (query.stored), `projection` likewise; `join` how many levels of linked entities come
    along, but those in `contained_by`. `times` are the members of a TemporalQuery, None where current state is sought.
    """

    where: Json
    projection: Json = None
    dataset_ids: tuple[str, ...] = ()
    join: int = 0
    contained_by: tuple[str, ...] = ()
    times: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`given` holds the members that are shown as they came; details are in the order of the queries.

    `place` is where its data are (ports.places), `source` the place that it is a clone of. `principal` and `purposes`
    say for whom the queries are run. `context` is the source of the @context that its maker's names are of.
    """

    id: str
    place: str
    given: Mapping[str, Json]
    created_at: Instant
    modified_at: Instant
    expires_at: Instant
    last_used_at: Instant
    priority: int = PRIORITY
    status: Status = "preparing"
    endpoint: str | None = None
    receiver_info: tuple[tuple[str, str], ...] = ()
    queries: tuple[Sought, ...] = ()
    temporal_queries: tuple[Sought, ...] = ()
    details: tuple[Json, ...] = ()
    temporal_details: tuple[Json, ...] = ()
    source: str | None = None
    principal: str = "anonymous"
    purposes: tuple[str, ...] = field(default=())
    context: Json = None

    def to_body(self) -> dict[str, Json]:
        """The held document's body."""
        body = {name: getattr(self, name) for name in _MEMBERS}
        for name in ("queries", "temporal_queries"):
            body[name] = [{part: getattr(one, part) for part in _PARTS} for one in getattr(self, name)]
        return cast("dict[str, Json]", body)

    @classmethod
    def from_body(cls, body: Mapping[str, Json]) -> Snapshot:
        """What `to_body` wrote, before or after it was JSON."""
        members: dict[str, Any] = dict(body)
        for name in ("details", "temporal_details", "purposes"):
            members[name] = tuple(members[name])
        members["receiver_info"] = tuple((key, value) for key, value in members["receiver_info"])
        for name in ("queries", "temporal_queries"):
            members[name] = tuple(map(_sought, members[name]))
        return cls(**members)

    def concluded(self, details: Sequence[Json], temporal_details: Sequence[Json], now: Instant) -> Snapshot:
        """It is filled, and this is what each query came to (clause 5.16.1.4)."""
        came_to = {cast("dict[str, Json]", one)["resultStatus"] for one in (*details, *temporal_details)}
        status: Status = "failure"
        if came_to == {"success"}:
            status = "success"
        elif "success" in came_to:
            status = "partial"
        elif "empty" in came_to:
            status = "empty"
        return replace(
            self, status=status, details=tuple(details), temporal_details=tuple(temporal_details), modified_at=now
        )


_MEMBERS = tuple(Snapshot.__slots__)
_PARTS = tuple(Sought.__slots__)


def _sought(stored: Any) -> Sought:  # noqa: ANN401 - JSON
    parts = {**stored, **{name: tuple(stored[name]) for name in ("dataset_ids", "contained_by")}}
    return Sought(**parts)
