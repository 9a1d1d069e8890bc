"""Quotes: what a recipient asks the price of, whose data it is, what it costs now, signed; and their acceptance.

A quote binds the hub for as long as it is valid: it never costs more. It may cost less, for who withdrew, asked for
more, or was paid up to the month's cap meanwhile is left out, or paid less, when it is accepted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from broker.errors import BadRequestData, Conflict, ResourceNotFound
from broker.keeping import Db
from broker.model.values import Instant, Json, to_text
from broker.signing import BadSignature
from services.bank.items import DataItem, read_items, read_purpose
from services.bank.moments import CITY, city_day
from services.ledger.amounts import told, units
from services.pricing.book import Book, Sold, as_map
from services.pricing.configured import Settings
from services.pricing.covering import Times, covered
from services.pricing.explaining import explained
from services.pricing.offered import Offered, check_offer
from services.pricing.paying import Paid, Paying, Sale, parts
from services.pricing.prices import Buyer, Line, accepts, price, within_cap
from services.pricing.rules import Rules
from services.pricing.spans import Span, Wanted, lines_of, read_span
from services.room import Ground

TYP: Final = "data-price-quote+jwt"
SECOND_US: Final = 1_000_000
_QUOTE: Final = "SELECT number, id, recipient, body, token, made_at, valid_until, accepted FROM pricing_quote"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Quote:
    """A kept one; `accepted` is what was paid."""

    number: int
    id: str
    recipient: str
    body: Mapping[str, Any]
    token: str
    made_at: Instant
    valid_until: Instant
    accepted: Mapping[str, Any] | None

    def told(self) -> dict[str, Json]:
        """As answers have it."""
        body: dict[str, Json] = {**self.body, "id": self.id, "quote": self.token, "number": self.number}
        return body if self.accepted is None else {**body, "accepted": dict(self.accepted)}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a recipient asks the price of."""

    tenant: str
    recipient: str
    purpose: str
    items: tuple[DataItem, ...]
    span: Span
    buyer: Buyer
    offer: Mapping[str, Any] | None = None
    offer_id: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """`Type/attribute` of each item, once."""
        return tuple(dict.fromkeys(name_of(one) for one in self.items))


