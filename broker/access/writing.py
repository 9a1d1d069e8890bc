"""What nobody may write: projections of the city's services, what nobody knows, another person, a weaker class.

    Kept(entities, rules)            an EntityStore whose writes keep the rules; everything else is the store's own
    KeptHistory(history, rules)      an EvolutionStore of the same kind

- A projection (a ConsentRecord, a ledger's account, …) is written by the hub's own parts (SYSTEM) alone.
- In a tenant of persons a type is known to a package, or every instance says its class.
- Whom an entity is about never changes once it is said, nor whom one of its instances is about, and is named by a
  pseudonym; what an id was about before it is about again (`formerly`).
- When a value of a person was observed is said with the value: what is hidden is not moved to another time.
- An instance's class is never weaker than the model's, or than it was; but for SYSTEM.

They are asked inside the write, of the entity as it would be, after what the writer may see has been looked at: of what
is hidden from them they learn nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import NoneType
from typing import Final, cast

from broker.access.deciding import at_of
from broker.access.labels import (
    ANONYMISED,
    NOBODY,
    NONE,
    PERSONAL,
    STRENGTH,
    SUBJECT_PREFIX,
    UNTAGGED,
    Profile,
    Profiles,
    says_nothing_of_its_parts,
    subjects_in,
)
from broker.errors import BadRequestData, Conflict, Forbidden
from broker.model.entity import ENTITY_MEMBERS, VALUE_MEMBER, Document, Entity, Instance, as_list, instances, member
from broker.model.subjects import DATA_CLASS, DATA_SUBJECT
from broker.model.values import Json
from broker.ports import ADAPTER, SYSTEM, Principal

DEF: Final = "https://misono.example/def/"
PROJECTIONS: Final = frozenset(
    DEF + name
    for name in (
        "ConsentRecord", "ConsentReceipt", "ConsentDelegation", "EmergencyAccess", "DataDisclosure", "DataOffer",
        "DataRequest", "DataPriceQuote", "EthicsDecision", "RecipientOrganisation", "BenefitPayment",
        "LocalCurrencyAccount", "LocalCurrencyTransaction",
    )
)  # fmt: skip
"""Types of entities that services write of what they know; whoever changes one changes nothing that is true."""
_NOTHING: Final[Mapping[str, Json]] = {}
_VALUES: Final = frozenset(VALUE_MEMBER.values())
_MARK: Final = "urn:misono:kept"
"""It is known by being this very text, and not another that reads the same."""


class WriteRules:
    """The rules of a hub; `personal` are the tenants of persons."""

    def __init__(self, profiles: Profiles, personal: frozenset[str], projections: frozenset[str] = PROJECTIONS) -> None:
        self.profiles, self.personal, self.projections = profiles, personal, projections

    def require_own(self, *types: Iterable[str]) -> None:
        """Raise Forbidden where one of these types is of a projection."""
        for found in types:
            if not self.projections.isdisjoint(found):
                raise projected()

    def require_new(self, tenant: str, document: Document, *, system: bool) -> None:
        """Raise as `require_class` (but for `system`), `require_pseudonyms` and `require_known` of what was not there.

        Most entities say whom they are about in one text and nothing more: of these it is found by one look.
        """
        subject = document.get(DATA_SUBJECT)
        if not says_nothing_of_its_parts(document) or type(subject) not in (dict, NoneType):
            if not system:
                self.require_class(None, document)
            self.require_pseudonyms(_NOTHING, document)
        elif subject is not None:
            profile = self.profiles.of(document["type"])
            if not system and _strength(profile, DATA_SUBJECT, cast("Instance", subject)) < STRENGTH[PERSONAL]:
                raise _weaker(DATA_SUBJECT)
            _require_pseudonyms(subject, DATA_SUBJECT)
        self.require_known(tenant, document["type"], document)

    def require_known(self, tenant: str, types: Json, document: Mapping[str, Json]) -> None:
        """Raise BadRequestData where nobody knows the types, and an instance does not say its class."""
        if tenant not in self.personal or self.profiles.of(types).known:
            return
        for name, value in document.items():
            if name not in ENTITY_MEMBERS and not all(DATA_CLASS in one for one in instances(value)):
                raise _unknown(as_list(types)[0], name)
        if ENTITY_MEMBERS.issuperset(document):
            raise _unknown(as_list(types)[0], "type")

    def require_same_person(self, tenant: str, before: Document, after: Document) -> None:
        """Raise Conflict where the entity, or an instance of it that there was, would be about others than it was.

        What was about nobody, and nothing personal, may come to be about somebody.
        """
        had, has = before.get(DATA_SUBJECT), after.get(DATA_SUBJECT)
        whom, now = about_in(had), about_in(has)
        if whom != now and whom:
            raise another_person()
        for name, value in after.items():
            was = before.get(name)
            if was is None or name in ENTITY_MEMBERS or name == DATA_SUBJECT or (was is value and whom == now):
                continue
            held = {one.get("datasetId"): one for one in instances(was)}
            for one in instances(value):
                old = held.get(one.get("datasetId"))
                if old is None or (old is one and whom == now):
                    continue
                about = about_in(old.get(DATA_SUBJECT)) if DATA_SUBJECT in old else whom
                if about == (about_in(one.get(DATA_SUBJECT)) if DATA_SUBJECT in one else now):
                    continue
                if about or self._is_of_persons(tenant, before["type"], name, old):
                    raise another_person(name)

    def moved(self, tenant: str, before: Entity, after: Entity) -> Mapping[str, set[Json]]:
        """Instances of persons that would be of another time, though perhaps with the value that was there."""
        found: dict[str, set[Json]] = {}
        for name, value in after.document.items():
            was = before.document.get(name)
            if was is None or was is value or name in ENTITY_MEMBERS or name == DATA_SUBJECT:
                continue
            held = {one.get("datasetId"): one for one in instances(was)}
            for one in instances(value):
                old = held.get(one.get("datasetId"))
                if old is None or old is one or not _may_be_kept(old, one):
                    continue
                if at_of(before, old) != at_of(after, one) and self._is_of_persons(
                    tenant, before.document["type"], name, old
                ):
                    found.setdefault(name, set()).add(one.get("datasetId"))
        return found

    def _is_of_persons(self, tenant: str, types: Json, name: str, instance: Instance) -> bool:
        found = self.profiles.of(types).class_of(name, instance)
        return tenant in self.personal if found == UNTAGGED else found not in (NONE, ANONYMISED)

    def require_pseudonyms(self, before: Mapping[str, Json], after: Mapping[str, Json]) -> None:
        """Raise BadRequestData where somebody is newly named who is named by no pseudonym."""
        if DATA_SUBJECT in after and after[DATA_SUBJECT] is not before.get(DATA_SUBJECT):
            _require_pseudonyms(after[DATA_SUBJECT], DATA_SUBJECT)
        for name, value in after.items():
            if type(value) is dict:
                if DATA_SUBJECT in value:
                    _require_pseudonyms(value[DATA_SUBJECT], name)
            elif type(value) is list and name not in ENTITY_MEMBERS:
                for one in instances(value):
                    if DATA_SUBJECT in one:
                        _require_pseudonyms(one[DATA_SUBJECT], name)

    def require_class(self, before: Document | None, after: Document) -> None:
        """Raise Forbidden where an instance would be of a weaker class than its model says, or than it was."""
        profile = self.profiles.of(after["type"])
        had = _NOTHING if before is None else before
        same = before is not None and before["type"] == after["type"]
        former = profile if same or before is None else self.profiles.of(before["type"])
        for name, value in after.items():
            if name in ENTITY_MEMBERS or (same and value is had.get(name)):
                continue
            held = {one.get("datasetId"): one for one in instances(had.get(name))}
            for one in instances(value):
                least = _least(profile, former, name, held.get(one.get("datasetId")))
                if _strength(profile, name, one) < least:
                    raise _weaker(name)


def is_service(by: Principal) -> bool:
    """Whether this is the hub itself, and no adapter of it: what devices send is no service's word."""
    return SYSTEM in by.roles and ADAPTER not in by.roles


