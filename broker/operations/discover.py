"""What there is: the types and attributes of the entities that the caller may see (clauses 5.7.5 to 5.7.10).

The answers are the data types of clauses 5.2.24 to 5.2.28 as JSON, in the caller's names and without @context.
Lists are in the order of the IRIs.
"""

from __future__ import annotations

from broker.errors import ResourceNotFound
from broker.model.values import Json
from broker.operations.broker import Broker, Call
from broker.ports import AttributeCount, TypeCount


def list_types(broker: Broker, call: Call) -> dict[str, Json]:
    """Retrieve Available Entity Types (clause 5.7.5).

    `{"id": "urn:ngsi-ld:EntityTypeList:…", "type": "EntityTypeList", "typeList": ["House"]}`.
    """
    found: list[Json] = [call.names.compact(one.iri) for one in _types(broker, call)]
    return {"id": f"urn:ngsi-ld:EntityTypeList:{_tenant(call)}", "type": "EntityTypeList", "typeList": found}


def list_types_in_detail(broker: Broker, call: Call) -> list[Json]:
    """Retrieve Details of Available Entity Types (clause 5.7.6): EntityType, one each."""
    compact = call.names.compact
    return [
        {
            "id": one.iri,
            "type": "EntityType",
            "typeName": compact(one.iri),
            "attributeNames": [compact(name) for name in one.attributes],
        }
        for one in _types(broker, call)
    ]


def describe_type(broker: Broker, call: Call, iri: str) -> dict[str, Json]:
    """Retrieve Available Entity Type Information (clause 5.7.7): EntityTypeInfo.

    Raises ResourceNotFound where no visible entity has the type.
    """
    compact = call.names.compact
    for one in _types(broker, call):
        if one.iri == iri:
            return {
                "id": iri,
                "type": "EntityTypeInfo",
                "typeName": compact(iri),
                "entityCount": one.entities,
                "attributeDetails": [
                    {
                        "id": name,
                        "type": "Attribute",
                        "attributeName": compact(name),
                        "attributeTypes": sorted(kinds),
                    }
                    for name, kinds in one.attributes.items()
                ],
            }
    raise _unknown("entity type", compact(iri), "5.7.7.4")


def list_attributes(broker: Broker, call: Call) -> dict[str, Json]:
    """Retrieve Available Attributes (clause 5.7.8).

    `{"id": "urn:ngsi-ld:AttributeList:…", "type": "AttributeList", "attributeList": ["name"]}`.
    """
    found: list[Json] = [call.names.compact(one.iri) for one in _attributes(broker, call)]
    return {"id": f"urn:ngsi-ld:AttributeList:{_tenant(call)}", "type": "AttributeList", "attributeList": found}


def list_attributes_in_detail(broker: Broker, call: Call) -> list[Json]:
    """Retrieve Details of Available Attributes (clause 5.7.9): Attribute with typeNames, one each."""
    return [
        {
            "id": one.iri,
            "type": "Attribute",
            "attributeName": call.names.compact(one.iri),
            "typeNames": _type_names(call, one),
        }
        for one in _attributes(broker, call)
    ]


def describe_attribute(broker: Broker, call: Call, iri: str) -> dict[str, Json]:
    """Retrieve Available Attribute Information (clause 5.7.10): Attribute with all its members.

    Raises ResourceNotFound where no visible entity has the attribute.
    """
    for one in _attributes(broker, call):
        if one.iri == iri:
            return {
                "id": iri,
                "type": "Attribute",
                "attributeName": call.names.compact(iri),
                "attributeCount": one.instances,
                "attributeTypes": sorted(one.kinds),
                "typeNames": _type_names(call, one),
            }
    raise _unknown("attribute", call.names.compact(iri), "5.7.10.4")


def _types(broker: Broker, call: Call) -> list[TypeCount]:
    return broker.entities.types(call.tenant, call.restriction)


def _attributes(broker: Broker, call: Call) -> list[AttributeCount]:
    return broker.entities.attributes(call.tenant, call.restriction)


def _type_names(call: Call, one: AttributeCount) -> list[Json]:
    return [call.names.compact(iri) for iri in sorted(one.types)]


def _tenant(call: Call) -> str:
    return call.tenant or "default"


def _unknown(kind: str, name: str, clause: str) -> ResourceNotFound:
    return ResourceNotFound(
        f"No entity here has the {kind} {name}.",
        clause=clause,
        remedy=f"See {'/types' if kind == 'entity type' else '/attributes'} for what there is.",
    )
