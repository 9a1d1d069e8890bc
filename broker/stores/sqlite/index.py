"""What an entity puts into the index tables, and what a change of it adds and takes away.

leaf_value("a long text…")   its first 120 characters: longer texts are candidates, and `match` decides
leaf_value(10**30)           1e+30, the same way
leaf_value("2026-01-01T00:00:00.000000Z") under …observedAt      1767225600000000
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Generic, TypeAlias, TypeVar, cast

from broker.model.entity import ENTITY_MEMBERS, Document, Instance, instances
from broker.model.geometry import Bounds, Geometry, bounds
from broker.model.values import Scalar, to_instant
from broker.query.leaves import INSTANCE_LEAF, SUB, Leaf, leaves

TEXT_CHARACTERS_MAX: Final = 120
INTEGER_MAX: Final = 2**63
_EXACT_FLOAT: Final = 2.0**53
_FLOAT_MAX: Final = 1.7976931348623157e308
UNORDERED: Final = "\x1d"
"""Ends the name of a path whose leaves have no order (elements of arrays, URIs of Relationships, no scalar)."""
OBSERVED_AT: Final = SUB + INSTANCE_LEAF
BOX_BITS: Final = 20  # a box has the id entity * 2**20 + ordinal; a body of 8 MiB holds fewer
LEAVES_MAX: Final = 1_000

LeafValue: TypeAlias = Scalar | None
Key = TypeVar("Key", int, str)
"""What stands for a path: its number in a file, or its text where no file is asked."""
Paths: TypeAlias = "dict[Key, list[LeafValue]]"


@dataclass(slots=True)
class Indexed(Generic[Key]):
    """The index rows of some attributes: leaves by path, attributes with too many of them, boxes."""

    paths: Paths[Key] = field(default_factory=dict)
    uncovered: set[Key] = field(default_factory=set)
    boxes: list[tuple[Key, Bounds]] = field(default_factory=list)


def index(document: Document, number_of: Callable[[str], Key]) -> Indexed[Key]:
    """The index rows of a document, or of the part of one that a change touched; `number_of` gives a path's key.

    Attributes are indexed each for itself, so that an attribute's rows follow from the attribute alone.
    """
    indexed = Indexed[Key]()
    paths = indexed.paths
    rest = _plain(document, number_of, indexed)
    if not rest:
        return indexed
    found, uncovered = leaves(rest)
    if uncovered or len(found) > LEAVES_MAX:
        found = _one_by_one(rest, number_of, indexed.uncovered)
    for _, key, value, ordered in found:
        number = number_of(key if ordered else key + UNORDERED)
        held = paths.get(number)
        if held is None:
            paths[number] = [leaf_value(key, value)]
        else:
            held.append(leaf_value(key, value))
    indexed.boxes += boxes(rest, number_of)
    return indexed


def _plain(document: Document, number_of: Callable[[str], Key], indexed: Indexed[Key]) -> Document:
    """Index what most devices send: Properties of one scalar, Relationships to one entity; give the other attributes.

    What it does is what `leaves` and `leaf_value` would; it is written out because every write comes through here.
    """
    paths = indexed.paths
    rest: Document = {}
    for name, held in document.items():
        if type(held) is not dict:
            if name not in ENTITY_MEMBERS:
                rest[name] = held
            continue
        value = held.get("value")
        plain = as_it_is(value) if held["type"] == "Property" else None
        observed_at = held.get("observedAt")
        if plain is not None and len(held) == 2 + (observed_at is not None) + ("unitCode" in held):
            paths[number_of(name)] = [plain]
            if observed_at is not None:
                paths[number_of(name + OBSERVED_AT)] = [leaf_value(OBSERVED_AT, cast(str, observed_at))]
        elif len(held) == 2 and type(uri := held.get("object")) is str and len(uri) <= TEXT_CHARACTERS_MAX:  # noqa: PLR2004
            paths[number_of(name + UNORDERED)] = [uri]
        else:
            rest[name] = held
    return rest


def as_it_is(value: Any) -> Scalar | None:  # noqa: ANN401 - any JSON
    """A scalar that the index has in full, as it has it (20.0 as 20); None for all else."""
    kind = type(value)
    if kind is float:
        plain: Scalar = int(value) if value.is_integer() and -_EXACT_FLOAT < value < _EXACT_FLOAT else value
        return plain
    if kind is str:
        return cast(str, value) if len(value) <= TEXT_CHARACTERS_MAX else None
    if kind is bool or (kind is int and -INTEGER_MAX <= value < INTEGER_MAX):
        return cast(Scalar, value)
    return None


def _one_by_one(document: Document, number_of: Callable[[str], Key], uncovered: set[Key]) -> list[Leaf]:
    """The leaves of a large entity, attribute by attribute; those with too many are marked as uncovered."""
    found: list[Leaf] = []
    for name, value in document.items():
        if name not in ENTITY_MEMBERS:
            some, too_many = leaves({name: value})
            if too_many:
                uncovered.add(number_of(name))
            else:
                found += some
    return found


def boxes(document: Document, number_of: Callable[[str], Key]) -> list[tuple[Key, Bounds]]:
    """The boxes of all GeoProperties at any depth, with the number of their path."""
    found: list[tuple[Key, Bounds]] = []
    for name, value in document.items():
        if name not in ENTITY_MEMBERS:
            _boxes(found, name, instances(value), number_of)
    return found


def leaf_value(key: str, value: LeafValue) -> LeafValue:
    """The value as it stands in the index; larger values never stand below smaller ones, but may beside them."""
    if type(value) is str:
        instant = _instant(value) if key.endswith(OBSERVED_AT) else None
        return value[:TEXT_CHARACTERS_MAX] if instant is None else instant
    if type(value) is int and not -INTEGER_MAX <= value < INTEGER_MAX:
        return rounded(value)
    return as_it_is(value)


# Devices that report together say the same time.
_instant = lru_cache(maxsize=4096)(to_instant)


def rounded(number: int) -> float:
    """The nearest finite float of an integer however long."""
    try:
        return float(number)
    except OverflowError:
        return _FLOAT_MAX if number > 0 else -_FLOAT_MAX


def difference(old: Paths[Key], new: Paths[Key]) -> tuple[Paths[Key], Paths[Key]]:
    """`(removed, added)` values by path; True and 1 are two values."""
    removed, added = {}, {}
    for path, values in old.items():
        kept = {(value, value is True or value is False) for value in new.get(path, ())}
        gone = [value for value in values if (value, value is True or value is False) not in kept]
        if gone:
            removed[path] = gone
    for path, values in new.items():
        held = {(value, value is True or value is False) for value in old.get(path, ())}
        fresh = [value for value in values if (value, value is True or value is False) not in held]
        if fresh:
            added[path] = fresh
    return removed, added


def normal_scope(scope: str) -> str:
    """`/misono/east` is kept as `misono/east`: the leading slash says nothing."""
    return scope.strip("/")


def _boxes(found: list[tuple[Key, Bounds]], key: str, held: list[Instance], number_of: Callable[[str], Key]) -> None:
    for instance in held:
        if instance["type"] == "GeoProperty":
            found.append((number_of(key), bounds(cast(Geometry, instance["value"]))))
        if len(instance) > 2:  # noqa: PLR2004 - type and value, nothing else
            for sub, part in instance.items():
                if ":" in sub:
                    _boxes(found, key + SUB + sub, instances(part), number_of)
