"""A store's content as every engine can read and write it: what `misono copy` carries from one to another.

    item   an entity as it is, and what history says of it (`Item`, its instances in `Span`s)
    row    all else, by part: a key that orders, and a body that is plain JSON

A mark tells a version of a record from another one. Everything is as the engine keeps it, expired or not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, NamedTuple, Protocol, TypeAlias, cast

import orjson

from broker.model.entity import Entity
from broker.model.values import Instant, Json
from broker.ports.outbox import OutboxRow
from broker.stores.past import Past

PARTS: Final = ("log", "held", "mark", "delivery", "dead", "outbox")
"""Row parts of a tenant, in the order in which they are copied: the outbox last, as it is what moves most."""
HUB: Final = None
DOCUMENTS: Final = "document"
"""The one row part of the hub."""
COPY_KIND: Final = "copy"
"""The kind of the hub's document that says what a store is a copy of: never copied."""
COPY_ID: Final = "copy"
"""And its id; the body is `{"from": a store's name, "whole": whether the copy came to its end}`."""
BEGINNING: Final = -(2**63)
END: Final = 2**63 - 1
_SUM: Final = 1 << 128

Key: TypeAlias = "int | tuple[str, ...]"


class Vanished(Exception):
    """A tenant that was there a moment ago is not: a place that was dropped."""


class Head(NamedTuple):
    """What history says of an entity beside its instances; None in its place: no more than the entity itself does."""

    types: tuple[str, ...]
    scopes: tuple[str, ...]
    created_at: Instant
    modified_at: Instant
    deleted_at: Instant | None = None
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """One id: `order` is that of its creation, `first` that of its first one; without `lived` only history has it.

    `unsettled` says that what follows from its last change may not be written yet: it is copied again.
    """

    iri: str
    order: int
    first: int
    lived: bool
    entity: Entity | None
    head: Head | None
    unsettled: bool = False

    @property
    def mark(self) -> str:
        """What changes with every write of the entity or its history."""
        return mark_of(self.entity, self.head) + ("~" if self.unsettled else "")


@dataclass(frozen=True, slots=True)
class Span:
    """All instances of an attribute in `[start, end)`, those that the entity has now among them; by time and number.

    The spans of a name follow each other from BEGINNING to END.
    """

    name: str
    start: Instant
    end: Instant
    pasts: Sequence[Past]


class Row(NamedTuple):
    """One record of a part.

    log       sequence: [iri, version, at, before, after, subjects, classes, [types, scopes] where no image is whole]
    held      kind, id: [body, created_at, modified_at, version, expires_at]
    mark      name: [value]
    delivery  subscription: [sent, failed, notified_at, succeeded_at, failed_at]
    outbox    number: [subscription, due, attempts, redelivered, reason, sequence, at, before, after]; dead as well
    document  kind, id: [body, created_at, ordinal]
    """

    key: Key
    body: Json


class Source(Protocol):
    """A store to be read. Iterators take up what comes while they run, or not."""

    def tenants(self) -> list[str]:
        """All, and places; the default one first."""

    def moment(self, tenant: str) -> AbstractContextManager[None]:
        """Around reads that shall be of one moment, where the engine has such a thing."""

    def marks(self, tenant: str) -> Iterator[list[tuple[str, str]]]:
        """Every id and its mark, in the order of creation, some hundred at a time."""

    def marks_of(self, tenant: str, iris: Sequence[str]) -> dict[str, str]:
        """The marks of those there are."""

    def items(self, tenant: str, iris: Sequence[str]) -> list[Item]:
        """Those there are, in the order of creation."""

    def spans(self, tenant: str, item: Item) -> Iterator[Span]:
        """Its instances, an attribute after the other."""

    def rows(self, tenant: str | None, part: str) -> Iterator[Row]:
        """The rows of a part, in the order of their keys."""

    def logged(self, tenant: str, after: int) -> Iterator[Row]:
        """The rows of the part `log` with a higher sequence."""

    def newest(self, tenant: str) -> int:
        """The highest sequence of the log; 0 for an empty one."""

    def trimmed(self, tenant: str) -> int:
        """Up to which number the change log is no longer kept; 0 where all of it is."""

    def counts(self, tenant: str) -> dict[str, int]:
        """How many records there are of `entity`, `history` (ids that have a head) and each part."""

    def copy_of(self) -> dict[str, Json] | None:
        """What it says of itself where it is a copy that no broker has worked in yet."""

    def close(self) -> None:
        """Let go of it."""


