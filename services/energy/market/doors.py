"""The routes of the market below /services/energy. Prices are JPY/kWh with three decimals at most, energy is Wh.

A resident orders for the participants that are theirs, or that they decide for, and sees those; the operator orders for
shops, sees of the others what running needs: which contract is how far, and why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from broker.encode.text import dump
from broker.errors import BadRequestData, Forbidden, ResourceNotFound
from broker.http.messages import Response
from broker.http.rooms.route import Asked, Handler, Route
from broker.model.values import Instant, Json, to_instant, to_text
from services.deciding import require_deciding
from services.energy.configured import Community
from services.energy.market.agreed import Contract
from services.energy.market.book import Book, Kept, Run, State
from services.energy.market.configured import Settings
from services.energy.market.orders import PRIORITY_MAX, SIDES, SOURCES, WH_MAX, Order
from services.energy.market.people import People
from services.forms import Forms
from services.ledger.amounts import told, units
from services.room import Ground

BASE: Final = "/services/energy"
PAGE, PAGE_MAX = 50, 500
KEY_MAX: Final = 200
_PAGED: Final = frozenset({"limit", "after"})
_MINE: Final = _PAGED | {"for"}
_NUMBER_MAX: Final = 1 << 53
_STAFF: Final = frozenset({"operator", "auditor"})
_JSON: Final = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))
Place = Callable[[Order, str | None], Kept]


def _object(required: str, **members: object) -> dict[str, Any]:
    return {"type": "object", "required": required.split(), "additionalProperties": False, "properties": members}


FORMS: Final = Forms({
    "order": _object(
        "participant side deliveryStart quantity priceLimit",
        participant={"type": "string", "minLength": 1, "maxLength": 200}, side={"enum": [*SIDES]},
        deliveryStart={"type": "string", "maxLength": 40},
        quantity={"type": "integer", "minimum": 1, "maximum": WH_MAX}, priceLimit={"type": "number"},
        divisible={"type": "boolean"}, allIn={"type": "boolean"}, sourceType={"enum": [*SOURCES]},
        priority={"type": "integer", "minimum": 0, "maximum": PRIORITY_MAX},
    ),
    "state": _object(
        "suspended", suspended={"type": "boolean"}, disasterNear={"type": "boolean"},
        reason={"type": "string", "maxLength": 200},
    ),
})  # fmt: skip


class Doors:
    """The handlers; `place` takes an order in, `cancel` takes one back, `stand` has the market stand so."""

    def __init__(self, ground: Ground, book: Book, people: People, rules: tuple[Settings, Community]) -> None:
        self._ground, self._book, self._people = ground, book, people
        self._settings, self._community = rules
        self.place: Place = _nowhere
        self.cancel: Callable[[str], Kept] = _nowhere
        self.stand: Callable[[State], State] = _nowhere

    def routes(self) -> Sequence[Route]:
        """All of them."""
        return [
            Route("POST", f"{BASE}/orders", "energy_place_order", self.order, body=True),
            _get("/orders", "energy_list_orders", self.orders, _MINE),
            _get("/orders/{order}", "energy_retrieve_order", self.one_order),
            Route("DELETE", f"{BASE}/orders/{{order}}", "energy_cancel_order", self.take_back),
            _get("/market/runs", "energy_list_market_runs", self.runs, _PAGED),
            _get("/market/state", "energy_retrieve_market", self.state),
            Route("POST", f"{BASE}/market/state", "energy_set_market", self.set_state, body=True),
            _get("/contracts", "energy_list_contracts", self.contracts, _MINE),
            _get("/contracts/{contract}", "energy_retrieve_contract", self.contract),
        ]

    def order(self, asked: Asked) -> Response:
        """Place one: the same `Idempotency-Key` places it once."""
        body = FORMS.read("order", asked.body)
        participant = body["participant"]
        self._require_ordering(asked, participant)
        start = to_instant(body["deliveryStart"])
        if start is None:
            raise BadRequestData("that is no instant", pointer="/deliveryStart", remedy="2026-11-24T03:00:00Z")
        order = Order(
            f"urn:ngsi-ld:PowerInterchangeOrder:{self._ground.new_id()}", participant, body["side"], start,
            body["quantity"], 0 if body["priceLimit"] == 0 else units(body["priceLimit"], "/priceLimit"),
            priority=body.get("priority", 0), divisible=body.get("divisible", True), all_in=body.get("allIn", False),
            source=body.get("sourceType", ""),
        )  # fmt: skip
        return _answer(self._order(self.place(order, _key(asked, participant))), 201)

    def orders(self, asked: Asked) -> Response:
        """Those of participants that are one's own, oldest first."""
        mine, (after, limit) = self._mine(asked), _page(asked)
        sql = "number > ? AND participant IN (SELECT value FROM json_each(?)) ORDER BY number LIMIT ?"
        found = self._book.orders(None, sql, (after, dump([*mine]).decode(), limit))
        body: dict[str, Json] = {"orders": [self._order(one) for one in found]}
        if len(found) == limit:
            body["after"] = found[-1].order.arrival
        return _answer(body)

    def one_order(self, asked: Asked) -> Response:
        """One of them."""
        return _answer(self._order(self._my_order(asked)))

    def take_back(self, asked: Asked) -> Response:
        """While its gate is open."""
        found = self._my_order(asked)
        self._require_ordering(asked, found.order.participant)
        return _answer(self._order(self.cancel(found.order.id)))

    def runs(self, asked: Asked) -> Response:
        """How slots were cleared: the price and how much in all, nobody's part."""
        after, limit = _page(asked)
        found = self._book.runs(after, limit)
        body: dict[str, Json] = {"runs": [self._run(one) for one in found]}
        if len(found) == limit:
            body["after"] = found[-1].start
        return _answer(body)

    def state(self, _: Asked) -> Response:
        """As the market stands, and its terms."""
        terms = self._settings.terms
        return _answer({
            **_state(self._book.state()), "mechanism": self._settings.mechanism,
            "slotMinutes": self._community.slots.minutes, "closureSeconds": terms.closure // 1_000_000,
            "priceBand": [told(one) for one in terms.band], "wheelingPrice": told(terms.wheeling),
        })  # fmt: skip

    def set_state(self, asked: Asked) -> Response:
        """Suspend it, which stops what is under way, or let it go on; say whether disaster is near."""
        body = FORMS.read("state", asked.body)
        near = body.get("disasterNear", self._book.state().near)
        state = State(body["suspended"], near, body.get("reason", ""), self._ground.clock.now())
        return _answer(_state(self.stand(state)))

    def contracts(self, asked: Asked) -> Response:
        """Those of participants that are one's own; the operator's list has of the others how far they have come."""
        after, limit = _page(asked)
        if asked.principal.roles & _STAFF:
            found = self._book.contracts(None, "number > ? ORDER BY number LIMIT ?", (after, limit))
        else:
            mine = dump([*self._mine(asked)]).decode()
            sql = """number > ?1 AND (seller IN (SELECT value FROM json_each(?2)) OR buyer IN
                (SELECT value FROM json_each(?2))) ORDER BY number LIMIT ?3"""
            found = self._book.contracts(None, sql, (after, mine, limit))
        body: dict[str, Json] = {"contracts": [self._contract(asked, one) for one in found]}
        if len(found) == limit:
            body["after"] = found[-1].number
        return _answer(body)

    def contract(self, asked: Asked) -> Response:
        """One of them."""
        found = self._book.contracts(None, "id = ?", (asked.path["contract"],))
        if not found or not (asked.principal.roles & _STAFF or {found[0].seller, found[0].buyer} & self._mine(asked)):
            raise ResourceNotFound("there is no such contract", pointer="/contract")
        return _answer(self._contract(asked, found[0]))

    def _mine(self, asked: Asked) -> frozenset[str]:
        """The participants of who asks: a resident's own, the shops for the operator. Raises Forbidden."""
        known = self._people.look()
        if asked.principal.roles & _STAFF:
            return frozenset(one for one, people in known.items() if not people)
        own, subject = asked.principal.subject, asked.query.get("for", "") or asked.principal.subject
        acting = self._ground.consents.acting_for(self._community.tenant, own) if own else frozenset[str]()
        if "resident" not in asked.principal.roles or subject not in acting:
            raise Forbidden("you do not act for them", pointer="for", remedy="your own, or a delegation that says so")
        subjects = acting if "for" not in asked.query and asked.path else {subject}
        return frozenset(one for one, people in known.items() if people & subjects)

    def _require_ordering(self, asked: Asked, participant: str) -> None:
        """Let through who decides for a participant. Raises Forbidden, BadRequestData."""
        people = self._people.look().get(participant)
        if "operator" in asked.principal.roles and people == frozenset():
            return
        own = asked.principal.subject
        acting = self._ground.consents.acting_for(self._community.tenant, own) if own else frozenset[str]()
        mine = acting & (people or frozenset())
        if "resident" not in asked.principal.roles or not mine:
            raise Forbidden(
                "it is not yours to order for", pointer="/participant", remedy="a participant that names you"
            )
        if own not in mine:
            require_deciding(self._ground, self._community.tenant, own, min(mine))

    def _my_order(self, asked: Asked) -> Kept:
        found = self._book.orders(None, "id = ?", (asked.path["order"],))
        if not found or found[0].order.participant not in self._mine(asked):
            raise ResourceNotFound("there is no such order", pointer="/order")
        return found[0]

    def _order(self, kept: Kept) -> dict[str, Json]:
        order = kept.order
        body: dict[str, Json] = {
            "id": order.id, "participant": order.participant, "side": order.side,
            "deliveryStart": to_text(order.start), "deliveryEnd": to_text(order.start + self._community.slots.length),
            "quantity": order.wh, "priceLimit": told(order.price), "divisible": order.divisible,
            "allIn": order.all_in, "priority": order.priority, "status": kept.status, "filled": kept.filled,
            "placedAt": to_text(kept.placed_at),
            "closesAt": to_text(order.start - self._settings.terms.closure),
        }  # fmt: skip
        return {**body, "sourceType": order.source} if order.source else body

    def _contract(self, asked: Asked, contract: Contract) -> dict[str, Json]:
        """For a side of it all; for others, and for the operator of residents, how far it has come."""
        body: dict[str, Json] = {
            "id": contract.id, "deliveryStart": to_text(contract.start), "deliveryEnd": to_text(contract.end),
            "state": contract.state, "run": contract.run,
        }  # fmt: skip
        if contract.why:
            body["why"] = contract.why
        mine = {contract.seller, contract.buyer} & self._mine(asked)
        if not mine:
            return body
        deviation = contract.deviation
        more: dict[str, Json] = {
            "side": "sell" if contract.seller in mine else "buy", "quantity": contract.wh,
            "participant": contract.seller if contract.seller in mine else contract.buyer,
            "unitPrice": told(contract.price), "delivered": contract.delivered, "received": contract.received,
            "deviation": None if deviation is None else deviation[0 if contract.seller in mine else 1],
        }  # fmt: skip
        return {**body, **{name: value for name, value in more.items() if value is not None}}

    def _run(self, run: Run) -> dict[str, Json]:
        body: dict[str, Json] = {
            "id": run.id, "deliveryStart": to_text(run.start), "mechanism": run.mechanism, "at": to_text(run.at),
            "quantity": run.wh, "orders": run.orders, "trades": run.trades,
        }  # fmt: skip
        more: dict[str, Json] = {"unitPrice": None if run.price is None else told(run.price), "why": run.why or None}
        return {**body, **{name: value for name, value in more.items() if value is not None}}


def _nowhere(*_: object) -> Any:  # noqa: ANN401  before there is a part
    raise ResourceNotFound("the market is not open", pointer="/")


def _page(asked: Asked) -> tuple[Instant, int]:
    return asked.number("after", 0, _NUMBER_MAX), asked.number("limit", PAGE, PAGE_MAX) or PAGE


def _key(asked: Asked, participant: str) -> str | None:
    """What tells that it is the same request; None where none is given. Raises BadRequestData."""
    given = asked.request.headers.get("idempotency-key", "").strip().strip('"')
    if not given:
        return None
    if len(given) > KEY_MAX or not given.isprintable():
        raise BadRequestData("that is no key", pointer="Idempotency-Key", remedy=f"1 to {KEY_MAX} characters")
    return f"{participant}#{given}"


def _state(state: State) -> dict[str, Json]:
    body: dict[str, Json] = {"suspended": state.suspended, "disasterNear": state.near}
    return {**body, "reason": state.why} if state.why else body


def _get(path: str, operation: str, handler: Handler, parameters: frozenset[str] = frozenset()) -> Route:
    return Route("GET", BASE + path, operation, handler, parameters=parameters)


def _answer(body: Json, status: int = 200) -> Response:
    return Response(status, _JSON, dump(body))
