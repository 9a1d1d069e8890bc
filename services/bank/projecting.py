"""What the hub shows of the bank: entities of the package misono-consent, written as the hub itself.

An item may be changed again while it is being shown, by another process too: who shows it looks again afterwards, until
what is shown is the newest. What could not be shown is marked, and shown later (`Room.start`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from broker.errors import NgsiError, ResourceNotFound, ServiceUnavailable
from broker.ports.hub import Fragment, Hub, HubAway
from datamodels.library import Library
from datamodels.source import Attribute, Model, Package
from services.bank.book import Book, Item
from services.bank.recipients import contract_until, evidence_until

log = logging.getLogger("misono.services.bank")

PACKAGE: Final = "misono-consent"
TYPES: Final = {
    "recipient": "RecipientOrganisation", "decision": "EthicsDecision", "offer": "DataOffer", "request": "DataRequest",
    "disclosure": "DataDisclosure",
}  # fmt: skip
DATA_CLASS: Final = "https://misono.example/def/dataClass"
_OWN: Final = frozenset({"assigner", "reservePrice"})
"""Personal where a person offers; these offers are the bank's, of nobody in particular."""


class Projector:
    """Shows items in the hub."""

    def __init__(self, hub: Hub, library: Callable[[], Library], public_url: str) -> None:
        self._hub, self._library, self._url = hub, library, public_url
        self.book: Book | None = None

    def project(self, tenant: str, items: Sequence[Item]) -> None:
        """Show these, and what they are changed to meanwhile. Raises ServiceUnavailable."""
        for item in items:
            if item.kind in TYPES:
                self._show(tenant, item)
            else:
                self._ours.shown(item)

    def show_all(self, tenant: str, items: Sequence[Item]) -> None:
        """Show what is no item of the book: receipts of what was handed over. Raises ServiceUnavailable."""
        if not items:
            return
        try:
            refused = self._hub.upsert(tenant, [self.fragment(item) for item in items])
        except HubAway as error:
            raise ServiceUnavailable("the hub takes nothing now", remedy="Ask again.") from error
        for item, why in zip(items, refused, strict=True):
            if why is not None:
                raise _unshown(item, why)

    def withdraw(self, tenant: str, entity_id: str) -> None:
        """Show it no longer. Raises ServiceUnavailable."""
        try:
            refused = self._hub.delete(tenant, [entity_id])[0]
        except HubAway as error:
            raise ServiceUnavailable("the hub takes nothing now", remedy="Ask again.") from error
        if refused is not None and not isinstance(refused, ResourceNotFound):
            raise ServiceUnavailable(f"the hub keeps {entity_id}: {refused.detail}", remedy="Ask again.")

    @property
    def _ours(self) -> Book:
        assert self.book is not None, "the room gives it its book"
        return self.book

    def _show(self, tenant: str, item: Item) -> None:
        while True:
            try:
                refused = self._hub.upsert(tenant, [self.fragment(item)])[0]
            except HubAway as error:
                raise ServiceUnavailable("it is kept, and shown in the hub soon", remedy="Ask again.") from error
            if refused is not None:
                raise _unshown(item, refused)
            newest = self._ours.item(tenant, item.kind, item.id)
            if newest.version == item.version:
                self._ours.shown(item)
                return
            item = newest

    def fragment(self, item: Item) -> Fragment:
        """The entity that shows an item."""
        package, model = self._models[TYPES[item.kind]]
        shaper = _Shaper(self._library(), package, model)
        values = _VALUES[item.kind](item.body)
        if item.kind == "offer":
            values["policy"] = f"{self._url}/services/bank/offers/{item.id}/policy"
        return {"id": item.id, "type": model.iri, **shaper.shaped(values)}

    @cached_property
    def _models(self) -> dict[str, tuple[Package, Model]]:
        package = self._library().packages[PACKAGE]
        return {name: (package, package.models[name]) for name in TYPES.values()}


