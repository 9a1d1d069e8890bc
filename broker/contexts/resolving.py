"""From the @context of a request to names: compiled once, cached in bounds, checked against the store (5.5.7, 6.3.16).

    resolve_cached(source)   a look-up, never I/O: the event loop may call it; None sends the request to a thread
    resolve(source)          may fetch, store and compile

A compiled @context is used without a further look while three things hold: it was checked against the store within
the last second (another process may have changed what it stands on), none of its documents has expired, and its
tenant may see them all.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from threading import RLock
from typing import cast

from broker.contexts.fetching import Fetching, Making
from broker.contexts.shelf import KIND, Shelf
from broker.ldcontext.active import ActiveContext
from broker.ldcontext.compile import compile_context
from broker.ldcontext.core import CORE_URLS
from broker.ldcontext.served import served_context, served_url
from broker.model.values import Instant, Json
from broker.ports import ContextEntry, ContextLoader, ContextNames, ContextShelf
from broker.ports.places import home_of

COMPILED_MAX = 256
TERMS_MAX = 200_000
"""Compiled @contexts kept in memory, and their terms together (about 0.3 KB each)."""
CHECK_US = 500_000
"""Another process's change of a @context is seen after this time at the latest."""
FLUSH_US = 10_000_000

KEY_CHARACTERS_MAX = 512

_FOREVER: Instant = 2**62
_PUBLIC = "\0"  # no tenant has this name


@dataclass(slots=True)
class _Compiled:
    names: ActiveContext
    stamps: dict[str, Instant]
    """Local id -> created_at of the rows it was made of; a built-in one's URL -> 0."""
    expires_at: Instant
    private: bool
    checked: int


