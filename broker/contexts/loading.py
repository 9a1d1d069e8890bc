"""Remote @contexts over HTTP: what came, checked to be one, and how long it may be used (clauses 5.5.6, 6.3.16)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TypeAlias, cast

import orjson

from broker.addresses import Refused
from broker.contexts.freshness import expires_at
from broker.errors import LdContextNotAvailable
from broker.ldcontext.parts import invalid
from broker.model.values import Json
from broker.ports import Clock, ContextLoader, LoadedContext

FETCH_S = 5.0
"""From the look-up of the name to the last byte, redirects included."""

_Ask: TypeAlias = "Callable[[str, float, bool], tuple[dict[str, str], bytes]]"


@dataclass(frozen=True, slots=True)
class HttpLoader(ContextLoader):
    """Fetches @contexts. Any media type will do where the body is JSON: many servers say text/plain."""

    clock: Clock
    allow_private: bool = False
    timeout_s: float = FETCH_S

    def load(self, url: str) -> LoadedContext:
        """The document at `url`.

        Raises LdContextNotAvailable where it cannot be had, BadRequestData where what came is no @context, both
        naming the URL and the reason.
        """
        try:
            headers, body = _asking()(url, self.timeout_s, self.allow_private)
            document = cast("Json", orjson.loads(body))
        except Refused as reason:
            raise not_available(url, str(reason)) from reason
        except orjson.JSONDecodeError as error:
            raise invalid(url, f"what came is no JSON ({error})") from error
        if not isinstance(document, dict) or "@context" not in document:
            raise invalid(url, "what came is no JSON object with a member @context")
        return LoadedContext({"@context": document["@context"]}, expires_at(headers, self.clock.now()))


def not_available(url: str, reason: str) -> LdContextNotAvailable:
    """The refusal that names the URL and why it cannot be had (clause 5.5.6)."""
    return LdContextNotAvailable(
        f"the @context {url[:500]} is not available: {reason}", pointer="@context", clause="5.5.6",
        remedy="a @context this broker can reach, a local copy (misono serve --contexts), or one hosted here",
    )  # fmt: skip


@cache
def _asking() -> _Ask:
    """The HTTP client, imported at the first fetch: it takes 12 MiB that a broker without user @contexts saves."""
    return cast("_Ask", import_module("broker.contexts.asking").ask)
