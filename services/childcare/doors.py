"""The routes below /services/childcare. Families and supporters are pseudonyms; a supporter sees requests that suit.

POST /supporters                         a resident says what they take on; paused until somebody checked who they are
POST /supporters/{supporter}/check       the operator: identity and fitness were checked
POST /supporters/end                     the resident helps no longer
POST /requests                           a family asks
GET  /requests, /requests/{request}      the family (`for`), with who offered
GET  /open                               a supporter: open requests that suit them
POST /requests/{request}/offers          a supporter offers to help
POST /requests/{request}/match           the family: {"supporter": id}
POST /requests/{request}/completion      the family: it is done, and paid
POST /requests/{request}/cancellation    the family
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final

from broker.errors import BadRequestData, Conflict, Forbidden, ResourceNotFound
from broker.http.messages import Response
from broker.http.rooms.route import Asked, Route
from broker.keeping import Db
from broker.model.values import Json, to_text
from services.childcare.matching import KINDS
from services.childcare.sharing import ACTIVE, CANCELLED, DONE, ENDED, OPEN, PAUSED, REQUEST, SUPPORTER, Sharing
from services.forms import Forms
from services.ledger.amounts import told, units
from services.pattern.answering import (
    FOR,
    ID,
    PAGED,
    TIME,
    Desk,
    answered,
    digest_of,
    instant,
    key_of,
    members,
    page,
    paged,
    same_again,
)
from services.pattern.answering import Doors as Rows
from services.pattern.cases import Act, Case

HOURS_MAX: Final = 72
TEXTS: Final = {
    "shareOpen": {"ja": "募集中です", "en": "Looking for somebody"},
    "shareMatched": {"ja": "支援者が決まりました", "en": "Somebody helps"},
    "shareDone": {"ja": "完了しました", "en": "Done"},
    "shareCancelled": {"ja": "取り消されました", "en": "Cancelled"},
}
_MONTHS: Final = {"type": "integer", "minimum": 0, "maximum": 215}
_KIND: Final = {"enum": [*KINDS]}
FORMS: Final = Forms({
    "supporter": members(
        "kinds", kinds={"type": "array", "minItems": 1, "uniqueItems": True, "items": _KIND}, leastMonths=_MONTHS,
        days={"type": "array", "maxItems": 7, "items": {"type": "integer", "minimum": 1, "maximum": 7}},
    ),
    "request": members(
        "kind start end ages", kind=_KIND, start=TIME, end=TIME, feePerHour={"type": "number", "minimum": 0},
        ages={"type": "array", "minItems": 1, "maxItems": 10, "items": _MONTHS},
    ),
    "match": members("supporter", supporter=ID),
    "nothing": members(""),
})  # fmt: skip


class Doors:
    """The handlers."""

    def __init__(self, sharing: Sharing) -> None:
        self._sharing, self._ground, self._cases = sharing, sharing.ground, sharing.cases
        self._desk = Desk(sharing.ground)

    def routes(self) -> Sequence[Route]:
        """All of them."""
        rows, one = Rows("/services/childcare", "childcare"), "/requests/{request}"
        rows.post("/supporters", "register_supporter", self.register)
        rows.post("/supporters/end", "end_supporter", self.end)
        rows.post("/supporters/{supporter}/check", "check_supporter", self.check)
        rows.post("/requests", "ask", self.ask, FOR)
        rows.get("/requests", "list_requests", self.requests, FOR | PAGED)
        rows.get(one, "retrieve_request", self.request)
        rows.get("/open", "list_open", self.open)
        rows.post(f"{one}/offers", "offer", self.offer)
        rows.post(f"{one}/match", "match", self.match)
        rows.post(f"{one}/completion", "complete", self.complete)
        rows.post(f"{one}/cancellation", "cancel", self.cancel)
        return rows.all

    def register(self, asked: Asked) -> Response:
        """Say what one takes on; who was checked once stays so."""
        own, body = self._desk.own(asked), FORMS.read("supporter", asked.body)
        supporter_id = _supporter_id(asked.tenant, own)

        def work(db: Db) -> Case:
            there = self._cases.within(db, asked.tenant, supporter_id, SUPPORTER)
            kept = {} if there is None else {
                name: there.body[name] for name in ("checkedAt", "helped") if name in there.body
            }  # fmt: skip
            state = ACTIVE if "checkedAt" in kept else PAUSED
            case = Case(supporter_id, SUPPORTER, own, state, {**body, **kept})
            return self._cases.put(db, asked.tenant, case, Act("register", own))

        return answered(_helper(self._ground.file.write(work).result()), 201)

    def check(self, asked: Asked) -> Response:
        """Identity and fitness were checked, on paper."""
        FORMS.read("nothing", asked.body)
        found = self._cases.find(asked.tenant, asked.path["supporter"], SUPPORTER)
        checked = Case(found.id, SUPPORTER, found.subject, ACTIVE,
                       {**found.body, "checkedAt": self._ground.clock.now()})  # fmt: skip
        self._put(asked, checked, Act("check", asked.principal.name))
        return answered({"id": checked.id, "state": checked.state})

    def end(self, asked: Asked) -> Response:
        """Help no longer."""
        FORMS.read("nothing", asked.body)
        own = self._desk.own(asked)
        found = self._cases.find(asked.tenant, _supporter_id(asked.tenant, own), SUPPORTER)
        ended = Case(found.id, SUPPORTER, own, ENDED, found.body)
        return answered(_helper(self._put(asked, ended, Act("end", own))))

    def ask(self, asked: Asked) -> Response:
        """A request, open until it begins."""
        subject, body = self._desk.person(asked, decides=True), FORMS.read("request", asked.body)
        request_id = f"urn:ngsi-ld:ChildcareShareRequest:{key_of(asked, subject)}"
        kept = {**self._read(body), "asked": digest_of(body)}

        def work(db: Db) -> tuple[Case, int]:
            there = self._cases.within(db, asked.tenant, request_id, REQUEST)
            if there is not None:
                return same_again(there, kept["asked"]), 200
            case = Case(request_id, REQUEST, subject, OPEN, kept, kept["start"])
            return self._cases.put(db, asked.tenant, case, Act("ask", subject)), 201

        found, status = self._ground.file.write(work).result()
        return answered(_told(found), status)

    def requests(self, asked: Asked) -> Response:
        """Those of a family."""
        after, limit = paged(asked)
        found = self._cases.of(asked.tenant, REQUEST, self._desk.person(asked), after, limit)
        return page("requests", found, [_told(one) for one in found], limit)

    def request(self, asked: Asked) -> Response:
        """One, and whom it suits."""
        found = self._own(asked)
        suiting: list[Json] = [_helper(one) for one in self._sharing.suiting(asked.tenant, found)]
        return answered({**_told(found), "suiting": suiting} if found.state == OPEN else _told(found))

    def open(self, asked: Asked) -> Response:
        """Open requests that suit who asks; without the family's pseudonym."""
        own = self._supporter(asked)
        found = [one for one in self._cases.in_state(asked.tenant, REQUEST, OPEN) if self._sharing.suits(one, own)]
        return answered({"requests": [_asked_for(one) for one in found]})

    def offer(self, asked: Asked) -> Response:
        """Offer to help."""
        FORMS.read("nothing", asked.body)
        own = self._supporter(asked)

        def work(db: Db) -> Case:
            there = self._cases.within(db, asked.tenant, asked.path["request"], REQUEST)
            if there is None or there.state != OPEN or not self._sharing.suits(there, own):
                raise ResourceNotFound("there is no such request", pointer="/request")
            if own.id in there.body["offers"]:
                return there
            more = there.now(due=there.due, offers=[*there.body["offers"], own.id])
            return self._cases.put(db, asked.tenant, more, Act("offer", own.subject))

        return answered(_asked_for(self._ground.file.write(work).result()), 201)

    def match(self, asked: Asked) -> Response:
        """Choose one of who offered."""
        body, found = FORMS.read("match", asked.body), self._own(asked, decides=True)
        matched = self._ground.file.write(
            lambda db: self._sharing.match(db, asked.tenant, found.id, body["supporter"])
        ).result()
        return answered(_told(matched))

    def complete(self, asked: Asked) -> Response:
        """It is done, and paid; the same again answers the same."""
        FORMS.read("nothing", asked.body)
        found = self._own(asked, decides=True)
        done, posted = self._ground.file.write(
            lambda db: self._sharing.complete(db, asked.tenant, found.id)
        ).result()  # fmt: skip
        if posted is not None:
            accounts = (leg.account for leg in posted.posting.legs)
            self._sharing.ledger.ledger.shown(asked.tenant, (posted.id, *accounts))
        return answered(_told(done))

    def cancel(self, asked: Asked) -> Response:
        """Take it back, before it is done."""
        FORMS.read("nothing", asked.body)
        found = self._own(asked, decides=True)

        def work(db: Db) -> Case:
            there = self._cases.within(db, asked.tenant, found.id, REQUEST)
            if there is None or there.state == DONE:
                raise Conflict("it is done", pointer="/request", remedy="nothing: it is over")
            return self._cases.put(db, asked.tenant, there.now(CANCELLED), Act("cancel", found.subject))

        return answered(_told(self._ground.file.write(work).result()))

    def _read(self, body: dict[str, Any]) -> dict[str, Any]:
        start, end = instant(body, "start"), instant(body, "end")
        if not self._ground.clock.now() < start < end <= start + HOURS_MAX * 3_600_000_000:
            raise BadRequestData("it begins later, and ends after that", pointer="/end",
                                 remedy=f"{HOURS_MAX} hours at most")  # fmt: skip
        fee = units(body["feePerHour"], "/feePerHour") if body.get("feePerHour") else 0
        return {"kind": body["kind"], "start": start, "end": end, "ages": body["ages"], "fee": fee, "offers": []}

    def _own(self, asked: Asked, *, decides: bool = False) -> Case:
        """One of a family's own. Raises ResourceNotFound, alike for another's and for none."""
        found = self._cases.get(asked.tenant, asked.path["request"], REQUEST)
        if found is None or not self._desk.sees(asked, found.subject):
            raise ResourceNotFound("there is no such request", pointer="/request")
        if decides:
            self._desk.deciding(asked, found.subject)
        return found

    def _supporter(self, asked: Asked) -> Case:
        found = self._cases.get(asked.tenant, _supporter_id(asked.tenant, self._desk.own(asked)), SUPPORTER)
        if found is None or found.state != ACTIVE:
            raise Forbidden("this is for supporters who were checked", remedy="POST /services/childcare/supporters")
        return found

    def _put(self, asked: Asked, case: Case, act: Act) -> Case:
        return self._ground.file.write(lambda db: self._cases.put(db, asked.tenant, case, act)).result()


def _supporter_id(tenant: str, subject: str) -> str:
    return f"urn:ngsi-ld:SupporterProfile:{sha256(f'{tenant} {subject}'.encode()).hexdigest()[:32]}"


def _helper(case: Case) -> dict[str, Json]:
    return {"id": case.id, "state": case.state, "kinds": case.body["kinds"], "helped": case.body.get("helped", 0)}


def _asked_for(case: Case) -> dict[str, Json]:
    body = case.body
    return {
        "id": case.id, "kind": body["kind"], "start": to_text(body["start"]), "end": to_text(body["end"]),
        "ages": body["ages"], "feePerHour": told(body["fee"]),
    }  # fmt: skip


def _told(case: Case) -> dict[str, Json]:
    body = case.body
    more = {name: body[name] for name in ("supporter", "transaction") if name in body}
    return {**_asked_for(case), "state": case.state, "text": TEXTS[case.state], "offers": body["offers"], **more}
