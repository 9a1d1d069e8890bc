"""How consents are told in answers: the members of their models, with what people call things in ja and en."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from broker.model.values import Instant, Json, to_text
from datamodels.library import Library
from services.consents.items import PACKAGE, known_items, purpose_label
from services.consents.states import Event, Record

_INNER: Final = frozenset({"terms", "joint", "dataItems", "consentGivenBy", "notice"})


def told_record(record: Record, now: Instant, library: Library) -> dict[str, Json]:
    """One consent."""
    label = purpose_label(library, record.purpose)
    return {
        "id": record.id, "subject": record.subject, "recipient": record.recipient, "purpose": record.purpose,
        "purposeLabel": {"ja": label.ja, "en": label.en}, "state": record.state.value,
        "stateLabel": state_label(library, record.state.value), "holds": record.holds(now), "version": record.version,
        "at": to_text(record.at), "dataItems": [one.told() for one in known_items(library, record.items)],
        "terms": record.body.get("terms"), "household": "joint" in record.body,
        **{name: value for name, value in record.body.items() if name not in _INNER},
    }  # fmt: skip


def state_label(library: Library, state: str) -> dict[str, Json]:
    """What people call a state."""
    words = library.packages[PACKAGE].vocabularies["consentState"].words
    return next({"ja": word.label.ja, "en": word.label.en} for word in words if word.name == state)


def told_event(event: Event, actors: Mapping[int, str]) -> dict[str, Json]:
    """One row of the history: who did it, and, where they acted for another, both."""
    changed = {name: value for name, value in event.changed.items() if name not in ("person", "consentGivenBy")}
    by = actors.get(event.actor) or event.by
    return {"version": event.version, "at": to_text(event.at), "act": event.act.value, "by": by, "changed": changed}


def told_matrix(records: Iterable[Record], now: Instant, library: Library) -> dict[str, Json]:
    """What a person allows now, a row for each recipient, purpose and item."""
    rows: list[Json] = []
    for record in records:
        if not record.holds(now):
            continue
        label = purpose_label(library, record.purpose)
        rows += [
            {
                **one.told(), "granularity": one.granularity, "recipient": record.recipient, "purpose": record.purpose,
                "purposeLabel": {"ja": label.ja, "en": label.en}, "recipientName": record.body.get("recipientName"),
                "validFrom": record.body.get("validFrom"), "validUntil": record.body.get("validUntil"),
                "coversObservationsFrom": record.body.get("coversObservationsFrom"),
                "coversObservationsUntil": record.body.get("coversObservationsUntil"), "record": record.id,
            }
            for one in known_items(library, record.items)
        ]  # fmt: skip
    return {"default": "off", "allowed": rows}