class Target(Source, Protocol):
    """A store that nobody else writes to, to be filled."""

    def make(self, tenant: str) -> None:
        """From now on it is there."""

    def unmake(self, place: str) -> None:
        """Nothing is left of it."""

    def ids(self, tenant: str) -> Iterator[list[str]]:
        """Every id that was put, some hundred at a time."""

    def marks_put(self, tenant: str, iris: Sequence[str]) -> dict[str, str]:
        """The marks of those of these ids that were put."""

    def put(self, tenant: str, moved: Sequence[tuple[Item, Iterable[Span]]]) -> None:
        """Write, or write anew, durable on return; an item has its mark only when all of it is there."""

    def drop(self, tenant: str, iris: Sequence[str]) -> None:
        """Nothing is left of these."""

    def put_rows(self, tenant: str | None, part: str, rows: Sequence[Row]) -> None:
        """Write, or write anew, in the order of their keys; durable on return."""

    def drop_rows(self, tenant: str | None, part: str, keys: Sequence[Key]) -> None:
        """Nothing is left of these."""

    def finish(self, tenant: str, trimmed: int) -> None:
        """All of it is there, and so much of the log never was: what follows from that is put right."""


def mark_of(entity: Entity | None, head: Head | None) -> str:
    """`3.1767222000000000.1767225600000000`, and behind a `|` the times of its head where it has one."""
    one = "" if entity is None else f"{entity.version}.{entity.created_at}.{entity.modified_at}"
    if head is None:
        return one
    return f"{one}|{head.created_at}.{head.modified_at}.{head.deleted_at or ''}.{int(head.dropped)}"


def digest(*parts: object) -> int:
    """A number of 128 bits for JSON; the order of members does not count, 1 and 1.0 and true are different."""
    return int.from_bytes(blake2b(_canonical(parts), digest_size=16).digest(), "big")


def digest_of(item: Item, spans: Iterable[Span]) -> tuple[int, int]:
    """Of all that is known of an id, and how many instances those are; instances count in whichever order."""
    total, count = digest(item.iri, item.lived, entity_row(item.entity), item.head), 0
    for span in spans:
        for past in span.pasts:
            total = (total + digest(item.iri, span.name, past_row(past))) % _SUM
            count += 1
    return total, count


def entity_row(entity: Entity | None) -> Json:
    """An entity as JSON."""
    if entity is None:
        return None
    return [entity.created_at, entity.modified_at, entity.expires_at, entity.version, entity.document]


def to_entity(row: Json) -> Entity | None:
    """And back."""
    if row is None:
        return None
    created_at, modified_at, expires_at, version, document = cast("list[object]", row)
    return Entity(document, created_at, modified_at, expires_at, version)  # type: ignore[arg-type]


def queued_body(row: OutboxRow) -> Json:
    """A row of the outbox, waiting or dead, as JSON."""
    change = row.change
    head: list[Json] = [row.subscription, row.due, row.attempts, row.redelivered, row.reason]
    return [*head, change.sequence, change.at, entity_row(change.before), entity_row(change.after)]


def past_row(past: Past) -> Json:
    """An instance as JSON, without its number, which is the engine's."""
    return [cast("Json", past.body), past.created_at, past.modified_at, past.observed_at, past.deleted_at]


def _canonical(value: object) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # integers beyond 64 bits
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
