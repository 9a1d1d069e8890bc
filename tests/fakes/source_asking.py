"""HttpSources without a broker around it, and the requests that make it ask."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, cast

from broker.http.exchange import Exchange
from broker.http.messages import Request
from broker.operations.broker import Call
from broker.ports import ContextNames
from broker.stores.memory import MemoryStore
from federation.asking import HttpSources, Terms
from federation.health import Book
from tests.fakes.clock import FakeClock
from tests.fakes.house import make_call


class Named:
    """The port ContextNames, as far as asking goes: a URL for what has none."""

    def link(self, source: Any, _tenant: str = "") -> str:
        return source if isinstance(source, str) else "http://misono/contexts/1"


@dataclass
class Triggering:
    """The part of an Exchange that asking reads."""

    request: Request
    call: Call


def triggering(tenant: str = "", **headers: str) -> Exchange:
    """A request to this tenant: `triggering("t1", via="1.1 aizu")`."""
    request = Request("GET", "/ngsi-ld/v1/entities", "", {name.replace("_", "-"): one for name, one in headers.items()})
    return cast("Exchange", Triggering(request, make_call(tenant=tenant)))


def make_sources(**terms: Any) -> HttpSources:
    """Sources that are asked as the terms say; close them."""
    book = Book(MemoryStore(FakeClock()).held, FakeClock(), "0")
    whole = Terms(
        **{"alias": "misono", "public_url": "http://misono", "timeout_s": 2.0, "allow_private": True, **terms}
    )
    return HttpSources(whole, cast("ContextNames", Named()), book, asyncio.new_event_loop)