def about_in(value: Json) -> frozenset[str]:
    """Whom an attribute DATA_SUBJECT names; nobody where there is none."""
    return NOBODY if value is None else subjects_in(value)


def another_person(name: str = DATA_SUBJECT) -> Conflict:
    """The refusal where something would be about others than it was; it does not tell who they are."""
    return Conflict(
        "whom an entity is about never changes", pointer=pointer_of(name),
        remedy="make another entity for another person",
    )  # fmt: skip


def another_time(name: str) -> Conflict:
    """The refusal where a value would be of another time than it was."""
    return Conflict(
        "when a value of a person was observed is said with the value", pointer=pointer_of(name),
        remedy="send the value beside it",
    )  # fmt: skip


def with_marks(entity: Entity, which: Mapping[str, Collection[Json]]) -> Entity:
    """The entity with marks in the place of the values of these instances: `has_marks` finds what was kept of them."""
    document = dict(entity.document)
    for name, datasets in which.items():
        held = instances(document[name])
        document[name] = member([_with_mark(one) if one.get("datasetId") in datasets else one for one in held])
    return Entity(document, entity.created_at, entity.modified_at, entity.expires_at, entity.version)


def has_marks(entity: Entity, name: str) -> bool:
    """Whether a value of an attribute is one that `with_marks` put there, or holds a part of one."""
    return any(_is_marked(one[of]) for one in instances(entity.document.get(name)) for of in _VALUES if of in one)


