"""Data handed over to a recipient under an agreement: an act, written down before anything leaves.

The hub is asked as the recipient, for the agreement's purpose: what nobody consented to is not there. A witness of the
policy tells which persons and which consents each value rests on; that goes to the audit and into the record of what
was handed over, and each record that is delivered names its receipts. Passing on is prohibited.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol, cast

from broker.encode.text import dump
from broker.errors import BadRequestData, Conflict, Forbidden, ServiceUnavailable
from broker.keeping import NotKept
from broker.model.subjects import DATA_SUBJECT
from broker.model.values import Instant, Json, to_instant, to_text
from broker.ports import Principal
from broker.ports.audit import WITNESS, Audit, Basis, Entry, Told
from broker.ports.consents import Consents
from broker.ports.hub import Hub
from broker.signing import Signer
from services.bank import requesting
from services.bank.bank import Bank, asking_for
from services.bank.book import Desk, Item
from services.bank.handing import Delivery, Handed, HandedOver
from services.bank.items import DataItem, read_items, read_purpose, texts_of
from services.bank.projecting import Projector

TYP: Final = "data-delivery+jwt"
TRIES: Final = 3
_MEMBERS: Final = frozenset({"id", "type", "scope"})
_OBSERVED: Final = "observedAt"


class Lending(Protocol):
    """A hub that can be asked in the name of somebody: what they may not see is not there."""

    def acting_as(self, principal: Principal) -> Hub:
        """The same hub, for somebody else."""


@dataclass
class _Looking:
    """The port Witness: what the policy showed, and why."""

    seen: dict[str, list[Basis]] = field(default_factory=dict)

    def saw(self, entity_id: str, bases: Iterable[Basis], types: Sequence[str] = ()) -> None:  # noqa: ARG002 - the port's
        """As the port says."""
        self.seen.setdefault(entity_id, []).extend(bases)


@dataclass
class _Part:
    """What is told of one person."""

    items: dict[str, set[str]] = field(default_factory=dict)
    records: set[str] = field(default_factory=set)
    values: int = 0
    times: list[Instant] = field(default_factory=list)


@dataclass
class _Gathered:
    """Records to deliver, and whose they are."""

    records: list[tuple[dict[str, Any], frozenset[str]]] = field(default_factory=list)
    parts: dict[str, _Part] = field(default_factory=dict)
    last: str = ""
    more: bool = False


@dataclass(frozen=True, slots=True)
class Parts:
    """What delivering stands on."""

    hub: Hub
    consents: Consents
    audit: Audit
    signer: Signer


class Delivering:
    """Hands data over."""

    def __init__(self, bank: Bank, parts: Parts, handed: HandedOver, projector: Projector) -> None:
        self._bank, self._parts, self._handed, self._projector = bank, parts, handed, projector

    def deliver(self, tenant: str, by: Principal, agreement_id: str, body: Mapping[str, str]) -> Json:
        """Hand over what the agreement is of: `{"type": "ActivityObservation", "after": "urn:…"}`.

        Raises Forbidden where nothing may be handed over now, Conflict for what is had only as aggregates.
        """
        book = self._bank.book
        agreement = requesting.own(book.item(tenant, requesting.AGREEMENT, agreement_id), asking_for(by))
        why = requesting.why_not_now(book, tenant, agreement, book.now())
        if why:
            raise Forbidden(f"nothing is handed over now: {why}", remedy="GET the agreement, its offer and yourself")
        purpose = read_purpose(self._bank.library(), agreement.body["purpose"], "/purpose")
        if purpose not in by.purposes:
            raise Forbidden("the purpose of the agreement is not stated", remedy=f"a token for the purpose {purpose}")
        items = self._asked(agreement, body.get("type", ""))
        asking = replace(by, purposes=frozenset({purpose}), roles=frozenset({"recipient"}), subject="")
        gathered, epoch = self._settled(tenant, asking, items, body.get("after", ""))
        delivery = Delivery(
            self._bank.id("DataDelivery"), agreement.id, agreement.body["recipient"], purpose, book.now(), epoch
        )
        receipts = self._write(tenant, by, delivery, gathered)
        return self._told(agreement, delivery, gathered, receipts)

    def _asked(self, agreement: Item, type_: str) -> list[DataItem]:
        """The items of one type. Raises BadRequestData, Conflict."""
        names = sorted({one.partition("/")[0] for one in agreement.body["dataItems"]})
        chosen = type_ or (names[0] if len(names) == 1 else "")
        if chosen not in names:
            raise BadRequestData("of which type?", pointer="/type", remedy=", ".join(names))
        texts = [one for one in agreement.body["dataItems"] if one.partition("/")[0] == chosen]
        items = [one for one in read_items(self._bank.library(), texts) if one.granularity == "raw"]
        if not items:
            raise Conflict(
                "this is had only in aggregates over periods or people", pointer="/type",
                remedy="GET /ngsi-ld/v1/temporal/entities with options=aggregatedValues and the period",
            )  # fmt: skip
        return items

    def _settled(self, tenant: str, by: Principal, items: list[DataItem], after: str) -> tuple[_Gathered, int]:
        """What there is while no consent changes, and the epoch of that. Raises ServiceUnavailable."""
        for _ in range(TRIES):
            epoch = self._parts.consents.epoch(tenant)
            gathered = self._gather(tenant, by, items, after)
            if epoch == self._parts.consents.epoch(tenant):
                return gathered, epoch
        raise ServiceUnavailable("consents change all the time", remedy="Ask again.")

    def _gather(self, tenant: str, by: Principal, items: list[DataItem], after: str) -> _Gathered:
        hub, most, wanted = cast("Lending", self._parts.hub).acting_as(by), self._bank.settings.page_entities, items
        gathered, passed = _Gathered(), not after
        with _witnessed() as witness:
            for type_ in sorted(frozenset[str]().union(*(item.types for item in items))):
                for entity in hub.query(tenant, type_):
                    if passed and len(gathered.records) >= most:
                        gathered.more = True
                        return gathered
                    if passed:
                        self._take(gathered, type_, _only(entity, self._names(type_, wanted)), witness.seen)
                    gathered.last = str(entity["id"]) if passed else ""
                    passed = passed or entity["id"] == after
        if not passed:
            raise Conflict("that record is there no longer", pointer="/after", remedy="begin anew, without `after`")
        return gathered

    def _names(self, type_: str, items: list[DataItem]) -> frozenset[str]:
        """The attributes of a type that the items are of; whom it is about is told where it is named alone."""
        found = self._bank.library().model(type_)
        attributes = found[1].attributes.values() if found else ()
        plain = {one.iri for one in attributes if one.personal != "special-care"} - {DATA_SUBJECT}
        return frozenset(
            name for item in items if type_ in item.types for name in (plain if item.any else {item.attribute})
        )

    def _take(self, gathered: _Gathered, type_: str, entity: dict[str, Any], seen: Mapping[str, list[Basis]]) -> None:
        bases = seen.get(str(entity["id"]), ())
        emergency = {basis.attribute for basis in bases if basis.emergency}  # no consent: not the agreement's
        entity = {name: part for name, part in entity.items() if name not in emergency}
        if not entity.keys() - _MEMBERS:
            return
        whose: set[str] = set()
        for basis in bases:
            for instance in _instances(entity, basis):
                for subject, record in basis.rests:
                    part = gathered.parts.setdefault(subject, _Part())
                    part.items.setdefault(type_, set()).add(basis.attribute)
                    part.records.add(record)
                    part.values += 1
                    at = to_instant(str(instance.get(_OBSERVED, "")))
                    part.times += [] if at is None else [at]
                    whose.add(subject)
        gathered.records.append((entity, frozenset(whose)))

    def _write(self, tenant: str, by: Principal, delivery: Delivery, gathered: _Gathered) -> dict[str, str]:
        """Into the audit, the record and the hub, before anything leaves: the receipts by person."""
        new = self._handed.receipts(tenant, delivery.agreement, gathered.parts)
        parts = [
            Handed(
                subject,
                tuple(texts_of(self._bank.library(), part.items)),
                tuple(sorted(part.records)),
                part.values,
                new[subject],
            )
            for subject, part in sorted(gathered.parts.items())
        ]
        entry = 0
        if parts:
            told = tuple(_told_of(subject, part) for subject, part in sorted(gathered.parts.items()))
            entry = self._recorded(Entry(
                "disclosure", tenant, by.name, delivery.at, delivery.recipient, frozenset({delivery.purpose}),
                "bank_deliver", delivery.epoch, told, {"delivery": delivery.id, "agreement": delivery.agreement},
            ))  # fmt: skip
        self._handed.write(tenant, delivery, parts, entry)
        counts = {"people": len(parts), "records": len(gathered.records), "entry": entry}

        def note(desk: Desk) -> Item:
            changed = {"state": "delivered", "agreement": delivery.agreement, "recipient": delivery.recipient, **counts}
            return desk.write("delivery", delivery.id, "deliver", {**changed, "deliveredAt": to_text(delivery.at)})

        self._bank.act(tenant, by, note)
        self._projector.show_all(tenant, [self._handed.bundled(tenant, receipt) for receipt in new.values()])
        return new

    def _recorded(self, entry: Entry) -> int:
        """The number of the audit's row. Raises ServiceUnavailable where it cannot be written: nothing leaves then."""
        try:
            return self._parts.audit.record(entry).result()
        except NotKept as error:
            raise ServiceUnavailable("the audit takes nothing now", remedy="Ask again.") from error

    def _told(self, agreement: Item, delivery: Delivery, gathered: _Gathered, receipts: Mapping[str, str]) -> Json:
        records = [
            {"receipts": sorted(receipts[one] for one in whose), "entity": entity} for entity, whose in gathered.records
        ]
        digest = f"sha-256:{hashlib.sha256(dump(cast('Json', records))).hexdigest()}"
        head = {
            "id": delivery.id, "agreement": delivery.agreement, "recipient": delivery.recipient,
            "purpose": delivery.purpose, "deliveredAt": to_text(delivery.at), "reprovision": "prohibited",
            "records": len(records), "contentHash": digest,
        }  # fmt: skip
        return cast("Json", {
            **head, "records": records, "provider": self._bank.settings.provider.told(),
            "legalBasis": "consentBasis", "policy": self._bank.policy(agreement),
            "signature": self._parts.signer.sign(head, TYP),
            **({"next": gathered.last} if gathered.more else {}),
        })  # fmt: skip


@contextmanager
def _witnessed() -> Iterator[_Looking]:
    """What the policy shows in this thread meanwhile."""
    looking = _Looking()
    token = WITNESS.set(looking)
    try:
        yield looking
    finally:
        WITNESS.reset(token)


def _only(entity: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {name: part for name, part in entity.items() if name in names or name in _MEMBERS}


def _instances(entity: Mapping[str, Any], basis: Basis) -> list[Mapping[str, Any]]:
    """The instances of an entity that a basis is of."""
    found = entity.get(basis.attribute, [])
    every = found if isinstance(found, list) else [found]
    return [one for one in every if one.get("datasetId") == basis.dataset]


def _told_of(subject: str, part: _Part) -> Told:
    items = {type_: frozenset(names) for type_, names in part.items.items()}
    first, last = min(part.times, default=None), max(part.times, default=None)
    return Told(subject, items, frozenset(part.records), part.values, first, last)
