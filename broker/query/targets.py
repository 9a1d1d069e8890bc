"""Where a path leads in an entity: its target elements and their values (clause 4.9).

A *target* is `(elements, ordered)`: `==` holds where some element is equal, and `<`, ranges and patterns look at
elements only where `ordered`. One target stands for one instance: `!=` is the negation of `==` over all of it.

    Property 20.5                                 ((20.5,), True)
    Property ["red", "blue"]                      (["red", "blue"], False)      == looks inside arrays, < does not
    Relationship "urn:a"                          (("urn:a",), False)           only == and != ever match
    LanguageProperty {"en": "red", "fr": "rouge"} (("red", "rouge"), True)      some language; [en] is ("red",)
    address[city] where there is none             no target: != does not hold either
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, cast

from broker.model.entity import ENTITY_MEMBERS, INSTANCE_MEMBERS, Entity, Instance, instances
from broker.model.values import Json, to_text
from broker.query.ast import Path
from broker.query.leaves import linked_uris

Target: TypeAlias = tuple[Sequence[Json], bool]
Reach: TypeAlias = Callable[[Entity], Sequence[Target]]

TEMPORAL_MEMBERS: Final = frozenset({"observedAt", "createdAt", "modifiedAt", "deletedAt", "expiresAt"})
ENTITY_ELEMENTS: Final = frozenset({"id", "createdAt", "modifiedAt", "deletedAt", "expiresAt"})
"""Elements of the entity itself that a path may name, instead of an attribute."""
_UNDEFINED: Final = object()


def reach(path: Path) -> Reach:
    """The function that gives a path's targets in an entity."""
    if path.name in ENTITY_ELEMENTS:
        return _entity_element(path)
    if path.subs and path.subs[-1] in INSTANCE_MEMBERS:
        return _instance_element(path)
    find, members = reach_instances(path), path.members

    def targets(entity: Entity) -> Sequence[Target]:
        found = find(entity)
        if len(found) == 1:
            only = _VALUES[cast(str, found[0]["type"])](found[0], members)
            return () if only is None else (only,)
        several = [_VALUES[cast(str, instance["type"])](instance, members) for instance in found]
        return [target for target in several if target is not None]

    return targets


def reach_instances(path: Path) -> Callable[[Entity], Sequence[Instance]]:
    """The function that gives the instances of the last attribute of a path, whatever their datasetId."""
    name, subs = path.name, path.subs
    if name in ENTITY_MEMBERS or not INSTANCE_MEMBERS.isdisjoint(subs):
        return lambda _: ()
    if not subs:
        return lambda entity: _held(entity.document.get(name))

    def descend(entity: Entity) -> Sequence[Instance]:
        found: Sequence[Instance] = instances(entity.document.get(name))
        for sub in subs:
            found = [below for instance in found for below in instances(instance.get(sub))]
        return found

    return descend


def _held(value: Json) -> Sequence[Instance]:
    """As `instances`, for the hot path."""
    if type(value) is dict:
        return (value,)
    return () if value is None else cast("list[Instance]", value)


def _entity_element(path: Path) -> Reach:
    if path.subs or path.members:
        return lambda _: ()
    name = path.name

    def targets(entity: Entity) -> Sequence[Target]:
        if name == "id":
            return (((entity.id,), True),)
        at = {"createdAt": entity.created_at, "modifiedAt": entity.modified_at}.get(name)
        at = entity.expires_at if name == "expiresAt" else at
        return () if at is None else (((to_text(at),), True),)

    return targets


def _instance_element(path: Path) -> Reach:
    """Targets of `temperature.observedAt`: createdAt and modifiedAt are by default the entity's."""
    if path.members:
        return lambda _: ()
    find, member = reach_instances(Path(path.name, path.subs[:-1])), path.subs[-1]

    def targets(entity: Entity) -> Sequence[Target]:
        found: list[Target] = []
        for instance in find(entity):
            value = instance.get(member)
            if value is None and member in ("createdAt", "modifiedAt"):
                value = instance.get("createdAt", to_text(entity.created_at))
            if value is not None:
                found.append(((value,), True))
        return found

    return targets


def _plain(value: Json, members: tuple[str, ...]) -> Target | None:
    """The target that `members` lead to inside a JSON value; None where that is undefined."""
    for member in members:
        found = value.get(member, _UNDEFINED) if isinstance(value, dict) else _UNDEFINED
        if found is _UNDEFINED:
            return None
        value = cast(Json, found)
    return (value, False) if isinstance(value, list) else ((value,), True)


def _property(instance: Instance, members: tuple[str, ...]) -> Target | None:
    value = instance.get("value")
    if not members and type(value) is dict and "@value" in value:
        value = value["@value"]
    return _plain(value, members)


def _language_property(instance: Instance, members: tuple[str, ...]) -> Target | None:
    languages = cast("dict[str, Json]", instance["languageMap"])
    if members and members != ("*",):
        if len(members) > 1 or members[0] not in languages:
            return None
        held = languages[members[0]]
        return (held if isinstance(held, list) else (held,)), True
    texts: list[Json] = []
    for held in languages.values():
        texts.extend(held if isinstance(held, list) else (held,))
    return texts, True


def _relationship(instance: Instance, members: tuple[str, ...]) -> Target | None:
    found = instance.get("object")
    return None if members else ((found if isinstance(found, list) else (found,)), False)


def _list_relationship(instance: Instance, members: tuple[str, ...]) -> Target | None:
    return None if members else (linked_uris(instance.get("objectList")), False)


_VALUES: Final[dict[str, Callable[[Instance, tuple[str, ...]], Target | None]]] = {
    "Property": _property,
    "GeoProperty": lambda instance, members: _plain(instance.get("value"), members),
    "LanguageProperty": _language_property,
    "VocabProperty": lambda instance, members: _plain(instance.get("vocab"), members),
    "JsonProperty": lambda instance, members: _plain(instance.get("json"), members),
    "ListProperty": lambda instance, members: _plain(instance.get("valueList"), members),
    "Relationship": _relationship,
    "ListRelationship": _list_relationship,
}
