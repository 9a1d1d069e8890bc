"""Catalogues as the door asks for them: made when they are, kept while nothing changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from broker.model.values import Instant, Json
from broker.operations.broker import Broker, Call
from broker.operations.holdings import list_holdings
from broker.operations.identity import tenant_alias
from broker.ports import UNRESTRICTED
from linkeddata.catalogue import Home, is_given, make_catalogue
from linkeddata.described import Described
from linkeddata.turtle import as_turtle

SHARE: Final = 20
"""A catalogue is kept at least so many times as long as making it took: a twentieth of a core at most goes there."""
SHARE_OF_HISTORY: Final = 1000
"""As SHARE, for the look at since when there is history: it is long where there are many entities, and seldom moves."""
KEPT_MAX: Final = 32


@dataclass(frozen=True, slots=True)
class _Kept:
    sequence: int
    until: float
    document: dict[str, Json]
    turtle: list[bytes] = field(default_factory=list)
    """The same as Turtle, once that was asked for: it takes longer than all the rest."""


class Catalogues:
    """The port `broker.http.exchange.Catalogues`."""

    def __init__(
        self, described: Described, url: str, alias: str, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._described, self._url, self._alias = described, url, alias
        self._monotonic = monotonic
        self._kept: dict[str, _Kept] = {}
        self._begun: dict[str, tuple[float, Mapping[str, Instant]]] = {}

    def catalogue(self, broker: Broker, call: Call) -> dict[str, Json]:
        """What the caller may know of what the tenant holds. Raises NonexistentTenant."""
        if call.restriction is not UNRESTRICTED:  # and of times before the first creation nothing is told
            return self._make(broker, call, {})
        kept, began = self._kept.get(call.tenant), self._monotonic()
        sequence = broker.changes.bounds(call.tenant)[1]
        if kept is not None and (kept.sequence == sequence or began < kept.until):
            return kept.document
        if len(self._kept) >= KEPT_MAX:
            self._kept.clear()
            self._begun.clear()
        begun = self._since(broker, call.tenant)
        looked = self._monotonic()
        document = self._make(broker, call, begun)
        ended = self._monotonic()
        self._kept[call.tenant] = _Kept(sequence, ended + SHARE * (ended - looked), document)
        return document

    def gives(self, iri: str) -> bool:
        """Whether the entities of this type may be taken away as a whole."""
        return is_given(self._described, iri)

    def turtle(self, document: Mapping[str, Json]) -> bytes:
        """The same as Turtle."""
        kept = next((one for one in self._kept.values() if one.document is document), None)
        if kept is None:
            return as_turtle(document)
        if not kept.turtle:
            kept.turtle.append(as_turtle(document))
        return kept.turtle[0]

    def _make(self, broker: Broker, call: Call, begun: Mapping[str, Instant]) -> dict[str, Json]:
        home = Home(self._url, tenant_alias(self._alias, call.tenant), call.tenant)
        return make_catalogue(self._described, list_holdings(broker, call, begun), home)

    def _since(self, broker: Broker, tenant: str) -> Mapping[str, Instant]:
        began = self._monotonic()
        until, found = self._begun.get(tenant, (began, None))
        if found is None or until < began:
            found = broker.history.begun(tenant)
            ended = self._monotonic()
            self._begun[tenant] = ended + SHARE_OF_HISTORY * (ended - began), found
        return found
