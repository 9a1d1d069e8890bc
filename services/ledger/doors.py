"""The routes below /services/ledger: residents and recipients over their own accounts, the operator, the auditor.

Amounts are numbers of points or yen, with three decimals at most: the books hold whole thousandths. Nobody but its
owner, and who acts for them, sees a resident's account: neither balance nor statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final

from broker.encode.text import dump
from broker.errors import BadRequestData, Conflict, Forbidden, ResourceNotFound
from broker.http.messages import Response
from broker.http.rooms.route import Asked, Handler, Route
from broker.model.values import Json, to_text
from broker.ports.audit import Entry
from broker.signing import BadSignature
from services.deciding import require_deciding
from services.forms import Forms
from services.ledger.amounts import told, units
from services.ledger.book import Ledger, Opening, Unbalanced
from services.ledger.postings import CITY_OWNED, FLOORLESS, ISSUER, PURSES, Account, Leg, Posted, Posting
from services.ledger.projecting import SUBJECT
from services.room import Ground

BASE: Final = "/services/ledger"
HEAD: Final = "ledger-head+jwt"
PAGE, PAGE_MAX = 50, 500
KEY_MAX: Final = 200
_PAGED: Final = frozenset({"limit", "after"})
_FOR: Final = frozenset({"for"})
_NUMBER_MAX: Final = 1 << 53
_STAFF: Final = frozenset({"operator", "auditor"})
_JSON: Final = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))
_ID: Final = {"type": "string", "minLength": 1, "maxLength": 200}
_CURRENCY: Final = {"enum": [*PURSES]}
_ISSUED: Final = ("issuance", "energyReward", "volunteerReward", "childcareReward")


def _object(required: str, **members: object) -> dict[str, Any]:
    return {"type": "object", "required": required.split(), "additionalProperties": False, "properties": members}


FORMS: Final = Forms({
    "account": _object("currency", currency=_CURRENCY, kind={"enum": [*CITY_OWNED]}),
    "transfer": _object(
        "from to amount",
        **{"from": _ID, "to": _ID, "amount": {"type": "number"}, "reason": {"enum": ["transfer", "purchase"]}},
    ),
    "issuance": _object("to amount", to=_ID, amount={"type": "number"}, reason={"enum": [*_ISSUED]}),
    "state": _object(
        "state reason", state={"enum": ["accountActive", "accountFrozen", "accountClosed"]},
        reason={"type": "string", "minLength": 1, "maxLength": 1_000},
    ),
    "reversal": _object("reason", reason={"type": "string", "minLength": 1, "maxLength": 1_000}),
    "verification": _object("", head={"type": "string", "maxLength": 10_000}),
})  # fmt: skip


class Doors:
    """The handlers."""

    def __init__(self, ledger: Ledger, ground: Ground) -> None:
        self._ledger, self._ground = ledger, ground

    def routes(self) -> Sequence[Route]:
        """All of them."""
        one = "/accounts/{account}"
        return [
            _row("POST", "/accounts", "ledger_open_account", self.open, _FOR),
            _row("GET", "/accounts", "ledger_list_accounts", self.accounts, _FOR),
            _row("GET", one, "ledger_retrieve_account", self.account),
            _row("GET", f"{one}/statement", "ledger_read_statement", self.statement, _PAGED),
            _row("POST", f"{one}/state", "ledger_set_state", self.set_state),
            _row("POST", "/transfers", "ledger_transfer", self.transfer),
            _row("POST", "/issuances", "ledger_issue", self.issue),
            _row("GET", "/transactions/{transaction}", "ledger_retrieve_transaction", self.transaction),
            _row("POST", "/transactions/{transaction}/reversal", "ledger_reverse", self.reverse),
            Route("POST", f"{BASE}/verify", "ledger_verify", self.verify, body=True, asks=True),
        ]

    def open(self, asked: Asked) -> Response:
        """The account in the currency: of who asks, or, by the operator, one of the city's own."""
        body = FORMS.read("account", asked.body)
        currency, kind = body["currency"], body.get("kind")
        if "operator" in asked.principal.roles:
            if kind is None:
                raise BadRequestData("say which one", pointer="/kind", remedy=", ".join(CITY_OWNED))
            opening = Opening(CITY_OWNED[kind], kind, currency, None if kind in FLOORLESS else 0)
        elif kind is not None:
            raise Forbidden("the city's own accounts are the operator's to open", pointer="/kind", remedy="no kind")
        else:
            owner = self._owner(asked)
            self._require_deciding(asked, owner)
            opening = Opening(owner, "residentAccount" if owner.startswith(SUBJECT) else "merchantAccount", currency)
        return _answer(_account(self._ledger.open(asked.tenant, opening)), 201)

    def accounts(self, asked: Asked) -> Response:
        """Those of who asks; the city's own for the operator and the auditor."""
        owners = [*CITY_OWNED.values()] if asked.principal.roles & _STAFF else [self._owner(asked)]
        found = [one for owner in owners for one in self._ledger.accounts_of(asked.tenant, owner)]
        return _answer({"accounts": [_account(one) for one in found]})

    def account(self, asked: Asked) -> Response:
        """One of them."""
        return _answer(_account(self._mine(asked, asked.path["account"])))

    def statement(self, asked: Asked) -> Response:
        """What went in and out of it, oldest first."""
        account = self._mine(asked, asked.path["account"])
        limit = asked.number("limit", PAGE, PAGE_MAX) or PAGE
        found = self._ledger.statement(asked.tenant, account.id, asked.number("after", 0, _NUMBER_MAX), limit)
        body: dict[str, Json] = {"account": account.id, "transactions": [_line(one, account.id) for one in found]}
        if len(found) == limit:
            body["after"] = found[-1].number
        return _answer(body)

    def set_state(self, asked: Asked) -> Response:
        """Freeze an account, open it again, close it: any account, without its balance being told."""
        body = FORMS.read("state", asked.body)
        self._audit(asked, asked.path["account"], {"state": body["state"], "reason": body["reason"]})
        found = self._ledger.set_state(asked.tenant, asked.path["account"], body["state"])
        return _answer({"id": found.id, "state": found.state})

    def transfer(self, asked: Asked) -> Response:
        """From an account of one's own to another one; the same key books once."""
        body, key = FORMS.read("transfer", asked.body), _key(asked)
        giver = self._mine(asked, body["from"], "/from")
        if giver.owner in CITY_OWNED.values():
            raise Forbidden("what is the city's is issued or settled", pointer="/from", remedy=f"POST {BASE}/issuances")
        self._require_deciding(asked, giver.owner)
        legs = _legs(giver, body["to"], units(body["amount"], "/amount"))
        posted = self._post(asked, Posting(f"{giver.id}#{key}", body.get("reason", "transfer"), legs))
        return _answer(_line(posted, giver.id), 201)

    def issue(self, asked: Asked) -> Response:
        """Points or yen out of the issuer's account, by the operator."""
        body, key = FORMS.read("issuance", asked.body), _key(asked)
        amount = units(body["amount"], "/amount")
        to = self._existing(asked.tenant, body["to"])
        issuer = self._ledger.open(asked.tenant, Opening(CITY_OWNED[ISSUER], ISSUER, to.currency, None))
        about: dict[str, Json] = {"by": asked.principal.name}
        posting = Posting(f"issuance#{key}", body.get("reason", "issuance"), _legs(issuer, to.id, amount), about)
        return _answer(_line(self._post(asked, posting), issuer.id), 201)

    def transaction(self, asked: Asked) -> Response:
        """One that touches an account of who asks, as that account has it."""
        posted = self._ledger.find(asked.tenant, asked.path["transaction"])
        for leg in posted.posting.legs:
            account = self._ledger.account(asked.tenant, leg.account)
            if self._may_see(asked, account):
                return _answer(_line(posted, account.id))
        raise ResourceNotFound("there is no such transaction", pointer="/id")

    def reverse(self, asked: Asked) -> Response:
        """Take a posting back, whole, by the operator."""
        body, found = FORMS.read("reversal", asked.body), asked.path["transaction"]
        self._audit(asked, found, {"reason": body["reason"]})
        posted = self._ledger.reverse(asked.tenant, found, f"reversal#{found}"[:KEY_MAX])
        return _answer({"id": posted.id, "reverses": found, "at": to_text(posted.at)}, 201)

    def verify(self, asked: Asked) -> Response:
        """Whether the books are as they were written, and still hold what a head of before said."""
        head = FORMS.read("verification", asked.body).get("head")
        try:
            postings = self._ledger.verify()
            self._check_head(head)
        except Unbalanced as error:
            return _answer({"holds": False, "why": str(error)})
        number, hashed = self._ledger.head(postings)
        signed = self._ground.signer.sign(
            {"postings": number, "hash": hashed.hex(), "iat": self._ground.clock.now() // 1_000_000}, HEAD
        )
        return _answer({"holds": True, "postings": number, "hash": hashed.hex(), "head": signed})

    def _check_head(self, head: str | None) -> None:
        if head is None:
            return
        try:
            said = self._ground.signer.verify(head, HEAD)
        except BadSignature as error:
            raise BadRequestData(str(error), pointer="/head", remedy="a head that this hub signed") from error
        number = int(said["postings"])
        try:
            hashed = self._ledger.head(number)[1] if number else b""
        except ResourceNotFound as error:
            raise Unbalanced(f"posting {number} was there and is gone") from error
        if number and hashed.hex() != said["hash"]:
            raise Unbalanced(f"posting {number} was another one")

    def _post(self, asked: Asked, posting: Posting) -> Posted:
        self._existing(asked.tenant, posting.legs[1].account)
        return self._ledger.post(asked.tenant, posting)

    def _existing(self, tenant: str, account_id: str) -> Account:
        try:
            return self._ledger.account(tenant, account_id)
        except ResourceNotFound as error:
            raise BadRequestData("there is no such account", pointer="/to", remedy="the id of an account") from error

    def _audit(self, asked: Asked, about: str, more: dict[str, Json]) -> None:
        entry = Entry(
            "ledger", asked.tenant, asked.principal.name, self._ground.clock.now(),
            operation=asked.request.raw_path.rpartition("/")[2], more={"about": about, **more},
        )  # fmt: skip
        self._ground.audit.record(entry).result()

    def _owner(self, asked: Asked) -> str:
        """Whose accounts are asked for. Raises Forbidden."""
        principal, wanted = asked.principal, asked.query.get("for", "")
        if "resident" in principal.roles and principal.subject:
            subject = wanted or principal.subject
            if subject not in self._ground.consents.acting_for(asked.tenant, principal.subject):
                raise Forbidden("you do not act for them", pointer="for", remedy="a delegation that says so")
            return subject
        if "recipient" in principal.roles and principal.recipient:
            return principal.recipient
        raise Forbidden("this token is of no resident and no organisation", remedy="a token with a pseudonym")

    def _require_deciding(self, asked: Asked, owner: str) -> None:
        """A resident's account is changed by them, and by who decides for them. Raises Forbidden."""
        if owner.startswith(SUBJECT):
            require_deciding(self._ground, asked.tenant, asked.principal.subject, owner)

    def _mine(self, asked: Asked, account_id: str, pointer: str = "/account") -> Account:
        """An account that they may see. Raises ResourceNotFound alike for another's and for none."""
        try:
            found = self._ledger.account(asked.tenant, account_id)
        except ResourceNotFound:
            found = None
        if found is None or not self._may_see(asked, found):
            raise ResourceNotFound("there is no such account", pointer=pointer)
        return found

    def _may_see(self, asked: Asked, account: Account) -> bool:
        principal = asked.principal
        if account.owner in CITY_OWNED.values():
            return bool(principal.roles & _STAFF)
        if account.owner.startswith(SUBJECT):
            acting = self._ground.consents.acting_for(asked.tenant, principal.subject) if principal.subject else ()
            return "resident" in principal.roles and account.owner in acting
        return "recipient" in principal.roles and account.owner == principal.recipient


def _row(method: str, path: str, operation: str, handler: Handler, parameters: frozenset[str] = frozenset()) -> Route:
    return Route(method, BASE + path, operation, handler, body=method == "POST", parameters=parameters)


def _key(asked: Asked) -> str:
    """What tells that it is the same request. Raises BadRequestData."""
    given = asked.request.headers.get("idempotency-key", "").strip().strip('"')
    if not 1 <= len(given) <= KEY_MAX or not given.isprintable():
        raise BadRequestData(
            "the same request must not book twice", pointer="Idempotency-Key",
            remedy=f"Idempotency-Key: 1 to {KEY_MAX} characters of your own",
        )  # fmt: skip
    return sha256(given.encode()).hexdigest()


def _legs(giver: Account, taker: str, amount: int) -> tuple[Leg, Leg]:
    if giver.id == taker:
        raise Conflict("that is the same account", pointer="/to", remedy="another account")
    return Leg(giver.id, giver.currency, -amount), Leg(taker, giver.currency, amount)


def _account(account: Account) -> dict[str, Json]:
    return {
        "id": account.id, "kind": account.kind, "currency": account.currency, "balance": told(account.balance),
        "state": account.state, "openedAt": to_text(account.opened_at),
    }  # fmt: skip


def _line(posted: Posted, account_id: str) -> dict[str, Json]:
    """A posting as one account has it: the other account where there is just one."""
    legs = posted.posting.legs
    mine = [leg for leg in legs if leg.account == account_id]
    others = [leg.account for leg in legs if leg.account != account_id]
    line: dict[str, Json] = {
        "id": posted.id, "number": posted.number, "at": to_text(posted.at), "reason": posted.posting.reason,
        "amount": told(sum(leg.amount for leg in mine)), "currency": mine[0].currency,
    }  # fmt: skip
    more: dict[str, Json] = {
        "other": others[0] if len(others) == 1 else None, "reverses": posted.posting.reverses or None,
        "reversedBy": posted.reversed_by or None, "about": dict(posted.posting.about) or None,
    }  # fmt: skip
    return {**line, **{name: value for name, value in more.items() if value is not None}}


def _answer(body: Json, status: int = 200) -> Response:
    return Response(status, _JSON, dump(body))
