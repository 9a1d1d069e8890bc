"""`scopeQ`, the selection by scope: text -> AST (clause 4.19).

any   = all *( ( "|" / "," ) all )
all   = "(" scope *( ";" scope ) ")" / scope *( ";" scope )
scope = [ "/" ] level *( "/" level ) [ "/#" ] / "/#"
level = NAME / "+"

The clause asks for parentheses around a conjunction; clients and the conformance suite leave them out, and the meaning
is the same: `;` binds closer than `|`.
"""

from __future__ import annotations

import re
from typing import Final

from broker.errors import BadRequestData
from broker.query.ast import InScope, Node
from broker.query.disjunction import parse_disjunction

_SCOPE: Final = re.compile(r"/?(?:[^\W\d_]\w*|\+)(?:/(?:[^\W\d_]\w*|\+))*(?:/\#)?|/\#")


def parse_scope_q(text: str) -> Node:
    """Parse a percent-decoded `scopeQ`.

    `(/Madrid/Districts;/CompanyA),/CompanyB/#` gives
    `Or((And((InScope("/Madrid/Districts"), InScope("/CompanyA"))), InScope("/CompanyB/#")))`.

    Raises BadRequestData (says the column) and TooComplexQuery.
    """
    return parse_disjunction(text, parameter="scopeQ", clause="4.19", element=_scope, bare=True)


def _scope(text: str, column: int) -> Node:
    if not _SCOPE.fullmatch(text):
        raise BadRequestData(
            f"scopeQ, column {column}: {text[:80]!r} is no scope.",
            pointer="scopeQ",
            clause="4.19",
            remedy="A scope is /Madrid/Gardens, with + for one level and /# at the end for all below.",
        )
    return InScope(text if text.startswith("/") else "/" + text)


def in_scope(scope: str, pattern: str) -> bool:
    """Whether a stored scope matches: `/a/b` meets `/a/b`, `/a/+`, `/a/#`, `/a/b/#` and `/#`, not `/a`."""
    levels = scope.strip("/").split("/")
    wanted = pattern.strip("/").split("/")
    if wanted[-1] == "#":
        wanted.pop()
        levels = levels[: len(wanted)]
    return len(levels) == len(wanted) and all(want in ("+", level) for want, level in zip(wanted, levels, strict=True))
