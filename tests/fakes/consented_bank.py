"""The bank of the hub of a small city, asked over HTTP: what its tests and its feature do there again and again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from broker.ports import Principal
from tests.engines.wires.running import WIRES, fresh
from tests.fakes.bank_city import BOARD
from tests.fakes.consent_city import CITY, CLINIC, ConsentCity, consent_city
from tests.fakes.named import Named

PULSE_ITEM = "HeartRateObservation/heartRate"
TEXT = {"ja": "文", "en": "Text"}
BANK = """
[bank]
operator = {name = "みその信託", address = "緑区1", representative = "見本太郎", contact = "03"}
"""


@dataclass
class ConsentedBank:
    """See the module. `yamada` is the operator, `clinic` a recipient, `hana` and `taro` residents."""

    city: ConsentCity

    def ask(self, who: str, method: str, path: str, body: Any = None) -> Any:
        """The answer's body; `city.status` is its status."""
        return self.city.ask(who, method, f"//services/bank{path}", body)

    def done(self, who: str, method: str, path: str, body: Any = None) -> Any:
        """The same, where it has to be done."""
        told = self.ask(who, method, path, body)
        assert self.city.status in (200, 201), told
        return told

    def apply(self, days: float = 300) -> None:
        """The clinic applies, with a certificate that holds for so many days."""
        period = {"validFrom": self.city.in_days(-1), "validUntil": self.city.in_days(days)}
        self.done("yamada", "POST", "/recipients", {
            "id": CLINIC, "name": TEXT, "recipientClass": "commercial", "country": "JP", "contact": "03",
            "purposes": ["HealthAdvice"], "evidence": [{"kind": "isms", "number": "1", **period}],
            "contract": {"number": "1", "auditRight": True, "breachNotice": True, **period},
        })  # fmt: skip

    def examine(self) -> Any:
        """It may receive."""
        return self.ask("yamada", "POST", f"/recipients/{CLINIC}/activation", {})

    def appoint(self) -> None:
        """A board of every viewpoint, with a medical adviser."""
        for name, viewpoint in BOARD.items():
            body = {"name": TEXT, "viewpoints": [viewpoint], "principal": name}
            self.done("yamada", "POST", "/board/members", body)

    def draft(self, **terms: Any) -> str:
        """The id of an offer of the pulse."""
        period = {"validFrom": self.city.in_days(-1), "validUntil": self.city.in_days(200)}
        return str(self.done("yamada", "POST", "/offers", {
            "name": TEXT, "benefit": TEXT, "dataItems": [PULSE_ITEM], "purposes": ["HealthAdvice"],
            "recipientClasses": ["commercial"], "retention": "P1Y", **period, **terms,
        })["id"])  # fmt: skip

    def propose(self, about: str) -> str:
        """The id of a review."""
        body = {"about": about, "question": TEXT}
        return str(self.done("yamada", "POST", "/board/reviews", body)["id"])

    def vote(self, review: str, vote: str, *names: str) -> None:
        """Members vote."""
        for name in names:
            self.done(name, "PUT", f"/board/reviews/{review}/vote", {"vote": vote, "reason": "because"})

    def decide(self, review: str, days: float = 100) -> Any:
        """The board's decision, for so many days."""
        body = {"summary": TEXT, "validUntil": self.city.in_days(days)}
        return self.ask("lawyer", "POST", f"/board/reviews/{review}/decision", body)

    def publish(self, offer: str) -> Any:
        """It is live."""
        return self.ask("yamada", "POST", f"/offers/{offer}/publication", {})

    def live_offer(self, days: float = 100) -> str:
        """An offer that the board allowed for so many days, and that is live."""
        offer = self.draft()
        review = self.propose(offer)
        self.vote(review, "approve", *BOARD)
        self.decide(review, days)
        self.publish(offer)
        assert self.city.status == 200
        return offer

    def agree(self, offer: str) -> str:
        """The clinic's agreement under an offer."""
        request = self.done("clinic", "POST", "/requests", {
            "offer": offer, "purpose": "HealthAdvice", "dataItems": [PULSE_ITEM], "benefit": TEXT,
            "validFrom": self.city.in_days(0), "validUntil": self.city.in_days(50),
        })["id"]  # fmt: skip
        return str(self.done("yamada", "POST", f"/requests/{request}/acceptance", {})["id"])

    def deliver(self, agreement: str) -> Any:
        """What the clinic gets."""
        return self.ask("clinic", "POST", f"/agreements/{agreement}/deliveries", {})

    def delivered(self, agreement: str) -> list[str]:
        """The ids of what it gets."""
        told = self.deliver(agreement)
        assert self.city.status == 201, told
        return [record["entity"]["id"] for record in told["records"]]


@contextmanager
def consented_bank(directory: Path, store: str = "memory") -> Iterator[ConsentedBank]:
    """A bank that has nobody on its board, on an engine of choice."""
    with ExitStack() as closing:
        place = closing.enter_context(fresh(WIRES[store])) if store in WIRES else store
        city = closing.enter_context(consent_city(directory, place, CITY + BANK))
        identity = cast("Named", city.built.house.identity)
        identity.known.update({name: Principal(name, roles=frozenset({"board"})) for name in BOARD})
        yield ConsentedBank(city)
