"""What a write leaves in the change log: the changed members, before and after.

Shared by the engines: whichever holds the entity, the log says the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from broker.model.entity import Entity
from broker.model.values import Json, to_text
from broker.ports import Labels

Image: TypeAlias = dict[str, Json]

ERASED: Final = "urn:ngsi-ld:erased"
"""Whom a row of the change log is about that must stay while its entity must not."""
_NO_LABELS: Final = Labels()
_ABSENT = object()
_NOBODY: Final = frozenset[int](), frozenset[str]()


@dataclass(frozen=True, slots=True)
class Change:
    """The changed members of one write; `before` is None for a creation, `after` None for a deletion."""

    before: Image | None
    after: Image | None


def changed(before: Entity | None, after: Entity | None) -> Change:
    """The members that differ, whole; `expiresAt` stands among them as DateTime text.

    A patch of one attribute gives `Change({"https://…/speed": {…, "value": 1}}, {"https://…/speed": {…, "value": 2}})`.
    """
    old = None if before is None else _members(before)
    new = None if after is None else _members(after)
    if old is None or new is None:
        return Change(old, new)
    return Change(
        {name: value for name, value in old.items() if not same(value, new.get(name, _ABSENT))},
        {name: value for name, value in new.items() if not same(value, old.get(name, _ABSENT))},
    )


def same(one: object, other: object) -> bool:
    """Whether two JSON values are written the same: True is not 1, 1 is not 1.0, and members have an order."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return one == other and (one != 0 or str(one) == str(other))


def touched(labels: Labels, change: Change) -> tuple[frozenset[int], frozenset[str]]:
    """The subjects and data classes that a change touched: `({3}, {"personal"})`."""
    if not labels.of:
        return _NOBODY
    if len(labels.of) == 1 and (whole := labels.of.get(None)) is not None:
        return _of_whole(*whole)
    names: set[str | None] = {None, *(change.before or ()), *(change.after or ())}
    found = [label for name, label in labels.of.items() if name in names]
    return frozenset(subject for subject, _ in found), frozenset(cls for _, cls in found if cls != "none")


@lru_cache(maxsize=65_536)
def _of_whole(subject: int, cls: str) -> tuple[frozenset[int], frozenset[str]]:
    return frozenset((subject,)), frozenset(() if cls == "none" else (cls,))


def no_labels(_: Entity) -> Labels:
    """Nobody is concerned, nothing is sensitive."""
    return _NO_LABELS


def _members(entity: Entity) -> Image:
    document = entity.document
    if entity.expires_at is None:
        return document
    return {**document, "expiresAt": to_text(entity.expires_at)}
