"""The law of the planner, for queries: an answer is that over the data with everything hidden removed.

One broker has an engine and the policy; another one has a plain list of what `tests.fakes.lawful` leaves of the same
entities, and hides nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, cast

from broker.access.consent_index import ConsentIndex
from broker.access.consented import ConsentPolicy
from broker.errors import NgsiError
from broker.model.entity import Entity
from broker.operations.broker import Broker, Call
from broker.operations.consume import query_entities, retrieve_entity, retrieve_with_linked
from broker.ports import UNRESTRICTED, Command, EntityStore, Page, Principal, Put, Restriction
from broker.query.ast import Selection, Window
from broker.query.match import matches
from broker.query.ordering import sort
from broker.stores.discovery import count_attributes, count_types
from tests.contract.engines import Store, kept
from tests.fakes.clock import FakeClock
from tests.fakes.house import make_broker, make_call
from tests.strategies.cities import IDS, NOW, ORGS, City, Tags

PEOPLE_ASKING, QUERIES = 4, 9
_tenants = count(1)


class Everybody:
    """Turns nobody away."""

    def admit(self, principal: Principal, tenant: str, operation: str) -> None:
        """Anything."""

    def admit_command(self, principal: Principal, tenant: str, entity: Entity, attribute: str) -> None:
        """Any device."""


class Left:
    """The reading part of EntityStore over a list, as the memory engine means it."""

    def __init__(self, entities: Sequence[Entity]) -> None:
        self._entities = {one.id: one for one in entities}

    def get(self, _tenant: str, entity_id: str) -> Entity | None:
        return self._entities.get(entity_id)

    def get_many(self, _tenant: str, entity_ids: Sequence[str]) -> dict[str, Entity]:
        return {one: self._entities[one] for one in entity_ids if one in self._entities}

    def select(self, _tenant: str, selection: Selection, window: Window, _restriction: Restriction) -> Page:
        found = [one for one in self._entities.values() if matches(selection.where, one, self._entities.get)]
        if selection.order is not None:
            found = sort(found, selection.order)
        end = window.offset + window.limit
        return Page(found[window.offset : end], len(found) if window.count else None, len(found) > end)


class Cities:
    """An engine under the policy, and the tenants that were put into it."""

    def __init__(self, clock: FakeClock, store: Store, index: ConsentIndex) -> None:
        self.clock, self.store, self.index = clock, store, index
        self.broker = replace(make_broker(clock), entities=store)
        self.personal: set[str] = set()
        self.policy = self.policy_now()

    def policy_now(self) -> ConsentPolicy:
        return ConsentPolicy(self.index, self.clock, Everybody(), Tags(), self.personal)

    def hold(self, city: City) -> str:
        """Write a city as it came about; gives its tenant."""
        tenant = f"t{next(_tenants)}"
        if city.law.personal:
            self.personal.add(tenant)
        self.policy = self.policy_now()
        events = [(one.created_at, one) for one in city.entities]
        events += [(one.modified_at, one) for one in city.entities if one.modified_at > one.created_at]
        for moment in sorted({at for at, _ in events}):
            self.clock.set(moment)
            commands = [Command(one.id, partial(_put, one), creates=True) for at, one in events if at == moment]
            self.store.apply(tenant, commands).result()
        self.clock.set(NOW)
        return tenant

    def call(self, tenant: str, who: Principal) -> Call:
        return make_call(self.policy.restrict(who, tenant, "query_entities"), tenant)


def _put(entity: Entity, _current: Entity | None, _now: int) -> Put:
    return Put(Entity(entity.document, 0, 0))


@contextmanager
def cities(engine: str, directory: Path) -> Iterator[Cities]:
    """An engine with nothing in it, and the index that follows it."""
    clock, index = FakeClock(), ConsentIndex(Tags().item, FakeClock(NOW))
    labels = ConsentPolicy(index, clock, Everybody(), Tags())
    with kept(engine, directory) as make:
        store = make(clock, labels.label, None)
        try:
            index.begin(store, store, store)
            yield Cities(clock, store, index)
        finally:
            index.stop()
            store.close()


class Shown:
    """How many cases there were, and how often what is hidden would have shown."""

    def __init__(self) -> None:
        self.cases: Counter[str] = Counter()
        self.biting: Counter[str] = Counter()

    def note(self, path: str, got: object, whole: object) -> None:
        """`whole` is the answer for somebody who may see everything."""
        self.cases[path] += 1
        self.biting[path] += got != whole

    def assert_bites(self, cases_min: int) -> None:
        """So many cases; on each path a fifth of them, at least, would be another answer were nothing hidden."""
        for path in sorted(self.cases):
            print(f"  {path:12} {self.cases[path]:7} cases, {self.biting[path]:7} of them hide something")
        print(f"figure law_cases {self.cases.total()}\nfigure law_biting {self.biting.total()}")
        assert self.cases.total() >= cases_min
        assert all(self.biting[path] * 5 >= number for path, number in self.cases.items())


def assert_lawful(held: Cities, shown: Shown, seeds: range) -> None:
    """Each seed is a city, a few people who ask there, and what they ask."""
    for seed in seeds:
        city = City(Random(seed))
        # in the order of creation: the engine's own
        city.entities.sort(key=lambda one: one.created_at)
        tenant = held.hold(city)
        for _ in range(PEOPLE_ASKING):
            who = city.asking()
            left = [one for entity in city.entities if (one := city.law.left(entity, who)) is not None]
            over = replace(held.broker, entities=cast("EntityStore", Left(left)))
            _compare(held, (over, held.call(tenant, who)), city, shown, f"seed {seed}, {who}")


def _compare(held: Cities, asked: tuple[Broker, Call], city: City, shown: Shown, told: str) -> None:
    over, call = asked
    free = make_call(UNRESTRICTED, call.tenant)
    for _ in range(QUERIES):
        selection, window, view = city.selection(), city.window(), city.view()
        question = partial(_queried, selection=selection, window=window, view=view)
        got, expected = question(held.broker, call), question(over, free)
        assert got == expected, f"{told}: {selection} {window} {view}"
        path = "join" if view.join else "order" if selection.order else "query"
        shown.note(path, got, question(held.broker, free))
    _retrieved(held, asked, city, shown, told)
    restriction, store = call.restriction, held.store
    seen = [one for entity in city.entities if (one := over.entities.get("", entity.id)) is not None]
    for path, ask, expected_of in (
        ("types", store.types, count_types),
        ("attributes", store.attributes, count_attributes),
    ):
        got_of, whole = ask(call.tenant, restriction), ask(call.tenant, UNRESTRICTED)
        assert got_of == expected_of(seen), f"{told}: {path}"
        shown.note(path, got_of, whole)


def _retrieved(held: Cities, asked: tuple[Broker, Call], city: City, shown: Shown, told: str) -> None:
    over, call = asked
    free = make_call(UNRESTRICTED, call.tenant)
    for entity_id in (*IDS[:4], ORGS[0], "urn:c:0"):
        view = city.view()
        retrieve: Callable[..., Any] = (
            retrieve_with_linked if view.join is not None and view.join.mode == "flat" else retrieve_entity
        )
        question = partial(_answered, partial(retrieve, entity_id=entity_id, view=view))
        got = question(held.broker, call)
        assert got == question(over, free), f"{told}: {entity_id} {view}"
        shown.note("retrieve", got, question(held.broker, free))


def _queried(broker: Broker, call: Call, **asked: Any) -> object:
    page: Any = _answered(partial(query_entities, **asked), broker, call)
    return (page.entities, page.total, page.more) if isinstance(page, Page) else page


def _answered(ask: Callable[..., Any], broker: Broker, call: Call) -> object:
    """The answer without versions, which tell of what was written; of a refusal its words."""
    try:
        found = ask(broker, call)
    except NgsiError as refusal:
        return type(refusal).__name__, refusal.detail
    if isinstance(found, Page):
        return replace(found, entities=[_bare(one) for one in found.entities])
    return [_bare(one) for one in (found if isinstance(found, list) else [found])]


def _bare(entity: Entity) -> Any:
    return entity.document, [*entity.document], entity.created_at, entity.modified_at
