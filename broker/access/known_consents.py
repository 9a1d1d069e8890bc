"""What the entities of one tenant say that decisions are made from, found by who asks. In memory, changed in place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from broker.access.grants import (
    CONSENT,
    RECIPIENT,
    Consent,
    Granted,
    ReadItem,
    Recipient,
    consents_in,
    recipient_in,
)
from broker.access.household import DELEGATION, EMERGENCY, Delegation, Running, delegations_in, emergency_in
from broker.model.entity import Document, as_list
from broker.model.values import Instant
from broker.ports.consents import Emergency, Grant

_Asked = tuple[str, str]
"""A recipient and a purpose."""
_DISTANT: Final = 1 << 62


class Known:
    """Consents by recipient and purpose, recipients, delegations by delegate, emergencies; each by its entity's id."""

    def __init__(self, item_of: ReadItem) -> None:
        self._item_of = item_of
        self._consents: dict[str, list[Consent]] = {}
        self._recipients: dict[str, Recipient] = {}
        self._delegations: dict[str, list[Delegation]] = {}
        self._emergencies: dict[str, Running] = {}
        self._ids: set[str] = set()
        self._granted: dict[_Asked, dict[str, tuple[Grant, ...]]] = {}
        self._lent: set[_Asked] = set()

    def holds(self, entity_id: str) -> bool:
        """Whether something was read of this entity."""
        return entity_id in self._ids

    def put(self, entity_id: str, document: Document) -> None:
        """Take in an entity as it is now."""
        self.drop(entity_id)
        types = as_list(document["type"])
        self._ids.add(entity_id)
        if CONSENT in types:
            self._consents[entity_id] = consents_in(document, self._item_of)
            for one in self._consents[entity_id]:
                self._add(one)
        if RECIPIENT in types and (recipient := recipient_in(document)) is not None:
            self._recipients[entity_id] = recipient
        if DELEGATION in types:
            self._delegations[entity_id] = delegations_in(document)
        if EMERGENCY in types and (emergency := emergency_in(document)) is not None:
            self._emergencies[entity_id] = emergency

    def drop(self, entity_id: str) -> None:
        """There is no such entity any more."""
        for one in self._consents.pop(entity_id, ()):
            self._remove(one)
        self._recipients.pop(entity_id, None)
        self._delegations.pop(entity_id, None)
        self._emergencies.pop(entity_id, None)
        self._ids.discard(entity_id)

    def grants(self, epoch: int, recipient: str, purposes: frozenset[str], now: Instant) -> Granted:
        """What an organisation may have for any of these purposes."""
        held = self._recipients.get(recipient)
        if held is None or held.until <= now:
            return Granted(epoch, {})
        wanted = [one for one in sorted(purposes) if not held.purposes or one in held.purposes]
        found = [(recipient, one) for one in wanted if (recipient, one) in self._granted]
        if len(found) == 1:
            self._lent.add(found[0])
            return Granted(epoch, self._granted[found[0]])
        return Granted(epoch, _merged(self._granted[one] for one in found))

    def acting_for(self, subject: str, now: Instant) -> frozenset[str]:
        """Themself, and for whom they act now."""
        others = {
            one.subject
            for found in self._delegations.values()
            for one in found
            if one.delegate == subject and one.holds(now)
        }
        return frozenset({subject, *others})

    def emergencies(self, principal: str, now: Instant) -> tuple[Emergency, ...]:
        """Those of somebody that run now."""
        return tuple(one.emergency for one in self._emergencies.values() if one.holds(principal, now))

    def asked(self) -> list[tuple[str, str]]:
        """Recipients and purposes for which somebody consented."""
        return sorted(one for one, by_subject in self._granted.items() if by_subject)

    def next_moment(self, now: Instant) -> Instant:
        """When a recipient, a delegation or an emergency begins or ends next."""
        moments = [one.until for one in self._recipients.values()]
        for running in self._emergencies.values():
            moments += [running.since, running.emergency.until]
        for found in self._delegations.values():
            moments += [at for one in found for at in (one.since, one.until) if at is not None]
        return min((at for at in moments if at > now), default=_DISTANT)

    def _add(self, one: Consent) -> None:
        self._change(one, lambda held: (*held, one.grant))

    def _remove(self, one: Consent) -> None:
        self._change(one, lambda held: tuple(grant for grant in held if grant is not one.grant))

    def _change(self, one: Consent, change: Callable[[tuple[Grant, ...]], tuple[Grant, ...]]) -> None:
        """Another mapping where the one there is in somebody's hands."""
        asked = (one.recipient, one.purpose)
        by_subject = self._granted.get(asked, {})
        if asked in self._lent:
            by_subject = dict(by_subject)
            self._lent.discard(asked)
        held = change(by_subject.get(one.grant.subject, ()))
        if held:
            by_subject[one.grant.subject] = held
        else:
            by_subject.pop(one.grant.subject, None)
        self._granted[asked] = by_subject


def _merged(several: Iterable[dict[str, tuple[Grant, ...]]]) -> dict[str, tuple[Grant, ...]]:
    found: dict[str, tuple[Grant, ...]] = {}
    for one in several:
        for subject, held in one.items():
            found[subject] = tuple(dict.fromkeys((*found.get(subject, ()), *held)))
    return found
