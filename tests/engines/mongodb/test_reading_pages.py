"""Pages, walks and counts on MongoDB: what they answer, in how many commands, and what stops them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any

import pytest
from pymongo.errors import ExecutionTimeout

from broker.errors import NonexistentTenant, TooComplexQuery
from broker.model.entity import Entity
from broker.ports import INLINE, UNRESTRICTED, Command, OverBudget, Put, Remove, Restriction
from broker.query.ast import (
    EVERYTHING,
    Absent,
    And,
    Compare,
    HasType,
    IdIn,
    InScope,
    Linked,
    Node,
    Op,
    Or,
    Ordering,
    OrderTerm,
    Path,
    Selection,
    Window,
)
from broker.stores.memory import MemoryStore
from broker.stores.mongo import offsets, reading, select
from broker.stores.mongo.compile import Able
from broker.stores.mongo.connection import connect
from broker.stores.mongo.probe import COLLECTION, probe
from broker.stores.mongo.store import MongoStore, open_store
from tests.contract.engines import NS, entity
from tests.engines.mongodb.counting import COUNTING
from tests.engines.wires.running import fresh
from tests.fakes.clock import FakeClock

CAR = HasType(f"{NS}Car")
SPEED = Path(f"{NS}speed")
TOP = OrderTerm(SPEED, descending=True)
ALL = Window(1_000, 0, count=True)
HELD = 300


class Both:
    """The model and MongoDB side by side, with the same in both; `tenant` is one that nobody else uses."""

    def __init__(self, store: MongoStore, clock: FakeClock) -> None:
        self.mongo, self.clock, self.tenant = store, clock, ""
        self.memory = MemoryStore(clock)

    def write(self, *commands: Command) -> None:
        """Run commands in both."""
        for store in (self.memory, self.mongo):
            store.apply(self.tenant, commands).result()

    def put(self, *entities: Entity) -> None:
        """Write entities to both."""
        self.write(*(Command(one.id, _puts(one), creates=True) for one in entities))

    def same(self, where: Node, window: Window, order: Ordering | None = None) -> list[str]:
        """The ids that both answer with."""
        asked = (self.tenant, Selection(where, order), window, UNRESTRICTED)
        one, other = self.memory.select(*asked), self.mongo.select(*asked)
        assert one == other
        return [found.id for found in other.entities]


@pytest.fixture(scope="module")
def store() -> Iterator[tuple[MongoStore, FakeClock]]:
    clock = FakeClock()
    with fresh() as url:
        opened = open_store(url, clock)
        yield opened, clock
        opened.close()


NAMES = count(1)


@pytest.fixture
def both(store: tuple[MongoStore, FakeClock]) -> Both:
    held = Both(*store)
    held.tenant = f"t{next(NAMES)}"
    return held


@pytest.fixture
def city(both: Both) -> Both:
    both.put(*(entity(f"{number:03}", speed=number, **_more(number)) for number in range(HELD)))
    return both


def _more(number: int) -> dict[str, Any]:
    link: Any = {"type": "Relationship", "object": f"urn:e:{(number + 1) % HELD:03}"}
    return {"link": link, "rare": True} if number % 50 == 49 else {"link": link}


def _puts(one: Entity) -> Callable[[Entity | None, int], Put]:
    return lambda _current, _now: Put(one)


def _commands(work: Callable[[], object]) -> list[str]:
    return COUNTING.tally(work, ("MainThread",)).names()


def test_a_page_of_a_type_is_one_command(city: Both) -> None:
    assert _commands(lambda: city.mongo.select(city.tenant, Selection(CAR), Window(20), UNRESTRICTED)) == [
        "find entities"
    ]
    counted = Window(20, 0, count=True)
    city.mongo.select(city.tenant, Selection(CAR), counted, UNRESTRICTED)
    commands = _commands(lambda: city.mongo.select(city.tenant, Selection(CAR), counted, UNRESTRICTED))
    assert commands == ["find entities", "aggregate entities"]


@pytest.mark.parametrize(
    "where",
    [
        And((CAR, Compare(SPEED, Op.LT, 200))),
        Compare(SPEED, Op.EQ, 7),
        And((CAR, Absent(Path(f"{NS}rare")))),
        IdIn(tuple(f"urn:e:{number:03}" for number in range(90))),
    ],
)
def test_a_page_that_is_decided_here_is_one_command(city: Both, where: Node) -> None:
    assert city.same(where, Window(20))
    assert _commands(lambda: city.mongo.select(city.tenant, Selection(where), Window(20), UNRESTRICTED)) == [
        "find entities"
    ]


def test_a_page_fills_where_little_matches(city: Both) -> None:
    rare = Compare(SPEED, Op.NE, 3)
    few = And((CAR, Compare(Path(f"{NS}rare"), Op.NE, 1)))
    for where in (rare, few):
        for window in (Window(4), Window(4, 3), Window(2, 4, count=True), Window(0, 0, count=True), ALL):
            city.same(where, window)


@pytest.mark.parametrize("where", [CAR, Compare(SPEED, Op.GE, 30), Compare(SPEED, Op.NE, 3)])
def test_pages_follow_each_other_by_key(city: Both, where: Node) -> None:
    whole, walked = city.same(where, ALL), list[str]()

    def read(offset: int) -> None:
        page = city.mongo.select(city.tenant, Selection(where), Window(40, offset, count=True), UNRESTRICTED)
        assert page.total == len(whole)
        walked.extend(one.id for one in page.entities)

    for offset in range(0, HELD, 40):
        sent = COUNTING.tally(partial(read, offset), ("MainThread",)).sent
        assert not any(one.command.get("skip") for one in sent)
        assert offset == 0 or len(sent) == 1
    assert walked == whole


def test_a_write_is_seen_on_every_page_at_once(city: Both) -> None:
    for where in (CAR, Compare(SPEED, Op.NE, 3)):
        for offset in (0, 40, 80):
            city.same(where, Window(40, offset, count=True))
        gone = city.same(where, Window(5))
        city.write(*(Command(one, lambda _current, _now: Remove()) for one in gone))
        for offset in (40, 80, 0):
            city.same(where, Window(40, offset, count=True))


def test_what_others_write_is_seen_soon(city: Both) -> None:
    city.same(CAR, Window(40, 40, count=True))
    city.mongo.reads.changed("another tenant")
    city.clock.advance(offsets.KNOWN_US / 1_000_000)
    assert _commands(lambda: city.same(CAR, Window(40, 40, count=True))) == ["find entities x2", "aggregate entities"]


def test_limits_and_offsets_may_be_as_large_as_they_like(both: Both) -> None:
    both.put(entity("a"), entity("b"))
    for window in (Window(2**40), Window(1, 2**31), Window(1, 2**40, count=True), Window(2**62, 1, count=True)):
        both.same(CAR, window)
        both.same(Compare(SPEED, Op.NE, 3), window)


def test_links_are_read_together(city: Both) -> None:
    inner = Linked(Path(f"{NS}link"), (), Compare(SPEED, Op.GE, 200))
    where = Linked(Path(f"{NS}link"), (CAR.iri,), inner)
    assert len(city.same(where, ALL)) == 100
    found = COUNTING.tally(lambda: city.mongo.select(city.tenant, Selection(where), ALL, UNRESTRICTED), ("MainThread",))
    assert found.commands <= 1 + 2 * (HELD // select.DECIDED + 1)


def test_an_order_holds_no_more_than_it_shows(city: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(select, "CHUNK_MAX", 10)
    for window in (Window(3), Window(3, 5, count=True), Window(20, 290), ALL):
        city.same(CAR, window, Ordering((TOP,)))
        city.same(Compare(SPEED, Op.NE, 299), window, Ordering((OrderTerm(Path(f"{NS}rare")), TOP)))


def test_many_ids_are_read_in_their_order(city: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = tuple(f"urn:e:{number:03}" for number in range(HELD + 20, 0, -1))
    for most in (1_000, 16):
        monkeypatch.setattr(select, "CHUNK_MAX", most)
        for where in (IdIn(ids), And((IdIn(ids), IdIn(ids[::3]), CAR)), Or((IdIn(ids[:4]), Compare(SPEED, Op.LT, 5)))):
            for window in (Window(7), Window(7, 7, count=True), Window(7, 14), ALL):
                city.same(where, window)
        assert not city.same(And((IdIn(ids), HasType("urn:other"))), ALL)


def test_what_has_expired_is_counted_nowhere(both: Both) -> None:
    due = both.clock.now() + 1_000_000
    place: Any = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [1, 2]}}
    some: Any = {"type": "Property", "value": 1, "expiresAt": "2030-01-01T00:00:00.000000Z"}
    both.put(entity("a", expires_at=due), entity("b", speed=1, place=place), entity("c", place=some))
    for seconds in (0.0, 1.0, 200_000_000.0):
        both.clock.advance(seconds)
        for where in (EVERYTHING, CAR, IdIn(("urn:e:a", "urn:e:b"))):
            both.same(where, ALL)
        for asked in ("types", "attributes", "extents"):
            assert getattr(both.mongo, asked)(both.tenant, UNRESTRICTED) == getattr(both.memory, asked)(
                both.tenant, UNRESTRICTED
            )
        assert list(both.mongo.reads.walk_ids(both.tenant, Selection(CAR), UNRESTRICTED)) == both.same(CAR, ALL)
    both.write(Command("urn:e:b", lambda _current, _now: Remove()))
    assert both.mongo.types(both.tenant, UNRESTRICTED) == both.memory.types(both.tenant, UNRESTRICTED)


def test_a_view_hides_from_counts_and_walks(city: Both) -> None:
    def view(one: Entity) -> Entity | None:
        return None if one.id.endswith("7") else one

    hidden = Restriction(InScope("/none"), None), Restriction(EVERYTHING, view)
    for restriction in hidden:
        for asked in ("types", "attributes", "extents"):
            assert getattr(city.mongo, asked)(city.tenant, restriction) == getattr(city.memory, asked)(
                city.tenant, restriction
            )
        walked = list(city.mongo.reads.walk(city.tenant, Selection(CAR), restriction))
        assert walked == list(city.memory.places.walk(city.tenant, Selection(CAR), restriction))


def test_too_much_work_is_refused(city: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "READ_S_MAX", 1e-6)
    with pytest.raises(TooComplexQuery):
        city.mongo.select(city.tenant, Selection(CAR), Window(1), UNRESTRICTED)


def test_a_server_that_took_too_long_is_a_query_that_asks_too_much(city: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*_given: object) -> None:
        raise ExecutionTimeout("operation exceeded time limit", 50)

    monkeypatch.setattr(select.Reading, "page", late)
    with pytest.raises(TooComplexQuery):
        city.mongo.select(city.tenant, Selection(CAR), Window(1), UNRESTRICTED)


def test_the_event_loop_never_waits(city: Both) -> None:
    token = INLINE.set(True)
    try:
        with pytest.raises(OverBudget):
            city.mongo.select(city.tenant, Selection(CAR), Window(1), UNRESTRICTED)
    finally:
        INLINE.reset(token)


def test_a_tenant_that_nobody_made(both: Both) -> None:
    for ask in (both.mongo.types, both.mongo.attributes, both.mongo.extents):
        with pytest.raises(NonexistentTenant):
            ask("nobody", UNRESTRICTED)
    with pytest.raises(NonexistentTenant):
        both.mongo.scan("nobody")


@pytest.mark.parametrize(("wire", "able"), [("java", Able(texts=False)), ("ferret", Able(groups=False))])
def test_a_probe_tells_servers_apart_and_leaves_nothing(wire: str, able: Able) -> None:
    with fresh(wire) as url:
        client, database = connect(url)
        assert probe(database) == able
        assert database[COLLECTION].count_documents({}) == 0
        client.close()
