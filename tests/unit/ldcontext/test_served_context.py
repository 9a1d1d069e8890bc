"""Which @context goes back (clauses 5.2.3, 6.3.6)."""

from __future__ import annotations

import pytest

from broker.ldcontext.core import CORE_URL
from broker.ldcontext.served import served_context, served_url
from broker.model.values import Json

OLD = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.6.jsonld"
USER = "https://x.org/c.jsonld"
INLINE: Json = {"speed": "https://ex.org/speed"}


@pytest.mark.parametrize(
    ("source", "member", "url"),
    [
        (None, CORE_URL, CORE_URL),
        ([], CORE_URL, CORE_URL),
        ({}, CORE_URL, CORE_URL),
        (OLD, OLD, OLD),
        ([OLD], OLD, OLD),
        (USER, USER, USER),
        ([USER], USER, USER),
        ([USER, CORE_URL], USER, USER),
        ([CORE_URL, USER, OLD], USER, USER),
        (INLINE, INLINE, None),
        ([INLINE, CORE_URL], INLINE, None),
        ([USER, INLINE], [USER, INLINE], None),
    ],
)
def test_the_users_own_goes_back_without_the_core(source: Json, member: Json, url: str | None) -> None:
    assert served_context(source) == member
    assert served_url(source) == url
