"""Whom an entity and its instances are about, and how sensitive they are. Pure.

subjects_in({"type": "Property", "value": "urn:misono:subject:8f2c"})      frozenset({"urn:misono:subject:8f2c"})
subject_number("urn:misono:subject:8f2c")                                  63 bits of its digest
label(entity)     Labels({None: (number, class)}): what prunes candidates; the view decides
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Final, Protocol

from broker.model.entity import ENTITY_MEMBERS, Document, Entity, Instance, as_list, instances
from broker.model.subjects import DATA_CLASS, DATA_SUBJECT
from broker.model.values import Json
from broker.ports import Labels

NONE, ANONYMISED, PSEUDONYMISED, PERSONAL, SPECIAL_CARE = (
    "none", "anonymised", "pseudonymised", "personal", "special-care",
)  # fmt: skip
STRENGTH: Final[Mapping[str, int]] = {NONE: 0, ANONYMISED: 1, PSEUDONYMISED: 2, PERSONAL: 3, SPECIAL_CARE: 4}
"""Classes, from the weakest to the strongest."""
UNTAGGED: Final = "untagged"
"""The class of what no package knows, in a tenant of persons."""
SUBJECT_PREFIX: Final = "urn:misono:subject:"
PASSES: Final = 0
"""The number of an entity whose subjects do not tell alone who may see something of it: several, or parts for all."""
NOBODY: Final[frozenset[str]] = frozenset()
_NO_LABELS: Final = Labels()


class Tags(Protocol):
    """What is known of types."""

    def version(self) -> int:
        """Rises when that changed."""

    def classes(self, type_: str) -> Mapping[str, str] | None:
        """Attribute -> class, of those that tell of persons; None where nobody knows the type."""


class NoTags:
    """Nobody knows any type."""

    def version(self) -> int:
        """Always the same."""
        return 0

    def classes(self, type_: str) -> Mapping[str, str] | None:  # noqa: ARG002 - the port's
        """None of them."""
        return None


class Profile:
    """What is known of the entities of some types: the classes of their attributes, `known` where a package has one."""

    __slots__ = ("classes", "known", "names", "types")

    def __init__(self, types: tuple[str, ...], tags: Tags) -> None:
        found = [tags.classes(one) for one in types]
        self.types: Final = types
        self.known: Final = any(one is not None for one in found)
        self.classes: Final[dict[str, str]] = {}
        for one in found:
            for name, tag in (one or {}).items():
                if STRENGTH[tag] > STRENGTH[self.classes.get(name, NONE)]:
                    self.classes[name] = tag
        if self.known and self.classes.get(DATA_SUBJECT, NONE) == NONE:
            self.classes[DATA_SUBJECT] = PERSONAL
        self.names: Final = frozenset({DATA_SUBJECT, *self.classes})

    def class_of(self, name: str, instance: Instance) -> str:
        """The class of an instance of an attribute: its own, the model's, none, or UNTAGGED."""
        if DATA_CLASS in instance:
            return own_class(instance)
        found = self.classes.get(name)
        if found is None:
            return NONE if self.known else UNTAGGED
        return found


class Profiles:
    """Profiles by types, as the packages are now."""

    _MAX: Final = 10_000

    def __init__(self, tags: Tags) -> None:
        self._tags = tags
        self._made: dict[object, Profile] = {}
        self._version = -1

    def refresh(self) -> None:
        """Forget those of packages as they were before; to be called whenever a view is made."""
        version = self._tags.version()
        if version != self._version or len(self._made) > self._MAX:
            self._made, self._version = {}, version

    def of(self, types: Json) -> Profile:
        """That of entities whose member `type` is this."""
        key = tuple(types) if isinstance(types, list) else types
        made = self._made
        found = made.get(key)
        if found is None:
            found = made[key] = Profile(tuple(as_list(types)), self._tags)
        return found


def subjects_in(value: Json) -> frozenset[str]:
    """The pseudonyms that an attribute DATA_SUBJECT, or a sub-attribute, holds: of all its instances.

    What is no text is taken for a person that nobody is, so that a fault in it opens nothing.
    """
    if type(value) is dict and type(only := value.get("value")) is str:
        return _alone(only)
    return frozenset(one for instance in instances(value) for one in _named(instance))


@lru_cache(maxsize=65_536)
def _alone(subject: str) -> frozenset[str]:
    return frozenset({subject})


def _named(instance: Instance) -> list[str]:
    for member in ("value", "object", "valueList", "objectList", "vocab"):
        if member in instance:
            return [text for one in _flat(instance[member]) for text in [_text(one)]]
    return [UNTAGGED]


def _flat(value: Json) -> list[Json]:
    if isinstance(value, list):
        return [inner for one in value for inner in _flat(one)]
    return [value]


def _text(value: Json) -> str:
    if isinstance(value, dict):
        value = value.get("@value", value.get("@id", value.get("object")))
    return value if isinstance(value, str) else UNTAGGED


def says_nothing_of_its_parts(document: Document) -> bool:
    """Whether it is seen at once that no instance says whom it is about, or how sensitive it is: none is in a list."""
    for value in document.values():
        if type(value) is dict:
            if DATA_CLASS in value or DATA_SUBJECT in value:
                return False
        elif type(value) is list:
            return False
    return True


def own_class(instance: Instance) -> str:
    """The class that an instance says of itself; the strictest where it says what is no class."""
    found = instances(instance.get(DATA_CLASS))
    said = [one.get("value", one.get("vocab")) for one in found]
    classes = [one.rpartition("/")[2] if isinstance(one, str) else "" for one in said]
    strongest = max((one for one in classes), key=lambda one: STRENGTH.get(one, 9), default="")
    return strongest if strongest in STRENGTH else SPECIAL_CARE


@lru_cache(maxsize=65_536)
def subject_number(subject: str) -> int:
    """A person as index rows have them: never PASSES."""
    return (int.from_bytes(blake2b(subject.encode(), digest_size=8).digest()) >> 1) or 1


def label(entity: Entity) -> Labels:
    """What the store keeps beside an entity: the number of its only subject, or PASSES.

    Of an entity with the number of a person, nobody may see anything who may see nothing of that person.
    """
    document = entity.document
    subject = document.get(DATA_SUBJECT)
    if says_nothing_of_its_parts(document):
        if subject is None:
            return _NO_LABELS
        if type(subject) is dict and type(only := subject.get("value")) is str:
            return _of_one(only)
    subjects = NOBODY if subject is None else subjects_in(subject)
    parts = _tagged(document)
    if not subjects and not parts:
        return _NO_LABELS
    own = any(DATA_SUBJECT in one or (DATA_CLASS in one and own_class(one) == ANONYMISED) for one in parts)
    if own or len(subjects) != 1:
        return Labels({None: (PASSES, PERSONAL)})
    (only,) = subjects
    return _of_one(only)


@lru_cache(maxsize=65_536)
def _of_one(subject: str) -> Labels:
    return Labels({None: (subject_number(subject), PERSONAL)})


def _tagged(document: Document) -> list[Instance]:
    """The instances that say something of themselves."""
    found = list[Instance]()
    for name, value in document.items():
        if type(value) is dict:
            if DATA_CLASS in value or DATA_SUBJECT in value:
                found.append(value)
        elif type(value) is list and name not in ENTITY_MEMBERS:
            found += [one for one in instances(value) if DATA_CLASS in one or DATA_SUBJECT in one]
    return found