def _unshown(item: Item, refused: NgsiError) -> ServiceUnavailable:
    log.error("the hub does not take %s %s: %s", item.kind, item.id, refused.detail)
    return ServiceUnavailable("it is kept, but the hub does not show it", remedy="the log of the hub has the reason")


class _Shaper:
    """Values by name as attributes by IRI, in the shape of their model."""

    def __init__(self, library: Library, package: Package, model: Model) -> None:
        self._library, self._package, self._model = library, package, model

    def shaped(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """What is None or empty is left out."""
        there = {name: value for name, value in values.items() if value not in (None, "", [], {})}
        return {
            self._model.attributes[name].iri: self._instance(self._model.attributes[name], value)
            for name, value in there.items()
        }

    def _instance(self, attribute: Attribute, value: Any) -> dict[str, Any]:  # noqa: ANN401  JSON of many shapes
        shaped = self._shape(attribute, value)
        if attribute.name in _OWN:
            shaped[DATA_CLASS] = {"type": "Property", "value": "none"}
        return shaped

    def _shape(self, attribute: Attribute, value: Any) -> dict[str, Any]:  # noqa: ANN401  JSON of many shapes
        if isinstance(value, dict):
            return {"type": "LanguageProperty", "languageMap": value}
        kind = attribute.kinds[0]
        if kind == "VocabProperty":
            words = {one.name: one.iri for one in self._library.vocabulary(self._package, attribute.vocabulary).words}
            many = isinstance(value, list)
            return {"type": kind, "vocab": [words.get(one, one) for one in value] if many else words.get(value, value)}
        member = {"Relationship": "object", "ListRelationship": "objectList", "ListProperty": "valueList"}
        if kind == "ListRelationship":
            value = [{"object": one} for one in value]
        return {"type": kind, member.get(kind, "value"): value}


def _recipient(body: Mapping[str, Any]) -> dict[str, Any]:
    kinds = [f"{one['kind']} {one['number']}" for one in body.get("evidence", [])]
    own = ("name", "recipientClass", "legalEntityNumber", "country", "purposes", "ethicsDecision")
    return {
        **{name: body.get(name) for name in own},
        "contactPoint": body.get("contact"), "recipientState": body["state"], "evidence": kinds,
        "evidenceValidUntil": evidence_until(body), "contractUntil": contract_until(body),
    }  # fmt: skip


def _decision(body: Mapping[str, Any]) -> dict[str, Any]:
    own = ("name", "ethicsOutcome", "conditions", "decidedAt", "validUntil", "viewpoints", "revokedAt")
    return {**{name: body.get(name) for name in own}, "description": body.get("summary"), "reviewOf": body["about"]}


def _offer(body: Mapping[str, Any]) -> dict[str, Any]:
    own = (
        "name", "description", "dataItems", "purposes", "recipientClasses", "recipients", "reservePrice",
        "priceCurrency", "priceRuleVersion", "validFrom", "validUntil", "benefit", "ethicsDecision",
    )  # fmt: skip
    return {**{name: body.get(name) for name in own}, "assigner": "urn:misono:bank", "offerState": body["state"]}


def _request(body: Mapping[str, Any]) -> dict[str, Any]:
    own = (
        "name", "description", "recipient", "purpose", "dataItems", "peopleWanted", "bidPrice", "priceCurrency",
        "validFrom", "validUntil", "retention", "benefit",
    )  # fmt: skip
    return {**{name: body.get(name) for name in own}, "requestState": body["state"]}


def _disclosure(body: Mapping[str, Any]) -> dict[str, Any]:
    own = (
        "dataSubject", "recipient", "purpose", "dataItems", "legalBasis", "disclosedAt", "disclosedUntil",
        "recordCount", "decision", "epoch",
    )  # fmt: skip
    return {**{name: body.get(name) for name in own}, "consent": (body.get("consents") or [None])[0]}


_VALUES: Final[Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]] = {
    "recipient": _recipient, "decision": _decision, "offer": _offer, "request": _request, "disclosure": _disclosure,
}  # fmt: skip