class Quoting:
    """Makes quotes and takes their acceptance."""

    def __init__(self, ground: Ground, settings: Settings, book: Book, offered: Offered, paying: Paying) -> None:
        self._ground, self.settings, self._book = ground, settings, book
        self._offered, self._paying = offered, paying

    def make(self, tenant: str, recipient: str, body: Mapping[str, Any]) -> Quote:
        """A quote, kept and signed. Raises BadRequestData, Conflict, Forbidden."""
        asked = self._read(tenant, recipient, body)
        rules = self._rules(asked.offer)
        now = self._ground.clock.now()
        lines = lines_of(wanted_of(asked.items), asked.span, day_of(now), self.settings.raw_per_day)
        one = price(rules, lines, asked.buyer)
        self._check_reserve(asked.offer, rules, one.amount)
        people = self._ground.consents.grants(tenant, recipient, frozenset({asked.purpose}))
        subjects = covered(people, asked.items, _times(now, asked.span))
        gross = self._agreeing(None, asked, rules, dict.fromkeys(subjects, one.amount), now)
        quote_id = f"urn:ngsi-ld:DataPriceQuote:{self._ground.new_id()}"
        kept = {
            **_said(asked, rules, gross), "epoch": people.epoch, "price": told(one.amount),
            "explanation": explained(rules, one), "lines": [_packed(line) for line in lines],
            "validFrom": to_text(now), "validUntil": to_text(now + rules.valid_s * SECOND_US),
        }  # fmt: skip
        token = self._ground.signer.sign(self._payload(quote_id, kept, now, rules), TYP)
        quote = Quote(0, quote_id, recipient, kept, token, now, now + rules.valid_s * SECOND_US, None)
        return self._keep(tenant, quote, gross)

    def estimate(self, body: Mapping[str, Any]) -> dict[str, Json]:
        """What one person's data cost, with the reasons; nobody's are looked at. Raises BadRequestData."""
        rules = self._version(body.get("version", self.settings.current), "/version")
        items, span = self._items(body["dataItems"]), read_span(body["from"], body["until"])
        today = day_of(self._ground.clock.now())
        lines = lines_of(wanted_of(items), span, today, self.settings.raw_per_day)
        found = price(rules, lines, Buyer(body["recipientClass"], bool(body.get("exclusive"))))
        person, community, operator = parts(rules, found.amount)
        split: Json = {"person": told(person), "community": told(community), "operator": told(operator)}
        return {**explained(rules, found), "split": split}

    def find(self, tenant: str, quote_id: str) -> Quote:
        """One. Raises ResourceNotFound."""
        rows = self._book.read(f"{_QUOTE} WHERE tenant = ? AND id = ?", tenant, quote_id)
        if not rows:
            raise ResourceNotFound("there is no such quote", pointer="/quote")
        return _quote(rows[0])

    def of(self, tenant: str, recipient: str, after: int, limit: int) -> list[Quote]:
        """A recipient's, or everybody's where none is named, oldest first."""
        where = "WHERE tenant = ? AND (? = '' OR recipient = ?) AND number > ? ORDER BY number LIMIT ?"
        return [_quote(row) for row in self._book.read(f"{_QUOTE} {where}", tenant, recipient, recipient, after, limit)]

    def verify(self, token: str) -> dict[str, Json]:
        """Whether this hub signed a quote, and whether it still is valid."""
        try:
            said = self._ground.signer.verify(token, TYP)
        except BadSignature as error:
            return {"verdict": "forged", "why": str(error)}
        over = self._ground.clock.now() >= int(said["exp"]) * SECOND_US
        return {"verdict": "expired" if over else "valid", "quote": said}

    def accept(self, tenant: str, recipient: str, quote_id: str) -> tuple[Quote, Paid | None]:
        """Pay for it, once. Raises ResourceNotFound, Conflict where it is over, or the recipient has not enough."""
        quote = self.find(tenant, quote_id)
        if quote.recipient != recipient:
            raise ResourceNotFound("there is no such quote", pointer="/quote")
        if quote.accepted is not None:
            return quote, None
        body = quote.body
        asked = self._read(tenant, recipient, body)
        grants = self._ground.consents.grants(tenant, recipient, frozenset({asked.purpose}))
        still = frozenset(covered(grants, asked.items, _times(self._ground.clock.now(), asked.span)))
        paid = self._ground.file.write(lambda db: self._pay(db, tenant, quote, asked, still)).result()
        return self.find(tenant, quote_id), paid

    def thin(self) -> int:
        """Forget whom quotes were about that nobody accepted in time; how many rows."""
        now = self._ground.clock.now()
        if not self._book.read(f"{_OVER} LIMIT 1", now):
            return 0

        def work(db: Db) -> int:
            db.execute(f"DELETE FROM pricing_share WHERE quote IN ({_OVER})", (now,))  # noqa: S608  our own
            return int(db.changes())

        return self._ground.file.write(work).result()

    def _pay(self, db: Db, tenant: str, quote: Quote, asked: Asked, still: frozenset[str]) -> Paid | None:
        rows = list(db.execute("SELECT accepted FROM pricing_quote WHERE number = ?", (quote.number,)))
        if rows[0][0] is not None:
            return None
        now, rules = self._ground.clock.now(), self._version(quote.body["priceRuleVersion"], "/quote")
        if now >= quote.valid_until:
            raise Conflict("the quote is over", pointer="/quote", remedy="POST /services/pricing/quotes")
        shares = {str(one): int(str(gross)) for one, gross in db.execute(_SHARES, (quote.number,)) if one in still}
        gross = self._agreeing(db, asked, rules, shares, now)
        if not gross:
            raise Conflict("nobody is left in this quote", pointer="/quote", remedy="POST /services/pricing/quotes")
        sale = Sale(tenant, quote.id, asked.recipient, rules, city_day(now)[:7], now)
        paid = self._paying.pay(db, sale, gross)
        if asked.buyer.exclusive:
            until = now + self.settings.exclusive_days * 86_400 * SECOND_US
            self._book.sell_alone(db, _sold(asked, quote.number, until), paid.numbers)
        accepted: dict[str, Json] = {
            "at": to_text(now), "people": paid.people, "total": told(paid.total), "persons": told(paid.persons),
            "community": told(paid.community), "operator": told(paid.operator), "transactions": list(paid.postings),
        }  # fmt: skip
        db.execute(
            "UPDATE pricing_quote SET accepted_at = ?, accepted = ? WHERE number = ?",
            (now, json.dumps(accepted), quote.number),
        )
        db.execute("DELETE FROM pricing_share WHERE quote = ?", (quote.number,))
        return paid

    def _agreeing(
        self, db: Db | None, asked: Asked, rules: Rules, gross: Mapping[str, int], now: Instant
    ) -> dict[str, int]:
        """What each person's data cost by the month's cap, of those who get what they ask for and may be sold."""
        paid = self._book.paid(db, asked.tenant, city_day(now)[:7], rules.currency)
        asks = self._book.reserves(db, asked.tenant, rules.currency)
        taken = self._book.taken(db, asked.tenant, _sold(asked, 0, 0), now)
        capped = {one: within_cap(rules, amount, paid.get(one, 0)) for one, amount in gross.items()}
        names = asked.names
        return {
            one: amount
            for one, amount in capped.items()
            if one not in taken and (one not in asks or accepts(asks[one], names, parts(rules, amount)[0]))
        }

    def _read(self, tenant: str, recipient: str, body: Mapping[str, Any]) -> Asked:
        items, span = self._items(body["dataItems"]), read_span(body["from"], body["until"])
        library = self._ground.library()
        purpose = read_purpose(library, body["purpose"], "/purpose")
        klass, offer_id = self._offered.class_of(tenant, recipient), body.get("offer") or ""
        offer = self._offered.live(tenant, offer_id) if offer_id else None
        if offer is not None:
            check_offer(library, offer, items, (recipient, klass, purpose))
        buyer = Buyer(klass, bool(body.get("exclusive")))
        return Asked(tenant, recipient, purpose, items, span, buyer, offer, offer_id)

    def _items(self, texts: Sequence[str]) -> tuple[DataItem, ...]:
        items = read_items(self._ground.library(), texts)
        for place, item in enumerate(items):
            if item.any:
                raise BadRequestData(
                    "what is priced is named", pointer=f"/dataItems/{place}", remedy="each attribute: Type/attribute"
                )
        return tuple({(name_of(one), one.granularity): one for one in items}.values())

    def _rules(self, offer: Mapping[str, Any] | None) -> Rules:
        named = None if offer is None else offer.get("priceRuleVersion")
        return self._version(named or self.settings.current, "/offer")

    def _version(self, name: str, pointer: str) -> Rules:
        found = self.settings.versions.get(name)
        if found is None:
            raise BadRequestData(
                "there is no such version of the rules", pointer=pointer, remedy=", ".join(self.settings.versions)
            )
        return found

    def _check_reserve(self, offer: Mapping[str, Any] | None, rules: Rules, amount: int) -> None:
        least = None if offer is None else offer.get("reservePrice")
        if not offer or not least:
            return
        if offer.get("priceCurrency", rules.currency) != rules.currency or amount < units(least, "/offer"):
            raise Conflict(
                "the price is below what the offer asks for a person", pointer="/offer",
                remedy=f"{least} {offer.get('priceCurrency', rules.currency)} or more: more days, or finer",
            )  # fmt: skip

    def _payload(self, quote_id: str, kept: Mapping[str, Json], now: Instant, rules: Rules) -> dict[str, Json]:
        left_out, seconds = ("explanation", "lines", "validFrom", "validUntil"), now // SECOND_US
        return {
            **{name: value for name, value in kept.items() if name not in left_out}, "jti": quote_id,
            "iss": self._ground.public_url or "misono", "iat": seconds, "exp": seconds + rules.valid_s,
        }  # fmt: skip

    def _keep(self, tenant: str, quote: Quote, gross: Mapping[str, int]) -> Quote:
        def work(db: Db) -> int:
            sql = """INSERT INTO pricing_quote (tenant, id, recipient, body, token, made_at, valid_until)
                VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING number"""
            body = json.dumps(quote.body, ensure_ascii=False)
            row = (tenant, quote.id, quote.recipient, body, quote.token, quote.made_at, quote.valid_until)
            (number,) = next(iter(list(db.execute(sql, row))))
            numbers = self._book.numbers(db, tenant, gross)
            rows = [(int(str(number)), numbers[one], amount) for one, amount in gross.items()]
            db.executemany("INSERT INTO pricing_share VALUES (?, ?, ?)", rows)
            self._book.to_show(db, tenant, [quote.id])
            return int(str(number))

        self._ground.file.write(work).result()
        return self.find(tenant, quote.id)


