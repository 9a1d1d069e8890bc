"""A city of a few residents: consents that a test gives and takes, types that it knows, and the policy over both.

city = City(clock)
city.give("hana", HEART_RATE)           to CLINIC, for ADVICE
city.policy.restrict(clinic(), "", "query_entities")
city.withdraw("hana")
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from broker.access.consented import ConsentPolicy
from broker.access.grants import Granted
from broker.model.entity import Entity
from broker.model.subjects import DATA_SUBJECT
from broker.model.values import Instant
from broker.ports import Clock, Principal
from broker.ports.consents import ANY, Emergency, Grant, Item

NS = "https://uri.etsi.org/ngsi-ld/default-context/"
READING, PARK = f"{NS}Reading", f"{NS}Park"
HEART_RATE, WEIGHT, HOME, FRIEND, ALIAS = (f"{NS}{one}" for one in ("heartRate", "weight", "home", "friend", "alias"))
LOCATION = "https://uri.etsi.org/ngsi-ld/location"
CLASSES: Mapping[str, Mapping[str, str]] = {
    READING: {
        HEART_RATE: "personal", WEIGHT: "special-care", HOME: "personal", FRIEND: "personal", LOCATION: "personal",
    },
    PARK: {},
}  # fmt: skip
CLINIC, ADVICE = "urn:ngsi-ld:RecipientOrganisation:clinic", "https://misono.example/def/purpose/HealthAdvice"


def person(name: str) -> str:
    """A pseudonym: of nobody, in tests alone."""
    return f"urn:misono:subject:{name}"


def clinic(purpose: str = ADVICE, name: str = "clinic") -> Principal:
    """An organisation that asks for a purpose."""
    return Principal(name, frozenset({purpose}), frozenset({"recipient"}), None, CLINIC)


def resident(name: str) -> Principal:
    """A person, who asks about themself."""
    return Principal(name, roles=frozenset({"resident"}), subject=person(name))


class Everybody:
    """Turns nobody away."""

    def admit(self, principal: Principal, tenant: str, operation: str) -> None:
        """Everybody may do everything."""

    def admit_command(self, principal: Principal, tenant: str, entity: Entity, attribute: str) -> None:
        """Everybody commands everything."""


class KnownTypes:
    """The port Tags."""

    def __init__(self, classes: Mapping[str, Mapping[str, str]]) -> None:
        self._classes = classes

    def version(self) -> int:
        """They do not change."""
        return 0

    def classes(self, type_: str) -> Mapping[str, str] | None:
        """As the test has it."""
        return self._classes.get(type_)


class FewConsents:
    """The port Consents, written by a test; the same in every tenant."""

    def __init__(self) -> None:
        self._epoch = 0
        self._given: dict[tuple[str, str], dict[str, tuple[Grant, ...]]] = {}
        self._told: list[Callable[[str], None]] = []

    def put(self, recipient: str, purpose: str, grant: Grant) -> None:
        """A grant more."""
        given = self._given.setdefault((recipient, purpose), {})
        self._given[recipient, purpose] = {**given, grant.subject: (*given.get(grant.subject, ()), grant)}
        self._moved()

    def drop(self, subject: str) -> None:
        """A person withdraws everything."""
        for asked, given in self._given.items():
            self._given[asked] = {one: grants for one, grants in given.items() if one != subject}
        self._moved()

    def _moved(self) -> None:
        self._epoch += 1
        for told in self._told:
            told("")

    def epoch(self, tenant: str) -> int:  # noqa: ARG002 - the port's
        """How often something changed."""
        return self._epoch

    def grants(self, tenant: str, recipient: str, purposes: frozenset[str]) -> Granted:  # noqa: ARG002 - the port's
        """What was given."""
        found: dict[str, tuple[Grant, ...]] = {}
        for purpose in purposes:
            for subject, grants in self._given.get((recipient, purpose), {}).items():
                found[subject] = (*found.get(subject, ()), *grants)
        return Granted(self._epoch, found)

    def acting_for(self, tenant: str, subject: str) -> frozenset[str]:  # noqa: ARG002 - the port's
        """Themself."""
        return frozenset({subject}) if subject else frozenset()

    def emergencies(self, tenant: str, principal: Principal) -> tuple[Emergency, ...]:  # noqa: ARG002 - the port's
        """None."""
        return ()

    def listen(self, told: Callable[[str], None]) -> None:
        """Be told."""
        self._told.append(told)


class City:
    """Consents and the policy over them."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.consents = clock, FewConsents()
        self.policy = ConsentPolicy(self.consents, clock, Everybody(), KnownTypes(CLASSES))

    def give(
        self,
        name: str,
        *attributes: str,
        granularity: str = "raw",
        covers_from: Instant | None = None,
        to: str = CLINIC,
    ) -> None:
        """A person consents to attributes of READING, whom it is about among them; to any where none is named."""
        wanted = (*attributes, DATA_SUBJECT) if attributes else (ANY,)
        items = frozenset(Item(READING, one, granularity) for one in wanted)
        grant = Grant(f"urn:ngsi-ld:ConsentRecord:{name}", person(name), items, 0, None, covers_from)
        self.consents.put(to, ADVICE, grant)

    def withdraw(self, name: str) -> None:
        """They withdraw all of it."""
        self.consents.drop(person(name))


def reading(name: str, number: int = 1, **attributes: Any) -> dict[str, Any]:
    """A Reading of a person, expanded: `reading("hana", heartRate=71)`; dicts stand as they are."""
    document: dict[str, Any] = {"id": f"urn:ngsi-ld:Reading:{name}:{number}", "type": READING}
    document[DATA_SUBJECT] = {"type": "Property", "value": person(name)}
    for one, value in attributes.items():
        held = value if isinstance(value, dict) else {"type": "Property", "value": value}
        document[one if one == "scope" else LOCATION if one == "location" else NS + one] = (
            value if one == "scope" else held
        )
    return document
