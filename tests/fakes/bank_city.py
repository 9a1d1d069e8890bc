"""A bank over a hub in this process, on a clock that stands still, asked by its table of routes: for its tests."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, cast

from broker.doors import Built
from broker.http.messages import Request, Response
from broker.http.rooms.route import Asked, Routes, read_query
from broker.hub.inside import HubInside
from broker.keeping import KeptFile
from broker.model.values import to_text
from broker.ports import SYSTEM, Principal
from broker.ports.audit import Audit
from broker.ports.consents import NoConsents
from broker.signing import Signer, made
from datamodels.library import read_beside_built_in
from services.bank.room import BankRoom, open_room
from services.following import Following
from services.room import Ground, Room
from tests.fakes.clock import FakeClock
from tests.fakes.consenting import Allowed
from tests.fakes.told import Recorded
from tests.http.doors import broker

UNIVERSITY = "urn:ngsi-ld:RecipientOrganisation:university"
PURPOSE = "https://misono.example/def/purpose/HealthAdvice"
PEOPLE = {
    "operator": Principal("yamada", roles=frozenset({"operator"})),
    "auditor": Principal("kaneko", roles=frozenset({"auditor"})),
    "both": Principal("both", roles=frozenset({"operator", "board"})),
    "university": Principal("uni", roles=frozenset({"recipient"}), recipient=UNIVERSITY, purposes=frozenset({PURPOSE})),
    "company": Principal("co", roles=frozenset({"recipient"}), recipient="urn:ngsi-ld:RecipientOrganisation:company"),
    "hana": Principal("hana", roles=frozenset({"resident"}), subject="urn:misono:subject:hana"),
    "taro": Principal("taro", roles=frozenset({"resident"}), subject="urn:misono:subject:taro"),
}
BOARD = {
    "engineer": "engineer", "guard": "security", "lawyer": "lawyer", "thinker": "ethics", "neighbour": "consumer",
    "doctor": "medicalAdviser",
}  # fmt: skip
PEOPLE |= {name: Principal(name, roles=frozenset({"board"})) for name in BOARD}


class Guardians:
    """The room of consents, as far as others ask it: hana decides for her child."""

    def __init__(self) -> None:
        self.delegations = self

    def kind(self, _tenant: str, delegate: str, subject: str, scope: str) -> str:
        """As what somebody may do that for a person."""
        may = (delegate, subject, scope) == ("urn:misono:subject:hana", "urn:misono:subject:child", "mayDecide")
        return "parentalAuthority" if may else ""


@dataclass
class BankCity:
    """The bank, its hub, its clock, and what it told the audit."""

    built: Built
    room: BankRoom
    hub: HubInside
    clock: FakeClock
    audit: Recorded
    ground: Ground
    routes: Routes
    last: Response = field(default_factory=lambda: Response(0))

    def ask(self, who: str, method: str, path: str, body: Any = None) -> Any:
        """The answer's body; `last` keeps the whole answer. Raises the refusal."""
        where, _, query = path.partition("?")
        route, variables = self.routes.find(method, "/services/bank" + where)
        request = Request(method, "/services/bank" + where, query, {}, b"", variables)
        asked = Asked(request, "", variables, read_query(query, route.parameters), body, PEOPLE.get(who, Principal()))
        self.last = route.handler(asked)
        text = self.last.body.decode()
        kind = dict(self.last.headers).get("Content-Type", "")
        return json.loads(text) if "json" in kind else text

    def in_days(self, days: float) -> str:
        """The instant so many days from now."""
        return to_text(self.clock.now() + round(days * 86_400_000_000))

    def recipient(self, item_id: str = UNIVERSITY, days: float = 300) -> Any:
        """A recipient that may receive for so many days."""
        period = {"validFrom": self.in_days(-1), "validUntil": self.in_days(days)}
        self.ask("operator", "POST", "/recipients", {
            "id": item_id, "name": {"ja": "緑区大学", "en": "Midori university"}, "recipientClass": "researchBody",
            "country": "JP", "contact": "data@university.example", "purposes": ["HealthAdvice"],
            "evidence": [{"kind": "isms", "number": "IS 1", **period}],
            "contract": {"number": "C-1", "auditRight": True, "breachNotice": True, **period},
        })  # fmt: skip
        return self.ask("operator", "POST", f"/recipients/{item_id}/activation", {})

    def board(self) -> None:
        """A board of every viewpoint, with a medical adviser."""
        for name, viewpoint in BOARD.items():
            self.ask("operator", "POST", "/board/members", {
                "name": {"ja": name, "en": name}, "viewpoints": [viewpoint], "principal": name,
            })  # fmt: skip

    def offer(self, **terms: Any) -> str:
        """The id of a draft."""
        body = {
            "name": {"ja": "歩数と体重", "en": "Steps and weight"}, "benefit": {"ja": "助言が届く", "en": "Advice"},
            "dataItems": ["FacilityBooking/bookingStart"], "purposes": ["HealthAdvice"],
            "recipientClasses": ["researchBody"], "validFrom": self.in_days(-1), "validUntil": self.in_days(200),
            **terms,
        }  # fmt: skip
        return str(self.ask("operator", "POST", "/offers", body)["id"])

    def review(self, about: str, votes: Mapping[str, str] | None = None, days: float = 100) -> Any:
        """The board's decision about something."""
        question = {"about": about, "question": {"ja": "よいか", "en": "May it be?"}}
        review = self.ask("operator", "POST", "/board/reviews", question)["id"]
        for name in BOARD:
            vote = (votes or {}).get(name, "approve")
            body: dict[str, Any] = {"vote": vote, "reason": "…"}
            if vote == "conditional":
                body["conditions"] = ["tell people every year"]
            self.ask(name, "PUT", f"/board/reviews/{review}/vote", body)
        return self.ask("lawyer", "POST", f"/board/reviews/{review}/decision", {
            "summary": {"ja": "公開概要", "en": "Summary"}, "validUntil": self.in_days(days),
        })  # fmt: skip

    def live_offer(self, **terms: Any) -> str:
        """The id of an offer that the board allowed and that is live."""
        offer = self.offer(**terms)
        self.review(offer)
        self.ask("operator", "POST", f"/offers/{offer}/publication", {})
        return offer

    def agreement(self, offer: str, items: list[str] | None = None) -> Any:
        """The agreement of the university's request under an offer."""
        request = self.ask("university", "POST", "/requests", {
            "offer": offer, "purpose": "HealthAdvice", "dataItems": items or ["FacilityBooking/bookingStart"],
            "benefit": {"ja": "助言", "en": "Advice"}, "validFrom": self.in_days(0), "validUntil": self.in_days(90),
        })["id"]  # fmt: skip
        return self.ask("operator", "POST", f"/requests/{request}/acceptance", {})

    def shown(self, entity_id: str) -> Any:
        """The entity in the hub."""
        return self.hub.entity("", entity_id)


@contextmanager
def bank_city(
    directory: Path, store: str = "memory", allowed: Allowed | None = None, city: Mapping[str, Any] | None = None
) -> Iterator[BankCity]:
    """A bank that nobody knows yet."""
    clock, numbers = FakeClock(), count(1)
    with ExitStack() as closing:
        built, _ = closing.enter_context(
            broker(clock=clock, access=allowed, gate="reject", store=store, data=str(directory / "data"))
        )
        file = KeptFile(directory / "services.sqlite", "services")
        closing.callback(file.close)
        audit: Recorded = Recorded()
        kept: Audit = audit
        library = read_beside_built_in()
        hub = HubInside(built.house, Principal("services", roles=frozenset({SYSTEM})))
        ground = Ground(
            hub, file, clock,
            lambda: f"{next(numbers):032x}", Signer([made()]), kept, allowed or NoConsents(), lambda: library,
            "http://hub.example", Following(hub, file), city or {}, {"consents": cast("Room", Guardians())},
        )  # fmt: skip
        room = open_room(ground)
        assert isinstance(ground.hub, HubInside)
        yield BankCity(built, room, ground.hub, clock, audit, ground, Routes(room.routes()))
