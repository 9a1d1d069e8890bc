"""Many regular expressions asked at once: which of them match somewhere in a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol, cast

import re2

from broker.query.patterns import compile_pattern

SET_BYTES_MAX: Final = 64 << 20
"""What re2 may spend on one set, of which it takes as much as the texts make it need."""
_SENTINEL: Final = "^$"
_OPTIONS: Final = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = SET_BYTES_MAX


class PatternSet(Protocol):
    """Which patterns match."""

    def found(self, text: str) -> Sequence[int]:
        """The places of the patterns that match somewhere in the text, in any order."""


def pattern_set(regexes: Sequence[str]) -> PatternSet:
    """The patterns, each of which `compile_pattern` takes, together.

    Where they need too much memory together they are asked in halves.
    """
    if not regexes:
        return _None()
    if len(regexes) == 1:
        return _One(regexes[0])
    whole = _Set.of(regexes)
    if whole is not None:
        return whole
    half = len(regexes) // 2
    return _Halves(pattern_set(regexes[:half]), pattern_set(regexes[half:]), half)


class _None:
    def found(self, _: str) -> Sequence[int]:
        return ()


class _One:
    def __init__(self, regex: str) -> None:
        self._search = compile_pattern(regex).search

    def found(self, text: str) -> Sequence[int]:
        return () if self._search(text) is None else (0,)


class _Set:
    def __init__(self, matcher: re2.Set, sentinel: int) -> None:
        self._matcher = matcher
        self._sentinel = sentinel

    @classmethod
    def of(cls, regexes: Sequence[str]) -> _Set | None:
        """The set; None where re2 has not the memory for it, which it shows at its first match by finding nothing."""
        matcher = re2.Set.SearchSet(_OPTIONS)
        try:
            for regex in regexes:
                matcher.Add(regex)
            sentinel = matcher.Add(_SENTINEL)
            matcher.Compile()
        except re2.error:
            return None
        return cls(matcher, sentinel) if sentinel in (matcher.Match("") or ()) else None

    def found(self, text: str) -> Sequence[int]:
        found = cast("list[int] | None", self._matcher.Match(text)) or ()
        # only the empty text meets the sentinel, which is nobody's pattern
        return found if text else [place for place in found if place != self._sentinel]


class _Halves:
    def __init__(self, first: PatternSet, second: PatternSet, half: int) -> None:
        self._first = first
        self._second = second
        self._half = half

    def found(self, text: str) -> Sequence[int]:
        return [*self._first.found(text), *(at + self._half for at in self._second.found(text))]
