"""A @context as a row of plain objects: URLs fetched, lists flattened, in the order they apply (clauses 4.4, 5.5.7).

["https://x.org/c.jsonld", {"speed": "ex:speed"}]  ->  [Part({…}, "https://x.org/c.jsonld"), Part({"speed": …}, "")]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast
from urllib.parse import urljoin, urlsplit

from broker.errors import BadRequestData
from broker.ldcontext.core import CORE_URLS, core_document
from broker.ldcontext.names import is_iri
from broker.model.values import Json

Fetch: TypeAlias = Callable[[str], Json]
"""URL -> the document there; raises LdContextNotAvailable."""

URLS_MAX = 64
"""@contexts one @context may refer to, at any depth."""
TERMS_MAX = 20_000
LIST_DEPTH_MAX = 16
IRI_CHARACTERS_MAX = 2_048
PREFIX_DEPTH_MAX = 16
"""How many prefixes may stand on each other: without a bound, N definitions make N² characters of IRIs."""


@dataclass(frozen=True, slots=True)
class Part:
    """One context object without what no name depends on; `url` is where it came from, empty for the request itself."""

    context: dict[str, Json] | None
    url: str


def check_shape(context: Json, url: str = "") -> None:
    """Refuse what is no @context by its shape: URLs, objects and lists of them are (clause 5.5.4).

    Raises BadRequestData, naming the `url` it came from where it did not stand in the request.
    """
    if isinstance(context, list):
        for element in context:
            check_shape(element, url)
    elif isinstance(context, dict):
        _check_object(context, url)
    elif isinstance(context, str):
        _check_url(_absolute(context, url), url)
    elif context is not None:
        raise invalid(url, f"an element of @context is {type(context).__name__}, which is no URL and no object")


def parts(source: Json, fetch: Fetch) -> list[Part]:
    """The objects a @context stands for, in order; those of the core @contexts included where they are named."""
    found: list[Part] = []
    for part in _walk(source, "", _counted(fetch), ()):
        if part.context is None:
            found.clear()  # JSON-LD: null forgets what stood before it
        else:
            found.append(part)
        if sum(len(known.context or ()) for known in found) > TERMS_MAX:
            raise invalid(part.url, f"the @context has more than {TERMS_MAX} terms")
    return found


def invalid(url: str, reason: str) -> BadRequestData:
    """The refusal of a @context that is none (clause 5.5.6): the request's own, or a document at `url` it refers to."""
    if url:
        return BadRequestData(
            f"the @context at {url} is no valid one: {reason}", pointer="@context", clause="5.5.6",
            remedy="correct the document there, then DELETE /ngsi-ld/v1/jsonldContexts/{its URL}?reload=true",
        )  # fmt: skip
    return BadRequestData(
        f"the @context is no valid one: {reason}", pointer="/@context", clause="5.5.7",
        remedy='a URL, an object such as {"speed": "https://example.org/speed"}, or a list of them',
    )  # fmt: skip


def _counted(fetch: Fetch) -> Fetch:
    seen: dict[str, Json] = {}

    def fetch_once(url: str) -> Json:
        if url not in seen:
            if len(seen) >= URLS_MAX:
                raise invalid(url, f"@contexts refer to more than {URLS_MAX} others")
            seen[url] = fetch(url)
        return seen[url]

    return fetch_once


def _walk(context: Json, url: str, fetch: Fetch, above: tuple[str, ...]) -> Iterator[Part]:
    if len(above) > LIST_DEPTH_MAX:
        raise invalid(url, f"@contexts refer to each other over more than {LIST_DEPTH_MAX} steps")
    if isinstance(context, list):
        for element in context:
            yield from _walk(element, url, fetch, (*above, ""))
    elif isinstance(context, str):
        yield from _referred(_absolute(context, url), url, fetch, above)
    elif isinstance(context, dict):
        if "@import" in context:
            yield from _walk(context["@import"], url, fetch, above)
        _check_object(context, url)
        yield Part({term: value for term, value in context.items() if _names_something(term)}, url)
    elif context is None:
        yield Part(None, url)
    else:
        check_shape(context, url)


def _referred(target: str, url: str, fetch: Fetch, above: tuple[str, ...]) -> Iterator[Part]:
    if target in CORE_URLS:
        terms = cast("dict[str, Json]", core_document(target)["@context"])
        yield Part({term: value for term, value in terms.items() if not _is_scoped(value)}, target)
        return
    _check_url(target, url)
    if target in above:
        raise invalid(target, "it refers to itself")
    document = fetch(target)
    if not isinstance(document, dict) or "@context" not in document:
        raise invalid(target, "the document there is no JSON object with a member @context")
    yield from _walk(document["@context"], target, fetch, (*above, target))


def _names_something(term: str) -> bool:
    """Whether a member of a @context object bears on names: a keyword but @vocab, and a term like `ex:a`, does not."""
    return term == "@vocab" or (not term.startswith("@") and ":" not in term)


def _absolute(context: str, url: str) -> str:
    try:
        return urljoin(url, context)
    except ValueError:
        raise invalid(url, f"'{context[:200]}' is no URL") from None


def _check_object(context: dict[str, Json], url: str) -> None:
    for term, value in context.items():
        if _is_scoped(value):
            refusal = BadRequestData(
                f"the term '{term}' has a @context of its own, which a user @context shall not contain",
                pointer=f"/@context/{term}" if not url else "@context", clause="5.5.7",
                remedy="define the inner terms beside it, at the top of the @context",
            )  # fmt: skip
            raise refusal
        if value is not None and not isinstance(value, (str, dict, bool, int, float)):
            raise invalid(url, f"the term '{term}' is defined by a list")
    _check_prefixes(context, url)


def _is_scoped(definition: Json) -> bool:
    return isinstance(definition, dict) and "@context" in definition


def _check_url(target: str, url: str) -> None:
    """Refuse what is no absolute http or https URL; the request itself may also name a path of this broker's own."""
    if not url and target.startswith("/") and is_iri("http:" + target):
        return
    try:
        parsed = urlsplit(target)
        usable = parsed.scheme in ("http", "https") and parsed.hostname and parsed.port != 0 and is_iri(target)
    except ValueError:
        usable = False
    if not usable:
        raise invalid(url, f"'{target[:200]}' is no http or https URL")


def _check_prefixes(context: Mapping[str, Json], url: str) -> None:
    """Refuse definitions that make endless IRIs through each other's prefixes, before they are made."""
    lengths: dict[str, int] = {}
    for term in context:
        length, at, depth = 0, term, 0
        while at in context and at not in lengths and depth <= PREFIX_DEPTH_MAX:
            target = _target(context[at])
            length += len(target)
            at, depth = target.partition(":")[0], depth + 1
        lengths[term] = length + lengths.get(at, 0)
        if depth > PREFIX_DEPTH_MAX or lengths[term] > IRI_CHARACTERS_MAX:
            raise invalid(url, f"the IRI of the term '{term[:100]}' is too long, or its prefixes refer to each other")


def _target(definition: Json) -> str:
    target = definition.get("@id") if isinstance(definition, dict) else definition
    return target if isinstance(target, str) else ""
