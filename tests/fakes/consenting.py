"""Consents to bookings of rooms, and a policy that keeps them and tells a witness: for tests of the bank.

It hides every FacilityBooking but those of persons who consented, as the hub's own policy does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from broker.access.policies import AllowAll
from broker.model.entity import Entity
from broker.model.subjects import DATA_SUBJECT, subjects_of
from broker.model.values import Json
from broker.ports import SYSTEM, UNRESTRICTED, Principal, Restriction
from broker.ports.audit import WITNESS, Basis
from broker.ports.consents import Emergency, Grant, Grants, Item
from broker.ports.hub import Hub

CITY = "https://misono.example/def/"
BOOKING = "urn:ngsi-ld:FacilityBooking"
TYPE = f"{CITY}FacilityBooking"
START = f"{CITY}bookingStart"
END = f"{CITY}bookingEnd"


def book_room(hub: Hub, name: str, subject: str) -> None:
    """A booking of a person's."""
    times = {START: "2026-01-02T01:00:00Z", END: "2026-01-02T02:00:00Z"}
    fragment: dict[str, Json] = {
        "id": f"{BOOKING}:{name}", "type": TYPE, DATA_SUBJECT: {"type": "Property", "value": subject},
        **{iri: {"type": "Property", "value": at} for iri, at in times.items()},
        f"{CITY}facility": {"type": "Relationship", "object": "urn:ngsi-ld:Facility:hall"},
        f"{CITY}bookingState": {"type": "VocabProperty", "vocab": f"{CITY}bookingState/bookingConfirmed"},
    }  # fmt: skip
    assert hub.upsert("", [fragment]) == [None]


class Allowed(AllowAll):
    """The ports Consents and Access: persons who gave the university their bookings' start for health advice."""

    def __init__(self) -> None:
        super().__init__()
        self.given: dict[str, Grant] = {}
        self._epoch = 1
        self.meanwhile: Callable[[], None] | None = None
        """What happens once while somebody looks."""

    def give(self, subject: str, attribute: str = START, granularity: str = "raw") -> None:
        """A person consents."""
        items = frozenset({Item(TYPE, attribute, granularity)})
        self.given[subject] = Grant(self.record(subject), subject, items, 0)
        self._epoch += 1

    def withdraw(self, subject: str) -> None:
        """And no longer."""
        del self.given[subject]
        self._epoch += 1

    def record(self, subject: str) -> str:
        """The id of their consent."""
        return f"urn:ngsi-ld:ConsentRecord:{subject.rpartition(':')[2]}"

    def epoch(self, tenant: str) -> int:
        """As the port says."""
        return self._epoch if tenant == "" else 0

    def grants(self, tenant: str, recipient: str, purposes: frozenset[str]) -> Grants:
        """Those of everybody, to the university alone."""
        given = self.given if tenant == "" and recipient.endswith("university") and purposes else {}
        return _Given(self._epoch, given)

    def acting_for(self, tenant: str, subject: str) -> frozenset[str]:
        """Hana acts for her child."""
        assert tenant == ""
        return frozenset({subject, "urn:misono:subject:child"} if subject.endswith("hana") else {subject})

    def emergencies(self, tenant: str, principal: Principal) -> tuple[Emergency, ...]:
        """None."""
        assert principal.name or tenant
        return ()

    def listen(self, told: Callable[[str], None]) -> None:
        """Told once, at once."""
        told("")

    def restrict(self, principal: Principal, tenant: str, operation: str) -> Restriction:
        """A recipient sees what was consented to; the hub's own parts everything."""
        if SYSTEM in principal.roles:
            return UNRESTRICTED
        grants = self.grants(tenant, principal.recipient, principal.purposes)
        happens, self.meanwhile = self.meanwhile, None
        if happens is not None:
            grants = _Given(self._epoch, dict(self.given))
            happens()
        return Restriction(view=lambda entity: _seen(entity, grants) if operation else None)


class _Given:
    """The port Grants."""

    def __init__(self, epoch: int, given: dict[str, Grant]) -> None:
        self._epoch, self._given = epoch, given

    @property
    def epoch(self) -> int:
        return self._epoch

    def of(self, subject: str, type_: str, attribute: str) -> tuple[Grant, ...]:
        grant = self._given.get(subject)
        names = {(one.type, one.attribute) for one in grant.items} if grant else set()
        return (grant,) if grant and names & {(type_, attribute), (type_, "*")} else ()

    def subjects(self) -> frozenset[str]:
        return frozenset(self._given)


def _seen(entity: Entity, grants: Grants) -> Entity | None:
    document = entity.document
    if TYPE not in entity.types:
        return entity
    (subject,) = subjects_of(document[DATA_SUBJECT])
    shown = [name for name in (START, END) if grants.of(subject, TYPE, name)]
    if not shown:
        return None
    witness = WITNESS.get()
    if witness is not None:
        record = grants.of(subject, TYPE, shown[0])[0].record
        witness.saw(entity.id, [Basis(name, ((subject, record),)) for name in shown], entity.types)
    kept = {name: part for name, part in document.items() if name in ("id", "type") or name in shown}
    return replace(entity, document=kept)
