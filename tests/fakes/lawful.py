"""The law of access by the book: who sees what, in the plainest words, for tests to hold the policy against.

Nothing here is shared with broker.access: a city's consents are given as they were drawn, not as entities say them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from broker.model.entity import Entity, Instance, instances, member
from broker.model.values import Instant, to_instant
from broker.ports import Principal

DEF = "https://misono.example/def/"
SUBJECT, CLASS = DEF + "dataSubject", DEF + "dataClass"
STRENGTH = ["none", "anonymised", "pseudonymised", "personal", "special-care"]
FINENESS = ["raw", "hourly", "daily", "monthly", "aggregate"]


@dataclass(frozen=True)
class Consented:
    """One consent; `items` are (type, attribute or *, granularity)."""

    subject: str
    recipient: str
    purpose: str
    items: Sequence[tuple[str, str, str]]
    since: Instant
    until: Instant | None = None
    covers_from: Instant | None = None
    covers_to: Instant | None = None


@dataclass(frozen=True)
class Acting:
    """Somebody may look for somebody."""

    delegate: str
    subject: str
    since: Instant
    until: Instant | None = None


@dataclass(frozen=True)
class Urgent:
    """Somebody looks without consent, at these (none: at everybody)."""

    principal: str
    subjects: frozenset[str]
    since: Instant
    until: Instant


@dataclass
class Law:
    """What holds in a tenant: the classes of each type's attributes, and who allowed what."""

    types: Mapping[str, Mapping[str, str]]
    now: Instant
    personal: bool = False
    consents: list[Consented] = field(default_factory=list)
    receiving: dict[str, Instant] = field(default_factory=dict)
    """Organisations that may receive, and until when."""
    acting: list[Acting] = field(default_factory=list)
    urgent: list[Urgent] = field(default_factory=list)

    def left(self, entity: Entity, who: Principal) -> Entity | None:
        """The entity as if it had never had what they may not see."""
        if "system" in who.roles:
            return entity
        verdicts = {
            name: [self._verdict(entity, name, one, who) for one in instances(value)]
            for name, value in entity.document.items()
            if name not in ("id", "type", "scope")
        }
        another = any("shown" in found for name, found in verdicts.items() if name != SUBJECT)
        kept: dict[str, Any] = {}
        hidden = False
        for name, value in entity.document.items():
            if name not in verdicts:
                kept[name] = value
                continue
            found = list(zip(instances(value), verdicts[name], strict=True))
            stay = [one for one, said in found if said in ("shown", "near") or (said == "hangs" and another)]
            bare = [self._bare(entity, name, one, who) for one in stay]
            hidden = hidden or len(stay) < len(found) or bare != stay
            if stay:
                kept[name] = member(bare)
        if not hidden:
            return entity
        if not kept.keys() - {"id", "type", "scope"}:
            return None
        changed = [_changed(one) or entity.created_at for name in verdicts for one in instances(kept.get(name))]
        return Entity(kept, entity.created_at, max([entity.created_at, *changed]), entity.expires_at, 0)

    def _verdict(self, entity: Entity, name: str, one: Instance, who: Principal) -> str:
        about, found = self._about(entity, name, one), self._class(entity, name, one)
        if found == "unknown":
            return "hidden"
        if found == "anonymised" or (found == "none" and not about):
            return "shown"
        if found == "none":
            return "near" if about & self._looks_for(who) or self._is_urgent(about, who) else "hangs"
        return "shown" if self._may_see(entity, (name, one), (found, about), who) else "hidden"

    def _may_see(
        self, entity: Entity, of: tuple[str, Instance], what: tuple[str, frozenset[str]], who: Principal
    ) -> bool:
        (name, one), (found, about) = of, what
        if about & self._looks_for(who):
            return True
        if found == "pseudonymised" or not about:
            return False
        if "recipient" in who.roles and self.receiving.get(who.recipient, 0) > self.now:
            for purpose in who.purposes:
                if all(self._granted(entity, (name, one), found, (person, who.recipient, purpose)) for person in about):
                    return True
        return self._is_urgent(about, who)

    def _granted(self, entity: Entity, of: tuple[str, Instance], found: str, to: tuple[str, str, str]) -> bool:
        name, one = of
        said = one.get("observedAt")
        at = to_instant(said) if isinstance(said, str) else _changed(one)
        at = entity.created_at if at is None else at
        for consent in self.consents:
            if (consent.subject, consent.recipient, consent.purpose) != to:
                continue
            if not (consent.since <= self.now and (consent.until is None or self.now < consent.until)):
                continue
            if (consent.covers_from or 0) > at or (consent.covers_to is not None and at >= consent.covers_to):
                continue
            for type_, attribute, granularity in consent.items:
                named = attribute == name or (attribute == "*" and found != "special-care")
                if type_ in entity.types and named and granularity == "raw":
                    return True
        return False

    def _bare(self, entity: Entity, name: str, one: Instance, who: Principal) -> Instance:
        """An instance's own subjects are judged as the attribute would be that says them."""
        if SUBJECT not in one or name == SUBJECT:
            return one
        about = _named(one[SUBJECT])
        if about & self._looks_for(who) or self._may_see(entity, (SUBJECT, one), ("personal", about), who):
            return one
        if self._class(entity, name, one) == "none" and about and self._is_urgent(about, who):
            return one
        return {sub: value for sub, value in one.items() if sub != SUBJECT}

    def _about(self, entity: Entity, name: str, one: Instance) -> frozenset[str]:
        if SUBJECT in one and name != SUBJECT:
            return _named(one[SUBJECT])
        return _named(entity.document.get(SUBJECT))

    def _class(self, entity: Entity, name: str, one: Instance) -> str:
        if CLASS in one:
            said: Any = one[CLASS]
            return str(said.get("value", said.get("vocab")))
        known = [self.types[type_] for type_ in entity.types if type_ in self.types]
        classes = [found.get(name, "none") for found in known]
        if not known and self.personal:
            return "unknown"
        classes.append("personal" if name == SUBJECT else "none")
        return max(classes, key=STRENGTH.index)

    def _looks_for(self, who: Principal) -> frozenset[str]:
        if "resident" not in who.roles or not who.subject:
            return frozenset()
        others = {
            one.subject
            for one in self.acting
            if one.delegate == who.subject and one.since <= self.now and (one.until is None or self.now < one.until)
        }
        return frozenset({who.subject, *others})

    def _is_urgent(self, about: frozenset[str], who: Principal) -> bool:
        return any(
            one.principal == who.name
            and one.since <= self.now < one.until
            and (not one.subjects or about <= one.subjects)
            for one in self.urgent
        )


def _named(value: Any) -> frozenset[str]:
    found: set[str] = set()
    for one in instances(value):
        for part in ("value", "object", "valueList"):
            held: Any = one.get(part, [])
            found.update(held if isinstance(held, list) else [held])
    return frozenset(found)


def _changed(one: Instance) -> Instant | None:
    said = one.get("modifiedAt") or one.get("createdAt")
    return to_instant(said) if isinstance(said, str) else None
