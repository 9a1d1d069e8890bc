"""Link headers: the @context of a request, and the links of an answer (clauses 6.3.5, 6.3.6, 6.3.10)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import quote

from broker.errors import BadRequestData
from broker.http.media import LD_JSON
from broker.http.route import API_ROOT

CONTEXT_RELATION = "http://www.w3.org/ns/json-ld#context"

_VALUE = re.compile(r"\s*<([^>]*)>((?:\s*;\s*[^;,=\s]+\s*(?:=\s*(?:\"[^\"]*\"|[^;,\"\s]*))?)*)\s*(?:,|$)")
_ATTRIBUTE = re.compile(r";\s*([^;,=\s]+)\s*=\s*(?:\"([^\"]*)\"|([^;,\"\s]*))")
_SAFE_IN_URL = ":/?#[]@!$&'()*+,;=%~-._"
_SAFE_IN_SEGMENT = ":@!$&'()*+,;=~-._"


@lru_cache(maxsize=4096)
def context_of(link: str) -> str | None:
    """The URL of a Link header's @context, or None where it names none.

    `<https://x.org/c.jsonld>; rel="http://www.w3.org/ns/json-ld#context"` gives `https://x.org/c.jsonld`.
    Raises BadRequestData where it names several, or is no Link header.
    """
    found, end = [], 0
    while end < len(link):
        value = _VALUE.match(link, end)
        if value is None:
            raise BadRequestData(
                "the header Link is not well formed", pointer="Link", clause="6.3.5", remedy=context_link("https://…")
            )
        end = value.end()
        attributes = {name.lower(): quoted or bare for name, quoted, bare in _ATTRIBUTE.findall(value[2])}
        if CONTEXT_RELATION in attributes.get("rel", "").split():
            found.append(value[1].strip())
    if len(found) > 1:
        raise BadRequestData(
            "the header Link names more than one @context", pointer="Link", clause="6.3.5",
            remedy="host one @context that lists them: POST /ngsi-ld/v1/jsonldContexts",
        )  # fmt: skip
    return found[0] if found else None


@lru_cache(maxsize=4096)
def context_link(url: str) -> str:
    """The Link value that tells an application/json answer's @context (clause 6.3.6)."""
    target = quote(url, safe=_SAFE_IN_URL)  # an IRI as its URI, and nothing that could end the header
    return f'<{target}>; rel="{CONTEXT_RELATION}"; type="{LD_JSON}"'


def page_links(
    path: str,
    parameters: Sequence[tuple[str, str]],
    window: tuple[int, int, bool],
    media_type: str,
    *,
    paging_last: bool = False,
) -> str | None:
    """The Link value to the previous and the next page, None where there is neither (clause 6.3.10).

    `window` is (offset, limit, whether more follow); `parameters` are the request's own. They are given in the order
    of their names, or, `paging_last`, with limit and offset behind the others.
    """
    offset, limit, more = window
    links = []
    if offset > 0:
        links.append(("prev", max(offset - limit, 0)))
    if more:
        links.append(("next", offset + limit))
    found = []
    for relation, start in links:
        query = _page_query(parameters, limit, start, paging_last=paging_last)
        found.append(f'<{path}?{query}>;rel="{relation}";type="{media_type}"')
    return ", ".join(found) or None


def _page_query(parameters: Sequence[tuple[str, str]], limit: int, offset: int, *, paging_last: bool) -> str:
    own = sorted((name, text) for name, text in parameters if text and name not in ("limit", "offset"))
    pairs = [*own, ("limit", str(limit)), ("offset", str(offset))]
    if not paging_last:
        pairs.sort()
    return "&".join(f"{name}={quote(text, safe=':()/@!$*~')}" for name, text in pairs)


def location(collection: str, element_id: str) -> str:
    """`/ngsi-ld/v1/entities/urn:x:a%2Fb` for the entity `urn:x:a/b`."""
    return f"{API_ROOT}/{collection}/{quote(element_id, safe=_SAFE_IN_SEGMENT)}"
