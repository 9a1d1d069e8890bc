"""Entries of the audit as the chain holds them: a head, and a part for each person, which can be erased alone (pure).

    sealed = seal(entry, salts)      head {"kind": "disclosure", …, "parts": ["9f…"]}, parts [{"subject": "urn:…", …}]

The head holds a salted digest of each part; so the link holds all of it, and what it says of one person can go without
what it says of others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import orjson

from broker.audit.chain import canonical
from broker.model.values import Instant, Json
from broker.ports.audit import Entry, Told


class Part(NamedTuple):
    """What an entry says of one person, as canonical JSON."""

    subject: str
    salt: bytes
    text: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """An entry, ready to become a link: its head as canonical JSON, salted, and its parts."""

    at: Instant
    kind: str
    tenant: str
    salt: bytes
    text: str
    digest: bytes
    parts: tuple[Part, ...]


def seal(entry: Entry, new_salt: Callable[[], bytes]) -> Sealed:
    """The entry with its digests."""
    parts = [Part(_clean(one.subject), new_salt(), _text(_told(one))) for one in entry.told]
    head = _head(entry, [digest_of(salt, text).hex() for _, salt, text in parts])
    text, salt = _slowly(head) if entry.more else _text(head), new_salt()
    kind, tenant = _clean(entry.kind), _clean(entry.tenant)
    return Sealed(entry.at, kind, tenant, salt, text, digest_of(salt, text), tuple(parts))


def digest_of(salt: bytes, text: str) -> bytes:
    """What a link holds of its head, and a head of a part: `chain.digest` of what the text says."""
    return hashlib.sha256(salt + text.encode()).digest()


def _text(told: Mapping[str, Json]) -> str:
    """As `chain.canonical` has it: without fractions the fast writer writes the same."""
    try:
        return orjson.dumps(told, option=orjson.OPT_SORT_KEYS).decode()
    except orjson.JSONEncodeError:  # a long integer, or half a character in somebody's name: no reason to fail
        return _slowly(told)


def _slowly(told: Mapping[str, Json]) -> str:
    return canonical(told).decode(errors="replace")


def _clean(text: str) -> str:
    return text if text.isascii() else text.encode(errors="replace").decode()


def part_digests(head: Mapping[str, Json]) -> list[str]:
    """The digests of the parts, in hexadecimal digits."""
    return cast("list[str]", head.get("parts", []))


def entry_of(head: Mapping[str, Json], parts: Iterable[Mapping[str, Json]] = ()) -> Entry:
    """The entry that a head and those of its parts that are still there tell of."""
    said = cast("dict[str, Any]", head)
    return Entry(
        kind=said["kind"],
        tenant=said.get("tenant", ""),
        principal=said.get("principal", ""),
        at=said["at"],
        recipient=said.get("recipient", ""),
        purposes=frozenset(said.get("purposes", ())),
        operation=said.get("operation", ""),
        epoch=said.get("epoch", 0),
        told=tuple(told_of(part) for part in parts),
        more=said.get("more", {}),
    )


def told_of(part: Mapping[str, Json]) -> Told:
    """What a part says."""
    said = cast("dict[str, Any]", part)
    items = {type_: frozenset(names) for type_, names in said["items"].items()}
    return Told(
        said["subject"], items, frozenset(said.get("records", ())), said.get("values", 0), said.get("first"),
        said.get("last"),
    )  # fmt: skip


def _head(entry: Entry, parts: list[str]) -> dict[str, Json]:
    told: dict[str, Json] = {
        "kind": entry.kind,
        "tenant": entry.tenant,
        "principal": entry.principal,
        "at": entry.at,
        "recipient": entry.recipient,
        "purposes": cast("Json", sorted(entry.purposes)),
        "operation": entry.operation,
        "epoch": entry.epoch,
        "more": dict(entry.more),
        "parts": cast("Json", parts),
    }
    return {name: value for name, value in told.items() if value not in ("", [], {}, 0) or name == "at"}


def _told(told: Told) -> dict[str, Json]:
    said: dict[str, Json] = {
        "subject": told.subject,
        "items": {type_: cast("Json", sorted(names)) for type_, names in told.items.items()},
        "records": cast("Json", sorted(told.records)),
        "values": told.values,
    }
    if told.first is not None:
        said["first"] = told.first
    if told.last is not None:
        said["last"] = told.last
    return said
