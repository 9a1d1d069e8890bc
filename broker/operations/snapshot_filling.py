"""Filling a snapshot: its queries are run, what they give is put into its place, and then it is ready (5.16.1.4).

The process that fills holds a lease on the place and renews it as it goes; where it ends, another one begins anew.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from broker.encode.linking import Join, Linker
from broker.encode.outcome import encode_problem
from broker.errors import InternalError, NgsiError, SourceFailed
from broker.ldcontext.core import core_context
from broker.model.entity import Entity
from broker.model.evolution import Evolution
from broker.model.snapshot import Snapshot, Sought
from broker.model.subjects import DATA_SUBJECT
from broker.model.values import Instant, Json
from broker.operations.broker import Broker, Call
from broker.operations.consume import View, of_datasets, viewed_page
from broker.operations.marking import marked_entities, marked_evolution
from broker.operations.snapshot_news import tell
from broker.ports import Page, Principal
from broker.ports.evolution import AddInstances, Begin, EvolutionCommand, EvolutionStep
from broker.ports.held import Held, HeldCommand, HeldDecision, Hold, Leave
from broker.ports.places import Inquiry
from broker.query.ast import Selection
from broker.query.projection import Projection
from broker.query.stored import node_from_json, projection_from_json
from broker.query.temporal import TemporalQuery

log = logging.getLogger("misono.snapshots")

KIND: Final = "snapshot"
LEASE_S: Final = 60.0
OPERATION: Final = "create_snapshot"
BATCH: Final = 100
"""Entities put at once: some 10 ms of the writer's time, then others get their turn."""
EVOLUTIONS: Final = 20
"""Histories put at once."""
INSTANCES_MAX: Final = 2**31 - 1
FAILURES_SHOWN: Final = 5
"""Sources that are named in the details of a query, at most."""
QUERIES: Final = "snapshotQueries"
TEMPORAL_QUERIES: Final = "snapshotTemporalQueries"


class Stopped(Exception):
    """The process ends, or another one has taken this over: somebody else goes on."""


def lease_of(place: str) -> str:
    """The name of the lease that whoever fills a place holds."""
    return f"snapshot {place}"


def abandon(broker: Broker, place: str, holder: str) -> None:
    """Drop a place that nothing is known of, and give its lease back."""
    broker.places.drop_place(place)
    broker.leases.release(lease_of(place), holder)


def fill_snapshot(broker: Broker, tenant: str, snapshot_id: str, held_by: tuple[str, str]) -> None:
    """Fill the place of a snapshot, of which this process has the lease: `held_by` is (place, holder)."""
    place, holder = held_by
    held = broker.held.find_held(tenant, KIND, snapshot_id)
    if held is None or held.body["place"] != place:
        abandon(broker, place, holder)
        return
    filling = _Filling(broker, tenant, Snapshot.from_body(held.body), holder)
    try:
        filled = filling.filled()
    except Stopped:
        return
    except Exception:  # an outermost loop: a snapshot that cannot be filled says so
        log.exception("snapshot %s of tenant %r could not be filled", snapshot_id, tenant)
        filled = filling.failed()
    _conclude(broker, tenant, filled, holder)


def _conclude(broker: Broker, tenant: str, filled: Snapshot, holder: str) -> None:
    """Say what has become of it, to everybody; where it was deleted meanwhile, its place goes too."""

    def decide(current: Held | None, now: Instant) -> HeldDecision:
        if current is None or current.body["place"] != filled.place:
            return Leave()
        after = replace(
            Snapshot.from_body(current.body),
            status=filled.status,
            details=filled.details,
            temporal_details=filled.temporal_details,
            modified_at=now,
        )
        return Hold(after.to_body(), after)

    after = broker.held.apply_held(tenant, [HeldCommand(KIND, filled.id, decide)]).result()[0]
    if isinstance(after, Snapshot):
        broker.leases.release(lease_of(filled.place), holder)
        tell(broker, tenant, after)
    else:
        abandon(broker, filled.place, holder)


