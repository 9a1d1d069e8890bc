"""Retrieving and querying: visibility, projections, datasets, linked entities (clauses 4.5.23, 5.7.1, 5.7.2)."""

from __future__ import annotations

from typing import Any

import pytest

from broker.access.view import Rules, view_of
from broker.encode import linking
from broker.encode.linking import Join
from broker.errors import BadRequestData, ResourceNotFound, TooManyResults
from broker.model import change
from broker.operations.broker import Broker
from broker.operations.consume import (
    View,
    query_entities,
    require_depth,
    require_filter,
    retrieve_entity,
    retrieve_with_linked,
)
from broker.ports import Restriction
from broker.query.ast import And, Compare, HasAttribute, HasType, InScope, Linked, Op, Or, Path, Selection, Window
from broker.query.projection import Projection, bind_projection, parse_omit, parse_pick
from tests.fakes.house import NS, fill, make_broker, make_call, prop

CALL = make_call()
AT, CARS, NAME = f"{NS}locatedAt", f"{NS}cars", f"{NS}name"
HOUSE, PARIS, FRANCE = "urn:h:1", "urn:c:paris", "urn:c:france"


def to(*targets: str) -> dict[str, Any]:
    return {"type": "Relationship", "object": targets[0] if len(targets) == 1 else list(targets)}


def entity(entity_id: str, **members: Any) -> Any:
    return change.create({"id": entity_id, "type": f"{NS}Thing", **members}, 0)


def pick(text: str) -> Projection:
    return bind_projection(parse_pick(text), CALL.names)


def omit(text: str) -> Projection:
    return bind_projection(parse_omit(text), CALL.names)


@pytest.fixture
def broker() -> Broker:
    made = make_broker()
    fill(
        made,
        entity(HOUSE, **{AT: to(PARIS), NAME: [prop("a"), prop("b", datasetId="urn:d:1")]}),
        entity(PARIS, **{AT: to(FRANCE), NAME: prop("Paris")}),
        entity(FRANCE, **{NAME: prop("France"), AT: to(HOUSE)}),
    )
    return made


def ids(found: list[Any]) -> list[str]:
    return [one.document["id"] for one in found]


def test_retrieve_gives_what_is_visible(broker: Broker) -> None:
    assert retrieve_entity(broker, CALL, HOUSE) is broker.entities.get("", HOUSE)
    hiding = make_call(Restriction(view=view_of(Rules(entities=frozenset({PARIS}), attributes=frozenset({NAME})))))
    assert set(retrieve_entity(broker, hiding, HOUSE).document) == {"id", "type", AT}
    for missing in (PARIS, "urn:c:none"):
        with pytest.raises(ResourceNotFound):
            retrieve_entity(broker, hiding, missing)
    with pytest.raises(ResourceNotFound):
        retrieve_entity(broker, CALL, HOUSE, HasType(f"{NS}Other"))
    with pytest.raises(BadRequestData):
        retrieve_entity(broker, CALL, "no uri")


def test_datasets_and_projection_cut_the_entity(broker: Broker) -> None:
    one = View(dataset_ids=frozenset({"urn:d:1"}))
    assert set(retrieve_entity(broker, CALL, HOUSE, None, one).document) == {"id", "type", NAME}
    default = retrieve_entity(broker, CALL, HOUSE, None, View(dataset_ids=frozenset({"@none"})))
    assert default.document[NAME] == prop("a")
    assert set(retrieve_entity(broker, CALL, HOUSE, None, View(pick("id,name"))).document) == {"id", NAME}
    assert set(retrieve_entity(broker, CALL, HOUSE, None, View(omit("id,name"))).document) == {"type", AT}
    assert set(retrieve_entity(broker, CALL, HOUSE, None, View(pick("type"))).document) == {"type"}
    with pytest.raises(ResourceNotFound):
        retrieve_entity(broker, CALL, HOUSE, None, View(pick("id,colour")))


def test_inline_joins_to_the_level_and_never_into_itself(broker: Broker) -> None:
    found: Any = retrieve_entity(broker, CALL, HOUSE, None, View(join=Join("inline", 1))).document
    assert found[AT]["entity"]["id"] == PARIS
    assert "entity" not in found[AT]["entity"][AT]
    found = retrieve_entity(broker, CALL, HOUSE, None, View(join=Join("inline", 9))).document
    france = found[AT]["entity"][AT]["entity"]
    assert france["id"] == FRANCE
    assert france["createdAt"].endswith("Z")
    assert "entity" not in france[AT]
    stored: Any = broker.entities.get("", HOUSE)
    assert "entity" not in stored.document[AT], "stored documents are never changed"


