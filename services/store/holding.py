"""What the hub holds about a person, as they may see it: whole entities of theirs, their part of those of others.

holding.ids("misono", "urn:misono:subject:hana")            -> ["urn:ngsi-ld:HeartRateObservation:hana", …]
holding.entity("misono", "urn:misono:subject:hana", id_)     -> Held(…) or None
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from broker.errors import ResourceNotFound
from broker.model.entity import ENTITY_MEMBERS, instances, member
from broker.model.subjects import DATA_SUBJECT, subjects_of, whose
from broker.model.values import Instant, Json
from broker.ports.hub import Hub, Past

HISTORY_MAX = 200_000
"""Instances of one attribute that a take-out holds at most."""


@dataclass(frozen=True, slots=True)
class Held:
    """An entity: `document` as it is now (None: it is gone), `joint` where it is about others too."""

    id: str
    document: dict[str, Json] | None
    joint: bool = False

    @property
    def types(self) -> Json:
        """Its types."""
        return None if self.document is None else self.document["type"]


class Holding:
    """Looks persons up."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def ids(self, tenant: str, subject: str) -> list[str]:
        """Entities that are, or were, about a person, in the order of their ids."""
        return sorted(self._hub.about(tenant, subject))

    def all(self, tenant: str, subject: str) -> Iterator[Held]:
        """All of them."""
        for entity_id, named in sorted(self._hub.about(tenant, subject).items()):
            yield self._held(tenant, subject, entity_id, named)

    def page(self, tenant: str, subject: str, after: int, limit: int) -> list[tuple[int, Held]]:
        """Some of them, each with its number."""
        about = sorted(self._hub.about(tenant, subject).items())[after : after + limit]
        return [(after + at, self._held(tenant, subject, *one)) for at, one in enumerate(about, 1)]

    def entity(self, tenant: str, subject: str, entity_id: str) -> Held:
        """One of them. Raises ResourceNotFound, alike for another's and for none."""
        named = self._hub.about(tenant, subject).get(entity_id)
        if named is None:
            raise ResourceNotFound("nothing of yours has this id", remedy="/services/store/entities lists what is held")
        return self._held(tenant, subject, entity_id, named)

    def past(self, tenant: str, subject: str, held: Held, since: Instant | None, most: int) -> Past | None:
        """What an entity was, as far as it is theirs."""
        found = self._hub.history(tenant, held.id, since, most)
        if found is None:
            return None
        own = self._hub.about(tenant, subject).get(held.id, frozenset())
        return Past(theirs(found.document, subject, own), found.more)

    def _held(self, tenant: str, subject: str, entity_id: str, named: frozenset[str]) -> Held:
        document = self._hub.entity(tenant, entity_id)
        shown = None if document is None else theirs(document, subject, whose(document))
        return Held(entity_id, shown, joint=bool(named - {subject}))


def theirs(document: Mapping[str, Json], subject: str, own: frozenset[str]) -> dict[str, Json]:
    """What of a document is about a person; `own` is whom its entity is about. Nobody else is named."""
    shown: dict[str, Json] = {}
    for name, value in document.items():
        if name in ENTITY_MEMBERS:
            shown[name] = value
        elif name == DATA_SUBJECT:
            if subject in own:
                shown[name] = {"type": "Property", "value": subject}
        elif left := [one for one in instances(value) if subject in _about(one, own)]:
            shown[name] = member([_unnamed(one, subject) for one in left])
    return shown


def _about(instance: Mapping[str, Json], own: frozenset[str]) -> frozenset[str]:
    return subjects_of(instance[DATA_SUBJECT]) if DATA_SUBJECT in instance else own


def _unnamed(instance: dict[str, Json], subject: str) -> dict[str, Json]:
    if DATA_SUBJECT not in instance:
        return instance
    return {**instance, DATA_SUBJECT: {"type": "Property", "value": subject}}
