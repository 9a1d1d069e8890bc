"""The feature of settlement as tests, and its words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from broker.keeping import KeptFile
from broker.model.values import to_instant
from services.energy.room import EnergyRoom
from services.energy.settlement.part import SettlementPart
from tests.engines.wires.running import WIRES, fresh
from tests.fakes.market_city import HALF_HOUR_S, OWNERS, MarketCity, line, market_city, participant

scenarios("settlement.feature")
SITES = {owner: name for name, owner in OWNERS.items() if owner}


@dataclass
class Story:
    """`told` is the last answer, `slot` when the delivery begins."""

    city: MarketCity
    told: Any = None
    slot: str = ""

    @property
    def part(self) -> SettlementPart:
        """Settlement itself."""
        room = cast("EnergyRoom", self.city.city.served.room("energy"))
        return cast("SettlementPart", room.parts["settlement"])

    @property
    def file(self) -> KeptFile:
        """What is kept."""
        return self.part.book.file

    @property
    def day(self) -> str:
        """The city's day of the slot."""
        return self.part._community.slots.named(to_instant(self.slot) or 0)[0]

    def statement(self, who: str, **more: str) -> Any:
        """Somebody's, as `who` reads it."""
        whose = participant(SITES[more.pop("whose", who)])
        query = "".join(f"&{name}={text}" for name, text in more.items())
        return self.city.ask(who, "GET", f"/statements?participant={whose}&from={self.day}{query}")

    def settles(self, who: str = "yamada", **more: str) -> None:
        """A day is settled, by a request."""
        self.city.look()
        self.part.place()
        self.told = self.city.ask(who, "POST", "/runs", {"day": self.day, **more})


@pytest.fixture
def story(store: str, tmp_path: Path) -> Iterator[Story]:
    with ExitStack() as closing:
        place = closing.enter_context(fresh(WIRES[store])) if store in WIRES else store
        city = closing.enter_context(market_city(tmp_path, place))
        found = Story(city)
        found.part.place()
        yield found


@given("a tariff of 2 yen a kWh for the line")
def tariff(story: Story) -> None:
    made = story.city.ask("yamada", "POST", "/tariffs", {"validFrom": "2025-04-01T00:00:00Z", "wheeling": 2_000})
    assert (story.city.status, made["version"]) == (201, 1)


@given(parsers.parse('"{seller}" sold "{buyer}" 600 Wh at 15 yen'))
def sold(story: Story, seller: str, buyer: str) -> None:
    story.slot = story.city.slot(2)
    for who, side in ((seller, "sell"), (buyer, "buy")):
        told = story.city.order(who, SITES[who], side, 600, 15)
        assert story.city.status == 201, told
    story.city.go_to_slot()
    assert [one["quantity"] for one in story.city.contracts(seller)] == [600]


@given("the power flowed as agreed")
def flowed(story: Story) -> None:
    story.city.flow(h1=1_200, h2=-1_200)
    story.city.go(HALF_HOUR_S)
    story.city.tell()
    story.city.look()


@given(parsers.parse("the imbalance price of the slot is {yen:d} yen"))
def imbalance(story: Story, yen: int) -> None:
    series = f"start,shortage,surplus\n{story.slot},{yen},{yen}\n"
    told = story.city.ask("yamada", "POST", "/imbalance", {"csv": series, "source": "test"})
    assert (story.city.status, told) == (201, {"slots": 1, "changed": 1})


@given(parsers.parse('"{who}" took more than agreed'))
def took_more(story: Story, who: str) -> None:
    story.city.flow(**{"h1": 1_200, SITES[who]: -1_800})
    story.city.go(HALF_HOUR_S)
    story.city.tell()
    story.city.look()


@when("the operator settles the day")
def settles(story: Story) -> None:
    story.settles()
    assert story.city.status == 200, story.told


@when(parsers.parse('"{who}" settles the day'))
def tries(story: Story, who: str) -> None:
    story.settles(who)


@when("the operator wants the day to be final")
def wants(story: Story) -> None:
    story.settles(status="final")


@when(parsers.parse('the operator corrects the meter of "{who}" to {wh:d} Wh'))
def corrects(story: Story, who: str, wh: int) -> None:
    told = story.city.ask("yamada", "POST", "/meters/corrections", {
        "leg": line(SITES[who]), "intervalStart": story.slot, "importEnergy": wh, "exportEnergy": 0, "reason": "read",
    })  # fmt: skip
    assert story.city.status == 201, told


@then(parsers.parse('"{seller}" gets {got} yen, and "{buyer}" pays {paid} yen'))
def amounts(story: Story, seller: str, got: str, buyer: str, paid: str) -> None:
    assert story.statement(seller)["total"] == got
    assert story.statement(buyer)["total"] == f"-{paid}"


@then("the books balance in yen and in watt-hours")
def balance(story: Story) -> None:
    sums = story.file.read("SELECT currency, sum(balance) FROM ledger_account GROUP BY currency ORDER BY currency")
    assert sums == [("JPY", 0), ("WH", 0)]
    assert story.city.city.ask("yamada", "POST", "//services/ledger/verify", {})["holds"]


@then(parsers.parse('no entity of it is "{who}"\'s but for herself'))
def own(story: Story, who: str) -> None:
    story.part._projector.catch_up()
    where = "//ngsi-ld/v1/entities?type=https://misono.example/def/SettlementRecord"
    named = f"urn:misono:subject:{who}"
    assert named in str(story.city.city.ask(who, "GET", where))
    assert named not in str(story.city.city.ask("taro", "GET", where))


@then(parsers.parse("there is {count:d} run of the day, and not {other:d}"))
def counted(story: Story, count: int, other: int) -> None:
    found = story.city.ask("yamada", "GET", f"/runs?day={story.day}")["runs"]
    assert len(found) == count != other


@then("one posting was taken back, and none was edited")
def taken_back(story: Story) -> None:
    rows = story.file.read("SELECT count(*), count(reverses) FROM ledger_posting")
    assert rows == [(3, 1)]


@then(parsers.parse('it is refused as Conflict, naming "{pointer}"'))
def conflict(story: Story, pointer: str) -> None:
    assert (story.city.status, story.told["pointer"]) == (409, pointer)


@then("it is refused as Forbidden")
def forbidden(story: Story) -> None:
    assert story.city.status == 403


@then("there are no runs of the day")
def no_runs(story: Story) -> None:
    assert story.city.ask("yamada", "GET", f"/runs?day={story.day}")["runs"] == []


@then(parsers.parse('"{who}" reads her statement in Japanese and in English, without scripts, and as CSV'))
def reads(story: Story, who: str) -> None:
    pages = [story.statement(who, format="html", language=one) for one in ("ja", "en")]
    assert "試算" in pages[0]
    assert "simulation" in pages[1]
    assert all("9.000" in one and "<script" not in one for one in pages)
    assert ",600,0,-600,0,9.000," in story.statement(who, format="csv")


@then(parsers.parse('"{who}" may not read the statement of "{other}"'))
def may_not(story: Story, who: str, other: str) -> None:
    story.statement(who, whose=other)
    assert story.city.status == 403


@then(parsers.parse('the operator may not read the statement of "{other}"'))
def operator_may_not(story: Story, other: str) -> None:
    story.statement("yamada", whose=other)
    assert story.city.status == 403