def test_inline_holds_lists_where_the_relationship_does() -> None:
    broker = make_broker()
    listed = {"type": "ListRelationship", "objectList": [{"object": PARIS}, {"object": "urn:gone"}]}
    fill(broker, entity(HOUSE, **{AT: to("urn:gone", PARIS), CARS: listed}), entity(PARIS))
    found: Any = retrieve_entity(broker, CALL, HOUSE, None, View(join=Join("inline"))).document
    assert [one["id"] for one in found[AT]["entity"]] == [PARIS]
    assert [one["id"] for one in found[CARS]["entityList"]] == [PARIS]


def test_flat_appends_each_linked_entity_once_level_by_level(broker: Broker) -> None:
    assert ids(retrieve_with_linked(broker, CALL, HOUSE, None, View(join=Join("flat", 1)))) == [HOUSE, PARIS]
    assert ids(retrieve_with_linked(broker, CALL, HOUSE, None, View(join=Join("flat", 9)))) == [HOUSE, PARIS, FRANCE]
    met = View(join=Join("flat", 9, frozenset({PARIS})))
    assert ids(retrieve_with_linked(broker, CALL, HOUSE, None, met)) == [HOUSE]
    page = query_entities(
        broker, CALL, Selection(HasType(f"{NS}Thing")), Window(1, count=True), View(join=Join("flat", 1))
    )
    assert (ids(page.entities), page.total, page.more) == ([HOUSE, PARIS], 3, True)


def test_projections_reach_into_linked_entities(broker: Broker) -> None:
    view = View(pick("id,locatedAt{id,name}"), join=Join("inline", 2))
    found: Any = retrieve_entity(broker, CALL, HOUSE, None, view).document
    assert set(found) == {"id", AT}
    assert set(found[AT]["entity"]) == {"id", NAME, "createdAt", "modifiedAt"}
    flat = retrieve_with_linked(
        broker, CALL, HOUSE, None, View(omit("type,locatedAt{name,locatedAt{type}}"), join=Join("flat", 2))
    )
    assert [set(one.document) for one in flat] == [{"id", AT, NAME}, {"id", "type", AT}, {"id", AT, NAME}]


def test_queries_project_each_entity_inline_or_not(broker: Broker) -> None:
    everything, window = Selection(HasType(f"{NS}Thing")), Window(9)
    page = query_entities(broker, CALL, everything, window, View(pick("id")))
    assert [one.document for one in page.entities] == [{"id": HOUSE}, {"id": PARIS}, {"id": FRANCE}]
    joined: Any = query_entities(broker, CALL, everything, window, View(join=Join("inline"))).entities[1].document
    assert joined[AT]["entity"]["id"] == FRANCE
    alone = retrieve_with_linked(broker, CALL, HOUSE, None, View(pick("id")))
    assert [one.document for one in alone] == [{"id": HOUSE}]


def test_hidden_entities_are_not_linked(broker: Broker) -> None:
    hiding = make_call(Restriction(view=view_of(Rules(entities=frozenset({PARIS})))))
    assert ids(retrieve_with_linked(broker, hiding, HOUSE, None, View(join=Join("flat", 9)))) == [HOUSE]


def test_joins_are_bounded(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linking, "JOINED_MAX", 1)
    with pytest.raises(TooManyResults):
        retrieve_with_linked(broker, CALL, HOUSE, None, View(join=Join("flat", 2)))
    with pytest.raises(BadRequestData):
        Join("flat", 0)
    with pytest.raises(BadRequestData):
        Join("flat", 11)


def test_a_query_needs_something_to_go_by() -> None:
    own, system = Compare(Path(NAME), Op.EQ, 1), Compare(Path("modifiedAt"), Op.GT, 1)
    require_filter(types=HasType("t:t"), attributes=[], q=None, geo=None, local=False)
    require_filter(types=None, attributes=[NAME], q=None, geo=None, local=False)
    require_filter(types=None, attributes=[], q=Or((system, own)), geo=None, local=False)
    require_filter(types=None, attributes=[], q=None, geo=None, local=True)
    require_filter(types=None, attributes=[], q=HasAttribute(NAME), geo=None, local=False)
    for attributes, q in (
        ([], None),
        (["https://uri.etsi.org/ngsi-ld/createdAt"], None),
        ([], system),
        ([], InScope("/a")),
    ):
        with pytest.raises(BadRequestData):
            require_filter(types=None, attributes=attributes, q=q, geo=None, local=False)


def test_conditions_and_projections_go_no_deeper_than_the_join() -> None:
    two = Linked(Path(AT), (), Linked(Path(AT), (), Compare(Path(NAME), Op.EQ, 1)))
    require_depth(And((two,)), None, Join("inline", 2))
    require_depth(None, pick("locatedAt{name}"), Join("flat", 1))
    for q, projection, join in ((two, None, Join("inline", 1)), (two, None, None), (None, pick("a{b}"), None)):
        with pytest.raises(BadRequestData):
            require_depth(q, projection, join)