@dataclass(frozen=True, slots=True)
class _Filling:
    """One snapshot's filling, with what its maker may see."""

    broker: Broker
    tenant: str
    snapshot: Snapshot
    holder: str

    def filled(self) -> Snapshot:
        """The snapshot with what each query came to. Raises Stopped."""
        snapshot = self.snapshot
        if snapshot.source is not None:
            self.broker.places.drop_place(snapshot.place)
            self.broker.places.copy_place(snapshot.source, snapshot.place)
            return replace(snapshot, status="success")
        details = [self._came_to(one, _sent(snapshot, QUERIES, at)) for at, one in enumerate(snapshot.queries)]
        temporal = [
            self._came_to(one, _sent(snapshot, TEMPORAL_QUERIES, at))
            for at, one in enumerate(snapshot.temporal_queries)
        ]
        return snapshot.concluded(details, temporal, self.broker.clock.now())

    def failed(self) -> Snapshot:
        """The snapshot where something went wrong that no query is to blame for."""
        problem: Json = {
            "resultStatus": "failure",
            "problemDetails": encode_problem(InternalError("The snapshot could not be filled; the log says why.")),
        }
        snapshot = self.snapshot
        details = (problem,) * len(snapshot.queries), (problem,) * len(snapshot.temporal_queries)
        return replace(snapshot, status="failure", details=details[0], temporal_details=details[1])

    def _came_to(self, sought: Sought, sent: Json) -> Json:
        """Run one query, `sent` as it came: `{"resultStatus": "success"}` (clause 5.2.42)."""
        call = self._call()
        inquiry = Inquiry(self.tenant, sent, self.snapshot.context, call.principal, call.restriction)
        try:
            if sought.times is None:
                found = self._entities(sought, inquiry)
            else:
                found = self._evolutions(sought, sought.times, inquiry)
        except NgsiError as refusal:
            return {"resultStatus": "failure", "problemDetails": encode_problem(refusal)}
        told: dict[str, Json] = {"resultStatus": "success" if found else "empty"}
        if inquiry.failures:
            told["problemDetails"] = encode_problem(_lacking(inquiry.failures))
        return told

    def _call(self) -> Call:
        principal = Principal.of_kept(self.snapshot.principal, self.snapshot.purposes)
        restriction = self.broker.access.restrict(principal, self.tenant, OPERATION)
        return Call(self.tenant, core_context(), principal, restriction)

    def _entities(self, sought: Sought, inquiry: Inquiry) -> int:
        """Copy what the query selects, and what it links to; how many entities were selected.

        What sources have a part of comes from them, whole, and the rest from here.
        """
        view, elsewhere = _view_of(sought), set[str]()
        for found in self.broker.elsewhere.entities(inquiry):
            self._fill(inquiry, found, view)
            elsewhere.update(one.id for one in found)
        selected = len(elsewhere)
        selection = Selection(node_from_json(sought.where))
        walked = self.broker.places.walk(self.tenant, selection, inquiry.restriction)
        while batch := list(islice(walked, BATCH)):
            here = [one for one in batch if one.id not in elsewhere]
            selected += len(here)
            self._fill(inquiry, here, view)
        return selected

    def _fill(self, inquiry: Inquiry, found: Sequence[Entity], view: View) -> None:
        self._go_on()
        shown = self._viewed(inquiry, found, view)
        if inquiry.restriction.view is not None:  # what is seen of it later is judged anew
            shown = marked_entities(self.broker, self.tenant, shown)
        self.broker.places.fill_place(self.snapshot.place, [one for one in shown if _is_whole(one)]).result()

    def _viewed(self, inquiry: Inquiry, found: Sequence[Entity], view: View) -> list[Entity]:
        """As much of these as was asked for, and what they link to, wherever it is."""
        call = Call(self.tenant, core_context(), inquiry.principal, inquiry.restriction)
        known = {} if view.join is None else self.broker.elsewhere.linked(inquiry, found, view.join.level)
        if view.join is None or not known:
            return viewed_page(self.broker, call, Page(list(found)), view).entities

        def follow(entity_id: str) -> Entity | None:
            if entity_id in known:
                return known[entity_id]
            return inquiry.restriction.show(self.broker.entities.get(self.tenant, entity_id))

        kept = [of_datasets(one, view.dataset_ids) for one in found]
        return Linker(follow, view.join).flat(kept, view.projection)

    def _evolutions(self, sought: Sought, times: Mapping[str, Json], inquiry: Inquiry) -> int:
        """Copy the histories that the query selects; how many they were."""
        projection, elsewhere = _view_of(sought).projection, set[str]()
        for found in self.broker.elsewhere.evolutions(inquiry):
            self._copy(found, projection, inquiry)
            elsewhere.update(one.id for one in found)
        copied = len(elsewhere)
        walked = self._selected(self._call(), sought, _times_of(times))
        while batch := list(islice(walked, EVOLUTIONS)):
            here = [one for one in batch if one.id not in elsewhere]
            self._copy(here, projection, inquiry)
            copied += len(here)
        return copied

    def _copy(self, found: Sequence[Evolution], projection: Projection | None, inquiry: Inquiry) -> None:
        self._go_on()
        hides = inquiry.restriction.view is not None
        marked = [marked_evolution(self.broker, self.tenant, one) for one in found] if hides else found
        copies = [_copy_of(evolution, projection) for evolution in marked]
        self.broker.history.apply_evolution(self.snapshot.place, copies).result()

    def _selected(self, call: Call, sought: Sought, query: TemporalQuery) -> Iterator[Evolution]:
        """What the query selects, each whole; what is deleted meanwhile is not there."""
        where, brief = node_from_json(sought.where), replace(query, instances_max=1)
        for entity_id in self.broker.history.evolution_ids(self.tenant, where, brief, call.restriction):
            yield from self.broker.history.evolution(self.tenant, entity_id, query, call.restriction).evolutions

    def _go_on(self) -> None:
        if self.broker.background.stopping:
            raise Stopped
        if self.broker.leases.take(lease_of(self.snapshot.place), self.holder, LEASE_S) is None:
            raise Stopped


