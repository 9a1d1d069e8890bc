"""Answers for clients of earlier versions of the standard (clause 4.3.6.8).

Works on an encoded entity, normalized or concise, as it would go out:
`amended({"id": …, "type": "House", "use": {"type": "VocabProperty", "vocab": "home"}}, (1, 5))` gives
`{"id": …, "type": "House", "use": {"type": "Property", "value": "home"}}`. What a version knows is left alone, and the
very same object comes back where it knows everything.
"""

from __future__ import annotations

from typing import TypeAlias, cast

from broker.model.values import Json

Version: TypeAlias = tuple[int, int]

OWN_VERSION: Version = (1, 9)
_ENTITY_MEMBERS: dict[str, Version] = {"expiresAt": (1, 9), "scope": (1, 4)}
_INSTANCE_MEMBERS: dict[str, Version] = {
    "datasetId": (1, 3), "observedAt": (1, 3), "unitCode": (1, 3), "objectType": (1, 8), "expiresAt": (1, 9),
    "valueType": (1, 9),
}  # fmt: skip
_VALUES: dict[str, tuple[str, str, Version]] = {
    "languageMap": ("Property", "value", (1, 4)),
    "json": ("Property", "value", (1, 8)),
    "vocab": ("Property", "value", (1, 8)),
    "valueList": ("Property", "value", (1, 8)),
    "objectList": ("Relationship", "object", (1, 8)),
}
"""Value member -> the kind and member that stand in for it, and the version that brought it."""
_SEVERAL: Version = (1, 3)
_NOT_ATTRIBUTES = frozenset({"id", "type", "scope", "@context", "createdAt", "modifiedAt", "deletedAt", "expiresAt"})


def read_version(text: str) -> Version:
    """`1.6` gives `(1, 6)`."""
    major, _, minor = text.partition(".")
    return int(major), int(minor)


def amended(entity: dict[str, Json], version: Version) -> dict[str, Json]:
    """The entity as a client of that version understands it; the same object where nothing is newer."""
    if version >= OWN_VERSION:
        return entity
    result: dict[str, Json] = {}
    same = True
    for name, value in entity.items():
        if version < _ENTITY_MEMBERS.get(name, version):
            same = False
            continue
        kept = _member(name, value, version)
        same = same and kept is value
        result[name] = kept
    return entity if same else result


def _member(name: str, value: Json, version: Version) -> Json:
    if name == "type" and isinstance(value, list) and version < _SEVERAL:
        return value[0]
    if name in _NOT_ATTRIBUTES:
        return value
    if isinstance(value, list) and _is_instances(value):
        return _instances(value, version)
    return _instance(value, version) if isinstance(value, dict) else value


def _is_instances(value: list[Json]) -> bool:
    return bool(value) and all(isinstance(one, dict) and ("type" in one or "datasetId" in one) for one in value)


def _instances(value: list[Json], version: Version) -> Json:
    """All of them, or before 1.3 the default one alone, the first where there is none."""
    held = cast("list[dict[str, Json]]", value)
    if version < _SEVERAL:
        return _instance(next((one for one in held if "datasetId" not in one), held[0]), version)
    kept: list[Json] = [_instance(one, version) for one in held]
    return value if all(new is old for new, old in zip(kept, value, strict=True)) else kept


def _instance(instance: dict[str, Json], version: Version) -> Json:
    result: dict[str, Json] = {}
    same = True
    for name, value in instance.items():
        if version < _INSTANCE_MEMBERS.get(name, version):
            same = False
            continue
        kind, stand_in, brought = _VALUES.get(name, ("", name, version))
        if version < brought:
            same = False
            result[stand_in] = _plain(name, value)
            if "type" in instance:
                result["type"] = kind
            continue
        kept = value if name in ("type", "value", "object", *_VALUES) else _member(name, value, version)
        same = same and kept is value
        if name != "type" or "type" not in result:
            result[name] = kept
    return instance if same else result


def _plain(name: str, value: Json) -> Json:
    if name == "objectList" and isinstance(value, list):
        return [one["object"] if isinstance(one, dict) and "object" in one else one for one in value]
    return value
