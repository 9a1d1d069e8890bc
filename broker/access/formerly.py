"""Whom an id was about before: it never comes to be about somebody else, who would read the past of the first.

    formerly = Formerly(history, entities, rules)
    formerly.require("misono", "urn:ngsi-ld:…:1", frozenset({"urn:misono:subject:8f2c"}), key)     raises Conflict
    formerly.settled(keys)                                                                         they are durable

Asked inside the write, and only where an id comes to be about somebody: of what is durable by then history tells; of
what is on its way there this remembers what it let pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock
from typing import Final, Protocol

from broker.access.labels import ANONYMISED, NONE, subjects_in
from broker.access.writing import WriteRules, another_person
from broker.errors import NonexistentTenant
from broker.model.entity import ENTITY_MEMBERS, Entity, member
from broker.model.evolution import Evolution
from broker.model.subjects import DATA_CLASS, DATA_SUBJECT
from broker.ports import UNRESTRICTED
from broker.ports.evolution import EvolutionStore
from broker.ports.places import home_of
from broker.query.temporal import TemporalQuery

Key = tuple[str, str]
"""A place, and the id of an entity in it."""
_WHOM: Final = TemporalQuery(names=frozenset({DATA_SUBJECT}))
_LAST: Final = TemporalQuery(last_n=1)


class Current(Protocol):
    """Gives entities as they are now."""

    def get(self, tenant: str, entity_id: str) -> Entity | None:
        """The live entity, or None."""


class Formerly:
    """One store's."""

    def __init__(self, history: EvolutionStore, entities: Current, rules: WriteRules) -> None:
        self._history, self._entities, self._rules = history, entities, rules
        self._lock = Lock()
        self._under_way: dict[Key, dict[object, frozenset[str]]] = {}

    def require(self, key: Key, about: frozenset[str], by: object) -> None:
        """Raise Conflict where anything is known of this id that is about others; else it is theirs.

        `by` is the submission that it is part of, until that is settled.
        """
        with self._lock:
            claims = self._under_way.get(key)
            if claims is None:
                self._under_way[key] = {by: about}
            elif all(one == about for one in claims.values()):
                claims[by] = about
            else:
                raise another_person()
        self._require_past(key, about)

    def require_current(self, key: Key, about: frozenset[str]) -> None:
        """Raise Conflict where the entity that there is now is about others."""
        try:
            entity = self._entities.get(*key)
        except NonexistentTenant:
            return
        named = None if entity is None else entity.document.get(DATA_SUBJECT)
        if named is not None and subjects_in(named) != about:
            raise another_person()

    def settled(self, keys: Iterable[Key], by: object) -> None:
        """What a submission has written of these is durable, or was not written."""
        with self._lock:
            for key in keys:
                claims = self._under_way.get(key, {})
                claims.pop(by, None)
                if not claims:
                    self._under_way.pop(key, None)

    def _require_past(self, key: Key, about: frozenset[str]) -> None:
        if not self._is_known(key):
            return
        known = self._told(key, _LAST)
        if known is None:
            return
        whom = self._told(key, _WHOM)
        named = () if whom is None else whom.attributes.get(DATA_SUBJECT, ())
        if named:
            said = [one for one in named if "deletedAt" not in one]
            if not said or subjects_in(member(said)) != about:
                raise another_person()
        elif self._is_of_persons(key[0], known):
            raise another_person()

    def _is_known(self, key: Key) -> bool:
        try:
            return self._history.known(*key)
        except NonexistentTenant:
            return False

    def _told(self, key: Key, query: TemporalQuery) -> Evolution | None:
        try:
            found = self._history.evolution(*key, query, UNRESTRICTED).evolutions
        except NonexistentTenant:
            return None
        return found[0] if found else None

    def _is_of_persons(self, tenant: str, known: Evolution) -> bool:
        """Whether there are values that are about somebody, of whom nothing says who."""
        profile = self._rules.profiles.of(list(known.types))
        for name, held in known.attributes.items():
            if name in ENTITY_MEMBERS or not held:
                continue
            if not profile.known and home_of(tenant) in self._rules.personal:
                return True
            if profile.classes.get(name, NONE) not in (NONE, ANONYMISED) or any(DATA_CLASS in one for one in held):
                return True
        return False
