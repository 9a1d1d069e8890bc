"""The language filter (clause 4.15)."""

from __future__ import annotations

import pytest

from broker.encode.language import LANG_CHARS_MAX, choose, preferences
from broker.errors import BadRequestData
from broker.model.values import Json


@pytest.mark.parametrize(
    ("lang", "ranges"),
    [
        ("en", ("en",)),
        ("fr-CH,fr", ("fr-ch", "fr")),
        ("fr-CH,fr;q=0.9,en;q=0.8,*;q=0.5", ("fr-ch", "fr", "en", "*")),
        ("fr;q=0.2, nl;q=0.9", ("nl", "fr")),
        ("fr;q=0,nl", ("nl",)),
        ("*", ("*",)),
    ],
)
def test_the_heavier_comes_first(lang: str, ranges: tuple[str, ...]) -> None:
    assert preferences(lang) == ranges


@pytest.mark.parametrize("lang", ["", "e n", "en;q=x", "en;w=1", "en;q=1.2.3", "en,", "x" * (LANG_CHARS_MAX + 1)])
def test_what_is_no_filter_is_refused(lang: str) -> None:
    with pytest.raises(BadRequestData) as refused:
        preferences(lang)
    assert refused.value.pointer == "lang"
    assert refused.value.clause == "4.15"


@pytest.mark.parametrize(
    ("tags", "lang", "tag"),
    [
        (["fr", "nl"], "fr;q=0.2,nl;q=0.9", "nl"),
        (["fr", "nl"], "NL", "nl"),
        (["fr", "nl"], "nl-BE", "nl"),
        (["de", "en-US"], "en", "en-US"),
        (["de", "end"], "en", "de"),
        (["fr", "nl"], "pt", "fr"),
        (["fr", "@none"], "pt", "@none"),
        (["fr", "nl"], "*", "fr"),
        (["fr", "nl"], "*;q=0.1,nl", "nl"),
    ],
)
def test_the_text_that_fits_best_is_chosen(tags: list[str], lang: str, tag: str) -> None:
    language_map: dict[str, Json] = {one: "text of " + one for one in tags}
    assert choose(language_map, lang) == (tag, "text of " + tag)
