"""Catalogues as the door asks for them: made when they are, kept while nothing changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from broker.model.values import Json
from broker.operations.broker import Broker, Call
from broker.operations.holdings import list_holdings
from broker.operations.identity import tenant_alias
from broker.ports import UNRESTRICTED
from linkeddata.catalogue import Home, is_given, make_catalogue
from linkeddata.described import Described
from linkeddata.turtle import as_turtle

SHARE: Final = 20
"""A catalogue is kept at least so many times as long as making it took: a twentieth of a core at most goes there."""
KEPT_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class _Kept:
    sequence: int
    until: float
    document: dict[str, Json]


class Catalogues:
    """The port `broker.http.exchange.Catalogues`."""

    def __init__(
        self, described: Described, url: str, alias: str, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._described, self._url, self._alias = described, url, alias
        self._monotonic = monotonic
        self._kept: dict[str, _Kept] = {}

    def catalogue(self, broker: Broker, call: Call) -> dict[str, Json]:
        """What the caller may know of what the tenant holds. Raises NonexistentTenant."""
        if call.restriction is not UNRESTRICTED:
            return self._make(broker, call)
        kept, began = self._kept.get(call.tenant), self._monotonic()
        sequence = broker.changes.bounds(call.tenant)[1]
        if kept is not None and (kept.sequence == sequence or began < kept.until):
            return kept.document
        document = self._make(broker, call)
        ended = self._monotonic()
        if len(self._kept) >= KEPT_MAX:
            self._kept.clear()
        self._kept[call.tenant] = _Kept(sequence, ended + SHARE * (ended - began), document)
        return document

    def gives(self, iri: str) -> bool:
        """Whether the entities of this type may be taken away as a whole."""
        return is_given(self._described, iri)

    def turtle(self, document: Mapping[str, Json]) -> bytes:
        """The same as Turtle."""
        return as_turtle(document)

    def _make(self, broker: Broker, call: Call) -> dict[str, Json]:
        home = Home(self._url, tenant_alias(self._alias, call.tenant), call.tenant)
        return make_catalogue(self._described, list_holdings(broker, call), home)
