"""Attributes, from normalized and concise input mixed at any depth (clauses 4.5.2, 4.5.3, 4.5.5, 4.5.18 to 4.5.24).

decode_member   what stands under an attribute's name: instances, one instance, a bare value, a null
└── instance    one of them: its kind, its value, its members, and its sub-attributes: decode_member again
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from broker.decode.members import (
    decode_dataset_id,
    decode_datetime,
    decode_language_type,
    decode_types,
    decode_unit,
    decode_value_type,
)
from broker.decode.reading import (
    NO_SUB_ATTRIBUTES,
    Reading,
    attribute_iri,
    below,
    no_attribute,
    no_null,
    refusal,
    shown,
)
from broker.decode.values import decode_value
from broker.errors import BadRequestData
from broker.ldcontext.active import ActiveContext
from broker.model.entity import ATTRIBUTES_MAX, INSTANCE_MEMBERS, VALUE_MEMBER, Instance, member
from broker.model.kinds import (
    KIND_OF_MEMBER,
    PROOF,
    RELATIONSHIPS,
    SEALED,
    SYSTEM_MEMBERS,
    WITH_UNIT,
    is_dataset_map,
    is_geometry,
    is_instance,
    told_kind,
)
from broker.model.values import NGSI_LD_NULL, Json

INSTANCES_MAX = 1000  # instances of one attribute, one a datasetId

_KINDS = ", ".join(VALUE_MEMBER)
_IGNORED = SYSTEM_MEMBERS | {"lang"}
_INLINED = {"entity": "Relationship", "entityList": "ListRelationship"}


def decode_attribute(body: Json, names: ActiveContext, *, name: str, nulls: bool, partial: bool) -> Json:
    """One attribute's member of a document: an instance, a list of them, or the text `urn:ngsi-ld:null`.

    `{"value": 20.5, "observedAt": "…Z"}` gives `{"type": "Property", "value": 20.5, "observedAt": "…Z"}`; with
    `partial` an instance may lack its value, and has no `type` unless the body says or tells it.
    `@context` and `id` of a body that is the attribute itself are left out.

    Raises BadRequestData (clauses 4.5.2 to 4.5.5, 5.5.4).
    """
    if isinstance(body, dict):
        body = {key: value for key, value in body.items() if key not in {"@context", "id", "@id"}}
    return decode_member(body, "", name, Reading(names, nulls=nulls, partial=partial))


def decode_member(value: Json, pointer: str, name: str, reading: Reading) -> Json:
    """What an attribute's or sub-attribute's name holds in a document. Raises BadRequestData."""
    if isinstance(value, list) and value and isinstance(value[0], dict) and is_instance(value[0]):
        return _instances(value, pointer, name, reading)
    if is_dataset_map(value):
        return _instances(_spread(value), pointer, name, reading)
    if value == NGSI_LD_NULL:
        if not reading.nulls:
            raise refusal(
                f"'{NGSI_LD_NULL}' removes an attribute and is no value.",
                pointer,
                "5.5.4",
                "a value; send the null in a PATCH",
            )
        return value
    return decode_instance(value, pointer, name, reading)


def _spread(value: Json) -> list[Json]:
    """`{"dataset": {"@none": 1, "urn:x:1": 2}}` as instances that carry their datasetId (clause 4.5.4)."""
    held = cast("dict[str, dict[str, Json]]", value)["dataset"]
    return [
        {**one, "datasetId": dataset}
        if isinstance(one, dict) and is_instance(one) and not is_geometry(one)
        else {"value": one, "datasetId": dataset}
        for dataset, one in held.items()
    ]


def _instances(value: list[Json], pointer: str, name: str, reading: Reading) -> Json:
    if len(value) > INSTANCES_MAX:
        raise refusal(
            f"The attribute has {len(value)} instances.", pointer, "4.5.5.1", f"at most {INSTANCES_MAX} in a request"
        )
    found: dict[Json, Instance] = {}
    for at, one in enumerate(value):
        here = f"{pointer}/{at}"
        if not isinstance(one, dict):
            raise refusal(
                f"{shown(one)} is no attribute instance.", here, "4.5.5.1", "an object with a type and a value"
            )
        instance = decode_instance(one, here, name, reading)
        dataset = instance.get("datasetId")
        if dataset in found:
            raise refusal(
                f"Two instances have the datasetId {shown(dataset)}."
                if dataset
                else "Two instances have no datasetId: an attribute has one default instance.",
                here,
                "4.5.5.1",
                "instances that differ in their datasetId, at most one without",
            )
        found[dataset] = instance
    return member(list(found.values()))


def decode_instance(value: Json, pointer: str, name: str, reading: Reading) -> Instance:
    """One instance, its kind inferred where it is not given. Raises BadRequestData (clause 4.5.2.3)."""
    if value is None:
        raise no_null(pointer)
    if isinstance(value, dict):
        if is_geometry(value):
            return {"type": "GeoProperty", "value": decode_value("GeoProperty", value, pointer, reading)}
        if is_instance(value) or reading.partial:
            return _instance(value, pointer, name, reading)
    if name == PROOF:
        raise _no_proof(pointer)
    return {"type": "Property", "value": decode_value("Property", value, pointer, reading)}


def _instance(value: Instance, pointer: str, name: str, reading: Reading) -> Instance:
    kind = _kind(value, pointer, reading)
    found: Instance = {} if kind is None else {"type": kind}
    if len(value) > ATTRIBUTES_MAX:
        raise refusal(f"The attribute has {len(value)} members.", pointer, "4.5.2.2", f"at most {ATTRIBUTES_MAX}")
    for key, one in value.items():
        if key in {"type", "@type"} or (key in _IGNORED and not isinstance(one, dict | list)):
            continue
        here = below(pointer, key)
        if key in _IGNORED:
            raise no_attribute(key, here)
        if key in KIND_OF_MEMBER or key in _MEMBERS or (key in INSTANCE_MEMBERS and key != PROOF) or key in SEALED:
            _put_member(found, (key, one), here, (name, reading))
        else:
            _put_sub_attribute(found, (key, one), here, reading)
    if kind is not None and VALUE_MEMBER[kind] not in found and not (reading.partial or reading.merge):
        raise _without_value(kind, pointer)
    if name == PROOF and not isinstance(found.get("value", {}), dict):
        raise _no_proof(pointer)
    return found


def _kind(value: Instance, pointer: str, reading: Reading) -> str | None:
    given = value.get("type", value.get("@type"))
    if given is None and "type" not in value and "@type" not in value:
        told = told_kind(value)
        if told is None and not (reading.partial or reading.merge):
            raise _without_value("Property", pointer)
        return told
    if isinstance(given, str) and given in VALUE_MEMBER:
        return given
    raise refusal(
        f"{shown(given)} is no kind of attribute.",
        below(pointer, "type"),
        "4.5.2.3",
        f"one of {_KINDS}; a Property whose value has a 'type' of its own goes into 'value'",
    )


def _put_member(found: Instance, item: tuple[str, Json], pointer: str, frame: tuple[str, Reading]) -> None:
    """Put a member of 4.5 into the instance, or leave it out, or refuse it."""
    (key, value), (name, reading) = item, frame
    kind = found.get("type")
    if value is None:
        raise no_null(pointer)
    if key in KIND_OF_MEMBER and isinstance(kind, str) and VALUE_MEMBER[kind] == key:
        found[key] = decode_value(kind, value, pointer, reading)
    elif key == "datasetId":
        dataset = decode_dataset_id(value, pointer)
        if dataset is not None:
            found[key] = dataset
    elif key in _MEMBERS and _may_have(kind, key):
        read = decode_language_type if (kind, key) == ("LanguageProperty", "valueType") else _MEMBERS[key]
        found[key] = read(value, pointer, reading)
    elif key in SEALED and name == PROOF:
        found[key] = _sealed(key, value, pointer, reading)
    elif _INLINED.get(key) != kind or kind is None:
        raise refusal(
            f"{'An attribute without a value' if kind is None else f'A {kind}'} has no member '{key}'.",
            pointer,
            "4.5.3.2" if kind in RELATIONSHIPS else "4.5.2.2",
            f"one of {_KINDS} with its own members" if kind is None else f"leave '{key}' out",
        )


def _put_sub_attribute(found: Instance, item: tuple[str, Json], pointer: str, reading: Reading) -> None:
    key, value = item
    iri = attribute_iri(key, pointer, reading, NO_SUB_ATTRIBUTES)
    if iri in found:
        raise twice(key, iri, pointer)
    inner = reading if not reading.partial else Reading(reading.names, reading.nulls, reading.merge)
    found[iri] = decode_member(value, pointer, key, inner)


def twice(name: str, iri: str, pointer: str) -> BadRequestData:
    """A refusal where two names of one object mean the same attribute (clause 5.5.7)."""
    return refusal(
        f"'{name}' means {iri}, and so does another member.", pointer, "5.5.7", "one member for each attribute"
    )


def _may_have(kind: Json, key: str) -> bool:
    if key == "unitCode":
        return kind is None or kind in WITH_UNIT
    if key in {"objectType", "valueType"}:
        return kind is None or (kind in RELATIONSHIPS) == (key == "objectType")
    return True


def _sealed(key: str, value: Json, pointer: str, reading: Reading) -> Json:
    if not isinstance(value, str):
        raise refusal(f"{key} is a text, not {shown(value)}.", pointer, "4.5.2.2", "the entity's id and type, as texts")
    return decode_types(value, pointer, reading) if key == "entityTypeSealed" else value


def _no_proof(pointer: str) -> BadRequestData:
    return refusal(
        "A ngsildproof is a Property whose value is an object.", pointer, "4.5.2.2", '{"value": {"type": "…", …}}'
    )


def _without_value(kind: str, pointer: str) -> BadRequestData:
    needed = VALUE_MEMBER[kind]
    return refusal(
        f"The {kind} has no '{needed}'.",
        pointer,
        "4.5.3.2" if kind in RELATIONSHIPS else "4.5.2.2",
        f"a member '{needed}' beside the others",
    )


_MEMBERS: dict[str, Callable[[Json, str, Reading], Json]] = {
    "observedAt": decode_datetime,
    "expiresAt": decode_datetime,
    "unitCode": decode_unit,
    "valueType": decode_value_type,
    "objectType": decode_types,
    "datasetId": lambda value, pointer, _: decode_dataset_id(value, pointer),
}
