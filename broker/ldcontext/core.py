"""The core @contexts, built in: every published version under every URL it had (clauses 4.4, 5.5.5, annex B).

`data/core-contexts.json` holds the newest version's terms whole (`plain` ones are `ngsi-ld:` and their own name)
and what each older version has otherwise. The newest core always has the last word; an older one that a client
names counts as a user @context below it. URLs are matched exactly: what is no core URL is fetched like any other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, cast

from broker.ldcontext.active import DEFAULT_VOCABULARY, ActiveContext, Tables
from broker.model.values import Json

_DATA = json.loads((files("broker.ldcontext") / "data" / "core-contexts.json").read_text("utf-8"))
_PREFIXES: dict[str, str] = _DATA["prefixes"]
_NEWEST: str = _DATA["newest"]
_KEYWORDS = {"id": "@id", "type": "@type"}

CORE_URL = f"https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v{_NEWEST}.jsonld"
CORE_URLS: Mapping[str, str] = _DATA["urls"]
"""Every known URL of a core @context -> its version: `https://uri.etsi.org/…-core-context-v1.6.jsonld` -> `1.6`."""


@cache
def core_context() -> ActiveContext:
    """The names where a request gives no @context (clause 5.5.5)."""
    return ActiveContext(CORE_URL, Tables(), core_tables(_NEWEST))


@cache
def core_tables(version: str) -> Tables:
    """The terms of one version, expanded: `core_tables("1.9").definitions["location"]`."""
    definitions = {}
    for term, definition in _definitions(version).items():
        prefix, colon, rest = _target(definition).partition(":")
        if colon:  # without one it is relative to the vocabulary, where the term would go anyway
            definitions[term] = _PREFIXES.get(prefix, prefix + ":") + rest
    return Tables({**_PREFIXES, **definitions}, _PREFIXES, frozenset(_KEYWORDS) | frozenset(_KEYWORDS.values()))


def core_document(url: str) -> dict[str, Json]:
    """The core @context behind one of its URLs, to be served: `{"@context": {"ngsi-ld": …}}`."""
    terms = {**_PREFIXES, **_KEYWORDS, **_definitions(CORE_URLS[url]), "@vocab": DEFAULT_VOCABULARY}
    return {"@context": cast("Json", terms)}


@cache
def _definitions(version: str) -> dict[str, Any]:
    if version == _NEWEST:
        return {**{term: f"ngsi-ld:{term}" for term in _DATA["plain"]}, **_DATA["defined"]}
    difference = _DATA["differences"][version]
    newer = _definitions(difference["from"])
    kept = {term: definition for term, definition in newer.items() if term not in difference["without"]}
    return {**kept, **difference["defined"]}


def _target(definition: str | dict[str, Any]) -> str:
    return definition if isinstance(definition, str) else cast(str, definition["@id"])
