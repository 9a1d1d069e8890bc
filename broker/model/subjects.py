"""Whom data are about: the names under which an entity, or one instance of an attribute, says so.

    {"id": …, "type": …, DATA_SUBJECT: {"type": "Property", "value": "urn:misono:subject:8f2c"}, …}

What is known of an entity's head holds for all its history: its DATA_SUBJECT never changes once it is set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from broker.model.entity import ENTITY_MEMBERS, Instance, instances
from broker.model.values import NGSI_LD_NULL, Json

DATA_SUBJECT: Final = "https://misono.example/def/dataSubject"
"""Pseudonyms of the persons that something is about; an instance's own takes the place of its entity's."""
DATA_CLASS: Final = "https://misono.example/def/dataClass"
"""How sensitive an instance is, where it says so itself."""
JUDGED_BY: Final = frozenset({DATA_SUBJECT, DATA_CLASS})
"""Sub-attributes that a policy judges an instance by."""
_NAMING: Final = ("value", "valueList", "object", "objectList")


def head_of(document: Mapping[str, Json]) -> dict[str, Json]:
    """What a policy must know of an entity to judge a part of it: who, what, and whom it is about."""
    return {name: document[name] for name in ("id", "type", DATA_SUBJECT) if name in document}


def subjects_of(value: Json) -> frozenset[str]:
    """The pseudonyms that a DATA_SUBJECT member names: one, a list, in one instance or several, of any kind.

    What is no text names nobody.
    """
    found: set[str] = set()
    for instance in instances(value):
        for name in _NAMING:
            named = instance.get(name)
            found.update(one for one in (named if isinstance(named, list) else [named]) if isinstance(one, str))
    return frozenset(found - {NGSI_LD_NULL})


def whose(document: Mapping[str, Json]) -> frozenset[str]:
    """Whom an entity is about."""
    return subjects_of(document[DATA_SUBJECT]) if DATA_SUBJECT in document else frozenset()


def is_part_of(instance: Mapping[str, Json], subject: str) -> bool:
    """Whether an instance says of itself that it is about this person."""
    return DATA_SUBJECT in instance and subject in subjects_of(instance[DATA_SUBJECT])


def parts_of(document: Mapping[str, Json], subject: str) -> Iterator[tuple[str, Instance]]:
    """Instances that say of themselves that they are about this person, with the IRIs of their attributes."""
    for name, value in document.items():
        if name not in ENTITY_MEMBERS:
            yield from ((name, one) for one in instances(value) if is_part_of(one, subject))
