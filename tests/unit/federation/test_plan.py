"""What each source is asked for entities (clauses 4.3.6.1, 5.7.1.4, 5.7.2.4)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from broker.decode.query import EntitySelector, Query
from broker.ldcontext.core import core_context
from broker.model.registration import EntityInfo, Information, Registration
from federation.messages import Forward, Match
from federation.plan import Asking, Naming, decides, narrowed, query, retrieval
from federation.wanted import wanted_of

NS = "https://uri.etsi.org/ngsi-ld/default-context/"
HOUSE, ROOM, HEAT, NAME = f"{NS}House", f"{NS}Room", f"{NS}temperature", f"{NS}name"
ID = "urn:ngsi-ld:House:1"
NAMES = core_context()
NAMING = Naming(NAMES, NAMES.source)


def _match(*parts: Information, **more: Any) -> Match:
    return Match(Registration("urn:r:1", "http://there", parts, **more), parts)


def _info(*infos: EntityInfo, names: tuple[str, ...] = ()) -> Information:
    return Information(infos, names)


def _asked(match: Match, *, split: bool = False, attrs: tuple[str, ...] = (), **given: Any) -> list[Forward]:
    entities = given.pop("entities", (EntitySelector("House"),))
    wanted = wanted_of(Query(entities, **given), NAMES, tuple(NAMES.expand(one) for one in attrs), split=split)
    needed = frozenset(wanted.attributes) or None
    return query(match, Asking(wanted, needed, split, dated=False), NAMING)


def _parameters(match: Match, **given: Any) -> dict[str, str]:
    forwards = _asked(match, **given)
    assert len(forwards) == 1
    return dict(forwards[0].parameters)


def test_a_whole_source_is_asked_as_the_request_asks() -> None:
    found = _parameters(_match(_info()), q='temperature>20;name=="x"', scope_q="/a/#")
    assert found == {"type": "House", "q": 'temperature>20;name=="x"', "scopeQ": "/a/#"}


@pytest.mark.parametrize(
    ("infos", "selector", "asked"),
    [
        ((EntityInfo((HOUSE, ROOM)),), EntitySelector("House"), {"type": "House"}),
        ((EntityInfo((HOUSE,)), EntityInfo((ROOM,))), EntitySelector("House,Room"), {"type": "House,Room"}),
        ((EntityInfo((HOUSE,)),), EntitySelector("", ("urn:a:1",)), {"type": "House", "id": "urn:a:1"}),
        ((EntityInfo((HOUSE,), ID),), EntitySelector("House"), {"type": "House", "id": ID}),
        ((EntityInfo((), ID),), EntitySelector("House"), {"type": "House", "id": ID}),
        ((EntityInfo((HOUSE,), None, "^urn:b"),), EntitySelector("House"), {"type": "House", "idPattern": "^urn:b"}),
        (
            (EntityInfo((HOUSE,), None, "^urn:b"),), EntitySelector("House", ("urn:a:1,urn:b:1",)),
            {"type": "House", "id": "urn:b:1"},
        ),
        (
            (EntityInfo((HOUSE,), None, "^urn:b"),), EntitySelector("House", (), "1$"),
            {"type": "House", "idPattern": "1$"},
        ),
        ((EntityInfo((HOUSE,)),), EntitySelector("(House;Room)"), {}),
    ],
)  # fmt: skip
def test_a_request_is_cut_to_the_entities_that_are_registered(
    infos: tuple[EntityInfo, ...], selector: EntitySelector, asked: dict[str, str]
) -> None:
    forwards = _asked(_match(_info(*infos)), entities=(selector,))
    assert [dict(one.parameters) for one in forwards] == ([asked] if asked else [])


def test_ids_of_one_type_are_asked_for_together() -> None:
    infos = (EntityInfo((HOUSE,), "urn:a:1"), EntityInfo((HOUSE,), "urn:a:2"))
    assert _parameters(_match(_info(*infos)))["id"] == "urn:a:1,urn:a:2"


def test_only_registered_attributes_are_asked_for() -> None:
    match = _match(_info(EntityInfo((HOUSE,)), names=(HEAT,)))
    assert _parameters(match)["attrs"] == "temperature"
    assert _parameters(match, attrs=("temperature", "name"))["attrs"] == "temperature"
    assert _asked(match, attrs=("name",)) == []


def test_only_those_filters_are_left_to_a_source_that_it_can_apply() -> None:
    match = _match(_info(EntityInfo((HOUSE,)), names=(HEAT,)))
    assert _parameters(match, q='temperature>20;name=="x"')["q"] == "temperature>20"
    assert "q" not in _parameters(match, q='temperature>20|name=="x"')
    assert "q" not in _parameters(_match(_info()), q='owner{name}=="x"', join="inline", join_level=1)
    assert "q" not in _parameters(match, q="temperature>20", split=True)


def test_a_source_without_anything_that_is_filtered_by_cannot_know() -> None:
    match = _match(_info(EntityInfo((HOUSE,)), names=(HEAT,)))
    for q, expected in (("temperature>20", True), ("name", False), ("name|temperature", True)):
        wanted = wanted_of(Query((EntitySelector("House"),), q=q), NAMES, (), split=False)
        assert decides(match, wanted) is expected
        assert decides(_match(_info()), wanted)


def test_several_selectors_go_by_post_where_the_source_takes_that() -> None:
    entities = (EntitySelector("House", (ID,)), EntitySelector("Room", (), "x$"))
    both = _asked(_match(_info()), entities=entities, q="temperature>20")
    assert [one.operation for one in both] == ["queryBatch"]
    assert both[0].body == {
        "type": "Query", "entities": [{"type": "House", "id": ID}, {"type": "Room", "idPattern": "x$"}],
        "q": "temperature>20",
    }  # fmt: skip
    gets = _asked(_match(_info(), operations=("queryEntity",)), entities=entities)
    assert [dict(one.parameters).get("type") for one in gets] == ["House", "Room"]


def test_what_is_too_long_for_a_url_goes_by_post() -> None:
    ids = tuple(f"urn:ngsi-ld:House:{n}" for n in range(400))
    found = _asked(_match(_info()), entities=(EntitySelector("House", (",".join(ids),)),))
    assert found[0].method == "POST"


@pytest.mark.parametrize(
    ("operations", "operation"),
    [
        ((), "retrieveEntity"),
        (("queryEntity",), "queryEntity"),
        (("queryBatch",), "queryBatch"),
        (("mergeEntity",), ""),
    ],
)
def test_an_entity_is_retrieved_as_the_source_can(operations: tuple[str, ...], operation: str) -> None:
    found = retrieval(_match(_info(EntityInfo((HOUSE,))), operations=operations), ID, None, NAMING)
    assert [one.operation for one in found] == [operation][: len(operation)]
    if operation == "retrieveEntity":
        assert found[0].path == "/entities/" + quote(ID, safe="")
        assert found[0].parameters == (("options", "sysAttrs"),)


def test_nothing_is_retrieved_where_nothing_registered_is_needed() -> None:
    match = _match(_info(EntityInfo((HOUSE,)), names=(HEAT,)))
    assert retrieval(match, ID, frozenset({NAME}), NAMING) == []
    assert dict(retrieval(match, ID, frozenset({NAME, HEAT}), NAMING)[0].parameters)["attrs"] == "temperature"


def test_single_entities_are_asked_for_one_by_one_where_a_source_knows_no_types() -> None:
    wanted = wanted_of(Query(), NAMES, (), split=False)
    found = narrowed(_match(_info()), ["urn:a:1", "urn:a:2"], Asking(wanted), NAMING)
    assert [one.operation for one in found] == ["retrieveEntity"] * 2
