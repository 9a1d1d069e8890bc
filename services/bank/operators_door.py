"""Routes of recipients, the board, offers, requests and agreements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from broker.http.messages import Response
from broker.http.rooms.route import Asked
from broker.model.values import Json
from services.bank import board, offers, recipients, requesting
from services.bank.bank import Bank, asking_for
from services.bank.book import Item, found
from services.bank.doors import PAGED, Row, listed, made, plain, whole
from services.bank.items import read_purpose

_STAFF: Final = ("operator", "board", "auditor")
_ANYBODY: Final = (*_STAFF, "resident", "recipient")
_PUBLIC: Final = ("name", "recipientClass", "country", "contact", "purposes", "state")


class OperatorsDoor:
    """See the module."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank

    def rows(self) -> tuple[Row, ...]:
        """The table."""
        return (*self._of_recipients(), *self._of_the_board(), *self._of_offers(), *self._of_requests())

    def _of_recipients(self) -> tuple[Row, ...]:
        bank, one = self.bank, "/recipients/{recipient}"

        def with_reason(work: Callable[..., Item]) -> Callable[[Asked, dict[str, Any]], Response]:
            def run(asked: Asked, body: dict[str, Any]) -> Response:
                chosen = asked.path["recipient"]
                done = bank.act(asked.tenant, asked.principal, lambda desk: work(desk, chosen, body["reason"]))
                return plain(done.told())

            return run

        def change(asked: Asked, body: dict[str, Any]) -> Response:
            chosen = asked.path["recipient"]
            for place, purpose in enumerate(body.get("purposes", [])):
                read_purpose(bank.library(), purpose, f"/purposes/{place}")
            return plain(
                bank.act(asked.tenant, asked.principal, lambda desk: recipients.change(desk, chosen, body)).told()
            )

        return (
            Row("GET", "/recipients", "bank_list_recipients", _ANYBODY, self.list_recipients, parameters=PAGED),
            Row("POST", "/recipients", "bank_register_recipient", ("operator",), self.register, "recipient"),
            Row("GET", one, "bank_retrieve_recipient", _ANYBODY, self.retrieve_recipient),
            Row("PATCH", one, "bank_change_recipient", ("operator",), change, "recipient-change"),
            Row("POST", f"{one}/activation", "bank_activate_recipient", ("operator",), self.activate, "nothing"),
            Row("POST", f"{one}/suspension", "bank_suspend_recipient", ("operator",),
                with_reason(recipients.suspend), "reason"),
            Row("POST", f"{one}/end", "bank_end_recipient", ("operator",), with_reason(recipients.end), "reason"),
        )  # fmt: skip

    def _of_the_board(self) -> tuple[Row, ...]:
        bank, members, reviews = self.bank, "/board/members", "/board/reviews"

        def appoint(asked: Asked, body: dict[str, Any]) -> Response:
            item_id = bank.id("BoardMember")
            done = bank.act(asked.tenant, asked.principal, lambda desk: board.appoint(desk, item_id, body))
            return made(members, done)

        def leave(asked: Asked, body: dict[str, Any]) -> Response:
            chosen = asked.path["member"]
            done = bank.act(asked.tenant, asked.principal, lambda desk: board.leave(desk, chosen, body["reason"]))
            return plain(done.told())

        return (
            Row("GET", members, "bank_list_members", _STAFF, self._list(board.MEMBER), parameters=PAGED),
            Row("POST", members, "bank_appoint_member", ("operator",), appoint, "member"),
            Row("POST", members + "/{member}/end", "bank_end_member", ("operator",), leave, "reason"),
            Row("GET", reviews, "bank_list_reviews", _STAFF, self._list(board.REVIEW), parameters=PAGED),
            Row("POST", reviews, "bank_propose_review", ("operator",), self.propose, "review"),
            Row("GET", reviews + "/{review}", "bank_retrieve_review", _STAFF, self._get(board.REVIEW, "review")),
            Row("PUT", reviews + "/{review}/vote", "bank_vote", ("board",), self.vote, "vote"),
            Row("POST", reviews + "/{review}/decision", "bank_decide", ("board",), self.decide, "decision"),
            Row("GET", "/board/decisions", "bank_list_decisions", _ANYBODY, self._list(board.DECISION),
                parameters=PAGED),
            Row("GET", "/board/decisions/{decision}", "bank_retrieve_decision", _ANYBODY,
                self._get(board.DECISION, "decision")),
            Row("POST", "/board/decisions/{decision}/revocation", "bank_revoke_decision", ("board",), self.revoke,
                "reason"),
        )  # fmt: skip

    def _of_offers(self) -> tuple[Row, ...]:
        bank, one = self.bank, "/offers/{offer}"

        def suspend(asked: Asked, body: dict[str, Any]) -> Response:
            chosen = asked.path["offer"]
            return plain(bank.act(
                asked.tenant, asked.principal,
                lambda desk: offers.suspend(desk, desk.item(offers.KIND, chosen), body["reason"]),
            ).told())  # fmt: skip

        def close(asked: Asked, body: dict[str, Any]) -> Response:
            chosen = asked.path["offer"]
            done = bank.act(asked.tenant, asked.principal, lambda desk: offers.close(desk, chosen, body["reason"]))
            return plain(done.told())

        return (
            Row("GET", "/offers", "bank_list_offers", _ANYBODY, self.list_offers, parameters=PAGED),
            Row("POST", "/offers", "bank_draft_offer", ("operator",), self.draft, "offer"),
            Row("GET", one, "bank_retrieve_offer", _ANYBODY, self.retrieve_offer),
            Row("PATCH", one, "bank_change_offer", ("operator",), self.change_offer, "offer-change"),
            Row("GET", f"{one}/policy", "bank_offer_policy", _ANYBODY, self.offer_policy),
            Row("POST", f"{one}/publication", "bank_publish_offer", ("operator",), self.publish, "publish"),
            Row("POST", f"{one}/suspension", "bank_suspend_offer", ("operator",), suspend, "reason"),
            Row("POST", f"{one}/end", "bank_close_offer", ("operator",), close, "reason"),
        )

    def _of_requests(self) -> tuple[Row, ...]:
        one, agreement = "/requests/{request}", "/agreements/{agreement}"
        readers = (*_STAFF, "recipient")
        return (
            Row("GET", "/requests", "bank_list_requests", readers, self._list(requesting.KIND), parameters=PAGED),
            Row("POST", "/requests", "bank_submit_request", ("recipient",), self.submit, "request"),
            Row("GET", one, "bank_retrieve_request", readers, self._get(requesting.KIND, "request")),
            Row("POST", f"{one}/withdrawal", "bank_withdraw_request", ("recipient",), self.withdraw, "nothing"),
            Row("POST", f"{one}/acceptance", "bank_accept_request", ("operator",), self.accept, "nothing"),
            Row("POST", f"{one}/rejection", "bank_reject_request", ("operator",), self.reject, "reason"),
            Row("GET", "/agreements", "bank_list_agreements", readers, self._list(requesting.AGREEMENT),
                parameters=PAGED),
            Row("GET", agreement, "bank_retrieve_agreement", readers, self._get(requesting.AGREEMENT, "agreement")),
            Row("GET", f"{agreement}/policy", "bank_agreement_policy", readers, self.agreement_policy),
            Row("POST", f"{agreement}/end", "bank_end_agreement", ("operator", "recipient"), self.end_agreement,
                "reason"),
        )  # fmt: skip

    def list_recipients(self, asked: Asked, _: dict[str, Any]) -> Response:
        """Those there are; residents and recipients see what is public of them."""
        return self._page(asked, recipients.KIND, lambda item: self._told_recipient(asked, item))

    def retrieve_recipient(self, asked: Asked, _: dict[str, Any]) -> Response:
        """One of them."""
        return plain(self._told_recipient(asked, self._item(asked, recipients.KIND, "recipient")))

    def register(self, asked: Asked, body: dict[str, Any]) -> Response:
        """A new recipient, which receives nothing yet."""
        return made("/recipients", self.bank.register(asked.tenant, asked.principal, body))

    def activate(self, asked: Asked, _: dict[str, Any]) -> Response:
        """It may receive."""
        return plain(self.bank.activate(asked.tenant, asked.principal, asked.path["recipient"]).told())

    def propose(self, asked: Asked, body: dict[str, Any]) -> Response:
        """Put something before the board."""
        return made("/board/reviews", self.bank.propose(asked.tenant, asked.principal, body))

    def vote(self, asked: Asked, body: dict[str, Any]) -> Response:
        """A member's vote."""
        return plain(self.bank.vote(asked.tenant, asked.principal, asked.path["review"], body).told())

    def decide(self, asked: Asked, body: dict[str, Any]) -> Response:
        """The board's decision."""
        return made("/board/decisions", self.bank.decide(asked.tenant, asked.principal, asked.path["review"], body))

    def revoke(self, asked: Asked, body: dict[str, Any]) -> Response:
        """A decision taken back."""
        chosen = asked.path["decision"]
        return plain(self.bank.revoke(asked.tenant, asked.principal, chosen, body["reason"]).told())

    def list_offers(self, asked: Asked, _: dict[str, Any]) -> Response:
        """Staff see all of them, others those that are live."""
        if not asked.principal.roles.isdisjoint(_STAFF):
            return self._page(asked, offers.KIND, whole)
        live = self.bank.live_offers(asked.tenant)
        return listed(asked, lambda after, limit: [one for one in live if one.number > after][:limit], whole)

    def retrieve_offer(self, asked: Asked, _: dict[str, Any]) -> Response:
        """One of them."""
        return plain(self._offer(asked).told())

    def offer_policy(self, asked: Asked, _: dict[str, Any]) -> Response:
        """It as ODRL."""
        return _ld(self.bank.policy(self._offer(asked)))

    def draft(self, asked: Asked, body: dict[str, Any]) -> Response:
        """A new offer."""
        return made("/offers", self.bank.draft(asked.tenant, asked.principal, body))

    def change_offer(self, asked: Asked, body: dict[str, Any]) -> Response:
        """Other terms."""
        return plain(self.bank.change_offer(asked.tenant, asked.principal, asked.path["offer"], body).told())

    def publish(self, asked: Asked, body: dict[str, Any]) -> Response:
        """It is live."""
        chosen, accepts = asked.path["offer"], bool(body.get("acceptsConditions"))
        work = self.bank.act(
            asked.tenant, asked.principal, lambda desk: offers.publish(desk, chosen, accepts_conditions=accepts)
        )
        return plain(work.told())

    def submit(self, asked: Asked, body: dict[str, Any]) -> Response:
        """A recipient's request."""
        return made("/requests", self.bank.submit(asked.tenant, asked.principal, body))

    def withdraw(self, asked: Asked, _: dict[str, Any]) -> Response:
        """A request taken back."""
        chosen, recipient = asked.path["request"], asking_for(asked.principal)
        done = self.bank.act(asked.tenant, asked.principal, lambda desk: requesting.withdraw(desk, chosen, recipient))
        return plain(done.told())

    def accept(self, asked: Asked, _: dict[str, Any]) -> Response:
        """A request accepted: the agreement."""
        return made("/agreements", self.bank.accept(asked.tenant, asked.principal, asked.path["request"]))

    def reject(self, asked: Asked, body: dict[str, Any]) -> Response:
        """A request refused."""
        chosen = asked.path["request"]
        done = self.bank.act(
            asked.tenant, asked.principal, lambda desk: requesting.reject(desk, chosen, body["reason"])
        )
        return plain(done.told())

    def end_agreement(self, asked: Asked, body: dict[str, Any]) -> Response:
        """Nothing more is handed over under it."""
        item = self._item(asked, requesting.AGREEMENT, "agreement")
        done = self.bank.act(
            asked.tenant, asked.principal,
            lambda desk: requesting.end(desk, desk.item(item.kind, item.id), body["reason"]),
        )  # fmt: skip
        return plain(done.told())

    def agreement_policy(self, asked: Asked, _: dict[str, Any]) -> Response:
        """It as ODRL."""
        return _ld(self.bank.policy(self._item(asked, requesting.AGREEMENT, "agreement")))

    def _offer(self, asked: Asked) -> Item:
        """An offer; to others than staff one that is not live is absent."""
        item = self._item(asked, offers.KIND, "offer")
        if asked.principal.roles.isdisjoint(_STAFF):
            live = {one.id: one for one in self.bank.live_offers(asked.tenant)}
            return found(live.get(item.id), offers.KIND)
        return item

    def _item(self, asked: Asked, kind: str, variable: str) -> Item:
        item = self.bank.book.item(asked.tenant, kind, asked.path[variable])
        if "recipient" in item.body and asked.principal.roles.isdisjoint(_STAFF):
            return requesting.own(item, asking_for(asked.principal))
        return item

    def _told_recipient(self, asked: Asked, item: Item) -> Json:
        why = recipients.blocked(item.body, self.bank.book.now())
        told = {**item.told(), "mayReceive": not why, **({"blockedBy": why} if why else {})}
        if not asked.principal.roles.isdisjoint(_STAFF) or item.id == asked.principal.recipient:
            return told
        return {name: told[name] for name in ("id", *_PUBLIC, "mayReceive") if name in told}

    def _list(self, kind: str) -> Callable[[Asked, dict[str, Any]], Response]:
        return lambda asked, _: self._page(asked, kind, whole)

    def _get(self, kind: str, variable: str) -> Callable[[Asked, dict[str, Any]], Response]:
        return lambda asked, _: plain(self._item(asked, kind, variable).told())

    def _page(self, asked: Asked, kind: str, tell: Callable[[Item], Json]) -> Response:
        """A recipient's page has only its own of what belongs to one."""
        book, staff = self.bank.book, not asked.principal.roles.isdisjoint(_STAFF)
        if staff or kind not in (requesting.KIND, requesting.AGREEMENT):
            return listed(asked, lambda after, limit: book.items(asked.tenant, kind, after, limit), tell)
        recipient = asking_for(asked.principal)

        def page(after: int, limit: int) -> list[Item]:
            return [one for one in book.items(asked.tenant, kind, after) if one.body["recipient"] == recipient][:limit]

        return listed(asked, page, tell)


def _ld(policy: Json) -> Response:
    answer = plain(policy)
    headers = (("Content-Type", "application/ld+json"), *answer.headers[1:])
    return Response(answer.status, headers, answer.body)
