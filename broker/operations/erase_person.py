"""Erasing a person: all that is about them, wherever it stands, but for what the law has kept; the places are told.

    erase_person(broker, call, Person("urn:misono:subject:8f2c", keep=frozenset({CONSENT_RECORD})))
    -> ErasedPerson(gone={"": {"entity": 3, "instance": 105_120, "change_log": 12}}, erased=(…), kept={"urn:…": (…)})

What is about others as well goes only once all of them asked for it: until then it stays, and nobody has everybody's
consent for it any more. Instances that name the person themselves go from entities that are about others.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from broker.errors import BadRequestData
from broker.operations.broker import Broker, Call
from broker.operations.erase import erase_all
from broker.operations.erase_parts import erase_parts_of
from broker.operations.identifiers import require_uri
from broker.operations.snapshots import places_of
from broker.ports.erasures import ErasedPerson

log = logging.getLogger("misono.erase")
SUBJECT_MAX = 200


@dataclass(frozen=True, slots=True)
class Person:
    """Who is to be erased; entities of the types `keep` (IRIs) stay. `agreed`: others who asked for the same before."""

    subject: str
    keep: frozenset[str] = frozenset()
    agreed: frozenset[str] = frozenset()


def about_person(broker: Broker, call: Call, subject: str) -> dict[str, frozenset[str]]:
    """Every entity of the tenant that is, or was, about a person, with all whom it is about.

    Only who sees everything is answered: anybody else is told of nobody.
    """
    _require(subject)
    if call.restriction.view is not None or not broker.tenants.exists(call.tenant):
        return {}
    return dict(broker.history.about(call.tenant, subject))


def erase_person(broker: Broker, call: Call, person: Person) -> ErasedPerson:
    """Erase; durable on return. Raises BadRequestData for what is no pseudonym."""
    subject, tenant = person.subject, call.tenant
    _require(subject)
    made = ErasedPerson(broker.new_id(), subject, broker.clock.now())
    if not broker.tenants.exists(tenant):
        return made
    about: dict[str, frozenset[str]] = {}
    parts: dict[str, tuple[str, ...]] = {}
    for place in (tenant, *places_of(broker, tenant)):
        found = broker.history.about(place, subject)
        parts[place] = tuple(one for one, whose in found.items() if not whose)
        for entity_id, whose in found.items():
            about[entity_id] = about.get(entity_id, frozenset()) | whose
    kept = _kept(broker, tenant, about, person.keep)
    alone = {subject, *person.agreed}
    joint = tuple(one for one, whose in about.items() if whose - alone and one not in kept)
    erased = tuple(one for one, whose in about.items() if whose and whose <= alone and one not in kept)
    broker.erasures.note(
        tenant, made.at, subject, *erased, keep=person.keep
    )  # first: what is cut short is erased by a restore
    gone, maps = erase_all(broker, tenant, erased) if erased else ({}, 0)
    for place, held in parts.items():
        erase_parts_of(broker, place, subject, held)
    named = tuple(sorted({one for held in parts.values() for one in held}))
    log.info("erasure %s of a person in tenant %r: %d entities, %d in part", made.id, tenant, len(erased), len(named))
    return ErasedPerson(made.id, subject, made.at, gone, erased, named, joint, kept, maps)


def _kept(
    broker: Broker, tenant: str, about: Mapping[str, frozenset[str]], keep: frozenset[str]
) -> dict[str, tuple[str, ...]]:
    if not keep:
        return {}
    there = broker.entities.get_many(tenant, list(about))
    return {one: tuple(held.types) for one, held in there.items() if not keep.isdisjoint(held.types)}


def _require(subject: str) -> None:
    require_uri(subject, "/subject")
    if len(subject) > SUBJECT_MAX:
        raise BadRequestData(f"a pseudonym has {SUBJECT_MAX} characters at most", pointer="/subject")