_SHARES: Final = """SELECT one.subject, share.gross FROM pricing_share AS share
    JOIN pricing_person AS one ON one.number = share.person WHERE share.quote = ?"""
_OVER: Final = """SELECT share.quote FROM pricing_share AS share JOIN pricing_quote AS quote
    ON quote.number = share.quote WHERE quote.accepted IS NULL AND quote.valid_until <= ?"""


def name_of(item: DataItem) -> str:
    """`Type/attribute`."""
    return item.text.partition("@")[0]


def wanted_of(items: Sequence[DataItem]) -> list[Wanted]:
    """As they are priced."""
    return [Wanted(name_of(one), one.granularity, one.special) for one in items]


def day_of(instant: Instant) -> date:
    """The day of the city."""
    return date.fromisoformat(city_day(instant))


def quote_hash(token: str) -> str:
    """What the hub shows of a signed quote."""
    return f"sha-256:{sha256(token.encode()).hexdigest()}"


def _times(now: Instant, span: Span) -> Times:
    return Times(now, _begun(span.first), _begun(span.end))


def _begun(day: date) -> Instant:
    begun = datetime(day.year, day.month, day.day, tzinfo=CITY)
    return int((begun - _EPOCH) / timedelta(microseconds=1))


def _sold(asked: Asked, quote: int, until: Instant) -> Sold:
    return Sold(quote, asked.recipient, asked.names, asked.span.first.isoformat(), asked.span.end.isoformat(), until)


