"""Whether two JSON values are the same, as they are written."""

from __future__ import annotations

from broker.model.values import Json


def same(one: Json, other: Json) -> bool:
    """True is not 1, 1 is not 1.0, 0.0 is not -0.0, and the members of an object have an order.

    `same({"a": 1, "b": 2}, {"b": 2, "a": 1})` is False: it comes back in another order.
    """
    if one is other:
        return True
    if type(one) is not type(other) or one != other:
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return all(same(a, b) for a, b in zip(one, other, strict=True))
    return one != 0 or str(one) == str(other)
