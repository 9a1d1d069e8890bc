"""A consent as a record of ISO/IEC TS 27560 in DPV 2 terms (JSON-LD), and as Kantara's Consent Receipt 1.1. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from broker.model.values import Json, to_text
from datamodels.library import Library
from datamodels.source import Text
from services.consents.configured import Controller
from services.consents.items import Item, known_items, purpose_label
from services.consents.states import Event, Record, apply

SCHEMA: Final = "https://w3id.org/dpv/schema/iso-27560#"
CONTEXT: Final[dict[str, Json]] = {
    "dpv": "https://w3id.org/dpv#", "dct": "http://purl.org/dc/terms/", "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "xsd": "http://www.w3.org/2001/XMLSchema#", "schema": "https://schema.org/",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """What there is to tell of a consent: it, its events so far, the pseudonyms of who acted, by their numbers."""

    record: Record
    events: Sequence[Event]
    actors: Mapping[int, str]
    library: Library
    controller: Controller
    public_url: str

    @property
    def items(self) -> tuple[Item, ...]:
        """Its data items."""
        return known_items(self.library, self.record.items)

    @property
    def purpose(self) -> Text:
        """What people call its purpose."""
        return purpose_label(self.library, self.record.purpose)

    @property
    def withdrawal(self) -> str:
        """Where it is withdrawn."""
        return f"{self.public_url}/services/consents/withdraw"


def record_document(known: Known) -> dict[str, Json]:
    """The record as JSON-LD."""
    record, body = known.record, known.record.body
    notice = {"@type": "dpv:ConsentNotice", "@id": body.get("privacyNotice", ""), "dct:language": _language(body)}
    return {
        "@context": CONTEXT, "@id": record.id, "@type": "dpv:ConsentRecord", "dct:identifier": record.id,
        "dct:conformsTo": {"@id": f"{SCHEMA}record"}, "dct:hasVersion": body.get("termsVersion"),
        "dpv:hasDataSubject": {"@type": "dpv:DataSubject", "@id": record.subject},
        "dpv:hasNotice": notice, "dpv:hasProcess": _process(known), "dpv:hasConsentStatus": _events(known),
    }  # fmt: skip


def _process(known: Known) -> dict[str, Json]:
    record, body = known.record, known.record.body
    return {
        "@type": "dpv:Process", "dpv:hasLegalBasis": {"@id": "dpv:Consent"}, "dpv:hasProcessing": {"@id": "dpv:Share"},
        "dpv:hasPurpose": {"@id": record.purpose, "rdfs:label": _labels(known.purpose)},
        "dpv:hasPersonalData": [_item(one) for one in known.items],
        "dpv:hasDataController": _controller(known.controller),
        "dpv:hasRecipientThirdParty": {
            "@type": "dpv:ThirdParty", "@id": record.recipient, "schema:name": body.get("recipientName"),
        },
        "dpv:hasStorageCondition": {
            "dpv:hasDuration": body.get("retention"), "dpv:hasLocation": body.get("storageLocation", "JP"),
        },
        "dpv:hasJurisdiction": body.get("jurisdiction", "JP"), "dpv:hasBenefit": body.get("benefit"),
        "dpv:hasConsentControl": {"@type": "dpv:WithdrawConsent", "@id": known.withdrawal},
        "dpv:hasScale": {"profiling": bool(body.get("allowsProfiling")), "reuse": bool(body.get("allowsReprovision"))},
    }  # fmt: skip


def _events(known: Known) -> list[Json]:
    found: list[Json] = []
    record: Record | None = None
    for event in known.events:
        record = apply(record, event)
        by = known.actors.get(event.actor) or event.by or known.record.subject
        found.append({
            "@type": f"dpv:{record.state.value}", "dpv:isIndicatedAtTime": to_text(event.at),
            "dct:type": event.act.value,            "dpv:isIndicatedBy": by, "dct:valid": record.body.get("validUntil"),
        })  # fmt: skip
    return found


def _item(item: Item) -> dict[str, Json]:
    kind = "dpv:SensitivePersonalData" if item.special else "dpv:PersonalData"
    return {"@type": kind, "dct:identifier": item.text, "rdfs:label": _labels(item.label)}


def _labels(text: Text) -> list[Json]:
    return [{"@language": "ja", "@value": text.ja}, {"@language": "en", "@value": text.en}]


def _controller(controller: Controller) -> dict[str, Json]:
    return {
        "@type": "dpv:DataController", "schema:name": controller.name, "schema:address": controller.address,
        "dpv:hasContact": controller.contact, "schema:url": controller.url, "dpv:hasCountry": controller.country,
    }  # fmt: skip


def _language(body: Mapping[str, Json]) -> Json:
    return body.get("noticeLanguage", "ja")


def kantara_document(known: Known) -> dict[str, Json]:
    """The consent as Kantara's Consent Receipt 1.1 has its members."""
    record, body, controller = known.record, known.record.body, known.controller
    language = str(_language(body))
    given = [one.at for one in known.events if one.act in ("give", "renew")] or [record.at]
    purpose: dict[str, Json] = {
        "purpose": getattr(known.purpose, language), "purposeCategory": [record.purpose], "consentType": "EXPLICIT",
        "piiCategory": [getattr(one.label, language) for one in known.items], "primaryPurpose": True,
        "termination": str(body.get("validUntil") or known.withdrawal), "thirdPartyDisclosure": True,
        "thirdPartyName": _text(body.get("recipientName"), language) or record.recipient,
    }  # fmt: skip
    return {
        "version": "KI-CR-v1.1.0", "jurisdiction": body.get("jurisdiction", "JP"),
        "consentTimestamp": given[-1] // 1_000_000, "collectionMethod": str(body.get("consentMethod", "")),
        "consentReceiptID": record.id.rpartition(":")[2], "language": language, "piiPrincipalId": record.subject,
        "piiControllers": [{
            "piiController": controller.name, "onBehalf": False, "contact": controller.contact,
            "address": {"streetAddress": controller.address, "addressCountry": controller.country},
            "piiControllerUrl": controller.url,
        }],
        "policyUrl": str(body.get("privacyNotice", "")),
        "services": [{"service": controller.name, "purposes": [purpose]}],
        "sensitive": any(one.special for one in known.items),
        "spiCat": [one.text for one in known.items if one.special],
    }  # fmt: skip


def _text(value: Json, language: str) -> str:
    return str(value.get(language) or next(iter(value.values()), "")) if isinstance(value, dict) else str(value or "")


def at_version(events: Sequence[Event], version: int) -> Record | None:
    """The record as it was after its event of that number; None where there was no such event."""
    record: Record | None = None
    for event in events:
        if event.version <= version:
            record = apply(record, event)
    return record if record is not None and record.version == version else None
