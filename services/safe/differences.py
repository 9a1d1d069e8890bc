"""The guard against differences: two totals that differ by a few persons give away what those few have (pure).

A total over a set of contributors is refused where an earlier one, given to the same recipient from the same data set,
was over a set that differs from it by at least one and fewer than k of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

NAME_BYTES: Final = 8


def members_of(contributors: Iterable[str], key: bytes) -> frozenset[bytes]:
    """A set of contributors as it is kept: names that nobody without the key can guess."""
    return frozenset(blake2b(one.encode(), key=key, digest_size=NAME_BYTES).digest() for one in contributors)


def too_close(asked: Iterable[frozenset[bytes]], before: Iterable[frozenset[bytes]], k: int) -> bool:
    """Whether one of the sets is nearly, but not quite, one of those before, or another one that is asked for."""
    known, new = [*before], list[frozenset[bytes]]()
    for one in asked:
        if any(0 < len(one ^ other) < k for other in (*known, *new)):
            return True
        new.append(one)
    return False


def packed(members: frozenset[bytes]) -> bytes:
    """As one column."""
    return b"".join(sorted(members))


def unpacked(text: bytes) -> frozenset[bytes]:
    """The set again."""
    return frozenset(text[at : at + NAME_BYTES] for at in range(0, len(text), NAME_BYTES))
