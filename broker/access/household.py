"""Who may look for whom, and who may look without consent, as the entities of a tenant say it. Pure.

A ConsentDelegation says that somebody (`delegate`) acts for a person (`dataSubject`): a guardian, a parent, whom they
asked. An EmergencyAccess says that somebody looks without consent: who, at whom, until when, and why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from broker.access.reading import DEF, instant_of, text_of, texts_of, word_of
from broker.model.entity import Document, instances
from broker.model.subjects import DATA_SUBJECT
from broker.model.values import Instant
from broker.ports.consents import Emergency

DELEGATION: Final = DEF + "ConsentDelegation"
EMERGENCY: Final = DEF + "EmergencyAccess"
ACTIVE, SEES, RUNNING = "delegationActive", "maySee", "emergencyRunning"
"""Words of the models: a delegation that holds, that lets look; an emergency that goes on."""


@dataclass(frozen=True, slots=True)
class Delegation:
    """Somebody acts for somebody from `since` until `until`."""

    delegate: str
    subject: str
    since: Instant
    until: Instant | None

    def holds(self, now: Instant) -> bool:
        """Whether it does now."""
        return self.since <= now and (self.until is None or now < self.until)


def delegations_in(document: Document) -> list[Delegation]:
    """Who may look for whom by a ConsentDelegation: nobody where it has ended, or is about deciding alone."""
    scopes = {one.rpartition("/")[2] for one in texts_of(document, DEF + "delegationScope")}
    if word_of(document, DEF + "delegationState") != ACTIVE or SEES not in scopes:
        return []
    since = instant_of(document, DEF + "validFrom")
    until = instant_of(document, DEF + "validUntil")
    delegates, subjects = texts_of(document, DEF + "delegate"), texts_of(document, DATA_SUBJECT)
    return [Delegation(one, subject, since or 0, until) for one in delegates for subject in subjects]


@dataclass(frozen=True, slots=True)
class Running:
    """An emergency from `since` on."""

    since: Instant
    emergency: Emergency

    def holds(self, principal: str, now: Instant) -> bool:
        """Whether it is one of this principal, and goes on now."""
        return self.emergency.principal == principal and self.since <= now < self.emergency.until


def emergency_in(document: Document) -> Running | None:
    """What an EmergencyAccess says; None where it is over, or says too little."""
    until, by = instant_of(document, DEF + "validUntil"), text_of(document, DEF + "accessedBy")
    subjects = frozenset(texts_of(document, DATA_SUBJECT))
    everybody = [one.get("value") for one in instances(document.get(DEF + "coversEverybody"))] == [True]
    if word_of(document, DEF + "emergencyState") != RUNNING or until is None or not by or everybody == bool(subjects):
        return None
    since = instant_of(document, DEF + "validFrom") or 0
    reason = text_of(document, DEF + "emergencyReason")
    return Running(since, Emergency(str(document["id"]), by, subjects, until, reason))
