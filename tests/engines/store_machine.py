"""Random histories of writes, reads, sweeps and restarts: an engine answers as the memory model after every step."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from broker.errors import Conflict, NonexistentTenant
from broker.model.entity import Document, Entity
from broker.model.values import Instant, to_text
from broker.ports import UNRESTRICTED, Command, Decision, Keep, Put, Remove
from broker.query.ast import EVERYTHING, Selection, Window
from broker.stores.memory import MemoryStore
from tests.contract.engines import Store, kept
from tests.fakes.clock import FakeClock
from tests.strategies.entities import IDS, documents
from tests.strategies.queries import selections

Decide = Callable[[Entity | None, Instant], Decision]
TENANTS = ["", "one", "two"]

ids = st.sampled_from(IDS)
lifetimes = st.sampled_from([None, None, 1_000_000, 3_000_000])


def replace_by(document: Document, lifetime: int | None) -> Decide:
    """The whole document; where `lifetime` is given, the entity expires that much later."""
    return lambda _current, now: Put(Entity(document, 0, 0, None if lifetime is None else now + lifetime), "put")


def merge(fragment: Document, lifetime: int | None) -> Decide:
    """Some attributes over what is there; with a `lifetime`, the first of them expires."""

    def decide(current: Entity | None, now: Instant) -> Decision:
        if current is None:
            raise Conflict("nothing there")
        changed: Any = {name: value for name, value in fragment.items() if ":" in name}
        first = next(iter(changed), None)
        if lifetime is not None and first is not None and isinstance(changed[first], dict):
            changed[first] = {**changed[first], "expiresAt": to_text(now + lifetime)}
        return Put(Entity({**current.document, **changed}, 0, 0, current.expires_at), current.version)

    return decide


def drop_first(current: Entity | None, _now: Instant) -> Decision:
    """One attribute less."""
    if current is None:
        return Keep("none")
    names = [name for name in current.document if ":" in name]
    kept = {name: value for name, value in current.document.items() if name != next(iter(names), None)}
    return Put(Entity(kept, 0, 0, current.expires_at), len(names))


def remove(current: Entity | None, _now: Instant) -> Decision:
    """Nothing left."""
    return Remove(current is not None)


def fail(_current: Entity | None, _now: Instant) -> Decision:
    """A fault of the program."""
    raise ZeroDivisionError


decisions = st.one_of(
    st.builds(replace_by, documents(), lifetimes),
    st.builds(merge, documents(), lifetimes),
    st.sampled_from([drop_first, remove]),
)


@st.composite
def commands(draw: st.DrawFn) -> Command:
    """A decision about one id; a document written has this id."""
    entity_id, decide = draw(ids), draw(decisions)

    def about(current: Entity | None, now: Instant) -> Decision:
        decision = decide(current, now)
        if isinstance(decision, Put):
            held = decision.entity
            return Put(Entity({**held.document, "id": entity_id}, 0, 0, held.expires_at), decision.result)
        return decision

    return Command(entity_id, about, creates=draw(st.booleans()))


@st.composite
def queries(draw: st.DrawFn) -> Selection:
    """A strategy without the page-long name that the one it draws from has."""
    return draw(selections())


class StoreMachine(RuleBasedStateMachine):
    """An engine and the model under one clock."""

    engine = "sqlite"

    def __init__(self) -> None:
        super().__init__()
        self.closing = ExitStack()
        self.directory = Path(self.closing.enter_context(tempfile.TemporaryDirectory(prefix="misono-machine-")))
        self.open = self.closing.enter_context(kept(self.engine, self.directory))
        self.clock = FakeClock()
        self.model = MemoryStore(self.clock)
        self.store = self.open(self.clock)

    @rule(tenant=st.sampled_from(TENANTS), given=st.lists(commands(), min_size=1, max_size=4))
    def apply(self, tenant: str, given: list[Command]) -> None:
        assert _outcome(self.store, tenant, given) == _outcome(self.model, tenant, given)

    @rule(tenant=st.sampled_from(TENANTS), given=st.lists(commands(), min_size=1, max_size=2), entity_id=ids)
    def apply_with_a_fault(self, tenant: str, given: list[Command], entity_id: str) -> None:
        faulty = [*given, Command(entity_id, fail)]
        assert _outcome(self.store, tenant, faulty) == _outcome(self.model, tenant, faulty)

    @rule(seconds=st.sampled_from([-1.0, 0.000001, 1.0, 2.5]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule()
    def sweep(self) -> None:
        assert self.store.sweep() == self.model.sweep()

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.store = self.open(self.clock)

    @rule(tenant=st.sampled_from(TENANTS), selection=queries(), count=st.booleans(), offset=st.integers(0, 3))
    def select(self, tenant: str, selection: Selection, count: bool, offset: int) -> None:
        window = Window(3, offset, count)
        assert _page(self.store, tenant, selection, window) == _page(self.model, tenant, selection, window)

    @invariant()
    def the_same_is_there(self) -> None:
        assert self.store.names() == self.model.names()
        for tenant in self.model.names():
            assert _told(self.store.scan(tenant)) == _told(self.model.scan(tenant))
            assert _log(self.store, tenant) == _log(self.model, tenant)
            assert self.store.types(tenant, UNRESTRICTED) == self.model.types(tenant, UNRESTRICTED)
            assert self.store.attributes(tenant, UNRESTRICTED) == self.model.attributes(tenant, UNRESTRICTED)

    def teardown(self) -> None:
        for tenant in self.model.names():
            assert _page(self.store, tenant, Selection(EVERYTHING), Window(100)) is not None
        self.store.close()
        self.look()
        self.closing.close()

    def look(self) -> None:
        """What a closed store must show, if anything."""


def _log(store: Store, tenant: str) -> str:
    """The log with the rows' places for their numbers, which rise."""
    rows = store.since(tenant, 0, 10_000)
    numbers = [row.sequence for row in rows]
    assert numbers == sorted(set(numbers))
    assert store.bounds(tenant) == ((numbers[0], numbers[-1]) if numbers else (0, 0))
    return repr([replace(row, sequence=place) for place, row in enumerate(rows)])


def _outcome(store: Any, tenant: str, given: list[Command]) -> Any:
    """Results, with refusals by their kind."""
    try:
        results = store.apply(tenant, given).result()
    except (NonexistentTenant, ZeroDivisionError) as failure:
        return type(failure)
    return [type(one) if isinstance(one, Exception) else one for one in results]


def _page(store: Any, tenant: str, selection: Selection, window: Window) -> Any:
    try:
        page = store.select(tenant, selection, window, UNRESTRICTED)
    except NonexistentTenant as failure:
        return type(failure)
    return (_told(page.entities), page.total, page.more)


def _told(entities: Any) -> list[tuple[Entity, str]]:
    return [(one, repr(one.document)) for one in entities]
