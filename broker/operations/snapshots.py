"""Snapshots: frozen results of queries, worked with like a tenant of their own (clauses 4.3.7, 5.5.15, 5.16).

    create_snapshot(broker, call, Wanted(queries=(…,))) -> future of its id; it is filled in the background
    place_in(broker, "city", "urn:ngsi-ld:Snapshot:1") -> the tenant that an operation on it works in

A snapshot is a held document of kind `snapshot`; its data are in a place (ports.places). Its place is made before the
document and under a lease, so that a place without a document and without a lease is one that was left behind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from broker.encode.snapshot import encode_snapshot
from broker.errors import AlreadyExists, BadRequestData, NgsiError, ResourceNotFound, ServiceUnavailable, TooManyResults
from broker.model.duration import Duration
from broker.model.entity import Document, Entity
from broker.model.secrets import unmasked
from broker.model.snapshot import PRIORITY, Snapshot, Sought
from broker.model.subscription import Endpoint
from broker.model.values import Instant, Json
from broker.operations.batch import BatchFailure, BatchResult
from broker.operations.broker import Broker, Call
from broker.operations.futures import done, then
from broker.operations.identifiers import require_uri
from broker.operations.owning import is_owner
from broker.operations.snapshot_filling import KIND, LEASE_S, abandon, fill_snapshot, lease_of
from broker.operations.snapshot_news import tell
from broker.ports import Principal
from broker.ports.held import Drop, Held, HeldCommand, HeldDecision, Hold, Leave
from broker.ports.places import home_of, place_of, snapshot_of
from broker.query.ast import Node
from broker.query.match import matches

SNAPSHOTS_MAX: Final = 100
"""In one tenant: one more takes the place of one that is no more important (clause 5.5.15)."""
_INSTANTS: Final = frozenset({"createdAt", "modifiedAt", "expiresAt"})
USE_NOTED_US: Final = 10_000_000
"""lastUsedAt is so exact: a read is no write."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a snapshot shall be, its queries bound; None: as it is, or the default."""

    id: str | None = None
    queries: tuple[Sought, ...] = ()
    temporal_queries: tuple[Sought, ...] = ()
    given: Mapping[str, Json] = field(default_factory=dict)
    lifetime: Duration | None = None
    priority: int | None = None
    endpoint: str | None = None
    receiver_info: tuple[tuple[str, str], ...] | None = None
    removed: frozenset[str] = frozenset()


def create_snapshot(broker: Broker, call: Call, wanted: Wanted, source: Snapshot | None = None) -> Future[str]:
    """Create Snapshot (clause 5.16.1): its id, once it is known; what is in it follows in the background.

    With `source` it becomes a copy of that one. Raises AlreadyExists, and TooManyResults where the tenant has as many
    as it may and each is more important.
    """
    snapshot_id = wanted.id or f"urn:ngsi-ld:Snapshot:{broker.new_id()}"
    _require_new(broker.held.find_held(call.tenant, KIND, snapshot_id), broker.clock.now(), snapshot_id)
    _make_room(broker, call, wanted.priority or PRIORITY)
    place, holder = place_of(call.tenant, broker.new_id(), snapshot_id), broker.new_id()
    broker.leases.take(lease_of(place), holder, LEASE_S)
    broker.places.make_place(place)

    def decide(current: Held | None, now: Instant) -> HeldDecision:
        _require_new(current, now, snapshot_id)
        made = replace(_new(broker, call, wanted, now), id=snapshot_id, place=place)
        return Hold((made if source is None else replace(made, source=source.place)).to_body())

    def held(outcomes: list[object]) -> str:
        if isinstance(outcomes[0], NgsiError):
            broker.background.submit(partial(abandon, broker, place, holder))
            raise outcomes[0]
        broker.background.submit(partial(fill_snapshot, broker, call.tenant, snapshot_id, (place, holder)))
        return snapshot_id

    return then(_apply(broker, call.tenant, snapshot_id, decide), held)


def clone_snapshot(broker: Broker, call: Call, snapshot_id: str, wanted: Wanted) -> Future[str]:
    """Clone Snapshot (clause 5.16.2): the id of the copy.

    Raises as `create_snapshot`, ResourceNotFound where there is none to copy, ServiceUnavailable while it is prepared.
    """
    source = _ready(retrieve_snapshot(broker, call.tenant, snapshot_id, call.principal))
    given = {**{name: value for name, value in source.given.items() if name != "snapshotLifetime"}, **wanted.given}
    return create_snapshot(broker, call, replace(wanted, given=given), source)


