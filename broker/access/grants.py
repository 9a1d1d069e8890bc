"""What a ConsentRecord allows, and whether its recipient may receive anything, as their entities say it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from broker.access.reading import DEF, instant_of, text_of, texts_of, word_of
from broker.model.entity import Document
from broker.model.subjects import DATA_SUBJECT
from broker.model.values import Instant
from broker.ports.consents import ANY, Grant, Item

CONSENT: Final = DEF + "ConsentRecord"
RECIPIENT: Final = DEF + "RecipientOrganisation"
VALID: Final = frozenset({"ConsentGiven", "RenewedConsentGiven"})
"""States in which a consent holds."""
_NEVER: Final = frozenset({"recipientApplied", "recipientSuspended", "recipientEnded"})
_DISTANT: Final = 1 << 62

ReadItem: TypeAlias = Callable[[str, str], Item | None]
"""The item that a text names, with the granularity where it says none."""


@dataclass(frozen=True, slots=True)
class Consent:
    """A grant, to whom and for what."""

    recipient: str
    purpose: str
    grant: Grant


@dataclass(frozen=True, slots=True)
class Recipient:
    """An organisation: until when it may receive (exclusive), and for which purposes (none: any)."""

    until: Instant
    purposes: frozenset[str]


def consents_in(document: Document, item_of: ReadItem) -> list[Consent]:
    """What a ConsentRecord allows now or later: nothing where it is no consent any more, or names nothing known."""
    if word_of(document, DEF + "consentState") not in VALID:
        return []
    granularity = word_of(document, DEF + "granularity")
    found = (item_of(text, granularity) for text in texts_of(document, DEF + "dataItems"))
    items = _shared(frozenset(one for one in found if one is not None))
    since, subject = instant_of(document, DEF + "validFrom"), text_of(document, DATA_SUBJECT)
    recipients, purposes = texts_of(document, DEF + "recipient"), texts_of(document, DEF + "purpose")
    ends = [document.get(DEF + name) is None or instant_of(document, DEF + name) is not None for name in _TIMES]
    if not items or since is None or not subject or not all(ends):
        return []
    until, covers_from, covers_to = (instant_of(document, DEF + name) for name in _TIMES)
    grant = Grant(str(document["id"]), subject, items, since, until, covers_from, covers_to)
    return [Consent(recipient, purpose, grant) for recipient in recipients for purpose in purposes]


_TIMES: Final = ("validUntil", "coversObservationsFrom", "coversObservationsUntil")


def recipient_in(document: Document) -> Recipient | None:
    """What a RecipientOrganisation says; None where it may receive nothing."""
    if word_of(document, DEF + "recipientState") in _NEVER:
        return None
    until = _DISTANT
    for name in (DEF + "evidenceValidUntil", DEF + "contractUntil"):
        if name in document:
            until = min(until, instant_of(document, name) or 0)
    return Recipient(until, frozenset(texts_of(document, DEF + "purposes")))


@lru_cache(maxsize=4_096)
def _shared(items: frozenset[Item]) -> frozenset[Item]:
    """One set for all who consented to the same."""
    return items


class Granted:
    """The port Grants over an index of one recipient and some purposes; it is never changed once it is made."""

    __slots__ = ("_by_subject", "_epoch")

    def __init__(self, epoch: int, by_subject: Mapping[str, tuple[Grant, ...]]) -> None:
        self._epoch, self._by_subject = epoch, by_subject

    @property
    def epoch(self) -> int:
        """As the port says."""
        return self._epoch

    def of(self, subject: str, type_: str, attribute: str) -> tuple[Grant, ...]:
        """As the port says."""
        found = self._by_subject.get(subject)
        if found is None:
            return ()
        return tuple(one for one in found if _names(one.items, type_, attribute))

    def subjects(self) -> frozenset[str]:
        """As the port says."""
        return frozenset(self._by_subject)


@lru_cache(maxsize=65_536)
def _names(items: frozenset[Item], type_: str, attribute: str) -> bool:
    return any(item.type == type_ and item.attribute in (attribute, ANY) for item in items)
