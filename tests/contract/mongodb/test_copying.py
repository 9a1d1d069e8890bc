"""One store into another: everything arrives, in every direction, also after a copy that was cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from broker.model.entity import Entity
from broker.model.values import Instant, to_text
from broker.ports import UNRESTRICTED, Remove
from broker.ports.evolution import (
    AddInstances,
    AddTypes,
    Begin,
    DropInstance,
    EvolutionCommand,
    EvolutionStep,
)
from broker.ports.held import HeldCommand, Hold
from broker.ports.outbox import SUBSCRIPTION, Closing
from broker.ports.places import place_of
from broker.query.ast import EVERYTHING, Selection, Window
from broker.query.temporal import TemporalQuery
from broker.stores.copying import Verdict, compare_all, copy_all
from broker.stores.images import no_labels
from broker.stores.mongo.moving import Database
from broker.stores.moving import Target
from broker.stores.sqlite.moving import Directory
from tests.contract.engines import NS, Store, command, entity, kept, write
from tests.fakes.clock import START, FakeClock
from tests.fakes.watching import TypeWatches

ALL = TemporalQuery(sys_attrs=True)
PLACE = place_of("city", "1", "urn:s:1")
SECOND = 1_000_000


@dataclass
class Ends:
    """A store of some engine, to be opened as a broker does, or to be copied."""

    make: Callable[..., Store]
    open_end: Callable[[], Target]
    clock: FakeClock

    def store(self) -> Store:
        """As a broker has it."""
        return self.make(self.clock, no_labels, TypeWatches())


@pytest.fixture(params=["sqlite-sqlite", "sqlite-mongo", "mongo-sqlite", "mongo-mongo"])
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Ends, Ends]]:
    clock = FakeClock()
    with ExitStack() as closing:
        found = []
        for place, engine in enumerate(request.param.split("-")):
            directory = tmp_path / str(place)
            make = closing.enter_context(kept(engine, directory))
            found.append(Ends(make, _end(engine, directory, make, clock), clock))
        yield found[0], found[1]


def _end(engine: str, directory: Path, make: Any, clock: FakeClock) -> Callable[[], Target]:
    if engine == "sqlite":
        return partial(Directory, directory / "data", no_labels, make=True)
    return partial(Database, make.args[0], clock, no_labels, make=True)


def told(told: str, done: int, total: int) -> None:
    """Nobody watches."""


def copied(ends: tuple[Ends, Ends]) -> list[tuple[Verdict, Verdict]]:
    """Copy, and compare."""
    with ExitStack() as closing:
        source, target = (one.open_end() for one in ends)
        closing.callback(source.close)
        closing.callback(target.close)
        copy_all(source, target, told)
        return compare_all(source, target, told)


def is_same(verdicts: Sequence[tuple[Verdict, Verdict]]) -> bool:
    """Whether nothing differs, count by count and digest by digest."""
    for one, other in verdicts:
        assert one.differ == [], one.tenant
        assert (one.records, one.instances, one.digest) == (other.records, other.instances, other.digest)
    return True


def evolve(store: Store, entity_id: str, *steps: EvolutionStep, tenant: str = "") -> None:
    done = store.history.apply_evolution(
        tenant, [EvolutionCommand(entity_id, lambda _known, _now: (steps, None), creates=True)]
    )
    assert done.result() == [None]


def observed(at: Instant, value: Any, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, "observedAt": to_text(at), **more}


def remove(store: Store, name: str, tenant: str = "") -> None:
    store.apply(tenant, [command(f"urn:e:{name}", lambda _current, _now: Remove())]).result()


def populate(store: Store, clock: FakeClock, tenant: str = "") -> None:
    """Something of everything."""
    hold = HeldCommand(SUBSCRIPTION, "urn:sub:1", lambda _c, _n: Hold({"watches": "*"}), creates=True)
    store.held.apply_held(tenant, [hold]).result()
    later = HeldCommand("entity_map", "urn:map:1", lambda _c, now: Hold({"x": 1}, None, now + 99 * SECOND))
    store.held.apply_held(tenant, [later]).result()
    for number in range(7):
        write(store, entity(f"{number}", speed=number, scope="/a/b" if number % 2 else ["/a", "/c"]), tenant=tenant)
        clock.advance(0.25)
    big = entity(
        "big", n=10**30, f=1.0, i=1, t=True, text="𝄞\x00é", nested={"type": "Property", "value": [[1], {"a.b": 1}]}
    )
    two = [{"type": "Property", "value": 1}, {"type": "Property", "value": 2, "datasetId": "urn:d:1"}]
    write(store, big, entity("two", p=two), entity("late", expires_at=START + 10**12), tenant=tenant)
    clock.advance(1)
    write(store, entity("1", speed=11, scope="/z"), entity("2", speed=2.5), entity("two", p=two[1]), tenant=tenant)
    clock.advance(1)
    remove(store, "3", tenant)
    remove(store, "4", tenant)
    clock.advance(1)
    write(store, entity("4", colour="red"), tenant=tenant)
    instances = [observed(START + number * SECOND, number / 4) for number in range(50)]
    evolve(store, "urn:e:5", AddInstances(f"{NS}speed", instances), tenant=tenant)
    evolve(store, "urn:t:1", Begin((f"{NS}Car", f"{NS}Bus"), ("/q",)), AddInstances("scope", ()), tenant=tenant)
    evolve(store, "urn:t:1", AddInstances(f"{NS}v", instances[:3]), AddTypes((f"{NS}Tram",)), tenant=tenant)
    gone = store.history.evolution(tenant, "urn:e:6", ALL, UNRESTRICTED).evolutions[0].attributes[f"{NS}speed"][0]
    evolve(store, "urn:e:6", DropInstance(f"{NS}speed", str(gone["instanceId"])), tenant=tenant)
    store.held.mark(tenant, "timer:1", [1, {"a": 2**60}]).result()
    rows = store.outbox.waiting(tenant, 0, 1_000)
    closings = [Closing(row, "delivered", clock.now()) for row in rows[:4]]
    closings += [Closing(row, "dead", clock.now(), reason="gone") for row in rows[4:6]]
    closings += [Closing(row, "retry", clock.now(), clock.now() + SECOND, "later") for row in rows[6:7]]
    store.outbox.close_rows(tenant, closings).result()


def everything(store: Store, tenant: str) -> dict[str, Any]:
    """What can be asked of a tenant, without what is the engine's own: ids of instances, numbers."""
    page = store.select(tenant, Selection(EVERYTHING), Window(1_000, count=True), UNRESTRICTED)
    history = store.history.evolutions(tenant, EVERYTHING, ALL, Window(1_000), UNRESTRICTED).evolutions
    kinds = ("subscription", "entity_map")
    return {
        "page": page,
        "types": store.types(tenant, UNRESTRICTED),
        "attributes": store.attributes(tenant, UNRESTRICTED),
        "extents": store.extents(tenant, UNRESTRICTED),
        "history": [_without_ids(one) for one in history],
        "log": store.since(tenant, store.bounds(tenant)[0] - 1, 1_000),
        "held": [store.held.all_held(tenant, kind) for kind in kinds],
        "marks": store.held.marks(tenant, ""),
        "counters": store.outbox.deliveries(tenant),
        "waiting": store.outbox.waiting(tenant, 0, 1_000),
        "dead": store.outbox.dead(tenant, 0, 1_000),
        "kept": [store.held.tenants_of(kind) for kind in kinds],
    }