def retrieve_snapshot(broker: Broker, tenant: str, snapshot_id: str, asking: Principal | None = None) -> Snapshot:
    """Retrieve Snapshot Status (clause 5.16.3).

    It is there for its maker (`asking`; None: whoever), for the purposes that it was made for. Raises BadRequestData
    where the id is no URI, ResourceNotFound where there is none, or it has expired.
    """
    require_uri(snapshot_id, "snapshotId")
    found = _known(broker.held.find_held(tenant, KIND, snapshot_id), broker.clock.now(), snapshot_id)
    if asking is not None and not is_owner(asking, found.principal, found.purposes):
        raise _unknown(snapshot_id)
    return found


def update_snapshot(broker: Broker, call: Call, snapshot_id: str, wanted: Wanted) -> Future[Snapshot]:
    """Update Snapshot Status (clause 5.16.4): as it is then. Raises as `retrieve_snapshot`."""
    retrieve_snapshot(broker, call.tenant, snapshot_id, call.principal)

    def decide(current: Held | None, now: Instant) -> HeldDecision:
        after = _changed(broker, _known(current, now, snapshot_id), wanted, now)
        return Hold(after.to_body(), after)

    def told(outcomes: list[object]) -> Snapshot:
        after = _snapshot_of(outcomes[0])
        broker.background.submit(partial(tell, broker, call.tenant, after))
        return after

    return then(_apply(broker, call.tenant, snapshot_id, decide), told)


def delete_snapshot(broker: Broker, tenant: str, snapshot_id: str, asking: Principal | None = None) -> Future[None]:
    """Delete Snapshot (clause 5.16.5). Raises as `retrieve_snapshot`."""
    retrieve_snapshot(broker, tenant, snapshot_id, asking)

    def decide(current: Held | None, now: Instant) -> HeldDecision:
        return Drop(_known(current, now, snapshot_id))

    def dropped(outcomes: list[object]) -> None:
        gone = _snapshot_of(outcomes[0])
        broker.background.submit(partial(broker.places.drop_place, gone.place))
        last = replace(gone, expires_at=min(gone.expires_at, broker.clock.now()), status="failure")
        broker.background.submit(partial(tell, broker, tenant, last))

    return then(_apply(broker, tenant, snapshot_id, decide), dropped)


def purge_snapshots(broker: Broker, call: Call, where: Node) -> Future[BatchResult]:
    """Purge Snapshots (clause 5.16.7): those that meet a condition on members of the data type.

    Raises ResourceNotFound where none does.
    """
    mine = [one for one in all_snapshots(broker, call.tenant) if is_owner(call.principal, one.principal, one.purposes)]
    fitting = [one for one in mine if matches(where, as_entity(one), _nothing_linked)]
    if not fitting:
        raise ResourceNotFound(
            "No snapshot meets the condition.", pointer="q", clause="6.36.3.2", remedy="Widen it, or be content."
        )
    result = BatchResult()
    for one in fitting:
        try:
            delete_snapshot(broker, call.tenant, one.id).result()
        except NgsiError as refusal:
            result.errors.append(BatchFailure(one.id, refusal))
        else:
            result.success.append(one.id)
    return done(result)


def as_entity(snapshot: Snapshot) -> Entity:
    """The snapshot as something that a query of clause 4.9 can be asked of: its members as Properties."""
    members = encode_snapshot(snapshot)
    document: Document = {"id": snapshot.id, "type": "Snapshot"}
    for name, value in members.items():
        if name not in document and name not in _INSTANTS:
            document[name] = {"type": "Property", "value": value}
    return Entity(document, snapshot.created_at, snapshot.modified_at, snapshot.expires_at)


def _nothing_linked(_: str) -> Entity | None:
    return None


def all_snapshots(broker: Broker, tenant: str) -> list[Snapshot]:
    """Those of the tenant that have not expired, oldest first."""
    now = broker.clock.now()
    known = (Snapshot.from_body(held.body) for held in broker.held.all_held(tenant, KIND))
    return [one for one in known if one.expires_at > now]


def places_of(broker: Broker, tenant: str) -> list[str]:
    """All places beside a tenant: whoever erases something everywhere erases it there too."""
    return [name for name in broker.tenants.names() if snapshot_of(name) is not None and home_of(name) == tenant]


def place_in(broker: Broker, tenant: str, snapshot_id: str, asking: Principal | None = None) -> str:
    """The tenant in which operations on a snapshot work (clause 6.3.22).

    Raises BadRequestData where the id is no URI, ResourceNotFound where there is no such snapshot, ServiceUnavailable
    while it is being prepared.
    """
    found = _ready(retrieve_snapshot(broker, tenant, snapshot_id, asking))
    if broker.clock.now() - found.last_used_at >= USE_NOTED_US:
        _apply(broker, tenant, snapshot_id, partial(_used, found.place))
    return found.place


