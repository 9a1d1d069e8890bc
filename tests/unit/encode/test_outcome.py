"""Results of writes, and the lists of types and attributes (clauses 5.2.16, 5.2.17, 5.2.24 to 5.2.28)."""

from __future__ import annotations

from broker.encode import outcome
from broker.errors import BadRequestData, ResourceNotFound
from broker.ldcontext.core import core_context

NAMES = core_context()
HOUSE, SIZE, NAME = (NAMES.expand(term) for term in ("House", "size", "name"))


def test_a_batch_result_carries_each_problem() -> None:
    error = BadRequestData("no", pointer="/size", clause="4.5.1", remedy="yes")
    result = outcome.encode_batch_result(["urn:x:1"], [("urn:x:2", error), ("urn:x:3", ResourceNotFound("gone"))])
    assert result == {
        "success": ["urn:x:1"],
        "errors": [
            {
                "entityId": "urn:x:2",
                "error": {
                    "type": "https://uri.etsi.org/ngsi-ld/errors/BadRequestData",
                    "title": "Bad request data",
                    "detail": "no",
                    "status": 400,
                    "pointer": "/size",
                    "clause": "4.5.1",
                    "remedy": "yes",
                },
            },
            {
                "entityId": "urn:x:3",
                "error": {
                    "type": "https://uri.etsi.org/ngsi-ld/errors/ResourceNotFound",
                    "title": "Resource not found",
                    "detail": "gone",
                    "status": 404,
                },
            },
        ],
    }


def test_types() -> None:
    assert outcome.encode_type_list([HOUSE], "urn:x:list", NAMES) == {
        "id": "urn:x:list",
        "type": "EntityTypeList",
        "typeList": ["House"],
    }
    assert outcome.encode_type(HOUSE, [NAME, SIZE], NAMES) == {
        "id": HOUSE,
        "type": "EntityType",
        "typeName": "House",
        "attributeNames": ["name", "size"],
    }
    assert outcome.encode_type_info(HOUSE, 3, {SIZE: {"Relationship", "Property"}}, NAMES) == {
        "id": HOUSE,
        "type": "EntityTypeInfo",
        "typeName": "House",
        "entityCount": 3,
        "attributeDetails": [
            {
                "id": SIZE,
                "type": "Attribute",
                "attributeName": "size",
                "attributeTypes": ["Property", "Relationship"],
            }
        ],
    }


def test_attributes() -> None:
    assert outcome.encode_attribute_list([SIZE], "urn:x:list", NAMES) == {
        "id": "urn:x:list",
        "type": "AttributeList",
        "attributeList": ["size"],
    }
    named = {"id": SIZE, "type": "Attribute", "attributeName": "size", "typeNames": ["House"]}
    assert outcome.encode_attribute(SIZE, [HOUSE], NAMES) == named
    assert outcome.encode_attribute_info(SIZE, 4, (["Property"], [HOUSE]), NAMES) == {
        **named,
        "attributeCount": 4,
        "attributeTypes": ["Property"],
    }
