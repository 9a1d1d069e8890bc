"""Who sees an instance: the law of access, as a view of an entity. Pure but for the clock that it is given.

The first rule that decides: `anonymised`, or `none` of what is about nobody: everybody. `none` of what is about
persons: who sees at least one of its other attributes. `pseudonymised`: whom it is about. Personal without a subject:
nobody. A resident whom it is about, or who acts for one of them. An organisation with a purpose for which every
subject has a grant. An emergency that covers them all. Otherwise it is hidden, and so is an entity of which nothing is
left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias, cast

from broker.access.labels import (
    ANONYMISED,
    NOBODY,
    NONE,
    PERSONAL,
    PSEUDONYMISED,
    SPECIAL_CARE,
    UNTAGGED,
    Profile,
    Profiles,
    subjects_in,
)
from broker.access.remaining import DISTANT, HANGS, NEAR, Looked, Plan, Why, changed_at, instant
from broker.model.entity import ENTITY_MEMBERS, Document, Entity, Instance
from broker.model.subjects import DATA_CLASS, DATA_SUBJECT
from broker.model.values import Instant, Json
from broker.ports import Clock
from broker.ports.audit import Basis
from broker.ports.consents import ANY, GRANULARITIES, Emergency, Grant, Grants, Item

View: TypeAlias = Callable[[Entity], Entity | None]
RAW: Final = GRANULARITIES[0]


@dataclass(frozen=True, slots=True)
class Rights:
    """What decides about one who asks: for whom they look, what each purpose of theirs was granted, emergencies.

    `profiles` are the types' as they are now; `personal` says that the tenant is one of persons.
    """

    profiles: Profiles
    clock: Clock
    acting: frozenset[str] = NOBODY
    grants: tuple[Grants, ...] = ()
    emergencies: tuple[Emergency, ...] = ()
    personal: bool = False


_Ruled: TypeAlias = tuple[Instant, Why]
"""What was decided, and until when it is of every instance of the kind: 0 where that depends on the instance."""


def _always(*, shown: bool, rule: str) -> _Ruled:
    return DISTANT, Why(shown, rule)


_HANGS: Final = (DISTANT, HANGS)
_NEAR: Final = (DISTANT, NEAR)
_PUBLIC: Final = _always(shown=True, rule="public")
_ANONYMISED: Final = _always(shown=True, rule="anonymised")
_OWN: Final = _always(shown=True, rule="own")
_ABOUT_NOBODY: Final = _always(shown=False, rule="without-subject")
_ONLY_THEIRS: Final = _always(shown=False, rule="pseudonymised")
_UNTAGGED: Final = _always(shown=False, rule="untagged")
NO_GRANT: Final = Why(shown=False, rule="no-grant")
_NO_GRANT: Final = (DISTANT, NO_GRANT)
_What: TypeAlias = tuple[Profile, str, str]
"""The types, the attribute (IRI), the class of the instance."""


class Decider:
    """Decides for one who asks, at one granularity."""

    __slots__ = (
        "_acting",
        "_bases",
        "_clock",
        "_emergencies",
        "_grants",
        "_granularity",
        "_known",
        "_personal",
        "_plans",
        "_profiles",
    )  # fmt: skip

    def __init__(self, rights: Rights, granularity: str = RAW) -> None:
        self._profiles, self._clock = rights.profiles, rights.clock
        self._acting, self._grants, self._emergencies = rights.acting, rights.grants, rights.emergencies
        self._personal, self._granularity = rights.personal, GRANULARITIES.index(granularity)
        self._bases: dict[object, Basis] = {}
        self._known: dict[tuple[frozenset[str], Profile, str, str], _Ruled] = {}
        self._plans: dict[tuple[Profile, frozenset[str], tuple[str, ...]], Plan] = {}

    def view(self, entity: Entity) -> Entity | None:
        """What is left of the entity; None where it does not exist for them.

        Of what is left a second view may leave less: whom it is about may be hidden by then.
        """
        document = entity.document
        profile = self._profiles.of(document["type"])
        if not profile.names.isdisjoint(document) or (self._personal and not profile.known):
            return self._planned(entity, profile)
        for value in document.values():
            if type(value) is dict:
                if DATA_CLASS in value or DATA_SUBJECT in value:
                    return self._looked_at(entity, profile)
            elif type(value) is list and _speaks(value):
                return self._looked_at(entity, profile)
        return entity

    def decide(self, entity: Entity, name: str, instance: Instance) -> Why:
        """What becomes of one instance of an entity, for itself: HANGS where that depends on the others."""
        profile = self._profiles.of(entity.document["type"])
        return self._why(profile, _subjects_of(entity.document), name, (entity, instance))[1]

    def _why(self, profile: Profile, about: frozenset[str], name: str, of: tuple[Entity, Instance]) -> _Ruled:
        """`about` are the entity's subjects."""
        found = profile.class_of(name, of[1])
        if DATA_SUBJECT in of[1] and name != DATA_SUBJECT:
            about = subjects_in(of[1][DATA_SUBJECT])
        if found == UNTAGGED:
            if self._personal:
                return _UNTAGGED
            found = PERSONAL if name == DATA_SUBJECT else NONE
        if found == NONE:
            return self._beside(about) if about else _PUBLIC
        return _ANONYMISED if found == ANONYMISED else self._of_persons((profile, name, found), about, of)

    def _beside(self, about: frozenset[str]) -> _Ruled:
        """Of what is not personal, of persons."""
        if not about.isdisjoint(self._acting):
            return _NEAR
        if not self._emergencies:
            return _HANGS
        return self._moment(), NEAR if self._emergency(about) is not None else HANGS

    def _moment(self) -> Instant:
        """When an emergency ends next."""
        now = self._clock.now()
        return min((one.until for one in self._emergencies if one.until > now), default=DISTANT)

    def _emergency(self, about: frozenset[str]) -> Emergency | None:
        for one in self._emergencies:
            if one.until > self._clock.now() and (not one.subjects or about <= one.subjects):
                return one
        return None

    def _of_persons(self, what: _What, about: frozenset[str], of: tuple[Entity, Instance]) -> _Ruled:
        if not about.isdisjoint(self._acting):
            return _OWN
        if not about or what[2] == PSEUDONYMISED:
            return _ONLY_THEIRS if what[2] == PSEUDONYMISED else _ABOUT_NOBODY
        if not self._grants and not self._emergencies:
            return _NO_GRANT
        key = (about, *what)
        known = self._known.get(key)
        if known is not None and known[0] > self._clock.now():
            return known
        ruled = self._steady_until(what, about), self._consented(what, about, of)
        if ruled[0]:
            if len(self._known) >= _KNOWN_MAX:
                self._known.clear()
            self._known[key] = ruled
        return ruled

    def _consented(self, what: _What, about: frozenset[str], of: tuple[Entity, Instance]) -> Why:
        granted = self._granted(what, about, of)
        if granted is not None:
            return Why(True, "consent", granted)  # noqa: FBT003 - members of a tuple
        if self._emergencies and (emergency := self._emergency(about)) is not None:
            return Why(True, "emergency", tuple((one, emergency.id) for one in sorted(about)))  # noqa: FBT003
        return NO_GRANT

    def _steady_until(self, what: _What, about: frozenset[str]) -> Instant:
        """Until when the same is decided of every instance of the kind; 0 where that depends on the instance."""
        now = self._clock.now()
        moments = [one.until for one in self._emergencies]
        for subject in about:
            for grants in self._grants:
                for grant in (one for type_ in what[0].types for one in grants.of(subject, type_, what[1])):
                    if grant.covers_from is not None or grant.covers_to is not None:
                        return 0
                    moments += [grant.since, DISTANT if grant.until is None else grant.until]
        return min((one for one in moments if one > now), default=DISTANT)

    def _granted(
        self, what: _What, about: frozenset[str], of: tuple[Entity, Instance]
    ) -> tuple[tuple[str, str], ...] | None:
        """A record for each subject, all of one purpose; None where there is none for somebody."""
        now = self._clock.now()
        for grants in self._grants:
            rests = []
            for subject in about if len(about) == 1 else sorted(about):
                record = self._record(grants, subject, what, (now, *of))
                if record is None:
                    break
                rests.append((subject, record))
            else:
                return tuple(rests)
        return None

    def _record(self, grants: Grants, subject: str, what: _What, when: tuple[Instant, Entity, Instance]) -> str | None:
        profile, name, found = what
        for type_ in profile.types:
            for grant in grants.of(subject, type_, name):
                items = grant.items
                if _covers(items, type_, name, found == SPECIAL_CARE, self._granularity) and _holds(grant, *when):
                    return grant.record
        return None

    def _planned(self, entity: Entity, profile: Profile) -> Entity | None:
        """As the plan for entities like it says; one is made where there is none."""
        document = entity.document
        about = _subjects_of(document)
        key = (profile, about, tuple(document))
        plan = self._plans.get(key)
        if plan is not None and plan.until > self._clock.now() and plan.applies(document):
            return plan.left(entity, profile.types)
        looked = self._look(entity, profile, about)
        if (made := looked.plan(document, self._basis)) is not None:
            if len(self._plans) >= _PLANS_MAX:
                self._plans.clear()
            self._plans[key] = made
        return looked.left(entity, self._basis)

    def _looked_at(self, entity: Entity, profile: Profile) -> Entity | None:
        """Every instance for itself, then those that hang on others."""
        return self._look(entity, profile, _subjects_of(entity.document)).left(entity, self._basis)

    def _look(self, entity: Entity, profile: Profile, about: frozenset[str]) -> Looked:
        looked = Looked()
        for name, value in entity.document.items():
            if name in ENTITY_MEMBERS:
                looked.document[name] = value
                continue
            kept = list[Instance]()
            for instance in cast("list[Instance]", value) if type(value) is list else (cast("Instance", value),):
                until, why = self._why(profile, about, name, (entity, instance))
                looked.until = min(looked.until, until)
                if not (why.shown or why is HANGS):
                    looked.whole = False
                    continue
                looked.see(name, instance, why)
                kept.append(self._stripped(profile, name, (entity, instance), why, looked))
            looked.keep(name, value, kept)
        looked.finish()
        return looked

    def _stripped(self, profile: Profile, name: str, of: tuple[Entity, Instance], why: Why, looked: Looked) -> Instance:
        """The instance, without its own subjects where they are not to be seen."""
        instance = of[1]
        if DATA_SUBJECT not in instance or name == DATA_SUBJECT or why is NEAR or why is _OWN[1]:
            return instance
        told = self._of_persons((profile, DATA_SUBJECT, PERSONAL), subjects_in(instance[DATA_SUBJECT]), of)[1]
        if told.shown:
            return instance
        looked.whole = False
        return {sub: value for sub, value in instance.items() if sub != DATA_SUBJECT}

    def _basis(self, name: str, instance: Instance, why: Why) -> Basis:
        """The same one for the same decision."""
        dataset = cast("str | None", instance.get("datasetId"))
        key = (name, why, dataset, DATA_SUBJECT in instance)
        found = self._bases.get(key)
        if found is None:
            if len(self._bases) >= _BASES_MAX:
                self._bases.clear()
            found = Basis(name, why.rests, dataset, why.rule == "emergency", key[3])
            self._bases[key] = found
        return found


