"""One store into another: everything arrives, in every direction, also after a copy that was cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest

from broker.model.entity import Entity
from broker.model.values import Instant, to_text
from broker.ports import UNRESTRICTED, Remove
from broker.ports.evolution import (
    AddInstances,
    AddTypes,
    Begin,
    DropAttribute,
    DropInstance,
    EvolutionCommand,
    EvolutionStep,
)
from broker.ports.held import Drop, HeldCommand, Hold
from broker.ports.outbox import SUBSCRIPTION, Closing
from broker.ports.places import place_of
from broker.query.ast import EVERYTHING, Selection, Window
from broker.query.temporal import TemporalQuery
from broker.stores.copying import NoTarget, Verdict, begin, compare_all, copy_all, end, mend
from broker.stores.images import no_labels
from broker.stores.mongo import moving_items as mongo_items
from broker.stores.mongo.moving import Database
from broker.stores.moving import Target
from broker.stores.sqlite import moving_items as sqlite_items
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


def told(_what: str, _done: int, _total: int) -> None:
    """Nobody watches."""


@contextmanager
def both(ends: tuple[Ends, Ends]) -> Iterator[tuple[Target, Target]]:
    """The two to be copied."""
    with ExitStack() as closing:
        source, target = (one.open_end() for one in ends)
        closing.callback(source.close)
        closing.callback(target.close)
        yield source, target


def copied(ends: tuple[Ends, Ends]) -> list[tuple[Verdict, Verdict]]:
    """Copy, and compare."""
    with both(ends) as (source, target):
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
        # but for SQLite's own, of when it last overwrote what is erased
        "marks": {name: value for name, value in store.held.marks(tenant, "").items() if name != "scrubbed"},
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


def altered(store: Store, clock: FakeClock, tenant: str = "") -> None:
    """More of everything, and less of some."""
    clock.advance(60)
    write(store, entity("1", speed=12), entity("9", speed=9, scope="/n"), tenant=tenant)
    write(store, entity("3", speed=33), tenant=tenant)
    clock.advance(1)
    remove(store, "2", tenant)
    remove(store, "4", tenant)
    clock.advance(1)
    write(store, entity("4", colour="blue"), tenant=tenant)
    evolve(store, "urn:t:1", AddInstances(f"{NS}v", [observed(START + SECOND, 5.5)]), tenant=tenant)
    evolve(store, "urn:t:2", Begin((f"{NS}Car",)), AddInstances(f"{NS}v", [observed(START, "x")]), tenant=tenant)
    evolve(store, "urn:e:5", AddInstances(f"{NS}speed", [observed(START + 77 * SECOND, 1)]), tenant=tenant)
    store.history.erase(tenant, "urn:e:0").result()
    rows = store.outbox.waiting(tenant, 0, 1_000)
    store.outbox.close_rows(tenant, [Closing(row, "dead", clock.now(), reason="late") for row in rows[:3]]).result()
    store.outbox.revive(tenant, [row.number for row in store.outbox.dead(tenant, 0, 1)]).result()
    store.held.apply_held(tenant, [HeldCommand("entity_map", "urn:map:1", lambda _c, _n: Drop())]).result()
    store.held.apply_held(
        tenant, [HeldCommand("x", "urn:x:1", lambda _c, _n: Hold({"y": None}), creates=True)]
    ).result()
    store.held.mark(tenant, "timer:1", None).result()
    store.held.mark(tenant, "timer:2", "t").result()


def test_both_go_on_alike(ends: tuple[Ends, Ends]) -> None:
    """What was copied behaves as what was made here, when it is written to."""
    prepared(ends)
    assert is_same(copied(ends))
    at = ends[0].clock.now()
    found = []
    for one in ends:
        one.clock.set(at)
        store = one.store()
        altered(store, one.clock)
        found.append(everything(store, ""))
        store.close()
    for name in ("page", "types", "attributes", "extents", "history", "held", "marks", "counters"):
        assert found[1][name] == found[0][name], name
    for name in ("waiting", "dead"):
        told = [[(row.subscription, row.change.entity, row.due, row.attempts) for row in one[name]] for one in found]
        assert told[1] == told[0], name
    logged = [[(row.entity_id, row.version, row.before, row.after, row.types) for row in one["log"]] for one in found]
    assert logged[1] == logged[0]


def test_a_second_copy_takes_up_what_changed(ends: tuple[Ends, Ends]) -> None:
    prepared(ends)
    assert is_same(copied(ends))
    store = ends[0].store()
    altered(store, ends[0].clock, "city")
    store.places.drop_place(PLACE)
    store.put("context", "urn:c:3", {"@context": []}, START)
    store.delete("context", "urn:c:1")
    store.close()
    with both(ends) as (source, target):
        tallies = copy_all(source, target, told)
        assert is_same(compare_all(source, target, told))
        assert [one.written for one in tallies] == [1, 0, tallies[2].written]
        items = sum(len(batch) for batch in target.marks("city"))
        assert 0 < tallies[2].written < items + 20
        assert [(one.written, one.gone) for one in copy_all(source, target, told)] == [(0, 0)] * 3
        assert PLACE not in target.tenants()


class Cut(Exception):
    """The copy ends here."""


class Cutting:
    """A target whose writes end after so many: before the next, or somewhere within it."""

    def __init__(self, target: Target, left: int) -> None:
        self._target, self.left = target, left

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        return self._counted(found) if name in {"put", "put_rows", "drop", "drop_rows", "finish", "make"} else found

    def put(self, tenant: str, moved: Any) -> None:
        """Some instances are read, then it ends."""
        self._count()
        self._target.put(tenant, [(item, self._spans(spans)) for item, spans in moved])
        self._count()

    def _spans(self, spans: Any) -> Iterator[Any]:
        for span in spans:
            self._count()
            yield span

    def _counted(self, write: Any) -> Any:
        def counted(*given: Any) -> None:
            self._count()
            write(*given)
            self._count()

        return counted

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Cut


@pytest.mark.parametrize("ends", ["sqlite-mongo", "mongo-sqlite"], indirect=True)
def test_a_copy_that_is_cut_off_goes_on(ends: tuple[Ends, Ends]) -> None:
    prepared(ends)
    cuts = 0
    for left in count(0, 3):
        with both(ends) as (source, target):
            begin(target, "a")
            try:
                copy_all(source, cast("Target", Cutting(target, left)), told)
            except Cut:
                cuts += 1
                continue
            end(target, "a")
            break
    assert cuts > 10
    with both(ends) as (source, target):
        assert is_same(compare_all(source, target, told))
        assert target.copy_of() == {"from": "a", "whole": True}


@pytest.mark.parametrize("ends", ["sqlite-mongo", "mongo-sqlite"], indirect=True)
def test_many_instances_are_copied_in_parts(ends: tuple[Ends, Ends], monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((mongo_items, "MANY"), (mongo_items, "SPAN"), (sqlite_items, "SPAN")):
        monkeypatch.setattr(module, name, 40)
    store, clock = ends[0].store(), ends[0].clock
    write(store, entity("a", speed=1, heat=2), entity("b", speed=1))
    for part in range(5):
        clock.advance(1)
        instances = [observed(START + (part * 50 + number) * SECOND, number) for number in range(50)]
        evolve(store, "urn:e:a", AddInstances(f"{NS}speed", instances), AddInstances(f"{NS}heat", instances[:30]))
    at_once: list[Any] = [{"type": "Property", "value": number} for number in range(100)]
    evolve(store, "urn:e:b", AddInstances(f"{NS}speed", at_once))
    store.close()
    assert is_same(copied(ends))
    store = ends[0].store()
    evolve(store, "urn:e:a", AddInstances(f"{NS}speed", [observed(START + 10**9, 1)]), DropAttribute(f"{NS}heat"))
    store.close()
    with both(ends) as (source, target):  # it was all in one instant, so only reading everything finds it
        assert [one.written for one in copy_all(source, target, told)] == [0, 0]
        verdicts = compare_all(source, target, told)
        assert verdicts[1][0].items == ["urn:e:a"]
        mend(source, target, verdicts)
        assert is_same(compare_all(source, target, told))
    found = [one.store() for one in ends]
    assert everything(found[0], "")["history"] == everything(found[1], "")["history"]
    for one in found:
        one.close()


def test_a_target_holds_nothing_else(ends: tuple[Ends, Ends]) -> None:
    store = ends[1].store()
    write(store, entity("a"))
    store.close()
    with both(ends) as (_, target), pytest.raises(NoTarget, match="came from no copy"):
        begin(target, "here")


def test_a_target_is_a_copy_of_one_store(ends: tuple[Ends, Ends]) -> None:
    with both(ends) as (_, target):
        begin(target, "here")
        begin(target, "here")
        with pytest.raises(NoTarget, match="a copy of here"):
            begin(target, "there")
