"""A Merkle tree over the links of the chain, as RFC 6962 has it: roots, proofs that something is in, that nothing went.

    tree = Tree(read)                      read(1, 3) gives the hashes of links 1 and 2 (they count from 0 here)
    tree.root(7)                           the root of the first seven
    tree.inclusion(3, 7)                   hashes with which anybody gets from link 3 to that root
    tree.consistency(4, 7)                 hashes that show that the first four are among the seven, unchanged
    includes(leaf, 3, 7, path, root), follows(4, 7, path, old, new)      what the anybody does

Complete subtrees of KEPT_LEVEL and above can be kept (`kept`, `keep`): a root of millions reads some hundred rows then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Final

KEPT_LEVEL: Final = 8
"""Subtrees of 256 links and more are kept."""
EMPTY: Final = hashlib.sha256(b"").digest()
"""The root of nothing."""


def leaf_of(hash_: bytes) -> bytes:
    """A leaf of the tree: of the hash of a link."""
    return hashlib.sha256(b"\x00" + hash_).digest()


def node_of(left: bytes, right: bytes) -> bytes:
    """A node of the tree."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def _nothing_kept(_level: int, _place: int) -> bytes | None:
    return None


def _forgotten(_level: int, _place: int, _hash: bytes) -> None:
    return None


class Tree:
    """See the module."""

    def __init__(
        self,
        read: Callable[[int, int], Sequence[bytes]],
        kept: Callable[[int, int], bytes | None] = _nothing_kept,
        keep: Callable[[int, int, bytes], None] = _forgotten,
    ) -> None:
        self._read, self._kept, self._keep = read, kept, keep

    def root(self, size: int) -> bytes:
        """The root of the first `size` links."""
        return self._hash(0, size) if size else EMPTY

    def inclusion(self, place: int, size: int) -> list[bytes]:
        """The audit path of a link, counted from 0, in the tree of the first `size` (RFC 6962, 2.1.1)."""
        start, end, path = 0, size, list[bytes]()
        while end - start > 1:
            middle = start + _split(end - start)
            if place < middle:
                path.append(self._hash(middle, end))
                end = middle
            else:
                path.append(self._hash(start, middle))
                start = middle
        return path[::-1]

    def consistency(self, old: int, size: int) -> list[bytes]:
        """The proof that the tree of the first `old` links is the beginning of that of `size` (RFC 6962, 2.1.2)."""
        if old in (0, size):
            return []
        start, end, whole, path = 0, size, True, list[bytes]()
        while end != old:
            middle = start + _split(end - start)
            if old <= middle:
                path.append(self._hash(middle, end))
                end = middle
            else:
                path.append(self._hash(start, middle))
                start, whole = middle, False
        if not whole:
            path.append(self._hash(start, end))
        return path[::-1]

    def _hash(self, start: int, end: int) -> bytes:
        length = end - start
        level = length.bit_length() - 1
        complete = level >= KEPT_LEVEL and length == 1 << level
        if complete and (kept := self._kept(level, start >> level)) is not None:
            return kept
        if length <= 1 << KEPT_LEVEL:
            found = root_of(self._read(start, end))
        else:
            middle = start + _split(length)
            found = node_of(self._hash(start, middle), self._hash(middle, end))
        if complete:
            self._keep(level, start >> level, found)
        return found


class Growing:
    """The roots of a tree whose links come one after the other: no more of it is kept than a hash a level."""

    def __init__(self) -> None:
        self.size = 0
        self._left: list[tuple[int, bytes]] = []

    def add(self, hash_: bytes) -> None:
        """The next link."""
        level, found = 0, leaf_of(hash_)
        while self._left and self._left[-1][0] == level:
            level, found = level + 1, node_of(self._left.pop()[1], found)
        self._left.append((level, found))
        self.size += 1

    def root(self) -> bytes:
        """The root of what came by now."""
        if not self._left:
            return EMPTY
        found = self._left[-1][1]
        for _, left in reversed(self._left[:-1]):
            found = node_of(left, found)
        return found


def root_of(hashes: Iterable[bytes]) -> bytes:
    """The root of these links."""
    growing = Growing()
    for one in hashes:
        growing.add(one)
    return growing.root()


def includes(hash_: bytes, place: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether this link is at that place (from 0) of the tree with that root (RFC 9162, 2.1.3.2)."""
    sides = _sides(place, size - 1, len(path)) if 0 <= place < size else None
    if sides is None:
        return False
    found = leaf_of(hash_)
    for one, on_left in zip(path, sides, strict=True):
        found = node_of(one, found) if on_left else node_of(found, one)
    return found == root


def follows(old: int, size: int, path: Sequence[bytes], old_root: bytes, root: bytes) -> bool:
    """Whether the tree of the first `old` links is the beginning of the one of `size` (RFC 9162, 2.1.4.2)."""
    if not 0 < old < size:
        return not path and (old == 0 or (old == size and old_root == root))
    hashes = [old_root, *path] if old & (old - 1) == 0 else [*path]
    at, last = old - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    sides = _sides(at, last, len(hashes) - 1)
    if sides is None:
        return False
    before = after = hashes[0]
    for one, on_left in zip(hashes[1:], sides, strict=True):
        before = node_of(one, before) if on_left else before
        after = node_of(one, after) if on_left else node_of(after, one)
    return before == old_root and after == root


def _sides(at: int, last: int, length: int) -> list[bool] | None:
    """For each hash of a path whether it stands on the left; None where there should be more of them, or fewer."""
    sides = list[bool]()
    for _ in range(length):
        if last == 0:
            return None
        sides.append(bool(at & 1) or at == last)
        while sides[-1] and not at & 1 and at:
            at, last = at >> 1, last >> 1
        at, last = at >> 1, last >> 1
    return sides if last == 0 else None


def _split(length: int) -> int:
    """The largest power of two that is smaller: what goes to the left."""
    return 1 << ((length - 1).bit_length() - 1)
