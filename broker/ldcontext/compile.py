"""A user @context compiled once into tables, by a maintained JSON-LD processor (clauses 4.4, 5.5.7).

The processor (PyLD) is imported at the first user @context and not before: it costs half a second and 25 MiB, and
a broker that only meets the core @context never needs it. The core stands before the user's parts, so that they
may build on its prefixes, and over the result, because it has the last word: its default vocabulary too.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any, cast

from broker.errors import BadRequestData
from broker.ldcontext.active import DEFAULT_VOCABULARY, ActiveContext, Tables
from broker.ldcontext.core import CORE_URL, CORE_URLS, core_context, core_tables
from broker.ldcontext.names import is_iri
from broker.ldcontext.parts import Fetch, Part, check_shape, invalid, parts
from broker.model.values import Json

_FIRST: dict[str, Json] = {"@vocab": DEFAULT_VOCABULARY, **core_tables("1.9").prefixes}


def compile_context(source: Json, fetch: Fetch) -> ActiveContext:
    """The names of a @context: a URL, an object, or a list of both, any core @context in it included.

    Raises BadRequestData where it, or a document it refers to, is no valid one, LdContextNotAvailable where a
    document cannot be had.
    """
    if source is None or (isinstance(source, str) and source in CORE_URLS):
        return _named(source)
    return ActiveContext(source, _tables(parts(source, fetch)), core_tables("1.9"))


def check_context(context: Json) -> None:
    """Refuse what is no @context, without fetching what it refers to (clauses 5.5.4, 5.13.2.4).

    Raises BadRequestData, with the JSON pointer of the element.
    """
    check_shape(context)
    own = [element for element in (context if isinstance(context, list) else [context]) if isinstance(element, dict)]
    if own:
        compile_context(cast("Json", own), _nothing_there)


@cache
def _named(url: str | None) -> ActiveContext:
    """The names of one core @context. An older one is a user @context below the newest."""
    if url in (None, CORE_URL):
        return core_context()
    return ActiveContext(url, core_tables(CORE_URLS[str(url)]), core_tables("1.9"))


def _tables(row: list[Part]) -> Tables:
    versions = [CORE_URLS.get(part.url) for part in row]
    if all(versions):
        tables = Tables()
        for version in versions:
            tables = core_tables(str(version)).over(tables)
        return tables
    processor = _processor()
    active = processor.process(None, Part(_FIRST, ""))
    for part in row:
        active = processor.process(active, part)
    return _read(active["mappings"])


def _read(mappings: dict[str, Any]) -> Tables:
    """The tables of a processed @context. Terms without an IRI of their own (null, @reverse) name nothing."""
    definitions: dict[str, str] = {}
    prefixes: dict[str, str] = {}
    keywords: set[str] = set()
    for term, mapping in mappings.items():
        iri = None if mapping is None or mapping.get("reverse") else mapping["@id"]
        if iri is None or ":" in term:
            continue
        if iri.startswith("@"):
            keywords.add(term)
        elif is_iri(iri):
            definitions[term] = iri
            if mapping.get("_prefix"):
                prefixes[term] = iri
    return Tables(definitions, prefixes, frozenset(keywords))


class _Processor:
    """PyLD's context processing, its refusals as this broker's."""

    def __init__(self) -> None:
        self._jsonld = import_module("pyld.jsonld")
        self._resolver = import_module("pyld.context_resolver").ContextResolver

    def process(self, active: Any, part: Part) -> Any:  # noqa: ANN401 - PyLD's own structure, passed back to it
        options = {
            "base": part.url,
            "processingMode": "json-ld-1.1",
            "documentLoader": _nothing_to_load,
            "contextResolver": self._resolver({}, _nothing_to_load),
        }
        processor = self._jsonld.JsonLdProcessor()
        if active is None:
            active = processor.process_context(None, None, options)
        try:
            return processor.process_context(active, {"@context": part.context}, options)
        except self._jsonld.JsonLdError as error:
            raise invalid(part.url, f"{error.args[0]} ({error.code})") from error
        except (RecursionError, TypeError, AttributeError, ValueError) as error:
            raise invalid(part.url, "the JSON-LD processor cannot read it") from error


@cache
def _processor() -> _Processor:
    return _Processor()


def _nothing_there(_url: str) -> Json:
    return {"@context": {}}


def _nothing_to_load(url: str, _options: object) -> Any:  # noqa: ANN401 - PyLD asks for this signature
    raise BadRequestData(
        f"the @context refers to {url} in a place where it may not", pointer="/@context", clause="5.5.7"
    )
