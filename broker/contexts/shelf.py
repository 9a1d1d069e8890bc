"""The stored @contexts: hosted, implicitly created and cached ones, as rows of the port DocumentStore (clause 5.13).

A row: `{"kind": "Cached", "url": …, "tenant": "", "document": {"@context": …}, "expiresAt": µs, "newer": {…}}`.
The local id of a cached one follows from its URL and that of an implicitly created one from its content, so that
several processes that make the same one at the same time make one row.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import cast
from urllib.parse import urlsplit

from broker.contexts.usage import Usage
from broker.ldcontext.core import CORE_URLS, core_document
from broker.model.values import Instant, Json
from broker.ports import Clock, ContextEntry, DocumentStore, StoredDocument

KIND = "context"
CACHED_MAX = 1_000
"""Cached @contexts kept; past it the one that expires first is forgotten when another comes."""
PATH = "/ngsi-ld/v1/jsonldContexts/"

_ID = "urn:ngsi-ld:Context:"


@dataclass(frozen=True, slots=True)
class Shelf:
    """Rows in and out. `new_name` gives a name nobody else has (chance comes in through wiring).

    `copied` counts the changes of `copies`.
    """

    documents: DocumentStore
    clock: Clock
    usage: Usage
    new_name: Callable[[], str]
    public_url: str = "http://127.0.0.1:1026"
    copies: Mapping[str, dict[str, Json]] = field(default_factory=dict)
    started_at: Instant = 0
    copied: Callable[[], int] = lambda: 0

    def find(self, context_id: str, tenant: str) -> ContextEntry | None:
        """By local id, by URL where it is cached or built in; None where another tenant has it."""
        if context_id in CORE_URLS or context_id in self.copies:
            return self._fixed(context_id)
        row = self.documents.find(KIND, context_id) or self.documents.find(KIND, cached_id(context_id))
        if row is None or (row.body["kind"] != "Cached" and row.body["tenant"] != tenant):
            return None
        return self._entry(row)

    def own(self, url: str, tenant: str) -> ContextEntry | None:
        """The hosted or implicitly created @context a URL or path of ours stands for: by its path, whatever the host.

        A broker is reached under several names; an id of ours in the path says enough.
        """
        path = urlsplit(url).path
        if not path.startswith(PATH):
            return None
        found = self.find(path[len(PATH) :].replace("%3A", ":").replace("%3a", ":"), tenant)
        return None if found is None or found.kind == "Cached" else found

    def all(self, tenant: str) -> list[ContextEntry]:
        """What the tenant may see, oldest first."""
        rows = self.documents.all(KIND)
        return [self._entry(row) for row in rows if row.body["kind"] == "Cached" or row.body["tenant"] == tenant]

    def host(self, context: Json, tenant: str) -> ContextEntry:
        """Keep a client's @context under a new id."""
        return self._keep(_ID + self.new_name(), _body("Hosted", "", tenant, {"@context": context}))

    def give_url(self, context: Json, tenant: str) -> ContextEntry:
        """The implicitly created entry of a @context that has no URL; the same one for the same content."""
        context_id = _ID + _digest(json.dumps([tenant, context], sort_keys=True, ensure_ascii=True))
        row = self.documents.find(KIND, context_id)
        if row is not None:
            return self._entry(row)
        return self._keep(context_id, _body("ImplicitlyCreated", "", tenant, {"@context": context}))

    def cache(self, url: str, document: dict[str, Json], expires_at: Instant) -> ContextEntry:
        """Keep what was fetched from `url`, in place of what was there."""
        self._make_room()
        return self._keep(cached_id(url), _body("Cached", url, "", document) | {"expiresAt": expires_at})

    def set_apart(self, entry: ContextEntry, newer: dict[str, Json], changed: list[str], expires_at: Instant) -> None:
        """Keep the entry as it is and the newer version beside it, with the terms whose meaning it changes."""
        body = _body("Cached", entry.url, "", entry.document) | {"expiresAt": expires_at}
        noted: dict[str, Json] = {"document": newer, "changed": cast("Json", changed)}
        self.documents.put(KIND, entry.id, body | {"newer": noted}, entry.created_at)

    def prolong(self, entry: ContextEntry, expires_at: Instant) -> None:
        """Keep the entry as it is for a while longer."""
        body = _body("Cached", entry.url, "", entry.document) | {"expiresAt": expires_at}
        self.documents.put(KIND, entry.id, body, entry.created_at)

    def forget(self, entry: ContextEntry) -> None:
        """Delete the row."""
        self.documents.delete(KIND, entry.id)
        self.usage.forget(entry.id)

    def _keep(self, context_id: str, body: dict[str, Json]) -> ContextEntry:
        now = self.clock.now()
        self.documents.put(KIND, context_id, body, now)
        return self._entry(StoredDocument(context_id, body, now))

    def _make_room(self) -> None:
        cached = [row for row in self.documents.all(KIND) if row.body["kind"] == "Cached"]
        if len(cached) >= CACHED_MAX:
            first = min(cached, key=lambda row: cast(int, row.body["expiresAt"]))
            self.documents.delete(KIND, first.id)

    def _entry(self, row: StoredDocument) -> ContextEntry:
        body = row.body
        newer = cast("dict[str, Json]", body.get("newer") or {})
        hits, last_used_at = self.usage.of(row.id)
        return ContextEntry(
            id=row.id, url=cast(str, body["url"]) or f"{self.public_url}{PATH}{row.id}", kind=cast(str, body["kind"]),
            created_at=row.created_at, document=cast("dict[str, Json]", body["document"]),
            expires_at=cast("int | None", body.get("expiresAt")), hits=hits, last_used_at=last_used_at,
            changed=tuple(cast("list[str]", newer.get("changed", []))),
        )  # fmt: skip

    def _fixed(self, url: str) -> ContextEntry:
        document = core_document(url) if url in CORE_URLS else self.copies[url]
        hits, last_used_at = self.usage.of(url)
        return ContextEntry(
            id=cached_id(url), url=url, kind="Cached", created_at=self.started_at, document=document,
            hits=hits, last_used_at=last_used_at, fixed=True,
        )  # fmt: skip


def cached_id(url: str) -> str:
    """The local id of the @context fetched from `url`."""
    return _ID + _digest(url)


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _body(kind: str, url: str, tenant: str, document: dict[str, Json]) -> dict[str, Json]:
    return {"kind": kind, "url": url, "tenant": tenant, "document": document}
