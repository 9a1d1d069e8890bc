"""Views of rows: anonymised by generalising and suppressing until nobody is alone, pseudonymised by keyed names (pure).

    anonymised(rows, {"birthYear": Coarser("width", 10)}, Anonymity(k=5, diverse=2))

What was done is the method, and goes with every view: an anonymised one must be published with it (APPI article 43), a
pseudonymised one stays inside (article 41).
"""

from __future__ import annotations

import hmac
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

Told: TypeAlias = str | float | list[float]
KINDS: Final = ("keep", "drop", "day", "month", "width", "prefix")


@dataclass(frozen=True, slots=True)
class Row:
    """What there is of one contributor: what may identify them together, and the value."""

    who: str
    value: float
    quasi: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Coarser:
    """How an attribute is made coarser: `day`, `month` of a time, `width` 10 of a number, `prefix` 3 of a text."""

    kind: str = "keep"
    size: int = 0

    def of(self, text: str) -> str:
        """The coarser value."""
        match self.kind:
            case "drop":
                return "*"
            case "day":
                return text[:10]
            case "month":
                return text[:7]
            case "width":
                return _bucket(text, self.size)
            case "prefix":
                return text[: self.size]
            case _:
                return text

    def told(self) -> str:
        """For the method."""
        return f"{self.kind} {self.size}" if self.size else self.kind


@dataclass(frozen=True, slots=True)
class Anonymity:
    """Groups of at least `k`, in which there are at least `diverse` values, told as bands between `edges`.

    Without edges values are told as they are, and a group has two of them at least.
    """

    k: int = 5
    diverse: int = 1
    edges: tuple[float, ...] = ()

    def told(self, value: float) -> float | list[float]:
        """The value as it is told: `[60.0, 80.0]` is from 60 to 80; what is beyond the edges is in the outer bands."""
        if not self.edges:
            return value
        place = min(max(bisect_right(self.edges, value), 1), len(self.edges) - 1)
        return [*self.edges[place - 1 : place + 1]]

    def enough(self, group: Sequence[Row]) -> bool:
        """Whether nobody is found in a group of equal rows."""
        values = {str(self.told(row.value)) for row in group}
        return len({row.who for row in group}) >= self.k and len(values) >= max(self.diverse, 1 if self.edges else 2)


@dataclass(frozen=True, slots=True)
class View:
    """The rows, without names and in no order that tells anything, how many were left out, and how it was made."""

    rows: Sequence[Mapping[str, Told]]
    left_out: int
    method: Mapping[str, str | int | list[float]]
    groups: Sequence[Sequence[Row]] = ()
    """What the rows were made of, group by group."""


def anonymised(rows: Iterable[Row], coarser: Mapping[str, Coarser], wanted: Anonymity) -> View:
    """What is left of the rows where no group of equal ones is smaller than asked for."""
    groups: dict[tuple[tuple[str, str], ...], list[Row]] = {}
    for row in rows:
        key = tuple((name, how.of(row.quasi.get(name, ""))) for name, how in sorted(coarser.items()))
        groups.setdefault(key, []).append(row)
    kept: list[dict[str, Told]] = []
    left_out, shown = 0, list[list[Row]]()
    for key, group in sorted(groups.items()):
        if not wanted.enough(group):
            left_out += len(group)
            continue
        shown.append(group)
        kept += [{**dict(key), "value": wanted.told(value)} for value in sorted(row.value for row in group)]
    method: dict[str, str | int | list[float]] = {
        "method": "generalised and suppressed", "k": wanted.k, "l": wanted.diverse, "bands": [*wanted.edges],
        **{name: how.told() for name, how in sorted(coarser.items())},
    }  # fmt: skip
    return View(kept, left_out, method, shown)


def pseudonymised(rows: Iterable[Row], coarser: Mapping[str, Coarser], key: bytes) -> View:
    """The rows with other names, which only who has the key can make again; for use inside alone."""
    kept: list[dict[str, Told]] = []
    for row in rows:
        name = hmac.digest(key, row.who.encode(), "sha256").hex()[:32]
        quasi = {attribute: how.of(row.quasi.get(attribute, "")) for attribute, how in sorted(coarser.items())}
        kept.append({"pseudonym": name, **quasi, "value": row.value})
    kept.sort(key=lambda one: str(one["pseudonym"]))
    method: dict[str, str | int | list[float]] = {
        "method": "HMAC-SHA-256 of the subject, a key for each data set and purpose", "provision": "inside only",
        **{name: how.told() for name, how in sorted(coarser.items())},
    }  # fmt: skip
    return View(kept, 0, method)


def _bucket(text: str, width: int) -> str:
    try:
        low = int(float(text)) // width * width
    except (ValueError, OverflowError):
        return "*"
    return f"{low}-{low + width - 1}"
