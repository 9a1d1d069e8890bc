"""Snapshots as they are sent: to be made, to be cloned, to be changed (clauses 5.2.41, 5.16).

{"type": "Snapshot", "snapshotQueries": [{"type": "Query", "entities": [{"type": "House"}]}],
 "snapshotLifetime": "P1D", "snapshotPriority": 7, "endpoint": "https://example.org/done"}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from broker.decode.given import Given
from broker.decode.lifetime import decode_lifetime
from broker.decode.notification import HTTP_SCHEMES, endpoint_scheme, receiver_info_of
from broker.decode.query import Query, decode_query
from broker.decode.reading import below, refusal
from broker.decode.temporal_query import TemporalQueryBody, decode_temporal_query
from broker.errors import NgsiError
from broker.model.duration import Duration
from broker.model.values import NGSI_LD_NULL, Json

QUERIES: Final = "snapshotQueries"
TEMPORAL_QUERIES: Final = "snapshotTemporalQueries"
QUERIES_MAX: Final = 100
PRIORITY_MAX: Final = 10
_CLAUSE: Final = "5.2.41"
_CHANGEABLE: Final = frozenset({"snapshotLifetime", "snapshotPriority", "endpoint", "receiverInfo"})
OUTPUT_ONLY: Final = frozenset(
    {
        "snapshotStatus", "snapshotQueriesDetails", "snapshotTemporalQueriesDetails", "createdAt", "modifiedAt",
        "expiresAt", "lastUsedAt",
    }
)  # fmt: skip
MEMBERS: Final = _CHANGEABLE | OUTPUT_ONLY | {"id", "type", QUERIES, TEMPORAL_QUERIES}
"""All members of the data type."""
_SHOWN: Final = frozenset({QUERIES, TEMPORAL_QUERIES, "snapshotLifetime"})
_REMOVABLE: Final = frozenset({"endpoint", "receiverInfo"})


@dataclass(frozen=True, slots=True)
class SnapshotBody:
    """What a body says; None where it does not. `given` holds members to be shown as they came.

    In a change `removed` names members to take away.
    """

    id: str | None = None
    queries: tuple[Query, ...] = ()
    temporal_queries: tuple[TemporalQueryBody, ...] = ()
    given: Mapping[str, Json] = field(default_factory=dict)
    lifetime: Duration | None = None
    priority: int | None = None
    endpoint: str | None = None
    receiver_info: tuple[tuple[str, str], ...] | None = None
    removed: frozenset[str] = frozenset()


def decode_snapshot(body: Json) -> SnapshotBody:
    """A snapshot to be made: queries of either sort, at least one. Raises BadRequestData."""
    given = _typed(body)
    members = given.members()
    if QUERIES not in members and TEMPORAL_QUERIES not in members:
        raise refusal(
            "A snapshot is made of queries.", below("", QUERIES), _CLAUSE, f"{QUERIES} or {TEMPORAL_QUERIES}, or both"
        )
    queries = tuple(_query(one) for one in _each(given, QUERIES))
    temporal = tuple(_temporal_query(one) for one in _each(given, TEMPORAL_QUERIES))
    kept = {name: value for name, value in members.items() if name in _SHOWN}
    return _with_rest(given, SnapshotBody(_id(given), queries, temporal, kept))


def decode_clone(body: Json) -> SnapshotBody:
    """A snapshot to be made as a copy of another one: it says nothing of queries. Raises BadRequestData."""
    given = _typed(body)
    _refuse_queries(given)
    kept = {name: value for name, value in given.members().items() if name == "snapshotLifetime"}
    return _with_rest(given, SnapshotBody(_id(given), given=kept))


def decode_change(body: Json, snapshot_id: str) -> SnapshotBody:
    """What of a snapshot shall be otherwise. Raises BadRequestData (clause 5.16.4.4)."""
    if isinstance(body, dict) and "type" not in body:
        body = {**body, "type": "Snapshot"}
    given = _typed(body)
    _refuse_queries(given)
    members = given.members()
    if members.get("id", snapshot_id) != snapshot_id:
        raise given.member("id").refused("the id of the path, or none")
    removed = frozenset(name for name in _REMOVABLE if members.get(name) == NGSI_LD_NULL)
    rest = {name: value for name, value in members.items() if name not in removed}
    kept = {name: value for name, value in rest.items() if name == "snapshotLifetime"}
    return _with_rest(Given(rest, "", _CLAUSE), SnapshotBody(given=kept, removed=removed))


def _typed(body: Json) -> Given:
    given = Given(body, "", _CLAUSE)
    given.member("type").one_of("Snapshot")
    for name in given.members():
        if name not in MEMBERS and name != "@context":
            raise refusal("A snapshot has no such member.", below("", name), _CLAUSE, ", ".join(sorted(_CHANGEABLE)))
    return given


def _id(given: Given) -> str | None:
    return given.member("id").uri() if "id" in given.members() else None


def _refuse_queries(given: Given) -> None:
    for name in (QUERIES, TEMPORAL_QUERIES):
        if name in given.members():
            raise refusal(
                "The queries of a snapshot are those it was made with.", below("", name), _CLAUSE, "leave them out"
            )


def _each(given: Given, name: str) -> list[Given]:
    return given.member(name).each(QUERIES_MAX) if name in given.members() else []


def _with_rest(given: Given, found: SnapshotBody) -> SnapshotBody:
    members = given.members()
    endpoint, receiver = given.member("endpoint"), given.member("receiverInfo")
    if "endpoint" in members and endpoint_scheme(endpoint.uri(), endpoint) not in HTTP_SCHEMES:
        raise endpoint.refused("http://host/path or https://host/path")
    return SnapshotBody(
        found.id,
        found.queries,
        found.temporal_queries,
        found.given,
        decode_lifetime(given.member("snapshotLifetime")) if "snapshotLifetime" in members else None,
        given.member("snapshotPriority").whole(PRIORITY_MAX) if "snapshotPriority" in members else None,
        endpoint.uri() if "endpoint" in members else None,
        receiver_info_of(receiver, "http") if "receiverInfo" in members else None,
        found.removed,
    )


def _query(given: Given) -> Query:
    if "temporalQ" in given.members():
        raise given.member("temporalQ").refused(f"a query without one; {TEMPORAL_QUERIES} takes temporal queries")
    with _below(given):
        return decode_query(given.value)


def _temporal_query(given: Given) -> TemporalQueryBody:
    if "temporalQ" not in given.members():
        raise refusal(
            "A temporal query has a temporalQ.", below(given.pointer, "temporalQ"), _CLAUSE,
            f"a temporalQ, or the query among {QUERIES}",
        )  # fmt: skip
    with _below(given):
        return decode_temporal_query(given.value)


@contextmanager
def _below(given: Given) -> Iterator[None]:
    """Refusals raised inside point below this member."""
    try:
        yield
    except NgsiError as error:
        inner = error.pointer if error.pointer.startswith("/") else below("", error.pointer) if error.pointer else ""
        error.pointer = given.pointer + inner
        raise
