"""What no data can tell of itself: who publishes it, under which licence, who may have it; from a file of settings.

title = {ja = "美園データ連携基盤", en = "Misono data hub"}
description = {ja = "…", en = "…"}
licence = "https://creativecommons.org/licenses/by/4.0/"
access = "public"                                       # public, restricted, non-public
languages = ["ja", "en"]

[publisher]
name = {ja = "さいたま市", en = "Saitama City"}
uri = "https://www.city.saitama.lg.jp/"

[contact]
name = "Data office"
email = "data@example.org"

[[dataset]]
type = "SmartMeter"                                     # a term of the core @context, or an IRI
title = {ja = "スマートメーター", en = "Smart meters"}
licence = "…"                                           # and description, access, themes: as above, for it alone
keywords = {ja = ["電力"], en = ["electricity"]}
personal = true                                         # about persons: see docs/federation.md
listed = false                                          # not in the catalogue at all
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from broker.model.names import is_uri
from linkeddata.vocabulary import ACCESS_LEVELS

Texts = Mapping[str, str]
"""Language tag -> text; `""` where no language was given."""


class BadDescription(ValueError):
    """A file that says nothing clear; the message says what."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """What is said of one type; None, or nothing, where what is said of the whole holds."""

    title: Texts = field(default_factory=dict)
    description: Texts = field(default_factory=dict)
    licence: str | None = None
    access: str | None = None
    keywords: tuple[tuple[str, str], ...] = ()
    themes: tuple[str, ...] = ()
    personal: bool = False
    listed: bool = True


@dataclass(frozen=True, slots=True)
class Described:
    """What is said of the whole; `datasets` by the IRI of the type."""

    title: Texts = field(default_factory=dict)
    description: Texts = field(default_factory=dict)
    licence: str | None = None
    access: str = "public"
    languages: tuple[str, ...] = ()
    publisher: Texts = field(default_factory=dict)
    publisher_uri: str | None = None
    contact_name: str | None = None
    contact_email: str | None = None
    datasets: Mapping[str, Dataset] = field(default_factory=dict)

    @property
    def personal(self) -> frozenset[str]:
        """The types (IRIs) that are marked as about persons."""
        return frozenset(iri for iri, one in self.datasets.items() if one.personal)

    def of(self, iri: str) -> Dataset:
        """What is said of a type."""
        return self.datasets.get(iri, _NOTHING)


_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_NOTHING: Final = Dataset()
_WHOLE: Final = frozenset({"title", "description", "licence", "access", "languages", "publisher", "contact", "dataset"})
_ONE: Final = frozenset(
    {"type", "title", "description", "licence", "access", "keywords", "themes", "personal", "listed"}
)


def read_description(text: str, expand: Callable[[str], str]) -> Described:
    """The file's content; `expand` gives the IRI of a type. Raises BadDescription."""
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadDescription(str(error)) from error
    _known(given, _WHOLE, "")
    publisher, contact = _table(given, "publisher", {"name", "uri"}), _table(given, "contact", {"name", "email"})
    tables = given.get("dataset", [])
    if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        raise BadDescription("dataset is no list of tables [[dataset]]")
    return Described(
        title=_texts(given, "title"),
        description=_texts(given, "description"),
        licence=_uri(given, "licence"),
        access=_access(given) or "public",
        languages=_list(given, "languages"),
        publisher=_texts(publisher, "name"),
        publisher_uri=_uri(publisher, "uri"),
        contact_name=_text(contact, "name"),
        contact_email=_text(contact, "email"),
        datasets=dict(_dataset(one, expand) for one in tables),
    )


def _dataset(given: Mapping[str, Any], expand: Callable[[str], str]) -> tuple[str, Dataset]:
    _known(given, _ONE, "dataset.")
    name = _text(given, "type")
    if not name:
        raise BadDescription("a [[dataset]] names no type")
    return expand(name), Dataset(
        title=_texts(given, "title"),
        description=_texts(given, "description"),
        licence=_uri(given, "licence"),
        access=_access(given),
        keywords=_keywords(given),
        themes=tuple(_checked_uri("themes", one) for one in _list(given, "themes")),
        personal=_flag(given, "personal", default=False),
        listed=_flag(given, "listed", default=True),
    )


def _known(given: Mapping[str, Any], names: frozenset[str] | set[str], where: str) -> None:
    for name in given:
        if name not in names:
            raise BadDescription(f"{where}{name} is not known; known are {', '.join(sorted(names))}")


def _table(given: Mapping[str, Any], name: str, names: set[str]) -> Mapping[str, Any]:
    found = given.get(name, {})
    if not isinstance(found, dict):
        raise BadDescription(f"{name} is no table")
    _known(found, names, f"{name}.")
    return found


def _text(given: Mapping[str, Any], name: str) -> str | None:
    found = given.get(name)
    if found is not None and (not isinstance(found, str) or not found):
        raise BadDescription(f"{name} = {found!r} is no text")
    return found


def _texts(given: Mapping[str, Any], name: str) -> Texts:
    found = given.get(name, {})
    by_language = {"": found} if isinstance(found, str) else found
    if not isinstance(by_language, dict) or not all(isinstance(one, str) and one for one in by_language.values()):
        raise BadDescription(f'{name} = {found!r} is no text, and no table of texts such as {{ja = "…", en = "…"}}')
    _check_languages(name, by_language)
    return by_language


def _check_languages(name: str, tags: Iterable[str]) -> None:
    for tag in tags:
        if tag and not _LANGUAGE.fullmatch(tag):
            raise BadDescription(f"{name}: {tag!r} is no language tag such as ja or en-GB")


def _uri(given: Mapping[str, Any], name: str) -> str | None:
    found = _text(given, name)
    return None if found is None else _checked_uri(name, found)


def _checked_uri(name: str, text: str) -> str:
    if not is_uri(text):
        raise BadDescription(f"{name} = {text!r} is no URI")
    return text


def _access(given: Mapping[str, Any]) -> str | None:
    found = _text(given, "access")
    if found is not None and found not in ACCESS_LEVELS:
        raise BadDescription(f"access = {found!r}, wanted: one of {', '.join(ACCESS_LEVELS)}")
    return found


def _list(given: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = given.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, str) and one for one in found):
        raise BadDescription(f"{name} = {found!r} is no list of texts")
    return tuple(found)


def _keywords(given: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Pairs of language and word."""
    found = given.get("keywords", {})
    by_language = {"": found} if isinstance(found, list) else found
    if not isinstance(by_language, dict):
        raise BadDescription(f"keywords = {found!r} is no list of texts, and no table of such lists")
    _check_languages("keywords", by_language)
    return tuple((tag, word) for tag in by_language for word in _list(by_language, tag))


def _flag(given: Mapping[str, Any], name: str, *, default: bool) -> bool:
    found = given.get(name, default)
    if not isinstance(found, bool):
        raise BadDescription(f"{name} = {found!r} is neither true nor false")
    return found
