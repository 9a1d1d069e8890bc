"""`lang`, the language filter: which text of a language map is shown (clause 4.15).

lang  = range *( "," range )
range = ( language-tag / "*" ) [ ";q=" weight ]       ; RFC 5646, RFC 3282; the heavier first, then as written
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from broker.errors import BadRequestData
from broker.model.names import is_language
from broker.model.values import Json

LANG_CHARS_MAX = 1024  # a filter longer than this names more languages than anybody reads

_ANY = "*"
_DEFAULT = "@none"


@lru_cache(maxsize=256)
def preferences(lang: str) -> tuple[str, ...]:
    """The ranges in lower case, the preferred first: `fr;q=0.2,nl-BE,*;q=0.1` gives `("nl-be", "fr", "*")`.

    Raises BadRequestData for what is no filter (clause 4.15).
    """
    if len(lang) > LANG_CHARS_MAX:
        raise _no_filter(f"it is longer than {LANG_CHARS_MAX} characters")
    weighted = [_weighted(part.strip()) for part in lang.split(",")]
    wanted = [(weight, tag) for weight, tag in weighted if weight > 0.0]
    return tuple(tag for _, tag in sorted(wanted, key=lambda one: -one[0]))


def _weighted(part: str) -> tuple[float, str]:
    tag, _, weight = (piece.strip() for piece in part.partition(";"))
    if tag != _ANY and not is_language(tag):
        raise _no_filter(f"'{tag[:60]}' is no language tag")
    if not weight:
        return 1.0, tag.lower()
    digits = weight.removeprefix("q=").strip()
    if not weight.startswith("q=") or digits.count(".") > 1 or not digits.replace(".", "").isdecimal():
        raise _no_filter(f"'{weight[:60]}' is no weight")
    return min(float(digits), 1.0), tag.lower()


def _no_filter(reason: str) -> BadRequestData:
    return BadRequestData(
        f"lang is no language filter: {reason}.",
        pointer="lang",
        clause="4.15",
        remedy="lang=fr-CH,fr;q=0.9,en;q=0.8,*;q=0.5",
    )


def choose(language_map: dict[str, Json], lang: str) -> tuple[str, Json]:
    """The tag and text shown: of `{"fr": "a", "nl": "b"}` with `nl-BE`, `("nl", "b")`.

    A range takes its own tag, then what is left of it cut from the right, then a tag that refines it; where nothing
    fits the default text or else the first one is shown, because 4.15 wants some text.
    """
    tags = {tag.lower(): tag for tag in language_map}
    for wanted in preferences(lang):
        if wanted == _ANY:
            break
        found = _lookup(wanted, tags)
        if found is not None:
            return found, language_map[found]
    found = tags.get(_DEFAULT) or next(iter(language_map))
    return found, language_map[found]


def _lookup(wanted: str, tags: dict[str, str]) -> str | None:
    for tag in _shortened(wanted):
        if tag in tags:
            return tags[tag]
    return next((tags[tag] for tag in tags if tag.startswith(wanted + "-")), None)


def _shortened(tag: str) -> Iterable[str]:
    """`fr-ch-x` gives `fr-ch-x`, `fr-ch`, `fr`."""
    parts = tag.split("-")
    return ("-".join(parts[:length]) for length in range(len(parts), 0, -1))
