"""Which @context goes back to a client: in the Link header or as the member @context (clauses 5.2.3, 6.3.6).

It is the user's own, as it was given, without the core @context after it: every NGSI-LD implementation applies the
core anyway. Where the user gave none it is the core's URL.
"""

from __future__ import annotations

from broker.ldcontext.core import CORE_URL, CORE_URLS
from broker.model.values import Json


def served_context(source: Json) -> Json:
    """The value of the member @context: `["https://x.org/c.jsonld", core]` gives `"https://x.org/c.jsonld"`."""
    if not isinstance(source, list):
        return CORE_URL if source is None or source == {} else source
    own = [element for element in source if not (isinstance(element, str) and element in CORE_URLS)]
    if not own:
        return next((element for element in source if isinstance(element, str)), CORE_URL)
    return own[0] if len(own) == 1 else own


def served_url(source: Json) -> str | None:
    """The URL for the Link header, or None where the @context has no single URL and has to be given one first."""
    served = served_context(source)
    return served if isinstance(served, str) else None
