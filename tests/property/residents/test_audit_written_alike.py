"""What the audit writes is the canonical text of the chain, by whichever writer, and what the hub signs is a JWS."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws

from broker.audit.chain import canonical, digest
from broker.audit.entries import Sealed, digest_of, entry_of, part_digests, seal
from broker.ports.audit import Entry, Told
from broker.signing import ALGORITHM, Signer, made

whole = st.text(max_size=8)
halved = st.text(st.characters(exclude_categories=()), max_size=8)
"""Half a character may be in it."""
numbers = st.integers() | st.integers(-(2**70), 2**70)


def entries(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Entry]:
    """Of any content, fractions and long integers among it."""
    leaves = st.none() | st.booleans() | numbers | st.floats(allow_nan=False) | texts
    values = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=12)
    names = st.frozensets(texts, max_size=3)
    told = st.builds(
        Told, texts, st.dictionaries(texts, names, max_size=3), names, numbers, st.none() | numbers, st.none() | numbers
    )
    return st.builds(
        Entry, st.just("disclosure"), texts, texts, numbers, texts, names, texts, numbers,
        st.lists(told, max_size=3).map(tuple), st.dictionaries(texts, values, max_size=3),
    )  # fmt: skip


def sealed_of(entry: Entry) -> Sealed:
    """Sealed, with salts by number."""
    salts = count()
    return seal(entry, lambda: b"%016d" % next(salts))


@given(entries(halved))
def test_whatever_is_sealed_is_canonical(entry: Entry) -> None:
    sealed = sealed_of(entry)
    for text in (sealed.text, *(part.text for part in sealed.parts)):
        assert canonical(json.loads(text)).decode() == text
    assert digest(sealed.salt, json.loads(sealed.text)) == sealed.digest
    assert part_digests(json.loads(sealed.text)) == [digest_of(one.salt, one.text).hex() for one in sealed.parts]


@given(entries(whole))
def test_what_is_sealed_is_read_again(entry: Entry) -> None:
    sealed = sealed_of(entry)
    assert entry_of(json.loads(sealed.text), [json.loads(part.text) for part in sealed.parts]) == entry
    assert [one.subject for one in sealed.parts] == [one.subject for one in entry.told]


@given(st.dictionaries(whole, st.integers() | whole, max_size=4))
def test_what_is_signed_is_what_the_library_signs(said: dict[str, Any]) -> None:
    for typ in ("audit-head+jwt", "audit-root+jwt", "audit-head+jwt"):
        token = SIGNER.sign(said, typ)
        header = {"alg": ALGORITHM, "kid": KEY.thumbprint(), "typ": typ}
        text = json.dumps(said, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        assert token == jws.serialize_compact(header, text.encode(), KEY, algorithms=[ALGORITHM])
        assert SIGNER.verify(token, typ) == said


KEY = made()
SIGNER = Signer([made(), KEY])
