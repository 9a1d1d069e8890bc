"""However entities change between pages over a map, each that fits all the while comes once, and none comes twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from broker.model import change
from broker.model.entity import Entity
from broker.operations import entity_maps
from broker.operations.consume import WHOLE
from broker.operations.mapped import query_in_map
from broker.query.ast import Compare, Op, Path, Selection, Window
from tests.fakes.clock import START
from tests.fakes.house import NS, fill, make_broker, make_call, prop

BIG = Selection(Compare(Path(f"{NS}size"), Op.GE, 10))
COUNT = st.integers(0, 130)


def house(number: int, size: int) -> Entity:
    return change.create({"id": f"urn:h:{number}", "type": f"{NS}House", f"{NS}size": prop(size)}, START)


@given(
    COUNT, st.integers(1, 60), st.lists(st.lists(st.tuples(COUNT, st.sampled_from([1, 20])), max_size=30), max_size=12)
)
def test_each_entity_comes_once(many: int, limit: int, changes: list[list[tuple[int, int]]]) -> None:
    broker, call = make_broker(), make_call()
    fill(broker, *(house(number, 10) for number in range(many)))
    known = entity_maps.make_map(broker, call, broker.places.walk_ids("", BIG, call.restriction), None)
    offset, more, seen, spoilt, rounds = 0, many > 0, list[str](), set[str](), iter(changes)
    while more:
        found = entity_maps.find_map(broker, call, known.id)
        assert found is not None
        page = query_in_map(broker, call, found, (BIG, Window(limit, offset, count=True)), WHOLE)
        seen += [entity.id for entity in page.entities]
        assert all(entity.document[f"{NS}size"]["value"] >= 10 for entity in page.entities)  # type: ignore[index,call-overload,operator]
        assert len(page.entities) == limit or not page.more
        assert page.total is not None
        assert page.total >= len(page.entities)
        offset, more = offset + limit, page.more
        for number, size in next(rounds, []):
            fill(broker, house(number, size))
            spoilt.add(f"urn:h:{number}")
    whole = [f"urn:h:{number}" for number in range(many)]
    assert len(seen) == len(set(seen))
    assert set(seen) <= set(whole)
    assert seen == sorted(seen, key=lambda one: int(one.rpartition(":")[2]))
    assert [one for one in whole if one not in spoilt] == [one for one in seen if one not in spoilt]
