"""The bank as its doors and other rooms call it: acts of the operator, the board, recipients and residents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from broker.errors import Forbidden
from broker.ports import Principal
from datamodels.library import Library
from services.bank import board, offers, recipients, requesting
from services.bank.board import Verdict
from services.bank.book import Book, Desk, Item
from services.bank.configured import Settings
from services.bank.items import read_items, read_purpose
from services.bank.policy import agreement_policy, offer_policy

RESIDENT: Final = "resident"
"""Who acted, in the book, where it was a resident: their name is not written there."""


def acting(principal: Principal) -> str:
    """Whom the book names."""
    return RESIDENT if RESIDENT in principal.roles else principal.name


class Bank:
    """Recipients, the board, offers, requests and agreements. Each act is durable and shown on return."""

    def __init__(
        self, book: Book, library: Callable[[], Library], new_id: Callable[[], str], settings: Settings
    ) -> None:
        self.book, self.library, self.settings = book, library, settings
        self._new_id = new_id

    def id(self, type_: str) -> str:
        """A new id: `urn:ngsi-ld:DataOffer:…`."""
        return f"urn:ngsi-ld:{type_}:{self._new_id()}"

    def act(self, tenant: str, principal: Principal, work: Callable[[Desk], Item]) -> Item:
        """Do it in the name of somebody."""
        return self.book.transact(tenant, acting(principal), work)

    def register(self, tenant: str, by: Principal, body: dict[str, Any]) -> Item:
        """A recipient that asks to be one."""
        for place, purpose in enumerate(body.get("purposes", [])):
            read_purpose(self.library(), purpose, f"/purposes/{place}")
        item_id = self.id("RecipientOrganisation")
        return self.act(tenant, by, lambda desk: recipients.register(desk, item_id, body))

    def activate(self, tenant: str, by: Principal, item_id: str) -> Item:
        """It may receive from now on, as long as its evidence and contract hold."""

        def work(desk: Desk) -> Item:
            decision = board.latest_about(desk.items(board.DECISION), item_id)
            return recipients.activate(desk, item_id, decision)

        return self.act(tenant, by, work)

    def draft(self, tenant: str, by: Principal, body: dict[str, Any]) -> Item:
        """An offer, not live yet."""
        offers.check_terms(self.library(), body)
        return self.act(tenant, by, lambda desk: offers.draft(desk, self.id("DataOffer"), body))

    def change_offer(self, tenant: str, by: Principal, item_id: str, body: dict[str, Any]) -> Item:
        """Other terms of it: it is a draft again."""
        library = self.library()

        def work(desk: Desk) -> Item:
            item = desk.item(offers.KIND, item_id)
            offers.check_terms(library, {**item.body, **body})
            return offers.change(desk, item, body)

        return self.act(tenant, by, work)

    def propose(self, tenant: str, by: Principal, body: dict[str, Any]) -> Item:
        """Put an offer, a request or a recipient before the board."""
        library = self.library()

        def work(desk: Desk) -> Item:
            about = board.reviewed(desk, body["about"])
            special = "dataItems" in about.body and offers.is_special(library, about.body)
            review = board.propose(desk, self.id("EthicsReview"), about, body["question"], special=special)
            if about.kind == requesting.KIND and about.state == requesting.SUBMITTED:
                desk.write(about.kind, about.id, "review", {"state": requesting.REVIEWING})
            return review

        return self.act(tenant, by, work)

    def vote(self, tenant: str, by: Principal, item_id: str, body: dict[str, Any]) -> Item:
        """A member's vote."""
        return self.act(tenant, by, lambda desk: board.vote(desk, item_id, by.name, body))

    def decide(self, tenant: str, by: Principal, item_id: str, body: dict[str, Any]) -> Item:
        """The board's decision."""
        verdict = Verdict(
            self.id("EthicsDecision"), body["summary"], body["validUntil"], self.settings.decision_days_max
        )
        return self.act(tenant, by, lambda desk: board.decide(desk, item_id, by.name, verdict)[1])

    def revoke(self, tenant: str, by: Principal, item_id: str, reason: str) -> Item:
        """A decision taken back: what is live by it is suspended in the same act."""

        def work(desk: Desk) -> Item:
            decision = board.revoke(desk, item_id, by.name, reason)
            offers.follow_decision(desk, decision)
            return decision

        return self.act(tenant, by, work)

    def submit(self, tenant: str, by: Principal, body: dict[str, Any]) -> Item:
        """A recipient's request."""
        recipient, library = asking_for(by), self.library()
        return self.act(
            tenant, by, lambda desk: requesting.submit(desk, library, self.id("DataRequest"), recipient, body)
        )

    def accept(self, tenant: str, by: Principal, item_id: str) -> Item:
        """Accept a request: the agreement made of it."""
        library = self.library()
        return self.act(tenant, by, lambda desk: requesting.accept(desk, library, item_id, self.id("DataAgreement"))[1])

    def live_offers(self, tenant: str) -> list[Item]:
        """Those that are live now, oldest first."""
        now, decisions = self.book.now(), {one.id: one for one in self.book.items(tenant, board.DECISION)}
        return [
            one
            for one in self.book.items(tenant, offers.KIND)
            if offers.is_live(one.body, decisions.get(str(one.body.get("ethicsDecision"))), now)
        ]

    def policy(self, item: Item) -> Any:  # noqa: ANN401  JSON
        """An offer or an agreement as ODRL."""
        library, told = self.library(), item.told()
        items = read_items(library, item.body["dataItems"])
        if item.kind == offers.KIND:
            return offer_policy(told, items, lambda one: read_purpose(library, one, "/purposes"))
        return agreement_policy(told, items, read_purpose(library, item.body["purpose"], "/purpose"))


def asking_for(principal: Principal) -> str:
    """The organisation that they ask for. Raises Forbidden."""
    if not principal.recipient:
        raise Forbidden("this token is of no organisation", remedy="a token with the claim of one")
    return principal.recipient