def _sent(snapshot: Snapshot, name: str, at: int) -> Json:
    """A query as it came."""
    sent = snapshot.given.get(name)
    return sent[at] if isinstance(sent, list) and at < len(sent) else None


def _lacking(failures: Sequence[str]) -> SourceFailed:
    return SourceFailed(
        "Some context sources gave nothing: " + "; ".join(failures[:FAILURES_SHOWN]) + ".",
        clause="5.16.1.4", remedy="Make another snapshot when they are there again.",
    )  # fmt: skip


def _is_whole(entity: Entity) -> bool:
    return "id" in entity.document and "type" in entity.document


def _view_of(sought: Sought) -> View:
    projection = None if sought.projection is None else projection_from_json(sought.projection)
    join = Join("flat", sought.join, frozenset(sought.contained_by)) if sought.join else None
    return View(projection, frozenset(sought.dataset_ids) or None, join)


def _times_of(members: Mapping[str, Json]) -> TemporalQuery:
    """The query in full: all instances that it selects, as many as there are."""
    parts: dict[str, Any] = dict(members)
    parts["names"], parts["dataset_ids"] = frozenset(parts["names"]), tuple(parts["dataset_ids"])
    return TemporalQuery(**parts, instances_max=INSTANCES_MAX)


def _copy_of(evolution: Evolution, projection: Projection | None) -> EvolutionCommand:
    steps: list[EvolutionStep] = [Begin(evolution.types, evolution.scopes, evolution.created_at, evolution.deleted_at)]
    for name, instances in evolution.attributes.items():
        wanted = name == DATA_SUBJECT or projection is None or (name in projection.by_name) is not projection.omits
        if instances and wanted:
            steps.append(AddInstances(name, list(instances), copied=True))

    def decide(known: Evolution | None, _now: Instant) -> tuple[list[EvolutionStep], object]:
        return (steps if known is None else steps[1:]), None

    return EvolutionCommand(evolution.id, decide, creates=True)
