r"""What an index over values holds of an entity: its scalar leaves, each under the key of the path that reaches it.

`query.match` is the meaning; this is the promise an index can rely on. For a bound `Path` with `indexable(path)`
and an entity whose attribute `path.name` is not in `Leaves.uncovered`, every target that `match` would look at
stands here under `path_key(path)`:

    term on path                           holds in match only if there is a leaf under path_key(path) with
    Exists                                 any value, None included
    Compare ==, OneOf                      the value itself (UriValue: its text; dates and times: see below)
    Compare < <= > >=, Between, Pattern    `ordered` and a value of the term's type in that range or language
    Compare !=, negated OneOf, Between     any value, None included (then ask match: NE is about whole targets)
    negated Pattern                        `ordered` and a text (then ask match)

Read from right to left this is exact for Exists, ==, OneOf, <, <=, >, >=, Between and Pattern, but for `attr[*]`,
which shares its key with `attr` and is for LanguageProperties only. Values are typed as in JSON (True is not 1,
1 == 1.0). Texts that are DateTimes, Dates or Times stay as they came: a term with a DateTimeValue finds them by the
first 19 characters (`2026-01-01T00:00:00`), which stand in the order of time, a TimeValue by the first 8, a DateValue
by the whole; then `match` decides (fractions, impossible days).

    {"https://…/t": {"type": "Property", "value": 20.5, "observedAt": "2026-01-01T00:00:00.000000Z",
                     "https://…/address": {"type": "Property", "value": {"city": "Bern", "geo": {"alt": 540}}}}}

gives, with `\x1f` before each sub-attribute and `\x1e` before each member,

    ("https://…/t", "https://…/t", 20.5, True)
    ("https://…/t", "https://…/t\x1fobservedAt", "2026-01-01T00:00:00.000000Z", True)
    ("https://…/t", "https://…/t\x1fhttps://…/address", None, False)                   an element without scalar
    ("https://…/t", "https://…/t\x1fhttps://…/address\x1ecity", "Bern", True)
    ("https://…/t", "https://…/t\x1fhttps://…/address\x1egeo", None, False)
    ("https://…/t", "https://…/t\x1fhttps://…/address\x1egeo\x1ealt", 540, True)

By kind: an array gives each scalar element, not ordered (== looks inside arrays, < does not); Relationship and
ListRelationship give their URIs, not ordered; LanguageProperty gives each text under `attr` and under `attr[lang]`,
ordered; a GeoProperty gives its type and no coordinates. Equal leaves may come twice.
"""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias, cast

from broker.model.entity import ENTITY_MEMBERS, INSTANCE_MEMBERS, Document, Instance
from broker.model.values import Json, Scalar
from broker.query.ast import Path

Leaf: TypeAlias = tuple[str, str, Scalar | None, bool]
"""Attribute IRI, path key, value (None: an element that is no scalar), and whether `<`, ranges and patterns see it."""

SUB: Final = "\x1f"
MEMBER: Final = "\x1e"
DEPTH_MAX: Final = 4  # sub-attributes and members on the way, together; longer paths are not indexable
ATTRIBUTE_LEAVES_MAX: Final = 64
ENTITY_LEAVES_MAX: Final = 1024
INSTANCE_LEAF: Final = "observedAt"
_SCALARS: Final = frozenset({str, int, float, bool})


class Leaves(NamedTuple):
    """The leaves, and the attributes that have more than are given here (their entity is always a candidate)."""

    leaves: list[Leaf]
    uncovered: list[str]


def path_key(path: Path) -> str:
    r"""`Path("https://…/a", ("https://…/b",), ("c", "d"))` gives `https://…/a\x1fhttps://…/b\x1ec\x1ed`."""
    key = path.name
    for sub in path.subs:
        key += SUB + sub
    if path.members == ("*",):
        return key
    for member in path.members:
        key += MEMBER + member
    return key


def indexable(path: Path) -> bool:
    """Whether leaves stand under the path's key; else only `match` can tell.

    Not so: an entity's own createdAt, a reserved member other than observedAt, coordinates, and longer paths.
    """
    if ":" not in path.name or len(path.subs) + len(path.members) > DEPTH_MAX:
        return False
    if any(":" not in sub and sub != INSTANCE_LEAF for sub in path.subs):
        return False
    return path.members[:1] != ("coordinates",)


def leaves(document: Document) -> Leaves:
    """Every scalar leaf that a term on an indexable path can look at; see the module for what and under which key."""
    found: list[Leaf] = []
    uncovered: list[str] = []
    for name, held in document.items():
        if name in ENTITY_MEMBERS:
            continue
        start = len(found)
        if type(held) is dict:
            _instance(found, name, name, held, 0)
        else:
            for instance in cast("list[Instance]", held):
                _instance(found, name, name, instance, 0)
        if len(found) - start > ATTRIBUTE_LEAVES_MAX or len(found) > ENTITY_LEAVES_MAX:
            del found[min(start + ATTRIBUTE_LEAVES_MAX, ENTITY_LEAVES_MAX) :]
            uncovered.append(name)
    return Leaves(found, uncovered)


