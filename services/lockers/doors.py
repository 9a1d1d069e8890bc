"""The routes below /services/lockers.

POST /deliveries                    a resident for themselves, or a carrier for a resident who lets it: a place is kept
GET  /deliveries, /deliveries/{delivery}      a resident (`for`); who brings it sees the one that it brings
POST /deliveries/{delivery}/code    who brings it: the code to deposit, or, where it was not fetched, to take it back
POST /deliveries/{delivery}/pin     whom it is for: a new PIN to fetch it, told once; the one before is void
POST /deliveries/{delivery}/cancellation      who brings it, before it is there
POST /openings                      a locker: {"compartment": id, "code": "482913"}
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from broker.errors import Conflict, Forbidden, ResourceNotFound
from broker.http.messages import Response
from broker.http.rooms.route import Asked, Route
from broker.keeping import Db
from broker.model.values import Json, to_text
from services.forms import Forms
from services.lockers.compartments import SIZES, TEMPERATURES, fitting
from services.lockers.desk import DELIVERY, DEPOSITED, OVERDUE, RESERVED, Lockers
from services.lockers.secrets_of import new_code, sealed
from services.pattern.answering import (
    FOR,
    ID,
    PAGED,
    Desk,
    answered,
    digest_of,
    key_of,
    members,
    page,
    paged,
    same_again,
)
from services.pattern.answering import Doors as Rows
from services.pattern.cases import Act, Case
from services.pattern.consenting import lets

WANTED: Final = ("LivingService", "ParcelDelivery", ("deliveryState",))
"""What a person lets a carrier have that leaves parcels for them."""
_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": 100}
FORMS: Final = Forms({
    "delivery": members(
        "locker size", locker=ID, size={"enum": [*SIZES]}, temperature={"enum": [*TEMPERATURES]}, recipient=ID,
        trackingNumber=_TEXT, carrier=_TEXT,
    ),
    "nothing": members(""),
    "opening": members("compartment code", compartment=ID, code={"type": "string", "pattern": "^[0-9]{6}$"}),
})  # fmt: skip


class Doors:
    """The handlers."""

    def __init__(self, lockers: Lockers) -> None:
        self._lockers, self._ground, self._cases = lockers, lockers.ground, lockers.cases
        self._desk = Desk(lockers.ground)

    def routes(self) -> Sequence[Route]:
        """All of them."""
        rows, one = Rows("/services/lockers", "lockers"), "/deliveries/{delivery}"
        rows.post("/deliveries", "reserve", self.reserve)
        rows.get("/deliveries", "list_deliveries", self.deliveries, FOR | PAGED)
        rows.get(one, "retrieve_delivery", self.delivery)
        rows.post(f"{one}/code", "new_code", self.code)
        rows.post(f"{one}/pin", "new_pin", self.pin)
        rows.post(f"{one}/cancellation", "cancel", self.cancel)
        rows.post("/openings", "open", self.open)
        return rows.all

    def reserve(self, asked: Asked) -> Response:
        """A place for a parcel, and the code to deposit it; the same key again: a new code for the same place."""
        body = FORMS.read("delivery", asked.body)
        brings, subject = self._whom(asked, body)
        delivery_id = f"urn:ngsi-ld:ParcelDelivery:{key_of(asked, brings)}"
        told = {"temperature": TEMPERATURES[0], **body, "brings": brings, "asked": digest_of(body)}
        told |= {"acceptedAt": self._ground.clock.now()}
        told.pop("recipient", None)
        places = fitting(self._ground.hub, asked.tenant, body["locker"], body["size"], told["temperature"])
        code = new_code()
        kept = {**sealed(code), "for": "deposit"}

        def work(db: Db) -> tuple[Case, bool]:
            there = self._cases.within(db, asked.tenant, delivery_id, DELIVERY)
            if there is None:
                case = Case(delivery_id, DELIVERY, subject, RESERVED, {**told, "code": kept})
                return self._lockers.reserve(db, asked.tenant, case, places), True
            same_again(there, told["asked"])
            if there.state != RESERVED:
                return there, False
            return self._cases.put(db, asked.tenant, there.now(due=there.due, code=kept), Act("new code", brings)), True

        found, new = self._ground.file.write(work).result()
        return answered({**_told(found), **({"code": code} if new else {})}, 201 if new else 200)

    def deliveries(self, asked: Asked) -> Response:
        """Those for a person."""
        after, limit = paged(asked)
        found = self._cases.of(asked.tenant, DELIVERY, self._desk.person(asked), after, limit)
        return page("deliveries", found, [_told(one) for one in found], limit)

    def delivery(self, asked: Asked) -> Response:
        """One, with what happened to it."""
        found = self._seen(asked)
        acts: list[Json] = [
            {"at": to_text(at), "what": what, "state": state}
            for at, what, state, _ in self._cases.acts(asked.tenant, found.id)
        ]
        return answered({**_told(found), "acts": acts})

    def code(self, asked: Asked) -> Response:
        """A new code for who brings it: to deposit, or to take back what was not fetched."""
        return self._new_code(asked, self._brought(asked), {RESERVED: "deposit", OVERDUE: "return"})

    def pin(self, asked: Asked) -> Response:
        """A new PIN for whom it is for."""
        found = self._seen(asked)
        self._desk.deciding(asked, found.subject)
        return self._new_code(asked, found, {DEPOSITED: "pickup", OVERDUE: "pickup"})

    def cancel(self, asked: Asked) -> Response:
        """It does not come."""
        FORMS.read("nothing", asked.body)
        seen = self._brought(asked)

        def work(db: Db) -> Case:
            there = self._cases.within(db, asked.tenant, seen.id, DELIVERY)
            if there is None or there.state != RESERVED:
                raise _late()
            return self._lockers.end(db, asked.tenant, there, Act("cancel", seen.body["brings"]))

        return answered(_told(self._ground.file.write(work).result()))

    def open(self, asked: Asked) -> Response:
        """Whether a door opens, and what for. Nothing tells a wrong code from an empty place."""
        body = FORMS.read("opening", asked.body)
        opened = self._ground.file.write(
            lambda db: self._lockers.open(db, asked.tenant, body["compartment"], body["code"])
        ).result()
        if opened.shut:
            raise Forbidden("it was tried too often", pointer="/compartment", remedy="later, or a new code then")
        if not opened.what:
            raise Forbidden("that code opens nothing here", pointer="/code", remedy="the newest code for this door")
        return answered({"open": True, "for": opened.what})

    def _new_code(self, asked: Asked, seen: Case, states: dict[str, str]) -> Response:
        FORMS.read("nothing", asked.body)
        code = new_code()
        kept = sealed(code)

        def work(db: Db) -> Case:
            there = self._cases.within(db, asked.tenant, seen.id, DELIVERY)
            if there is None or there.state not in states:
                raise _late()
            moved = there.now(due=there.due, code={**kept, "for": states[there.state]})
            return self._cases.put(db, asked.tenant, moved, Act("new code"))

        return answered({**_told(self._ground.file.write(work).result()), "code": code}, 201)

    def _whom(self, asked: Asked, body: dict[str, Any]) -> tuple[str, str]:
        """Who brings it, and for whom. Raises Forbidden alike for who did not allow it and for nobody."""
        if "recipient" not in asked.principal.roles:
            own = self._desk.own(asked)
            if body.get("recipient", own) != own:
                raise Forbidden("parcels for others are a carrier's", pointer="/recipient", remedy="leave it out")
            return own, own
        organisation, subject = self._desk.organisation(asked), str(body.get("recipient", ""))
        if not lets(self._ground, asked.tenant, organisation, subject, WANTED):
            raise Forbidden(
                "nobody of that name lets you leave parcels", pointer="/recipient",
                remedy="a consent to ParcelDelivery/deliveryState for LivingService",
            )  # fmt: skip
        return organisation, subject

    def _seen(self, asked: Asked) -> Case:
        """One that who asks may see. Raises ResourceNotFound, alike for another's and for none."""
        found = self._cases.get(asked.tenant, asked.path["delivery"], DELIVERY)
        if found is None or not (self._desk.sees(asked, found.subject) or found.body["brings"] == _who(asked)):
            raise ResourceNotFound("there is no such delivery", pointer="/delivery")
        return found

    def _brought(self, asked: Asked) -> Case:
        found = self._seen(asked)
        if found.body["brings"] != _who(asked):
            raise Forbidden("that is for who brings it", pointer="/delivery", remedy="POST …/pin")
        return found


def _who(asked: Asked) -> str:
    return asked.principal.recipient if "recipient" in asked.principal.roles else asked.principal.subject


def _late() -> Conflict:
    return Conflict("it is not there for that", pointer="/delivery", remedy="see its state")


def _told(case: Case) -> dict[str, Json]:
    names = ("locker", "compartment", "size", "temperature", "carrier", "trackingNumber")
    times = ("acceptedAt", "depositedAt", "pickupDeadline", "handedOverAt")
    return {
        "id": case.id, "state": case.state, **{name: case.body[name] for name in names if name in case.body},
        **{name: to_text(case.body[name]) for name in times if name in case.body},
    }  # fmt: skip