_BASES_MAX: Final = 10_000
_KNOWN_MAX: Final = 50_000
_PLANS_MAX: Final = 20_000


def _subjects_of(document: Document) -> frozenset[str]:
    held = document.get(DATA_SUBJECT)
    return NOBODY if held is None else subjects_in(held)


def _speaks(value: Sequence[Json]) -> bool:
    """Whether one of these instances says itself whom it is about, or how sensitive it is."""
    return any(type(one) is dict and (DATA_CLASS in one or DATA_SUBJECT in one) for one in value)


@lru_cache(maxsize=65_536)
def _covers(items: frozenset[Item], type_: str, name: str, special: bool, granularity: int) -> bool:  # noqa: FBT001
    """Whether a grant for these items is one for an attribute, at this granularity or a finer one."""
    return any(
        item.type == type_
        and (item.attribute == name or (item.attribute == ANY and not special))
        and GRANULARITIES.index(item.granularity) <= granularity
        for item in items
    )


def at_of(entity: Entity, instance: Instance) -> Instant:
    """Of when an instance is: observed, else changed, else made with its entity."""
    observed = instance.get("observedAt")
    at = instant(observed) if type(observed) is str else None
    if at is None:
        at = changed_at(instance)
    return entity.created_at if at is None else at


def _holds(grant: Grant, now: Instant, entity: Entity, instance: Instance) -> bool:
    """Whether a grant is valid now, and covers when this was observed."""
    if grant.since > now or (grant.until is not None and grant.until <= now):
        return False
    if grant.covers_from is None and grant.covers_to is None:
        return True
    at = at_of(entity, instance)
    if grant.covers_from is not None and at < grant.covers_from:
        return False
    return grant.covers_to is None or at < grant.covers_to
