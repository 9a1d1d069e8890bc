"""Why somebody sees an instance or does not, in words of rules and records, without values and without names.

explained(policy, "misono", entity, who)      each instance: its class, whether it is shown, the rule, the consents
seers(policy, "misono", entity, attribute)    each organisation and purpose that may see an attribute now, and why
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from broker.access.consented import RECIPIENT, ConsentPolicy
from broker.access.deciding import NO_GRANT, at_of
from broker.access.labels import SPECIAL_CARE, Profile, subjects_in
from broker.access.remaining import HANGS, Why
from broker.model.entity import ENTITY_MEMBERS, Entity, Instance, instances
from broker.model.subjects import DATA_SUBJECT
from broker.model.values import Instant, Json, to_text
from broker.ports import Principal
from broker.ports.consents import ANY, GRANULARITIES, Grant, Grants

RULES: Final = {
    "public": "it is about nobody",
    "anonymised": "it is anonymised",
    "own": "they are whom it is about, or act for them",
    "near": "it is not personal, of somebody whose data they may see",
    "hangs": "it is not personal, and is seen by who sees another attribute of the entity",
    "consent": "everybody whom it is about consented",
    "emergency": "an emergency access covers everybody whom it is about",
    "without-subject": "it is personal, and nothing says whom it is about",
    "pseudonymised": "it is pseudonymised: only whom it is about see it",
    "untagged": "no installed package knows the type, in a tenant of persons",
    "no-grant": "not everybody whom it is about consented for this organisation and purpose, and no emergency runs",
    "system": "they are a part of the hub",
}


def explained(policy: ConsentPolicy, tenant: str, entity: Entity, who: Principal) -> dict[str, Json]:
    """What somebody sees of an entity now, instance by instance, and why."""
    restriction = policy.restrict(who, tenant, "explain")
    seen = restriction.show(entity)
    decider = policy.decider(who, tenant)
    profile = policy.profile(entity.document["type"])
    told: list[Json] = []
    for name, value in entity.document.items():
        if name not in ENTITY_MEMBERS:
            left = [] if seen is None else [one.get("datasetId") for one in seen.instances(name)]
            for one in instances(value):
                shown = one.get("datasetId") in left
                why = Why(shown, "system") if restriction.view is None else decider.decide(entity, name, one)
                told.append(_told(policy, (tenant, entity, who), (profile, name, one), (why, shown)))
    return {
        "entity": entity.id, "type": list(entity.types), "exists": seen is not None, "known": profile.known,
        "epoch": policy.consents.epoch(tenant), "at": to_text(policy.now()), "purposes": _sorted(who.purposes),
        "attributes": told,
    }  # fmt: skip


def seers(policy: ConsentPolicy, tenant: str, entity: Entity, attribute: str) -> list[Json]:
    """Organisations that may see some instance of an attribute as it is measured, by the consents as they are now."""
    found: list[Json] = []
    for recipient, purpose in policy.asked(tenant):
        who = Principal("explained", frozenset({purpose}), frozenset({RECIPIENT}), None, recipient)
        decider = policy.decider(who, tenant)
        records: set[str] = set()
        for one in entity.instances(attribute):
            why = decider.decide(entity, attribute, one)
            records.update(record for _, record in why.rests)
        if records:
            found.append({"recipient": recipient, "purpose": purpose, "records": _sorted(records)})
    return found


def _told(
    policy: ConsentPolicy, asked: tuple[str, Entity, Principal], what: tuple[Profile, str, Instance],
    decided: tuple[Why, bool],
) -> dict[str, Json]:  # fmt: skip
    tenant, entity, who = asked
    profile, name, one = what
    why, shown = decided
    about = subjects_in(one[DATA_SUBJECT]) if DATA_SUBJECT in one and name != DATA_SUBJECT else _about(entity)
    told: dict[str, Json] = {
        "attribute": name, "class": profile.class_of(name, one), "persons": len(about), "shown": shown,
        "rule": why.rule, "because": RULES[why.rule], "records": _sorted({record for _, record in why.rests}),
    }  # fmt: skip
    if "datasetId" in one:
        told["datasetId"] = one["datasetId"]
    if why is NO_GRANT:
        told["missing"] = [*_missing(policy, (tenant, entity, who), what, about)]
    elif why is HANGS and not shown:
        told["because"] = f"{RULES['hangs']}: they see none"
    return told


def _sorted(several: Iterable[str]) -> list[Json]:
    found: list[Json] = list(several)
    return sorted(found, key=str)


def _about(entity: Entity) -> frozenset[str]:
    held = entity.document.get(DATA_SUBJECT)
    return frozenset() if held is None else subjects_in(held)


def _missing(
    policy: ConsentPolicy, asked: tuple[str, Entity, Principal], what: tuple[Profile, str, Instance],
    about: frozenset[str],
) -> list[Json]:  # fmt: skip
    """What stands in the way, for each purpose: of consents that come near, why they do not do."""
    tenant, entity, who = asked
    if RECIPIENT not in who.roles or not who.recipient:
        return ["they are no organisation that receives data"]
    if not who.purposes:
        return ["no purpose was stated"]
    found: list[Json] = []
    for purpose in sorted(who.purposes):
        grants = policy.consents.grants(tenant, who.recipient, frozenset({purpose}))
        if not grants.subjects():
            found.append(f"{purpose}: nobody consented, or the organisation may receive nothing")
            continue
        reasons = {reason for person in sorted(about) for reason in _reasons(policy, grants, person, (entity, *what))}
        found += [f"{purpose}: {reason}" for reason in sorted(reasons)]
    return found


def _reasons(
    policy: ConsentPolicy, grants: Grants, person: str, what: tuple[Entity, Profile, str, Instance]
) -> list[str]:
    """Why none of a person's grants does; nothing where one does."""
    entity, profile, name, one = what
    near = [grant for type_ in profile.types for grant in grants.of(person, type_, name)]
    if not near:
        return ["somebody whom it is about did not consent"]
    found = [_reason(grant, (policy.now(), at_of(entity, one)), (profile, name, one)) for grant in near]
    return [] if "" in found else found


def _reason(grant: Grant, when: tuple[Instant, Instant], what: tuple[Profile, str, Instance]) -> str:
    (now, at), (profile, name, one) = when, what
    items = [item for item in grant.items if item.type in profile.types and item.attribute in (name, ANY)]
    if profile.class_of(name, one) == SPECIAL_CARE:
        items = [item for item in items if item.attribute != ANY]
    if not items:
        return f"{grant.record} is for everything, which leaves out what needs special care"
    if all(item.granularity != GRANULARITIES[0] for item in items):
        finest = min((item.granularity for item in items), key=GRANULARITIES.index)
        return f"{grant.record} is for {finest} values and coarser ones"
    if grant.since > now:
        return f"{grant.record} is not valid yet"
    if grant.until is not None and grant.until <= now:
        return f"{grant.record} is not valid any more"
    covered = (grant.covers_from or 0) <= at and (grant.covers_to is None or at < grant.covers_to)
    return "" if covered else f"{grant.record} does not cover when this was observed"