def _used(place: str, current: Held | None, now: Instant) -> HeldDecision:
    if current is None or current.body["place"] != place:
        return Leave()
    return Hold({**current.body, "last_used_at": now})


def _ready(snapshot: Snapshot) -> Snapshot:
    if snapshot.status == "preparing":
        raise ServiceUnavailable(
            f"The snapshot {snapshot.id} is being prepared.",
            pointer="snapshotId",
            clause="5.16.1.4",
            remedy="Wait until GET /snapshots/{snapshotId} shows another snapshotStatus than preparing.",
        )
    return snapshot


def _new(broker: Broker, call: Call, wanted: Wanted, now: Instant) -> Snapshot:
    made = Snapshot(
        id="",
        place="",
        given={},
        created_at=now,
        modified_at=now,
        expires_at=_until(broker, None, now),
        last_used_at=now,
        queries=wanted.queries,
        temporal_queries=wanted.temporal_queries,
        principal=call.principal.kept(),
        purposes=tuple(sorted(call.principal.purposes)),
        context=call.names.source,
    )
    return _changed(broker, made, wanted, now)


def _changed(broker: Broker, snapshot: Snapshot, wanted: Wanted, now: Instant) -> Snapshot:
    endpoint = _endpoint(snapshot, wanted)
    return replace(
        snapshot,
        given={**snapshot.given, **wanted.given},
        modified_at=now,
        expires_at=snapshot.expires_at if wanted.lifetime is None else _until(broker, wanted.lifetime, now),
        priority=wanted.priority or snapshot.priority,
        endpoint=endpoint.uri or None,
        receiver_info=endpoint.receiver_info,
    )


def _endpoint(snapshot: Snapshot, wanted: Wanted) -> Endpoint:
    """Where news go from now on; what was read as `***` and came back is what it was."""
    known = Endpoint(snapshot.endpoint or "", receiver_info=snapshot.receiver_info)
    uri = "" if "endpoint" in wanted.removed else wanted.endpoint or known.uri
    pairs = known.receiver_info if wanted.receiver_info is None else wanted.receiver_info
    pairs = () if "receiverInfo" in wanted.removed else pairs
    found = unmasked(Endpoint(uri, receiver_info=pairs), known)
    if found is None:
        raise BadRequestData(
            "A secret is shown as ***, and cannot be sent back so to another endpoint.",
            pointer="/receiverInfo",
            clause="5.2.41",
            remedy="Give the secret, or leave receiverInfo out.",
        )
    return found


def _until(broker: Broker, lifetime: Duration | None, now: Instant) -> Instant:
    latest = now + round(broker.lifetimes.snapshot_s * 1_000_000)
    return latest if lifetime is None else min(lifetime.after(now), latest)


def _make_room(broker: Broker, call: Call, priority: int) -> None:
    known = all_snapshots(broker, call.tenant)
    if len(known) < SNAPSHOTS_MAX:
        return
    least = min(known, key=lambda one: (one.priority, one.last_used_at))
    if least.priority > priority:
        raise TooManyResults(
            f"The tenant has {len(known)} snapshots, and each is more important.",
            pointer="/snapshotPriority",
            clause="5.5.15",
            remedy=f"Delete one, or give a snapshotPriority of {least.priority} or more.",
        )
    delete_snapshot(broker, call.tenant, least.id).result()


def _require_new(current: Held | None, now: Instant, snapshot_id: str) -> None:
    if current is not None and Snapshot.from_body(current.body).expires_at > now:
        raise AlreadyExists(
            f"There is a snapshot {snapshot_id}.",
            pointer="/id",
            clause="5.16.1.4",
            remedy="Choose another id, or none.",
        )


def _known(current: Held | None, now: Instant, snapshot_id: str) -> Snapshot:
    found = None if current is None else Snapshot.from_body(current.body)
    if found is None or found.expires_at <= now:
        raise _unknown(snapshot_id)
    return found


def _unknown(snapshot_id: str) -> ResourceNotFound:
    return ResourceNotFound(
        f"There is no snapshot {snapshot_id}.",
        pointer="snapshotId",
        clause="5.16.3.4",
        remedy="Make one: POST /snapshots.",
    )


def _snapshot_of(outcome: object) -> Snapshot:
    if isinstance(outcome, NgsiError):
        raise outcome
    assert isinstance(outcome, Snapshot)
    return outcome


def _apply(
    broker: Broker, tenant: str, snapshot_id: str, decide: Callable[[Held | None, Instant], HeldDecision]
) -> Future[list[object]]:
    return broker.held.apply_held(tenant, [HeldCommand(KIND, snapshot_id, decide)])
