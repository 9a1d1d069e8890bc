"""A small city with its consents, its bank, its ledger and its prices: what tests of prices do in it, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from broker.ports import Principal
from services.ledger.room import LedgerRoom
from services.pricing.room import PricingRoom
from tests.fakes.consent_city import CITY, CLINIC, PEOPLE, ConsentCity, consent_city
from tests.fakes.named import Named

HEART = "HeartRateObservation/heartRate"
BOARD = {
    "engineer": "engineer", "guard": "security", "lawyer": "lawyer", "thinker": "ethics", "neighbour": "consumer",
    "doctor": "medicalAdviser",
}  # fmt: skip
PRICES = """
[pricing]
current = "first"
small_count = 2
[pricing.rules.first]
base = {"*" = 100}
cap_month = 100_000
epsilon = 1_000
sensitivity = {level1 = 0.5, level2 = 1, level3 = 2, level4 = 4}
granularity = {raw = 1, hourly = 0.9, daily = 0.75, monthly = 0.7, aggregate = 0.5}
freshness = {live = 1.5, day = 1, month = 1, year = 0.5, older = 0.25}
recipientClass = {publicBody = 0.5, researchBody = 0.5, nonProfit = 0.5, commercial = 1}
exclusivity = {shared = 1, exclusive = 3}
[pricing.rules.dearer]
base = {"*" = 200}
cap_month = 100_000
sensitivity = {level1 = 0.5, level2 = 1, level3 = 2, level4 = 4}
granularity = {raw = 1, hourly = 0.9, daily = 0.75, monthly = 0.7, aggregate = 0.5}
freshness = {live = 1.5, day = 1, month = 1, year = 0.5, older = 0.25}
recipientClass = {publicBody = 0.5, researchBody = 0.5, nonProfit = 0.5, commercial = 1}
exclusivity = {shared = 1, exclusive = 3}
[pricing.experiments.dearer]
versions = ["first", "dearer"]
wants = [{items = ["HeartRateObservation/heartRate@daily"], days = 30}]
"""


@dataclass
class PricedCity:
    """The city; what a resident or a recipient does in it."""

    city: ConsentCity

    @property
    def pricing(self) -> PricingRoom:
        """The room of prices."""
        return cast("PricingRoom", self.city.served._rooms["pricing"])

    @property
    def ledger(self) -> LedgerRoom:
        """The room of the ledger."""
        return cast("LedgerRoom", self.city.served._rooms["ledger"])

    @property
    def status(self) -> int:
        """That of the last answer."""
        return self.city.status

    def ask(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The answer's body: of a path below /services/pricing, or of one that begins with `//services`."""
        where = path if path.startswith("//") else f"//services/pricing{path}"
        return self.city.ask(who, method, where, body, **headers)

    def day(self, days: int) -> str:
        """The city's day so many days from now."""
        return self.city.in_days(days + 9 / 24)[:10]

    def money(self, who: str, amount: float, currency: str = "POINT") -> str:
        """The account of somebody, with so much in it more."""
        account = str(self.ask(who, "POST", "//services/ledger/accounts", {"currency": currency})["id"])
        self.ask("yamada", "POST", "//services/ledger/issuances", {"to": account, "amount": amount},
                 Idempotency_Key=f"{who} {amount}")  # fmt: skip
        assert self.status == 201
        return account

    def balance(self, who: str) -> Any:
        """What somebody has in points; None without an account."""
        found = self.ask(who, "GET", "//services/ledger/accounts")["accounts"]
        return next((one["balance"] for one in found), None)

    def consents(self, *names: str, item: str = HEART) -> None:
        """Residents give the clinic their pulse, for advice."""
        terms = self.city.terms()
        for name in names:
            given = self.city.give(name, terms, dataItems=[item], specialCare=[item])
            assert self.status == 201, given

    def quote(self, who: str = "clinic", **wanted: Any) -> Any:
        """A quote for the daily pulse of ten days that are over."""
        return self.ask(who, "POST", "/quotes", {
            "dataItems": [f"{HEART}@daily"], "from": self.day(-11), "until": self.day(-1), "purpose": "HealthAdvice",
            **wanted,
        })  # fmt: skip

    def accept(self, quote: Mapping[str, Any], who: str = "clinic") -> Any:
        """It, accepted."""
        return self.ask(who, "POST", f"/quotes/{quote['id']}/acceptance", {})

    def recipient(self, organisation: str = CLINIC) -> None:
        """An organisation that the bank lets receive."""
        period = {"validFrom": self.city.in_days(-1), "validUntil": self.city.in_days(300)}
        self.ask("yamada", "POST", "//services/bank/recipients", {
            "id": organisation, "name": {"ja": "みどり医院", "en": "Midori clinic"}, "recipientClass": "commercial",
            "country": "JP", "contact": "data@clinic.example", "purposes": ["HealthAdvice"],
            "evidence": [{"kind": "isms", "number": "IS 1", **period}],
            "contract": {"number": "C-1", "auditRight": True, "breachNotice": True, **period},
        })  # fmt: skip
        self.ask("yamada", "POST", f"//services/bank/recipients/{organisation}/activation", {})
        assert self.status == 200

    def live_offer(self, **terms: Any) -> str:
        """The id of an offer of daily pulses that the board allowed."""
        bank = "//services/bank"
        for name, viewpoint in BOARD.items():
            self.ask("yamada", "POST", f"{bank}/board/members", {
                "name": {"ja": name, "en": name}, "viewpoints": [viewpoint], "principal": name,
            })  # fmt: skip
        offer = self.ask("yamada", "POST", f"{bank}/offers", {
            "name": {"ja": "脈拍", "en": "Pulse"}, "benefit": {"ja": "助言が届く", "en": "Advice"},
            "dataItems": [f"{HEART}@daily"], "purposes": ["HealthAdvice"], "recipientClasses": ["commercial"],
            "validFrom": self.city.in_days(-1), "validUntil": self.city.in_days(200), **terms,
        })["id"]  # fmt: skip
        review = self.ask("yamada", "POST", f"{bank}/board/reviews", {
            "about": offer, "question": {"ja": "よいか", "en": "May it be?"}
        })["id"]  # fmt: skip
        for name in BOARD:
            self.ask(name, "PUT", f"{bank}/board/reviews/{review}/vote", {"vote": "approve", "reason": "…"})
        self.ask("lawyer", "POST", f"{bank}/board/reviews/{review}/decision", {
            "summary": {"ja": "公開概要", "en": "Summary"}, "validUntil": self.city.in_days(100),
        })  # fmt: skip
        self.ask("yamada", "POST", f"{bank}/offers/{offer}/publication", {})
        assert self.status == 200
        return str(offer)


@contextmanager
def priced_city(directory: Path, store: str = "memory", prices: str = PRICES) -> Iterator[PricedCity]:
    """The city, with a clinic that may receive."""
    with consent_city(directory, store, CITY + prices) as city:
        people = {**PEOPLE, **{name: Principal(name, roles=frozenset({"board"})) for name in BOARD}}
        rights = city.served._door.rights
        city.served._door.rights = replace(rights, identity=Named(people))
        found = PricedCity(city)
        found.recipient()
        yield found