def projected() -> Forbidden:
    """The refusal of a write of a projection."""
    return Forbidden(
        "entities of this type tell what a service of the city knows; they are written by it alone", pointer="/type",
        remedy="the service's own paths, below /services",
    )  # fmt: skip


def pointer_of(name: str) -> str:
    """The JSON pointer of an attribute."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


def _may_be_kept(old: Instance, one: Instance) -> bool:
    """Whether the value may be the one that was there, or have parts of it."""
    return any(of in one and (type(one[of]) in (dict, list) or one[of] == old.get(of)) for of in _VALUES)


def _with_mark(one: Instance) -> Instance:
    return {**one, **{of: _marked(one[of]) for of in _VALUES if of in one}}


def _marked(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: _marked(inner) for name, inner in value.items()}
    return [_marked(inner) for inner in value] if isinstance(value, list) and value else _MARK


def _is_marked(value: Json) -> bool:
    if isinstance(value, dict):
        return any(map(_is_marked, value.values()))
    return any(map(_is_marked, value)) if isinstance(value, list) else value is _MARK


def _least(profile: Profile, former: Profile, name: str, held: Instance | None) -> int:
    """The least class that an instance may have."""
    if held is None:
        return _strength_of(PERSONAL if name == DATA_SUBJECT else profile.classes.get(name, NONE))
    return _strength(former, name, held)


def _strength(profile: Profile, name: str, instance: Instance) -> int:
    return _strength_of(profile.class_of(name, instance))


def _strength_of(found: str) -> int:
    return 0 if found == UNTAGGED else STRENGTH[found]


def _require_pseudonyms(value: Json, name: str) -> None:
    if type(value) is dict and type(only := value.get("value")) is str and "expiresAt" not in value:
        named = _is_pseudonym(only)
    else:
        _require_lasting(value, name)
        named = all(map(_is_pseudonym, subjects_in(value)))
    if not named:
        raise BadRequestData(
            "a person is named by a pseudonym", pointer=pointer_of(name), clause="5.5.4", remedy=f"{SUBJECT_PREFIX}…"
        )


def _is_pseudonym(text: str) -> bool:
    return text.startswith(SUBJECT_PREFIX) and text != SUBJECT_PREFIX


def _require_lasting(value: Json, name: str) -> None:
    if any("expiresAt" in one for one in instances(value)):
        raise BadRequestData(
            "whom something is about does not expire", pointer=pointer_of(name), clause="5.5.4",
            remedy="let the entity, or the whole attribute, expire",
        )  # fmt: skip


def _unknown(type_: str, name: str) -> BadRequestData:
    return BadRequestData(
        f"no installed package knows the type {type_[:200]}, and this is a tenant of persons",
        pointer=pointer_of(name),
        clause="5.5.4",
        remedy=f"install a package with a model of it, or give {DATA_CLASS} on every attribute",
    )


def _weaker(name: str) -> Forbidden:
    return Forbidden(
        "the class of this instance would be weaker than its model's, or than it was", pointer=pointer_of(name),
        remedy=f"leave {DATA_CLASS} as it is, or make it stronger",
    )  # fmt: skip