def _without_ids(one: Any) -> Any:
    plain = {
        name: sorted(
            (repr(sorted({**instance, "instanceId": ""}.items())) for instance in instances),
        )
        for name, instances in one.attributes.items()
    }
    return one.id, sorted(one.types), sorted(one.scopes), one.created_at, one.modified_at, one.deleted_at, plain


def prepared(ends: tuple[Ends, Ends]) -> None:
    """A source with two tenants, a place and documents of the hub."""
    source = ends[0]
    store = source.store()
    populate(store, source.clock)
    populate(store, source.clock, "city")
    store.places.make_place(PLACE)
    store.places.fill_place(PLACE, [Entity(entity("p", v=1).document, START - 5, START - 3, None, 7)]).result()
    store.put("context", "urn:c:1", {"@context": {"a": "urn:a"}}, START)
    store.put("context", "urn:c:2", {"@context": []}, START)
    store.close()


def test_a_copy_has_everything(ends: tuple[Ends, Ends]) -> None:
    prepared(ends)
    assert is_same(copied(ends))
    stores = [one.store() for one in ends]
    assert stores[0].names() == stores[1].names()
    for tenant in ("", "city", PLACE):
        one, other = (everything(store, tenant) for store in stores)
        for name, found in one.items():
            assert other[name] == found, (tenant, name)
    assert stores[0].all("context") == stores[1].all("context")
    for store in stores:
        store.close()
