"""What there is: the types and attributes of the entities that the caller may see (clauses 5.7.5 to 5.7.10).

The answers are the data types of clauses 5.2.24 to 5.2.28 as JSON, in the caller's names and without @context.
Lists are in the order of the IRIs.
"""

from __future__ import annotations

from broker.encode.outcome import (
    encode_attribute,
    encode_attribute_info,
    encode_attribute_list,
    encode_type,
    encode_type_info,
    encode_type_list,
)
from broker.errors import ResourceNotFound
from broker.model.values import Json
from broker.operations.broker import Broker, Call
from broker.ports import AttributeCount, TypeCount
from broker.ports.places import home_of


def list_types(broker: Broker, call: Call) -> dict[str, Json]:
    """Retrieve Available Entity Types (clause 5.7.5).

    `{"id": "urn:ngsi-ld:EntityTypeList:default", "type": "EntityTypeList", "typeList": ["House"]}`.
    """
    list_id = f"urn:ngsi-ld:EntityTypeList:{home_of(call.tenant) or 'default'}"
    return encode_type_list([one.iri for one in _types(broker, call)], list_id, call.names)


def list_types_in_detail(broker: Broker, call: Call) -> list[Json]:
    """Retrieve Details of Available Entity Types (clause 5.7.6): EntityType, one each."""
    return [encode_type(one.iri, one.attributes, call.names) for one in _types(broker, call)]


def describe_type(broker: Broker, call: Call, iri: str) -> dict[str, Json]:
    """Retrieve Available Entity Type Information (clause 5.7.7): EntityTypeInfo.

    Raises ResourceNotFound where no visible entity has the type.
    """
    for one in _types(broker, call):
        if one.iri == iri:
            return encode_type_info(iri, one.entities, one.attributes, call.names)
    raise ResourceNotFound(
        f"No entity here has the type {call.names.compact(iri)}.",
        pointer="type",
        clause="5.7.7.4",
        remedy="See /types for those that there are.",
    )


def list_attributes(broker: Broker, call: Call) -> dict[str, Json]:
    """Retrieve Available Attributes (clause 5.7.8).

    `{"id": "urn:ngsi-ld:AttributeList:default", "type": "AttributeList", "attributeList": ["name"]}`.
    """
    list_id = f"urn:ngsi-ld:AttributeList:{home_of(call.tenant) or 'default'}"
    return encode_attribute_list([one.iri for one in _attributes(broker, call)], list_id, call.names)


def list_attributes_in_detail(broker: Broker, call: Call) -> list[Json]:
    """Retrieve Details of Available Attributes (clause 5.7.9): Attribute with typeNames, one each."""
    return [encode_attribute(one.iri, one.types, call.names) for one in _attributes(broker, call)]


def describe_attribute(broker: Broker, call: Call, iri: str) -> dict[str, Json]:
    """Retrieve Available Attribute Information (clause 5.7.10): Attribute with all its members.

    Raises ResourceNotFound where no visible entity has the attribute.
    """
    for one in _attributes(broker, call):
        if one.iri == iri:
            return encode_attribute_info(iri, one.instances, (one.kinds, one.types), call.names)
    raise ResourceNotFound(
        f"No entity here has the attribute {call.names.compact(iri)}.",
        pointer="attrId",
        clause="5.7.10.4",
        remedy="See /attributes for those that there are.",
    )


def _types(broker: Broker, call: Call) -> list[TypeCount]:
    return broker.entities.types(call.tenant, call.restriction)


def _attributes(broker: Broker, call: Call) -> list[AttributeCount]:
    return broker.entities.attributes(call.tenant, call.restriction)
