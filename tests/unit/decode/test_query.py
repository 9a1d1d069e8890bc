"""The body of a query by POST (clauses 5.2.13, 5.2.23, 5.2.33, 5.2.43)."""

from __future__ import annotations

from typing import Any

import pytest

from broker.decode.query import SELECTORS_MAX, EntitySelector, GeoQuery, Ordering, Query, decode_query
from broker.errors import BadRequestData


def test_a_query_is_read_into_parameter_texts() -> None:
    body = {
        "type": "Query",
        "@context": "https://example.org/context.jsonld",
        "entities": [
            {"type": "House", "id": ["urn:x:1", "urn:x:2"], "idPattern": "ignored"},
            {"type": "*", "idPattern": ".*"},
        ],
        "q": "size>1",
        "geoQ": {"georel": "within", "geometry": "Polygon", "coordinates": [[[0, 0.5]]], "geoproperty": "place"},
        "scopeQ": "/a/#",
        "pick": ["id", "owner{name}"],
        "datasetId": ["@none", "urn:x:d"],
        "containedBy": "urn:x:9",
        "expandValues": ["a", "b"],
        "join": "inline",
        "joinLevel": 2,
        "ordering": {"orderBy": ["place;dist-asc"], "coordinates": [8, 40], "geometry": "Point", "collation": "ja"},
        "splitEntities": False,
    }
    assert decode_query(body) == Query(  # type: ignore[arg-type]
        entities=(EntitySelector("House", ("urn:x:1", "urn:x:2")), EntitySelector("*", (), ".*")),
        q="size>1",
        geo=GeoQuery("within", "Polygon", "[[[0,0.5]]]", "place"),
        scope_q="/a/#",
        pick=("id", "owner{name}"),
        dataset_ids=("@none", "urn:x:d"),
        contained_by=("urn:x:9",),
        expand_values="a,b",
        join="inline",
        join_level=2,
        ordering=Ordering("place;dist-asc", "[8,40]", "Point", "ja"),
        split_entities=False,
    )


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"type": "Thing"}, "/type"),
        ({"entities": []}, "/entities"),
        ({"entities": [{"type": "A"}] * (SELECTORS_MAX + 1)}, "/entities"),
        ({"entities": [5]}, "/entities/0"),
        ({"entities": [{"id": "urn:x:1"}]}, "/entities/0"),
        ({"entities": [{"type": "A", "id": "not a uri"}]}, "/entities/0/id/0"),
        ({"entities": [{"type": "A", "id": ["urn:x:1", 5]}]}, "/entities/0/id/1"),
        ({"entities": [{"type": "A", "idPattern": 5}]}, "/entities/0/idPattern"),
        ({"entities": [{"type": "A", "idPattern": None}]}, "/entities/0/idPattern"),
        ({"entities": [{"type": "A", "size": 1}]}, "/entities/0/size"),
        ({"q": 42}, "/q"),
        ({"q": ""}, "/q"),
        ({"q": None}, "/q"),
        ({"attrs": []}, "/attrs"),
        ({"pick": ["id", 5]}, "/pick/1"),
        ({"datasetId": ["x"]}, "/datasetId/0"),
        ({"join": "sideways"}, "/join"),
        ({"joinLevel": 0}, "/joinLevel"),
        ({"joinLevel": True}, "/joinLevel"),
        ({"geoQ": {"georel": "within", "geometry": "Point"}}, "/geoQ/coordinates"),
        ({"geoQ": []}, "/geoQ"),
        ({"ordering": {"geometry": "Point"}}, "/ordering/orderBy"),
        ({"ordering": {"orderBy": ["id;asc"], "geometry": 5}}, "/ordering/geometry"),
        ({"ordering": {"orderBy": ["place;dist-asc"], "coordinates": "8,40"}}, "/ordering/coordinates"),
        ({"splitEntities": "yes"}, "/splitEntities"),
        ({"temporalQ": {}}, "/temporalQ"),
        ({"filter": "x"}, "/filter"),
    ],
)
def test_a_wrong_query_is_refused_with_its_place(members: dict[str, Any], pointer: str) -> None:
    with pytest.raises(BadRequestData) as refused:
        decode_query({"type": "Query", **members})
    assert refused.value.pointer == pointer
    assert refused.value.remedy


@pytest.mark.parametrize("body", [None, [], "Query", {}])
def test_what_is_no_query_is_refused(body: Any) -> None:
    with pytest.raises(BadRequestData):
        decode_query(body)
