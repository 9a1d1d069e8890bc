"""The life of a parcel in a locker, in transactions of the file: reserved, deposited, fetched, or not in time.

A compartment is a case too, whose key is the delivery that has it. A device that asks again for a door that it just
opened, since it missed the answer, is answered alike, for two minutes; so long the compartment stays taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from broker.errors import Conflict
from broker.keeping import Db
from broker.model.values import Instant, to_text
from broker.ports.hub import Fragment
from services.lockers.compartments import FREE
from services.lockers.configured import Settings
from services.lockers.secrets_of import fits, sealed
from services.pattern.cases import Act, Case, Cases
from services.room import Ground
from services.shaping import Shaper

DELIVERY, COMPARTMENT = "delivery", "compartment"
RESERVED, DEPOSITED, FETCHED = "parcelAccepted", "parcelDeposited", "parcelHandedOver"
OVERDUE, RETURNED, FAILED = "parcelOverdue", "parcelReturned", "parcelFailed"
EMPTY, KEPT, TAKEN = "compartmentFree", "compartmentReserved", "compartmentOccupied"
GRACE_US: Final = 120_000_000
TABLES: Final = (
    """CREATE TRIGGER lockers_gone AFTER DELETE ON lockers_case WHEN OLD.kind = 'delivery' BEGIN
        INSERT OR REPLACE INTO lockers_unshown (tenant, id) SELECT tenant, id FROM lockers_case
            WHERE tenant = OLD.tenant AND kind = 'compartment' AND key = OLD.id;
        UPDATE lockers_case SET key = '', state = CASE WHEN OLD.state IN ('parcelDeposited', 'parcelOverdue')
            THEN 'compartmentFault' ELSE 'compartmentFree' END
            WHERE tenant = OLD.tenant AND kind = 'compartment' AND key = OLD.id;
    END""",
)
"""Where somebody is forgotten whose parcel still lies there, the operator looks: it is shown as out of order."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a code opens a compartment for: `deposit`, `pickup`, `return`; empty: nothing; `shut`: tried too often."""

    what: str = ""
    delivery: str = ""
    shut: bool = False


@dataclass(frozen=True, slots=True)
class Lockers:
    """See the module."""

    ground: Ground
    cases: Cases
    settings: Settings

    def reserve(self, db: Db, tenant: str, delivery: Case, places: Sequence[tuple[str, str]]) -> Case:
        """Keep the first free place for a delivery. Raises Conflict where there is none."""
        for place, shown in places:
            there = self.cases.within(db, tenant, place, COMPARTMENT)
            if (there is None and shown != FREE) or (there is not None and there.state != EMPTY):
                continue
            kept = Case(place, COMPARTMENT, "", KEPT, {"locker": delivery.body["locker"]}, key=delivery.id)
            self.cases.put(db, tenant, kept, Act("reserve"))
            due = self.ground.clock.now() + self.settings.micros("reserve_hours")
            return self.cases.put(db, tenant, delivery.now(due=due, compartment=place), Act("reserve"))
        raise Conflict("no compartment is free that it fits in", pointer="/size", remedy="another locker, or later")

    def open(self, db: Db, tenant: str, place: str, code: str) -> Opened:
        """What the code opens; wrong ones are counted."""
        there = self.cases.within(db, tenant, place, COMPARTMENT)
        delivery = self.cases.within(db, tenant, there.key, DELIVERY) if there is not None and there.key else None
        if there is None or delivery is None:
            return Opened()
        now = self.ground.clock.now()
        if there.body.get("until", 0) > now:
            return Opened(shut=True)
        used = delivery.body.get("used")
        if used is not None and now < used["until"] and fits(used, code):
            return Opened(used["what"], delivery.id)
        if not fits(delivery.body.get("code"), code):
            self._wrong(db, tenant, there, now)
            return Opened()
        return Opened(self._move(db, tenant, (delivery, there), code), delivery.id)

    def due(self, db: Db, tenant: str, case: Case) -> None:
        """A parcel did not come, or was not fetched; or a place is free again."""
        if case.state == RESERVED:
            self.end(db, tenant, case, Act("expire"))
        elif case.state == DEPOSITED:
            self.cases.put(db, tenant, case.now(OVERDUE, code=None), Act("expire"))
        else:
            self._free(db, tenant, case)
            self.cases.put(db, tenant, case.now(used=None), Act("free"))

    def end(self, db: Db, tenant: str, delivery: Case, act: Act) -> Case:
        """It does not come."""
        self._free(db, tenant, delivery)
        return self.cases.put(db, tenant, delivery.now(FAILED, code=None), act)

    def render(self, _: str, case: Case) -> list[Fragment]:
        """The entity of a delivery or of a compartment; never a code."""
        library = self.ground.library()
        if case.kind == COMPARTMENT:
            return [Shaper(library, "misono-logistics", "LockerCompartment").entity(
                case.id, {"compartmentState": case.state, "refLocker": case.body["locker"]}
            )]  # fmt: skip
        body = case.body
        times = ("acceptedAt", "depositedAt", "pickupDeadline", "handedOverAt")
        return [Shaper(library, "misono-logistics", "ParcelDelivery").entity(case.id, {
            "dataSubject": case.subject, "deliveryState": case.state, "carrier": body.get("carrier"),
            "trackingNumber": body.get("trackingNumber"), "destination": body["locker"],
            "compartment": body.get("compartment"), "parcelSize": body["size"], "temperatureClass": body["temperature"],
            **{name: to_text(body[name]) for name in times if name in body},
        })]  # fmt: skip

    def _move(self, db: Db, tenant: str, pair: tuple[Case, Case], code: str) -> str:
        delivery, place = pair
        now = self.ground.clock.now()
        if delivery.state == RESERVED:
            deadline = now + self.settings.micros("hold_hours")
            what, moved, state = "deposit", delivery.now(
                DEPOSITED, due=deadline, code=None, depositedAt=now, pickupDeadline=deadline
            ), TAKEN  # fmt: skip
        else:
            what = "pickup" if delivery.body["code"]["for"] == "pickup" else "return"
            after = FETCHED if what == "pickup" else RETURNED
            moved, state = delivery.now(after, due=now + GRACE_US, code=None, handedOverAt=now), KEPT
        used = {**sealed(code), "what": what, "until": now + GRACE_US}
        self.cases.put(db, tenant, moved.now(due=moved.due, used=used), Act(what))
        self.cases.put(db, tenant, place.now(state, wrong=None, until=None), Act(what))
        return what

    def _wrong(self, db: Db, tenant: str, place: Case, now: Instant) -> None:
        wrong = int(place.body.get("wrong", 0)) + 1
        shut = wrong >= self.settings.numbers["wrong_codes"]
        until = now + self.settings.micros("lock_minutes") if shut else None
        self.cases.put(db, tenant, place.now(wrong=0 if shut else wrong, until=until), Act("wrong code"))

    def _free(self, db: Db, tenant: str, delivery: Case) -> None:
        place = self.cases.within(db, tenant, str(delivery.body.get("compartment", "")), COMPARTMENT)
        if place is not None and place.key == delivery.id:
            free = Case(place.id, COMPARTMENT, "", EMPTY, {"locker": place.body["locker"]})
            self.cases.put(db, tenant, free, Act("free"))
