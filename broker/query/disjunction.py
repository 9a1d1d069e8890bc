"""The frame that type selection and scopeQ share: `(A;B)|C`, where `,` is `|` too (clauses 4.17, 4.19).

Wider than the grammars, as their texts have it (parentheses are for grouping): `(A|B)`, `((A|B);C)`.
In `type` and `scopeQ` an element may be a URI; `, ; | ( )` end it all the same (clause 4.17, NOTE).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from broker.errors import BadRequestData, TooComplexQuery
from broker.query.ast import And, Node, Or

CHARACTERS_MAX: Final = 4096
DEPTH_MAX: Final = 16
_TOKEN: Final = re.compile(r"[|,;()]|[^|,;()]+")


def parse_disjunction(
    text: str, *, parameter: str, clause: str, element: Callable[[str, int], Node], bare: bool = False
) -> Node:
    """Parse `(A;B)|C` to `Or((And((a, b)), c))`, where `element(text, column)` reads A, B and C.

    `bare`: `A;B|C` says the same. Raises BadRequestData (says the column), and TooComplexQuery past 4 kB or 16
    parentheses.
    """
    if len(text) > CHARACTERS_MAX:
        raise TooComplexQuery(
            f"{parameter} has {len(text)} characters.",
            pointer=parameter,
            clause="5.5.2",
            remedy=f"At most {CHARACTERS_MAX} characters are read.",
        )
    reading = _Reading(text, parameter, clause, element)
    found = reading.disjunction(bare=bare)
    reading.end()
    return found


class _Reading:
    """Where in the text the parser stands."""

    def __init__(self, text: str, parameter: str, clause: str, element: Callable[[str, int], Node]) -> None:
        self._tokens = [(found.group(), found.start()) for found in _TOKEN.finditer(text)]
        self._tokens.append(("", len(text)))
        self._at = 0
        self._parameter, self._clause, self._element = parameter, clause, element

    def disjunction(self, *, bare: bool, depth: int = 0) -> Node:
        terms = [self._conjunction(bare=bare, depth=depth)]
        while self.skip("|,"):
            terms.append(self._conjunction(bare=bare, depth=depth))
        return terms[0] if len(terms) == 1 else Or(tuple(terms))

    def _conjunction(self, *, bare: bool, depth: int) -> Node:
        terms = [self._primary(depth)]
        while bare and self.skip(";"):
            terms.append(self._primary(depth))
        return terms[0] if len(terms) == 1 else And(tuple(terms))

    def _primary(self, depth: int) -> Node:
        if not self.skip("("):
            return self._one()
        if depth == DEPTH_MAX:
            raise TooComplexQuery(
                f"{self._parameter} nests deeper than {DEPTH_MAX} parentheses.",
                pointer=self._parameter,
                clause="5.5.2",
                remedy="Take away parentheses.",
            )
        grouped = self.disjunction(bare=True, depth=depth + 1)
        if not self.skip(")"):
            raise self._refusal("';' or ')'")
        return grouped

    def skip(self, marks: str) -> bool:
        token = self._tokens[self._at][0]
        if not token or token not in marks:
            return False
        self._at += 1
        return True

    def end(self) -> None:
        if self._tokens[self._at][0]:
            raise self._refusal("'|', ',' or the end")

    def _one(self) -> Node:
        found, column = self._tokens[self._at]
        if not found or found in "|,;()":
            raise self._refusal("a name")
        self._at += 1
        return self._element(found, column)

    def _refusal(self, expected: str) -> BadRequestData:
        token, column = self._tokens[self._at]
        return BadRequestData(
            f"{self._parameter}, column {column}: expected {expected}, got {token[:40] or 'the end'!r}.",
            pointer=self._parameter,
            clause=self._clause,
            remedy="A or B is A|B or A,B; A and B is (A;B).",
        )