def _instance(found: list[Leaf], name: str, key: str, instance: Instance, depth: int) -> None:
    """Add the leaves of one instance: its value's, its observedAt, its sub-attributes'."""
    kind = instance["type"]
    value = instance.get("value")
    if kind == "Property" and type(value) in _SCALARS:
        found.append((name, key, cast(Scalar, value), True))
    else:
        _VALUES[cast(str, kind)](found, name, key, instance, depth)
    if len(instance) == 2 or depth == DEPTH_MAX:  # noqa: PLR2004 - type and value, nothing else
        return
    for sub, part in instance.items():
        if sub not in INSTANCE_MEMBERS:
            for one in cast("list[Instance]", part) if type(part) is list else (cast(Instance, part),):
                _instance(found, name, key + SUB + sub, one, depth + 1)
        elif sub == INSTANCE_LEAF:
            found.append((name, key + SUB + sub, cast(str, part), True))


def _json(found: list[Leaf], name: str, key: str, value: Json, depth: int) -> None:
    """Add the leaves of a JSON value: itself, an array's scalar elements, an object's members."""
    if type(value) in _SCALARS:
        found.append((name, key, cast(Scalar, value), True))
    elif type(value) is list:
        _elements(found, name, key, value)
    else:
        found.append((name, key, None, False))
        if type(value) is dict and depth < DEPTH_MAX:
            for member, part in value.items():
                if MEMBER not in member and SUB not in member and len(found) <= ENTITY_LEAVES_MAX:
                    _json(found, name, key + MEMBER + member, part, depth + 1)


def _elements(found: list[Leaf], name: str, key: str, value: list[Json]) -> None:
    count = len(found)
    for element in value:
        if type(element) in _SCALARS:
            found.append((name, key, cast(Scalar, element), False))
            if len(found) - count > ATTRIBUTE_LEAVES_MAX:
                return
    if len(found) == count:
        found.append((name, key, None, False))


def _property(found: list[Leaf], name: str, key: str, instance: Instance, depth: int) -> None:
    value = instance.get("value")
    if type(value) is dict and "@value" in value:
        # A JSON-LD value object ({"@type": "DateTime", "@value": "2026-…"}) counts as its @value (clause 4.6.3).
        _json(found, name, key, value["@value"], DEPTH_MAX)
    _json(found, name, key, value, depth)


def _json_property(found: list[Leaf], name: str, key: str, instance: Instance, depth: int) -> None:
    _json(found, name, key, instance.get("json"), depth)


def _list_property(found: list[Leaf], name: str, key: str, instance: Instance, depth: int) -> None:
    _json(found, name, key, instance.get("valueList"), depth)


def _vocab_property(found: list[Leaf], name: str, key: str, instance: Instance, depth: int) -> None:
    _json(found, name, key, instance.get("vocab"), depth)


def _geo_property(found: list[Leaf], name: str, key: str, instance: Instance, depth: int) -> None:
    found.append((name, key, None, False))
    value = instance.get("value")
    if type(value) is dict and depth < DEPTH_MAX:
        for member, part in value.items():
            if member != "coordinates":
                _json(found, name, key + MEMBER + member, part, depth + 1)


def _relationship(found: list[Leaf], name: str, key: str, instance: Instance, _depth: int) -> None:
    targets = instance.get("object")
    _elements(found, name, key, targets if type(targets) is list else [targets])


def _list_relationship(found: list[Leaf], name: str, key: str, instance: Instance, _depth: int) -> None:
    _elements(found, name, key, linked_uris(instance.get("objectList")))


def linked_uris(object_list: Json) -> list[Json]:
    """`[{"object": "urn:a"}, "urn:b"]` gives `["urn:a", "urn:b"]` (clause 5.2.38)."""
    if type(object_list) is not list:
        return []
    return [item.get("object") if type(item) is dict else item for item in object_list]


def _language_property(found: list[Leaf], name: str, key: str, instance: Instance, depth: int) -> None:
    found.append((name, key, None, False))
    for language, texts in cast("dict[str, Json]", instance["languageMap"]).items():
        in_language = key + MEMBER + language
        for text in cast("list[str]", texts) if type(texts) is list else (cast(str, texts),):
            found.append((name, key, text, True))
            if depth < DEPTH_MAX:
                found.append((name, in_language, text, True))
        if not texts and depth < DEPTH_MAX:
            found.append((name, in_language, None, False))


_VALUES: Final = {
    "Property": _property,
    "Relationship": _relationship,
    "GeoProperty": _geo_property,
    "LanguageProperty": _language_property,
    "VocabProperty": _vocab_property,
    "JsonProperty": _json_property,
    "ListProperty": _list_property,
    "ListRelationship": _list_relationship,
}
