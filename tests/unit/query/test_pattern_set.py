"""Patterns asked together answer as each alone, for every text, the empty one too."""

from __future__ import annotations

import pytest

from broker.query.pattern_set import pattern_set
from broker.query.patterns import compile_pattern

PATTERNS = ("^urn:a:.*", "b", "^$", ".*", "urn:[0-9]+$")
TEXTS = ("", "urn:a:1", "b", "urn:12", "x")


@pytest.mark.parametrize("count", range(len(PATTERNS) + 1))
@pytest.mark.parametrize("text", TEXTS)
def test_a_set_finds_what_its_patterns_find(count: int, text: str) -> None:
    regexes = PATTERNS[:count]
    alone = [place for place, regex in enumerate(regexes) if compile_pattern(regex).search(text) is not None]
    assert sorted(pattern_set(regexes).found(text)) == alone
