"""Which sources a request has come through already, and what this broker is called there (clauses 4.3.6.4, 6.3.18)."""

from __future__ import annotations

import re
from functools import lru_cache

from broker.http.messages import Request
from broker.operations.identity import tenant_alias

_COMMENT = re.compile(r"\([^()]*\)")
_NOBODY: frozenset[str] = frozenset()


def via_of(request: Request) -> frozenset[str]:
    """The pseudonyms of the header Via: `1.1 aizu, HTTP/1.1 busan-t1` gives `{"aizu", "busan-t1"}`."""
    header = request.headers.get("via")
    return pseudonyms(header) if header else _NOBODY


def is_loop(request: Request, alias: str, tenant: str) -> bool:
    """Whether the request has been here before: this broker's alias for the tenant stands in its Via.

    A write that is for an exclusive or redirect registration is then refused with 508, all else is done without
    sources, with a warning 199 where one of them matched (clause 6.3.17).
    """
    return tenant_alias(alias, tenant) in via_of(request)


def via_header(request: Request, alias: str, tenant: str) -> str:
    """The Via of a request passed on: what it came with, and this broker (clause 6.3.18)."""
    own, header = f"1.1 {tenant_alias(alias, tenant)}", request.headers.get("via")
    return f"{header}, {own}" if header else own


@lru_cache(maxsize=1024)
def pseudonyms(header: str) -> frozenset[str]:
    """The second word of each value of a Via header; comments are none of them (RFC 9110, 7.6.3)."""
    words = (value.split() for value in _COMMENT.sub(" ", header).split(","))
    return frozenset(one[1] for one in words if len(one) > 1)