def _said(asked: Asked, rules: Rules, gross: Mapping[str, int]) -> dict[str, Json]:
    split = [parts(rules, one) for one in gross.values()]
    sums = [told(sum(part[place] for part in split)) for place in range(3)]
    return {
        "recipient": asked.recipient, "recipientClass": asked.buyer.recipient_class, "purpose": asked.purpose,
        "dataItems": [f"{name_of(one)}@{one.granularity}" for one in asked.items],
        "from": asked.span.first.isoformat(), "until": asked.span.end.isoformat(),
        "exclusive": asked.buyer.exclusive, "offer": asked.offer_id or None, "priceRuleVersion": rules.version,
        "priceCurrency": rules.currency, "people": len(gross), "total": told(sum(gross.values())),
        "split": {"persons": sums[0], "community": sums[1], "operator": sums[2]},
    }  # fmt: skip


def _packed(line: Line) -> Json:
    return [line.item, line.granularity, line.values, line.freshness, line.special]


def unpacked(body: Mapping[str, Any]) -> tuple[list[Line], Buyer]:
    """What a kept quote was of."""
    return [Line(*one) for one in body["lines"]], Buyer(body["recipientClass"], body["exclusive"])


def _quote(row: tuple[Any, ...]) -> Quote:
    number, quote_id, recipient, body, token, made_at, valid_until, accepted = row
    return Quote(
        number, quote_id, recipient, as_map(body), token, made_at, valid_until,
        None if accepted is None else as_map(accepted),
    )  # fmt: skip
