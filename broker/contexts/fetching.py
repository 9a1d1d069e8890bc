"""The document behind a URL: stored, fetched, or fetched again when its time is over (clauses 5.13.1, 6.3.16).

A refresh that fails keeps the old document. One that gives a known term another IRI is set apart and reported until
somebody asks for it (DELETE with reload=true): stored entities keep their meaning, and what clients write today must
not silently mean something else than what they wrote yesterday.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import cast

from broker.contexts.loading import not_available
from broker.contexts.shelf import Shelf
from broker.errors import BadRequestData, LdContextNotAvailable
from broker.ldcontext.active import ActiveContext
from broker.ldcontext.compile import compile_context
from broker.ldcontext.parts import check_shape
from broker.model.values import Instant, Json
from broker.ports import ContextEntry, ContextLoader, LoadedContext

RETRY_US = 60_000_000
"""A refresh that failed is tried again after this time; the old document serves until then."""
FAILED_US = 3_000_000
"""A first fetch that failed is not tried again within this time: requests in a row do not all wait for one timeout."""
FAILED_MAX = 1_000
WHOLE_US = 15_000_000
"""All fetches for one @context together."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Making:
    """One compilation: whose it is, when it began, what it stands on, and what it fetched."""

    tenant: str
    started_at: Instant
    entries: dict[str, ContextEntry] = field(default_factory=dict)
    fetched: list[ContextEntry] = field(default_factory=list)


class Fetching:
    """Documents by URL, each fetched once however many ask for it at the same time."""

    def __init__(self, shelf: Shelf, loader: ContextLoader) -> None:
        self._shelf = shelf
        self._loader = loader
        self._failed: OrderedDict[str, tuple[Instant, BadRequestData | LdContextNotAvailable]] = OrderedDict()
        self._locks: dict[str, Lock] = {}

    def compile(self, source: Json, making: Making) -> ActiveContext:
        """The names of `source`; what could not be used after all is not kept.

        Raises BadRequestData or LdContextNotAvailable.
        """
        try:
            return compile_context(source, lambda url: cast("Json", self.entry(url, making).document))
        except (BadRequestData, LdContextNotAvailable):
            for entry in making.fetched:
                self._shelf.forget(entry)
            raise

    def entry(self, url: str, making: Making) -> ContextEntry:
        """The entry whose document stands for `url` in this compilation. Raises LdContextNotAvailable."""
        entry = self._shelf.own(url, making.tenant)
        if entry is None:
            entry = self._known_or_fetched(url, making)
        making.entries[entry.id] = entry
        return entry

    def reload(self, entry: ContextEntry, now: Instant) -> None:
        """Take what is behind the URL now, whatever it means; the old one stays where that fails.

        Raises LdContextNotAvailable.
        """
        try:
            loaded = self._loader.load(entry.url)
            self._names(entry.url, loaded.document, Making("", now))
        except BadRequestData as reason:
            raise not_available(entry.url, reason.detail) from reason
        self._failed.pop(entry.url, None)
        self._shelf.cache(entry.url, loaded.document, loaded.expires_at)

    def _known_or_fetched(self, url: str, making: Making) -> ContextEntry:
        if url.startswith("/"):
            raise not_available(url, "no @context is stored here under this path")
        known = self._shelf.find(url, making.tenant)
        if known is not None and self._usable(known):
            return known
        lock = self._locks.setdefault(url, Lock())
        if not lock.acquire(blocking=known is None):
            assert known is not None
            return replace(known, expires_at=self._now() + FAILED_US)  # another thread is fetching it just now
        try:
            known = self._shelf.find(url, making.tenant)
            if known is not None and self._usable(known):
                return known
            return self._first(url, making) if known is None else self._again(known, making)
        finally:
            self._locks.pop(url, None)
            lock.release()

    def _first(self, url: str, making: Making) -> ContextEntry:
        now = self._now()
        until, refusal = self._failed.get(url, (0, None))
        if refusal is not None and now < until:
            raise type(refusal)(refusal.detail, pointer=refusal.pointer, clause=refusal.clause, remedy=refusal.remedy)
        if now - making.started_at > WHOLE_US:
            raise not_available(url, "the @contexts it is named beside took too long")
        loaded = self._load(url, FAILED_US)
        entry = self._shelf.cache(url, loaded.document, loaded.expires_at)
        making.fetched.append(entry)
        return entry

    def _again(self, known: ContextEntry, making: Making) -> ContextEntry:
        until, _ = self._failed.get(known.url, (0, None))
        if self._now() < until:
            return replace(known, expires_at=until)
        try:
            loaded = self._load(known.url, RETRY_US)
            changed = self._changed(known, loaded.document, making)
        except (BadRequestData, LdContextNotAvailable) as reason:
            _log.warning("the @context %s could not be refreshed, the old one stays: %s", known.url, reason.detail)
            return replace(known, expires_at=self._now() + RETRY_US)
        if changed:
            _log.warning("the @context %s gives other IRIs to %s; kept apart until it is reloaded", known.url, changed)
            self._shelf.set_apart(known, loaded.document, changed, loaded.expires_at)
        elif loaded.document != known.document:
            return self._shelf.cache(known.url, loaded.document, loaded.expires_at)
        elif loaded.expires_at > self._now():  # else it is fetched for every request: no write each time
            self._shelf.prolong(known, loaded.expires_at)
        return replace(known, expires_at=loaded.expires_at)

    def _load(self, url: str, patience_us: int) -> LoadedContext:
        try:
            loaded = self._loader.load(url)
            check_shape(loaded.document["@context"], url)
        except (BadRequestData, LdContextNotAvailable) as refusal:
            self._failed[url] = (self._now() + patience_us, refusal)
            if len(self._failed) > FAILED_MAX:
                self._failed.popitem(last=False)
            raise
        self._failed.pop(url, None)
        return loaded

    def _changed(self, known: ContextEntry, newer: dict[str, Json], making: Making) -> list[str]:
        """The terms of the known document that the newer one gives another IRI, or none."""
        if newer == known.document:
            return []
        old = self._names(known.url, known.document, making).tables.definitions
        new = self._names(known.url, newer, making).tables.definitions
        return sorted(term for term, iri in old.items() if new.get(term) != iri)

    def _names(self, url: str, document: dict[str, Json], making: Making) -> ActiveContext:
        def fetch(target: str) -> Json:
            return cast("Json", document if target == url else self.entry(target, making).document)

        return compile_context(url, fetch)

    def _usable(self, entry: ContextEntry) -> bool:
        return entry.expires_at is None or self._now() < entry.expires_at

    def _now(self) -> Instant:
        return self._shelf.clock.now()
