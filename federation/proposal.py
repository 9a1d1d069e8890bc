"""What two hubs would share, and the registrations that would make it so: one a type, or one for all.

propose(side, wish) -> [{"id": "urn:ngsi-ld:ContextSourceRegistration:aizu:House", "type": …, "endpoint": …, …}]
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import cast
from urllib.parse import quote

from broker.model.terms import NEEDED
from broker.model.values import Json
from linkeddata.catalogue import short
from linkeddata.reading import Offer


@dataclass(frozen=True, slots=True)
class Side:
    """A hub: where others reach it, what it calls itself (None: it does not tell), the tenant, and what it offers."""

    url: str
    alias: str | None
    tenant: str = ""
    offers: tuple[Offer, ...] = ()

    @property
    def name(self) -> str:
        """What it is called here."""
        return self.alias or quote(self.url.partition("://")[2], safe="")


@dataclass(frozen=True, slots=True)
class Wish:
    """How a hub shall be registered; `contract` and `credentials` as members of a registration have them."""

    together: bool = False
    mode: str = "inclusive"
    operations: tuple[str, ...] = ()
    contract: Mapping[str, str] = field(default_factory=dict)
    credentials: Json = field(default=None, repr=False)
    local_only: bool = False
    until: str | None = None


def wanted(offers: Sequence[Offer], types: Sequence[str]) -> tuple[tuple[Offer, ...], tuple[str, ...]]:
    """The offers of these types, by their IRI or short name (none: all), and the names that nothing is offered for."""
    if not types:
        return tuple(offers), ()
    names = {one.iri for one in offers} | {short(one.iri) for one in offers}
    chosen = tuple(one for one in offers if one.iri in types or short(one.iri) in types)
    return chosen, tuple(name for name in types if name not in names)


def open_to(offers: Sequence[Offer], wish: Wish) -> tuple[tuple[Offer, ...], tuple[Offer, ...]]:
    """What can be asked for under the wish's terms, and what cannot: closed data needs recipient and purpose."""
    if all(wish.contract.get(name) for name in NEEDED):
        return tuple(offers), ()
    return tuple(one for one in offers if not one.closed), tuple(one for one in offers if one.closed)


def propose(side: Side, wish: Wish) -> list[dict[str, Json]]:
    """The registrations of that side's offers; none where nothing is offered."""
    if not side.offers:
        return []
    prefix = f"urn:ngsi-ld:ContextSourceRegistration:{side.name}" + (f":{side.tenant}" if side.tenant else "")
    if wish.together:
        return [_registration(prefix, side.name, side, wish, side.offers)]
    often = Counter(short(one.iri) for one in side.offers)
    found = []
    for one in side.offers:
        name = short(one.iri)
        part = name if often[name] == 1 else f"{name}-{sha256(one.iri.encode()).hexdigest()[:8]}"
        found.append(_registration(f"{prefix}:{quote(part, safe='')}", f"{name} of {side.name}", side, wish, (one,)))
    return found


def _registration(registration_id: str, name: str, side: Side, wish: Wish, offers: Sequence[Offer]) -> dict[str, Json]:
    body: dict[str, Json] = {
        "id": registration_id,
        "type": "ContextSourceRegistration",
        "registrationName": name,
        "endpoint": side.url,
        "mode": wish.mode,
        "information": [{"entities": [{"type": one.iri} for one in offers]}],
        "operations": cast("list[Json]", list(wish.operations)) or ["federationOps"],
    }
    if side.alias is not None:
        body["contextSourceAlias"] = side.alias
    if side.tenant:
        body["tenant"] = side.tenant
    contract = _contract(wish, offers)
    if contract:
        body["contract"] = contract
    if wish.until is not None:
        body["expiresAt"] = wish.until
    if wish.credentials is not None:
        body["credentials"] = wish.credentials
    if wish.local_only:
        body["management"] = {"localOnly": True}
    return body


def _contract(wish: Wish, offers: Sequence[Offer]) -> dict[str, Json]:
    """The terms; the licence is that of the offers where they are all under one and none was agreed."""
    licences = {one.licence for one in offers}
    only = next(iter(licences)) if len(licences) == 1 else None
    found: dict[str, Json] = {} if only is None else {"licence": only}
    return found | dict(wish.contract)