class Contexts(ContextNames, ContextShelf):
    """@contexts by name and on the shelf."""

    def __init__(self, shelf: Shelf, loader: ContextLoader) -> None:
        self._shelf = shelf
        self._fetching = Fetching(shelf, loader)
        self._lock = RLock()
        self._compiled: OrderedDict[tuple[str, str], _Compiled] = OrderedDict()
        self._terms = 0
        self._generation = -1
        self._copied = 0
        self._checked_at: Instant = 0
        self._flushed_at: Instant = 0

    def resolve_cached(self, source: Json, tenant: str = "") -> ActiveContext | None:
        """The names, where nothing has to be read for them; else None."""
        if source is None or (isinstance(source, str) and source in CORE_URLS):
            return compile_context(source, _nothing)
        now = self._shelf.clock.now()
        with self._lock:
            if not 0 <= now - self._checked_at < CHECK_US:
                return None
            found = self._known(_key(source), home_of(tenant))
            if found is None or found.checked != self._generation or now >= found.expires_at:
                return None
        self._count(found, now)
        return found.names

    def resolve(self, source: Json, tenant: str = "") -> ActiveContext:
        """The names of a @context; fetches, stores and compiles what is missing.

        The place of a snapshot has the @contexts of its tenant. Raises BadRequestData where it is no valid @context,
        LdContextNotAvailable where it cannot be had.
        """
        tenant = home_of(tenant)
        self._look_around()
        found = self.resolve_cached(source, tenant)
        if found is None:
            self._recheck(_key(source), tenant)
            found = self.resolve_cached(source, tenant) or self._make(source, tenant)
        return found

    def link(self, source: Json, tenant: str = "") -> str:
        """A URL for a @context: the client's own, or that of an implicitly created one."""
        url = served_url(source) or self._shelf.give_url(served_context(source), home_of(tenant)).url
        return self._shelf.public_url + url if url.startswith("/") else url

    def add(self, context: Json, tenant: str) -> ContextEntry:
        """Keep a client's @context."""
        return self._shelf.host(context, tenant)

    def entry(self, context_id: str, tenant: str) -> ContextEntry | None:
        """By local id, or by URL where it is cached or built in; one of our own URLs will do too."""
        return self._shelf.find(context_id, tenant) or self._shelf.own(context_id, tenant)

    def entries(self, tenant: str) -> list[ContextEntry]:
        """What the tenant may see, oldest first."""
        return self._shelf.all(tenant)

    def used(self, entry: ContextEntry) -> None:
        """Count one use."""
        self._shelf.usage.count(entry.id, self._shelf.clock.now())

    def remove(self, entry: ContextEntry) -> None:
        """Forget an entry and what was compiled of it."""
        self._shelf.forget(entry)
        self._forget_compiled(entry.id)

    def reload(self, entry: ContextEntry) -> None:
        """Fetch again, refuse what does not compile, then take it, whatever it means now."""
        self._fetching.reload(entry, self._shelf.clock.now())
        self._forget_compiled(entry.id)

    def flush(self) -> None:
        """Write the use counts down: at the end of the process, and now and then."""
        self._flushed_at = self._shelf.clock.now()
        self._shelf.usage.flush(self._flushed_at)

    def _look_around(self) -> None:
        """Ask, at most once a second, whether any @context was written by anybody, or a local copy changed."""
        now = self._shelf.clock.now()
        if 0 <= now - self._checked_at < CHECK_US:
            return
        generation, copied = self._shelf.documents.generation(KIND), self._shelf.copied()
        with self._lock:
            if copied != self._copied:
                self._compiled.clear()
                self._terms = 0
            self._generation, self._copied, self._checked_at = generation, copied, now
        if now - self._flushed_at >= FLUSH_US:
            self.flush()

    def _recheck(self, key: str, tenant: str) -> None:
        """Keep a compiled @context whose rows are still those it was made of; forget another one."""
        with self._lock:
            found = self._known(key, tenant)
            generation = self._generation
        if found is None or found.checked == generation:
            return
        for context_id, stamp in found.stamps.items():
            row = self._shelf.documents.find(KIND, context_id)
            if row is None or row.created_at != stamp:
                self._forget_compiled(context_id)
                return
        found.checked = generation

    def _make(self, source: Json, tenant: str) -> ActiveContext:
        making = Making(tenant, self._shelf.clock.now())
        generation = self._generation
        names = self._fetching.compile(source, making)
        stored = [entry for entry in making.entries.values() if not entry.fixed]
        made = _Compiled(
            names=names,
            stamps={entry.id: entry.created_at for entry in stored},
            expires_at=min((entry.expires_at or _FOREVER for entry in stored), default=_FOREVER),
            private=any(entry.kind != "Cached" for entry in stored),
            checked=generation,
        )
        with self._lock:
            self._keep((tenant if made.private else _PUBLIC, _key(source)), made)
        self._count(made, making.started_at)
        return names

    def _keep(self, key: tuple[str, str], made: _Compiled) -> None:
        old = self._compiled.pop(key, None)
        self._terms += len(made.names.tables.definitions) - (len(old.names.tables.definitions) if old else 0)
        self._compiled[key] = made
        while len(self._compiled) > 1 and (len(self._compiled) > COMPILED_MAX or self._terms > TERMS_MAX):
            _, gone = self._compiled.popitem(last=False)
            self._terms -= len(gone.names.tables.definitions)

    def _known(self, key: str, tenant: str) -> _Compiled | None:
        for place in ((_PUBLIC, key), (tenant, key)):
            if place in self._compiled:
                self._compiled.move_to_end(place)
                return self._compiled[place]
        return None

    def _forget_compiled(self, context_id: str) -> None:
        with self._lock:
            for place in [place for place, made in self._compiled.items() if context_id in made.stamps]:
                self._terms -= len(self._compiled.pop(place).names.tables.definitions)

    def _count(self, made: _Compiled, now: Instant) -> None:
        for context_id in made.stamps:
            self._shelf.usage.count(context_id, now)


def _key(source: Json) -> str:
    if isinstance(source, str):
        return source
    if isinstance(source, list) and all(isinstance(element, str) for element in source):
        return "[" + "\n".join(cast("list[str]", source))
    text = json.dumps(source, ensure_ascii=True, separators=(",", ":"))
    return text if len(text) <= KEY_CHARACTERS_MAX else sha256(text.encode()).hexdigest()


def _nothing(url: str) -> Json:
    raise AssertionError(url)  # a core @context refers to nothing
