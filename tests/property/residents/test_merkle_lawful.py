"""Trees over the audit: every proof that is given convinces, and none convinces of anything else."""

from __future__ import annotations

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from broker.audit.merkle import EMPTY, Growing, Tree, follows, includes, leaf_of, node_of, root_of

SIZES = st.integers(1, 600)


def hashes(size: int) -> list[bytes]:
    return [hashlib.sha256(b"%d" % number).digest() for number in range(size)]


def tree(size: int) -> Tree:
    held = hashes(size)
    return Tree(lambda start, end: held[start:end])


def test_the_roots_of_small_trees_are_as_the_rfc_builds_them() -> None:
    a, b, c = (leaf_of(one) for one in hashes(3))
    assert root_of([]) == EMPTY
    assert root_of(hashes(1)) == a
    assert root_of(hashes(3)) == node_of(node_of(a, b), c)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_link_is_shown_to_be_in_and_no_other_one(data: st.DataObject) -> None:
    size = data.draw(SIZES)
    place, other = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size - 1))
    held, path = hashes(size), tree(size).inclusion(place, size)
    root = tree(size).root(size)
    assert includes(held[place], place, size, path, root)
    assert includes(held[other], other, size, path, root) == (place == other)
    assert includes(held[other], place, size, path, root) == (place == other)
    assert not includes(held[place], place, size, [*path, root], root)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_tree_is_shown_to_begin_with_an_older_one_and_with_no_other(data: st.DataObject) -> None:
    size = data.draw(SIZES)
    old = data.draw(st.integers(1, size))
    path, roots = tree(size).consistency(old, size), (tree(size).root(old), tree(size).root(size))
    assert follows(old, size, path, *roots)
    forged = root_of([b"x" * 32, *hashes(old)[1:]])
    assert not follows(old, size, path, forged, roots[1])
    assert not follows(old, size, path, roots[0], forged)


@settings(max_examples=40, deadline=None)
@given(SIZES)
def test_what_is_kept_of_a_tree_changes_no_root(size: int) -> None:
    kept: dict[tuple[int, int], bytes] = {}
    held, reads = hashes(size), list[int]()

    def read(start: int, end: int) -> list[bytes]:
        reads.append(end - start)
        return held[start:end]

    keeping = Tree(read, lambda level, place: kept.get((level, place)), lambda a, b, c: kept.update({(a, b): c}))
    growing = Growing()
    for one in held:
        growing.add(one)
    assert keeping.root(size) == growing.root() == root_of(held)
    reads.clear()
    assert keeping.root(size) == growing.root()
    assert sum(reads) < 256 * 2
