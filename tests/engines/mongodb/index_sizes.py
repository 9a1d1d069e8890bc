"""How large an index over documents is, worked out from the documents: its entries, their bytes, what neighbours share.

MongoDB keeps an entry as its values one after another, in an encoding that sorts as bytes, and of each entry in a page
only what differs from the one before it. What a page of the tree costs beyond that is the reader's to add.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

from pymongo import IndexModel

RECORD = 5
"""Bytes of the number of the document at the end of an entry."""
CELL = 3
"""Bytes that a page keeps of each entry beside it."""


@dataclass(frozen=True, slots=True)
class IndexSize:
    """Entries, bytes of all of them whole, and bytes after what neighbours share is left out."""

    name: str
    entries: int
    whole: int
    kept: int


def size_of(index: IndexModel, documents: Sequence[Mapping[str, Any]]) -> IndexSize:
    """The size of one index over documents."""
    told = index.document
    where = told.get("partialFilterExpression", {})
    members = [name for name, _ in told["key"].items()]
    keys = sorted(key for one in documents if _holds(where, one) for key in _keys(members, one))
    shared = sum(_shared(*pair) for pair in pairwise(keys))
    whole = sum(map(len, keys)) + len(keys) * (RECORD + CELL)
    return IndexSize(str(told["name"]), len(keys), whole, whole - shared)


def _shared(one: bytes, other: bytes) -> int:
    """How many bytes both begin with."""
    return next((place for place, (left, right) in enumerate(zip(one, other, strict=False)) if left != right), len(one))


def _holds(where: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    """Whether a partial index has the document: members that are equal to something, or that there are."""
    for name, wanted in where.items():
        values = list(_values(document, name.split(".")))
        if isinstance(wanted, Mapping):
            if not values:
                return False
        elif wanted not in values:
            return False
    return True


def _keys(members: Sequence[str], document: Mapping[str, Any]) -> set[bytes]:
    """The entries of a document: one for each value where a member is a list."""
    values = [list(_values(document, member.split("."))) or [None] for member in members]
    return {b"".join(map(_encoded, row)) for row in product(*values)}


def _values(held: Any, path: Sequence[str]) -> Iterator[Any]:
    if isinstance(held, list):
        for one in held:
            yield from _values(one, path)
    elif not path:
        yield held
    elif isinstance(held, Mapping) and path[0] in held:
        yield from _values(held[path[0]], path[1:])


def _encoded(value: object) -> bytes:
    """A value as it sorts: its kind in a byte, then text and its end, or a number in as many bytes as it needs."""
    if value is None:
        return b"\x14"
    if isinstance(value, bool):
        return b"\x6f" if value else b"\x6e"
    if isinstance(value, str):
        return b"\x3c" + value.encode() + b"\x00"
    if isinstance(value, bytes):
        return b"\x5a" + len(value).to_bytes(4, "big") + value
    if isinstance(value, int):
        return bytes([0x2B]) + value.to_bytes((value.bit_length() + 8) // 8, "big", signed=True)
    return b"\x2b" + b"\x00" * 8
