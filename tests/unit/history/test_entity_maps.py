"""Entity maps: fixed when they are made, thinned out by what no longer fits, gone when they expire (clause 5.14)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.errors import BadRequestData, ResourceNotFound
from broker.model import change
from broker.model.duration import Duration
from broker.model.entity import Document, Entity
from broker.model.values import to_text
from broker.operations import entity_maps
from broker.operations.broker import Broker, Call, Lifetimes
from broker.operations.consume import WHOLE
from broker.operations.entity_maps import IDS_MAX, EntityMap
from broker.operations.mapped import query_in_map
from broker.operations.provide import Target, delete_entity
from broker.ports import Page, Principal, Restriction
from broker.query.ast import And, Compare, HasType, IdIn, Op, Path, Selection, Window
from broker.query.ordering import bind_order, parse_order_by
from tests.fakes.clock import START, FakeClock
from tests.fakes.house import NS, fill, make_broker, make_call, prop

HOUR = 3_600_000_000
HOUSES = Selection(HasType(f"{NS}House"))
BIG = Selection(Compare(Path(f"{NS}size"), Op.GE, 10))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def broker(clock: FakeClock) -> Broker:
    return make_broker(clock)


def house(number: int, size: int = 10) -> Entity:
    document: Document = {"id": f"urn:h:{number}", "type": f"{NS}House", f"{NS}size": prop(size)}
    return change.create(document, START)


def made(broker: Broker, call: Call, selection: Selection = HOUSES, lifetime: Duration | None = None) -> EntityMap:
    ids = broker.places.walk_ids(call.tenant, selection, call.restriction)
    return entity_maps.make_map(broker, call, ids, lifetime)


def remove(broker: Broker, *numbers: int) -> None:
    for number in numbers:
        delete_entity(broker, make_call(), Target(f"urn:h:{number}")).result()


def page(broker: Broker, call: Call, map_id: str, window: Window, selection: Selection = HOUSES) -> Page:
    found = entity_maps.find_map(broker, call, map_id)
    assert found is not None
    return query_in_map(broker, call, found, (selection, window), WHOLE)


def ids(found: Page) -> list[str]:
    return [one.id.removeprefix("urn:h:") for one in found.entities]


def listed(broker: Broker, call: Call, map_id: str) -> list[str]:
    members = entity_maps.retrieve_map(broker, call, map_id)["entityMap"]
    assert isinstance(members, dict)
    return [one.removeprefix("urn:h:") for one in members]


def test_a_map_lists_what_was_selected_and_no_more(broker: Broker) -> None:
    call = make_call()
    fill(broker, *(house(number, number) for number in range(12)))
    known = made(broker, call, BIG)
    fill(broker, house(99, 50))
    assert entity_maps.retrieve_map(broker, call, known.id) == {
        "id": known.id,
        "type": "EntityMap",
        "expiresAt": to_text(START + HOUR),
        "entityMap": {"urn:h:10": ["@none"], "urn:h:11": ["@none"]},
        "linkedMaps": {},
    }
    assert ids(page(broker, call, known.id, Window(10), BIG)) == ["10", "11"]


def test_pages_are_full_while_there_is_something_to_fill_them_with(broker: Broker) -> None:
    call = make_call()
    fill(broker, *(house(number) for number in range(10)))
    known = made(broker, call)
    remove(broker, 1, 2, 8)
    first = page(broker, call, known.id, Window(3))
    assert (ids(first), first.more) == (["0", "3", "4"], True)
    second = page(broker, call, known.id, Window(3, 3))
    assert (ids(second), second.more) == (["5", "6", "7"], True)
    last = page(broker, call, known.id, Window(3, 6))
    assert (ids(last), last.more) == (["9"], False)
    assert listed(broker, call, known.id) == ["0", "3", "4", "5", "6", "7", "9"]


def test_the_last_page_knows_that_nothing_follows(broker: Broker) -> None:
    call = make_call()
    fill(broker, *(house(number) for number in range(4)))
    known = made(broker, call)
    remove(broker, 2, 3)
    assert not page(broker, call, known.id, Window(2)).more
    assert page(broker, call, known.id, Window(0, 0, count=True)).total == 2


def test_what_no_longer_fits_leaves_the_map_and_does_not_come_back(broker: Broker) -> None:
    call = make_call()
    fill(broker, house(0), house(1), house(2))
    known = made(broker, call, BIG)
    fill(broker, house(1, 1))
    assert ids(page(broker, call, known.id, Window(5), BIG)) == ["0", "2"]
    fill(broker, house(1, 20))
    assert ids(page(broker, call, known.id, Window(5), BIG)) == ["0", "2"]


def test_the_order_is_that_of_the_request_that_made_it(broker: Broker) -> None:
    call = make_call()
    fill(broker, *(house(number, 100 - number) for number in range(5)))
    order = bind_order(parse_order_by("size", None, None, None), call.names)
    known = made(broker, call, Selection(HOUSES.where, order))
    assert ids(page(broker, call, known.id, Window(2, 1))) == ["3", "2"]


def test_a_map_may_have_more_ids_than_one_document(broker: Broker) -> None:
    call = make_call()
    fill(broker, *(house(number) for number in range(IDS_MAX + 30)))
    known = made(broker, call)
    remove(broker, 0, IDS_MAX + 1)
    assert ids(page(broker, call, known.id, Window(3, 0))) == ["1", "2", "3"]
    counted = page(broker, call, known.id, Window(4, IDS_MAX - 2, count=True))
    assert ids(counted) == [str(IDS_MAX + step) for step in (-1, 0, 2, 3)]
    assert counted.total == IDS_MAX + 28
    entity_maps.delete_map(broker, call, known.id).result()
    for kind in (entity_maps.KIND, entity_maps.IDS_KIND):
        assert broker.held.all_held("", kind) == []


def test_a_map_expires_no_later_than_the_limit(broker: Broker, clock: FakeClock) -> None:
    call = make_call()
    broker = replace(broker, lifetimes=Lifetimes(entity_map_s=600))
    fill(broker, house(1))
    assert made(broker, call).expires_at == START + 600_000_000
    assert made(broker, call, lifetime=Duration(120, 0)).expires_at == START + 600_000_000
    short = made(broker, call, lifetime=Duration(0, 5_000_000))
    entity_maps.update_map(broker, call, short.id, START + HOUR).result()
    clock.advance(599)
    assert listed(broker, call, short.id) == ["1"]
    clock.advance(1)
    assert entity_maps.find_map(broker, call, short.id) is None
    with pytest.raises(ResourceNotFound):
        entity_maps.retrieve_map(broker, call, short.id)
    broker.held.sweep("")  # type: ignore[attr-defined]
    assert broker.held.all_held("", entity_maps.IDS_KIND) == []


def test_a_map_is_its_maker_s(broker: Broker) -> None:
    call = make_call()
    fill(broker, house(1))
    known = made(broker, call)
    other = replace(call, principal=Principal("somebody else"))
    assert entity_maps.find_map(broker, other, known.id) is None
    with pytest.raises(ResourceNotFound):
        entity_maps.delete_map(broker, other, known.id).result()
    assert listed(broker, call, known.id) == ["1"]


def test_a_map_shows_what_may_be_seen_now(broker: Broker) -> None:
    call = make_call()
    fill(broker, house(1), house(2), house(3))
    known = made(broker, call)
    remove(broker, 3)

    def view(entity: Entity) -> Entity | None:
        return None if entity.id == "urn:h:1" else entity

    restricted = replace(call, restriction=Restriction(view=view))
    assert listed(broker, restricted, known.id) == ["2", "3"]
    assert ids(page(broker, restricted, known.id, Window(5))) == ["2"]


def test_two_that_strike_out_at_once_do_not_undo_each_other(broker: Broker) -> None:
    call = make_call()
    fill(broker, *(house(number) for number in range(6)))
    known = made(broker, call)
    entity_maps.strike_out(broker, call, known, [1, 4])
    entity_maps.strike_out(broker, call, known, [0, 4])
    assert listed(broker, call, known.id) == ["2", "3", "5"]
    found = entity_maps.find_map(broker, call, known.id)
    assert found is not None
    assert [found.place(offset) for offset in range(4)] == [2, 3, 5, 6]


def test_what_is_erased_stands_in_no_map(broker: Broker) -> None:
    call = make_call()
    fill(broker, *(house(number) for number in range(IDS_MAX + 5)))
    whole, big = made(broker, call), made(broker, replace(call, principal=Principal("somebody else")), BIG)
    assert entity_maps.forget(broker, "", f"urn:h:{IDS_MAX + 2}") == 2
    assert entity_maps.forget(broker, "", "urn:h:none") == 0
    assert ids(page(broker, call, whole.id, Window(9, IDS_MAX))) == [str(IDS_MAX + step) for step in (0, 1, 3, 4)]
    kept = [one for held in broker.held.all_held("", entity_maps.IDS_KIND) for one in held.body["ids"]]  # type: ignore[union-attr]
    assert (len(kept), f"urn:h:{IDS_MAX + 2}" in kept) == (whole.size + big.size, False)


def test_ids_are_uris(broker: Broker) -> None:
    call = make_call()
    with pytest.raises(BadRequestData):
        entity_maps.retrieve_map(broker, call, "not a uri")
    with pytest.raises(BadRequestData):
        entity_maps.update_map(broker, call, "not a uri", None)
    with pytest.raises(BadRequestData):
        entity_maps.delete_map(broker, call, "not a uri")


def test_asking_for_ids_leaves_the_rest_of_the_map(broker: Broker) -> None:
    fill(broker, *map(house, range(5)))
    call = make_call()
    entity_map = made(broker, call)
    some = Selection(And((HOUSES.where, IdIn(("urn:h:1", "urn:h:3", "urn:h:9")))))
    found = page(broker, call, entity_map.id, Window(1, 1, count=True), some)
    assert ([one.id for one in found.entities], found.total, found.more) == (["urn:h:3"], 2, False)
    assert len(page(broker, call, entity_map.id, Window(9)).entities) == 5
