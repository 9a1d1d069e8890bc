"""The guard against differences: two totals that differ by a few contributors give away what those few have (pure).

    first = told_of([("hana", 61.0), ("taro ken", 70.0)], key)      a household contributes together
    near(first, later, 5)                                           too little changed for another answer

What is kept of a total is a set of entries of 24 bytes, one a person: the person, whom they contribute with, and what
they contribute, each as a keyed digest. Two are near where fewer than k contributors, but at least one, came or went,
or where the same ones contributed and the values of fewer than k, but at least one, are others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import combinations
from typing import Final, TypeAlias

NAME_BYTES: Final = 8
ENTRY_BYTES: Final = 3 * NAME_BYTES
UNTOLD: Final = bytes(NAME_BYTES)
"""In the place of the value's digest: only that they contribute was told."""
Told: TypeAlias = frozenset[bytes]


def name_of(text: str, key: bytes) -> bytes:
    """A name that nobody without the key can guess."""
    return blake2b(text.encode(), key=key, digest_size=NAME_BYTES).digest()


def told_of(contributors: Iterable[tuple[str, float | None]], key: bytes) -> Told:
    """What is kept of a total: contributors (pseudonyms, a space between those of a household), None: no value."""
    found = set[bytes]()
    for who, value in contributors:
        shown = UNTOLD if value is None else name_of(f"{who}\n{float(value)!r}", key)
        rest = name_of(who, key) + shown
        found.update(name_of(person, key) + rest for person in who.split())
    return frozenset(found)


def near(one: Told, other: Told, k: int) -> bool:
    """Whether they differ, but by fewer than k contributors."""
    if one == other:
        return False
    mine, theirs = _values(one), _values(other)
    moved = len(mine.keys() ^ theirs.keys())
    if moved:
        return moved < k
    return 0 < sum(_changed(value, theirs[who]) for who, value in mine.items()) < k


def too_close(asked: Sequence[Told], k: int) -> bool:
    """Whether two of what is asked for at once are near each other."""
    return any(near(one, other, k) for one, other in combinations(asked, 2))


def without(told: Told, person: bytes, nobody: bytes) -> Told:
    """The set where `nobody` (of an entry's length) stands for whoever the person contributed with; its size stays."""
    gone = {entry[NAME_BYTES:-NAME_BYTES] for entry in told if entry.startswith(person)}
    return frozenset(
        (nobody[:NAME_BYTES] if entry.startswith(person) else entry[:NAME_BYTES]) + nobody[NAME_BYTES:]
        if entry[NAME_BYTES:-NAME_BYTES] in gone
        else entry
        for entry in told
    )


def packed(told: Told) -> bytes:
    """As one column."""
    return b"".join(sorted(told))


def unpacked(text: bytes) -> Told:
    """The set again."""
    return frozenset(text[at : at + ENTRY_BYTES] for at in range(0, len(text), ENTRY_BYTES))


def _values(told: Told) -> Mapping[bytes, bytes]:
    return {entry[NAME_BYTES:-NAME_BYTES]: entry[-NAME_BYTES:] for entry in told}


def _changed(one: bytes, other: bytes) -> bool:
    return one != other and UNTOLD not in (one, other)
