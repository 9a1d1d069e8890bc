"""The NGSI-LD Null: `urn:ngsi-ld:null` where a fragment takes something away (clauses 4.5.0, 5.5.8, 5.5.12)."""

from __future__ import annotations

from broker.model.entity import INSTANCE_MEMBERS, VALUE_MEMBER, Instance, instances, member
from broker.model.values import NGSI_LD_NULL, Json

_LIST_NULLS: tuple[Json, ...] = ([NGSI_LD_NULL], [{"object": NGSI_LD_NULL}])
VALUE_MEMBERS = frozenset(VALUE_MEMBER.values())


def is_null(value: Json) -> bool:
    """Whether this is the NGSI-LD Null itself."""
    return value == NGSI_LD_NULL


def takes_away(instance: Instance) -> bool:
    """Whether writing this instance deletes the one it targets.

    So does `{"type": "Property", "value": "urn:ngsi-ld:null"}`, and for a LanguageProperty
    `{"type": "LanguageProperty", "languageMap": {"@none": "urn:ngsi-ld:null"}}`.
    """
    for name in instance:
        if name in VALUE_MEMBERS:
            return _empties(name, instance[name])
    return False


def _empties(name: str, value: Json) -> bool:
    if value == NGSI_LD_NULL:
        return True
    if name == "languageMap":
        return value == {"@none": NGSI_LD_NULL}
    return name in ("valueList", "objectList") and value in _LIST_NULLS


def stripped(instance: Instance) -> Instance:
    """A new instance of a merge without what is null in it: nothing is there yet to take away."""
    kept: Instance = {}
    for name, value in instance.items():
        if is_null(value):
            continue
        if name in INSTANCE_MEMBERS:
            kept[name] = without_nulls(value) if name in ("value", "json", "languageMap") else value
            continue
        left = [stripped(one) for one in instances(value) if not takes_away(one)]
        if left:
            kept[name] = member(left)
    return kept


def without_nulls(value: Json) -> Json:
    """Objects lose their null members, at every depth; arrays stay as they are (RFC 7396)."""
    if not isinstance(value, dict):
        return value
    return {name: without_nulls(inner) for name, inner in value.items() if not is_null(inner)}
