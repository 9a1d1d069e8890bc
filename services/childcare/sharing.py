"""The life of a request, in transactions of the file: open, matched, done and paid, or cancelled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from broker.errors import Conflict
from broker.keeping import Db
from broker.model.values import to_text
from broker.ports.hub import Fragment
from services.childcare.matching import Offer, Wanted, fee, suits, weekday
from services.ledger.amounts import told
from services.ledger.postings import Leg, Posted, Posting
from services.pattern.cases import Act, Case, Cases
from services.room import Ground
from services.shaping import Shaper

if TYPE_CHECKING:
    from services.ledger.room import LedgerRoom

REQUEST, SUPPORTER = "request", "supporter"
OPEN, MATCHED, DONE, CANCELLED = "shareOpen", "shareMatched", "shareDone", "shareCancelled"
ACTIVE, PAUSED, ENDED = "supporterActive", "supporterPaused", "supporterEnded"
PACKAGE: Final = "misono-care"


@dataclass(frozen=True, slots=True)
class Sharing:
    """See the module."""

    ground: Ground
    cases: Cases
    ledger: LedgerRoom
    currency: str
    zone: ZoneInfo

    def suiting(self, tenant: str, request: Case) -> list[Case]:
        """Active supporters whom it suits, who helped most often first; never the family itself."""
        found = [one for one in self.cases.in_state(tenant, SUPPORTER, ACTIVE) if self.suits(request, one)]
        return sorted(found, key=lambda one: (-int(one.body.get("helped", 0)), one.number))

    def suits(self, request: Case, supporter: Case) -> bool:
        """Whether they take it on."""
        body, own = supporter.body, request.body
        wanted = Wanted(own["kind"], weekday(own["start"], self.zone), own["ages"])
        offer = Offer(body["kinds"], body.get("days", ()), int(body.get("leastMonths", 0)))
        return supporter.subject != request.subject and supporter.state == ACTIVE and suits(wanted, offer)

    def match(self, db: Db, tenant: str, request_id: str, supporter_id: str) -> Case:
        """The family chooses one of who offered. Raises Conflict."""
        request = self._in(db, tenant, request_id, OPEN)
        supporter = self.cases.within(db, tenant, supporter_id, SUPPORTER)
        if supporter is None or supporter_id not in request.body["offers"] or not self.suits(request, supporter):
            raise Conflict("they did not offer it, or may not any more", pointer="/supporter", remedy="one of offers")
        matched = request.now(MATCHED, supporter=supporter_id)
        return self.cases.put(db, tenant, matched, Act("match", request.subject))

    def complete(self, db: Db, tenant: str, request_id: str) -> tuple[Case, Posted | None]:
        """It is done: what it costs is paid, in the same transaction, once. Raises Conflict: not enough; then not."""
        there = self.cases.within(db, tenant, request_id, REQUEST)
        if there is not None and there.state == DONE:
            return there, None
        request = self._in(db, tenant, request_id, MATCHED)
        if self.ground.clock.now() < request.body["start"]:
            raise Conflict("it has not begun", pointer="/request", remedy=f"from {to_text(request.body['start'])} on")
        supporter = self.cases.within(db, tenant, request.body["supporter"], SUPPORTER)
        if supporter is None:
            raise Conflict("the supporter is no longer there", pointer="/request", remedy="cancel it")
        posted = self._pay(db, tenant, request, supporter.subject)
        helped = supporter.now(helped=int(supporter.body.get("helped", 0)) + 1)
        self.cases.put(db, tenant, helped, Act("helped"))
        done = request.now(DONE, transaction=None if posted is None else posted.id)
        return self.cases.put(db, tenant, done, Act("complete", request.subject)), posted

    def due(self, db: Db, tenant: str, case: Case) -> None:
        """Nobody was found in time."""
        if case.kind == REQUEST and case.state == OPEN:
            self.cases.put(db, tenant, case.now(CANCELLED), Act("expire"))

    def render(self, tenant: str, case: Case) -> list[Fragment]:
        """The entity; of supporters those that were checked."""
        library, body = self.ground.library(), case.body
        if case.kind == SUPPORTER:
            return [Shaper(library, PACKAGE, "SupporterProfile").entity(case.id, _supporter(case))]
        shown: dict[str, Any] = {
            "dataSubject": case.subject, "childcareKind": body["kind"], "shareState": case.state,
            "careStart": to_text(body["start"]), "careEnd": to_text(body["end"]),
            "childAgeMonths": body["ages"], "feePerHour": told(body["fee"]) if body["fee"] else None,
        }  # fmt: skip
        chosen = self.cases.get(tenant, str(body.get("supporter", "")), SUPPORTER)
        shown["supporter"] = None if chosen is None else chosen.id
        return [Shaper(library, PACKAGE, "ChildcareShareRequest").entity(case.id, shown)]

    def _pay(self, db: Db, tenant: str, request: Case, supporter: str) -> Posted | None:
        amount = fee(request.body["fee"], request.body["start"], request.body["end"])
        if not amount:
            return None
        giver = self.ledger.account_within(db, tenant, request.subject, self.currency)
        taker = self.ledger.account_within(db, tenant, supporter, self.currency)
        legs = (Leg(giver.id, self.currency, -amount), Leg(taker.id, self.currency, amount))
        return self.ledger.ledger.post_within(db, tenant, Posting(f"childcare#{request.id}", "childcareReward", legs))

    def _in(self, db: Db, tenant: str, request_id: str, state: str) -> Case:
        there = self.cases.within(db, tenant, request_id, REQUEST)
        if there is None or there.state != state:
            raise Conflict("it is not there for that", pointer="/request", remedy=f"in the state {state}")
        return there


def _supporter(case: Case) -> dict[str, Any]:
    body = case.body
    checked = body.get("checkedAt")
    return {
        "dataSubject": case.subject, "supporterState": case.state, "childcareKinds": body["kinds"],
        "availableDays": body.get("days"), "minChildAgeMonths": body.get("leastMonths"),
        "completedCount": body.get("helped", 0), "backgroundCheckedAt": None if checked is None else to_text(checked),
    }  # fmt: skip
