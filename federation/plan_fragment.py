"""Documents and fragments in the names a source is asked in, pure: normalized, with nulls (clauses 5.5.4, 5.5.7)."""

from __future__ import annotations

from typing import cast

from broker.encode.entity import Representation, encode_value
from broker.ldcontext.active import ActiveContext
from broker.model.entity import INSTANCE_MEMBERS, Document, Instance, as_list
from broker.model.values import NGSI_LD_NULL, Json
from federation.plan_provide import IDENTITY

_VALUES = frozenset({"vocab", "valueType"})
_TYPES = frozenset({"objectType", "entityTypeSealed"})
_SIMPLIFIED = Representation("simplified")


def named_document(document: Document, names: ActiveContext, *, simplified: bool = False) -> dict[str, Json]:
    """A document or fragment with its names compacted; no @context.

    `{"https://…/speed": "urn:ngsi-ld:null"}` gives `{"speed": "urn:ngsi-ld:null"}`. `simplified`: values alone, as a
    simplified fragment was read.
    """
    shown: dict[str, Json] = {}
    for name, value in document.items():
        if name == "type":
            shown[name] = _types(value, names)
        elif name in IDENTITY:
            shown[name] = value
        elif simplified and isinstance(value, dict):
            shown[names.terms[name]] = encode_value(value, _SIMPLIFIED, names)
        else:
            shown[names.terms[name]] = named_attribute(value, names)
    return shown


def named_attribute(value: Json, names: ActiveContext) -> Json:
    """What stands under an attribute's name: an instance, several, or the null."""
    if isinstance(value, list):
        return [_instance(cast("Instance", one), names) for one in value]
    return _instance(value, names) if isinstance(value, dict) else value


def _instance(instance: Instance, names: ActiveContext) -> Instance:
    shown: Instance = {}
    for name, value in instance.items():
        if name not in INSTANCE_MEMBERS:
            shown[names.terms[name]] = named_attribute(value, names)
        elif name in _TYPES:
            shown[name] = _types(value, names)
        elif name in _VALUES:
            shown[name] = _values(value, names)
        else:
            shown[name] = value
    return shown


def _types(value: Json, names: ActiveContext) -> Json:
    return names.terms[value] if isinstance(value, str) else [names.terms[one] for one in as_list(value)]


def _values(value: Json, names: ActiveContext) -> Json:
    if value == NGSI_LD_NULL:
        return value
    if isinstance(value, str):
        return names.compact_value(value)
    return [names.compact_value(one) for one in as_list(value)]
