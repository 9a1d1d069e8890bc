"""`/snapshots`, `/snapshots/{snapshotId}` and `/snapshots/{snapshotId}/clone` (clauses 6.36 to 6.38)."""

from __future__ import annotations

from collections.abc import Iterator

from broker.decode.query import Query
from broker.decode.snapshot import MEMBERS, SnapshotBody, decode_change, decode_clone, decode_snapshot
from broker.decode.temporal_query import TemporalQueryBody
from broker.encode.snapshot import encode_snapshot
from broker.errors import BadRequestData
from broker.http.batch import done
from broker.http.exchange import Exchange
from broker.http.messages import Answer, Deferred, Response
from broker.http.respond import NO_CONTENT, content, created
from broker.http.seeking import seek, view_of
from broker.http.temporal import understood
from broker.ldcontext.active import ActiveContext
from broker.model.snapshot import Snapshot, Sought
from broker.model.values import Json
from broker.operations import snapshots
from broker.operations.consume import View
from broker.operations.snapshots import Wanted
from broker.query.ast import And, Between, Compare, Exists, Node, OneOf, Or, Pattern
from broker.query.projection import Projection
from broker.query.q import parse_q
from broker.query.stored import node_to_json, projection_to_json

_IDENTITY = ("id", "type")


def create_snapshot(exchange: Exchange) -> Answer:
    """POST /snapshots: 201 (clause 6.36.3.1)."""
    wanted = _wanted(exchange, decode_snapshot(exchange.body))
    return Deferred(snapshots.create_snapshot(exchange.house.broker, exchange.call, wanted), _created)


def clone_snapshot(exchange: Exchange) -> Answer:
    """POST /snapshots/{snapshotId}/clone: 201 (clause 6.38.3.1)."""
    wanted = _wanted(exchange, decode_clone(exchange.body))
    source = exchange.path["snapshotId"]
    return Deferred(snapshots.clone_snapshot(exchange.house.broker, exchange.call, source, wanted), _created)


def retrieve_snapshot(exchange: Exchange) -> Answer:
    """GET /snapshots/{snapshotId}: 200 (clause 6.37.3.1)."""
    call = exchange.call
    found = snapshots.retrieve_snapshot(exchange.house.broker, call.tenant, exchange.path["snapshotId"], call.principal)
    return content(exchange, encode_snapshot(found))


def update_snapshot(exchange: Exchange) -> Answer:
    """PATCH /snapshots/{snapshotId}: 200 with what it is then (clause 6.37.3.2)."""
    snapshot_id = exchange.path["snapshotId"]
    wanted = _wanted(exchange, decode_change(exchange.body, snapshot_id))

    def render(after: Snapshot) -> Response:
        return content(exchange, encode_snapshot(after))

    return Deferred(snapshots.update_snapshot(exchange.house.broker, exchange.call, snapshot_id, wanted), render)


def delete_snapshot(exchange: Exchange) -> Answer:
    """DELETE /snapshots/{snapshotId}: 204 (clause 6.37.3.3)."""
    call = exchange.call
    pending = snapshots.delete_snapshot(exchange.house.broker, call.tenant, exchange.path["snapshotId"], call.principal)
    return Deferred(pending, _no_content)


def purge_snapshots(exchange: Exchange) -> Answer:
    """DELETE /snapshots: 204, 207 (clause 6.36.3.2)."""
    text = exchange.parameters.text("q")
    if text is None:
        raise BadRequestData(
            "a purge of snapshots has a q", pointer="q", clause="5.16.7.4", remedy="q=snapshotPriority<5"
        )
    where = parse_q(text)
    for name in _names(where):
        if name not in MEMBERS:
            raise BadRequestData(
                f"'{name[:50]}' is no member of a snapshot", pointer="q", clause="5.16.7.4",
                remedy="some of " + ", ".join(sorted(MEMBERS)),
            )  # fmt: skip
    return Deferred(snapshots.purge_snapshots(exchange.house.broker, exchange.call, where), done)


def _names(node: Node) -> Iterator[str]:
    match node:
        case And(terms) | Or(terms):
            for term in terms:
                yield from _names(term)
        case Exists(path) | Compare(path) | OneOf(path) | Between(path) | Pattern(path):
            yield path.name
        case _:
            yield "{}"


def _wanted(exchange: Exchange, body: SnapshotBody) -> Wanted:
    names = exchange.call.names
    return Wanted(
        body.id,
        tuple(_sought(query, names) for query in body.queries),
        tuple(_sought_in_time(exchange, query) for query in body.temporal_queries),
        body.given,
        body.lifetime,
        body.priority,
        body.endpoint,
        body.receiver_info,
        body.removed,
    )


def _sought(query: Query, names: ActiveContext) -> Sought:
    found = seek(query, names, local=None)
    view = found.view
    return Sought(
        node_to_json(found.selection.where),
        _projection(view),
        tuple(sorted(view.dataset_ids or ())),
        0 if view.join is None else view.join.level,
        () if view.join is None else tuple(sorted(view.join.contained_by)),
    )


def _sought_in_time(exchange: Exchange, body: TemporalQueryBody) -> Sought:
    found = understood(exchange, body.query, body.times)
    query, view = found.query, view_of(body.query, exchange.call.names)
    if query.aggregation is not None:
        raise BadRequestData(
            "a snapshot holds instances, not aggregates of them", pointer="/snapshotTemporalQueries/aggrParams",
            clause="5.16.1.4", remedy="leave aggrParams out, and ask the snapshot for aggregated values",
        )  # fmt: skip
    times: dict[str, Json] = {
        "timerel": query.timerel,
        "at": query.at,
        "end": query.end,
        "timeproperty": query.timeproperty,
        "last_n": query.last_n,
        "names": list[Json](sorted(query.names)),
        "dataset_ids": list[Json](query.dataset_ids),
    }
    return Sought(node_to_json(found.where), None if body.query.attrs else _projection(view), times=times)


def _projection(view: View) -> Json:
    return None if view.projection is None else projection_to_json(with_identity(view.projection))


def with_identity(projection: Projection) -> Projection:
    """The projection that keeps id and type at every level: what is kept of an entity is an entity."""
    inner = tuple((name, None if below is None else with_identity(below)) for name, below in projection.names)
    own = tuple((name, below) for name, below in inner if name not in _IDENTITY)
    if projection.omits:
        return Projection(own, omits=True)
    return Projection((*((name, None) for name in _IDENTITY), *own))


def _created(snapshot_id: str) -> Response:
    return created("snapshots", snapshot_id)


def _no_content(_: None) -> Response:
    return NO_CONTENT
