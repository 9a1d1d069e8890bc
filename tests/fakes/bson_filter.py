"""Filters of MongoDB as MongoDB means them, over a document in hand: no more operators than the engine may use."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any, Final

_ABSENT: Final = object()
_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


def meets(where: dict[str, Any], document: dict[str, Any]) -> bool:
    """Whether the document is found. Raises KeyError for an operator that is not among those that may be used."""
    return all(_meets(name, condition, document) for name, condition in where.items())


def operators(where: Any) -> Iterator[str]:
    """Every operator in it."""
    if isinstance(where, dict):
        for name, part in where.items():
            if name.startswith("$"):
                yield name
            yield from operators(part)
    elif isinstance(where, list):
        for part in where:
            yield from operators(part)


def _meets(name: str, condition: Any, document: dict[str, Any]) -> bool:
    if name == "$and":
        return all(meets(part, document) for part in condition)
    if name == "$or":
        return any(meets(part, document) for part in condition)
    held: Any = document
    for member in name.split("."):
        held = held.get(member, _ABSENT) if isinstance(held, dict) else _ABSENT
    if not isinstance(condition, dict):
        return condition in held if isinstance(held, list) else bool(held == condition)
    return all(_holds(operation, value, held) for operation, value in condition.items())


def _holds(operation: str, value: Any, held: Any) -> bool:
    if operation == "$exists":
        return (held is not _ABSENT) is value
    elements = held if isinstance(held, list) else [held]
    if operation == "$in":
        return any(element in value for element in elements)
    if operation == "$elemMatch":
        return isinstance(held, list) and any(
            all(_holds(inner, bound, element) for inner, bound in value.items()) for element in held
        )
    compare = _ORDER[operation]
    return any(type(element) is type(value) or _are_numbers(element, value) for element in elements) and any(
        compare(element, value) for element in elements if element is not _ABSENT
    )


def _are_numbers(one: Any, other: Any) -> bool:
    return isinstance(one, int | float) and isinstance(other, int | float)
