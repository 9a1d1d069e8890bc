"""Regular expressions in linear time: `~=`, `!~=` and `idPattern` (clauses 4.9, 5.7.2).

google-re2 has no look-around and no back-references, and so no pattern that takes exponential time.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Protocol, cast

import re2

from broker.errors import BadRequestData, TooComplexQuery

PATTERN_CHARACTERS_MAX: Final = 1024
PROGRAM_BYTES_MAX: Final = 1 << 20  # what re2 may spend on one compiled pattern: `(a{1000}){1000}` asks for more
UNION_BYTES_MAX: Final = 8 << 20
CACHED: Final = 512

_OPTIONS: Final = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = PROGRAM_BYTES_MAX
_UNION_OPTIONS: Final = re2.Options()
_UNION_OPTIONS.log_errors = False
_UNION_OPTIONS.max_mem = UNION_BYTES_MAX


class Matcher(Protocol):
    """A compiled pattern."""

    def search(self, text: str) -> object | None:
        """Something where the pattern matches somewhere in `text`, else None."""


@lru_cache(CACHED)
def compile_pattern(regex: str) -> Matcher:
    """The compiled pattern; each is compiled once.

    Raises BadRequestData for one that re2 refuses (look-around, back-references, too large a repetition), and
    TooComplexQuery for one that is too long (clauses 4.9, 5.5.2).
    """
    if len(regex) > PATTERN_CHARACTERS_MAX:
        raise TooComplexQuery(
            f"The pattern has {len(regex)} characters.",
            clause="5.5.2",
            remedy=f"Patterns have at most {PATTERN_CHARACTERS_MAX} characters.",
        )
    try:
        return cast(Matcher, re2.compile(regex, _OPTIONS))
    except (re2.error, UnicodeEncodeError) as error:
        raise BadRequestData(
            f"The pattern {regex[:80]!r} is not accepted: {_reason(error)}.",
            clause="4.9",
            remedy="Use re2's syntax: no look-around, no back-references, repetitions up to 1000.",
        ) from error


def compile_union(regexes: Sequence[str]) -> Matcher | None:
    """One pattern that matches wherever any of these does; None where they cannot be asked together.

    Each compiles by itself; but a quotation may run past its pattern's end, and many large ones need too much memory.
    """
    if any("\\Q" in regex for regex in regexes):
        return None
    try:
        return cast(Matcher, re2.compile("|".join(f"(?:{regex})" for regex in regexes), _UNION_OPTIONS))
    except re2.error:
        return None


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else "unknown"
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
