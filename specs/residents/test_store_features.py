"""The feature of the store of one's own as tests, and its words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from services.store.room import StoreRoom
from tests.engines.wires.running import WIRES, fresh
from tests.fakes.consent_city import CLINIC, ConsentCity, consent_city, for_
from tests.fakes.unmistakable import UNMISTAKABLE

scenarios("store.feature")

STORE = "//services/store"
PULSE = "urn:ngsi-ld:HeartRateObservation:hana"
ITEM = "HeartRateObservation/heartRate"


@dataclass
class Storing:
    """The city; `told` is the last answer, `made` the last thing that was made."""

    city: ConsentCity
    told: Any = None
    made: dict[str, Any] = field(default_factory=dict)

    def ask(self, who: str, method: str, path: str, body: Any = None) -> Any:
        """Of the store."""
        self.told = self.city.ask(who, method, STORE + path, body)
        return self.told

    def pulse(self) -> Any:
        """Hana's, as the hub has it."""
        return self.city.hub.entity(self.city.tenant, PULSE)


@pytest.fixture
def one(store: str, tmp_path: Path) -> Iterator[Storing]:
    with ExitStack() as closing:
        place = closing.enter_context(fresh(WIRES[store])) if store in WIRES else store
        yield Storing(closing.enter_context(consent_city(tmp_path, place)))


@given(parsers.parse('the pulse of "{name}" was measured three times'))
def measured_thrice(one: Storing, name: str) -> None:
    for value in (60, 64, 62):
        one.city.pulse(name, value)
        one.city.clock.advance(60)


@given(parsers.parse('the pulse of "{name}" was measured'))
def measured(one: Storing, name: str) -> None:
    one.city.pulse(name, UNMISTAKABLE)


@given(parsers.parse('"{name}" has consented to the pulse for the clinic'))
def consented(one: Storing, name: str) -> None:
    assert one.city.give(name, one.city.terms())["holds"] is True


@when(parsers.parse('"{name}" looks at her store'))
def looks(one: Storing, name: str) -> None:
    one.ask(name, "GET", "/entities")


@then("she reads her pulse with its label in Japanese and English")
def reads_pulse(one: Storing) -> None:
    (held,) = one.told["entities"]
    labels = [part["label"] for part in held["attributes"] if part["value"] == 62]
    assert (held["id"], labels) == (PULSE, [{"ja": "心拍数", "en": "Heart rate"}])


@then(parsers.parse('she reads nothing of "{name}"'))
def reads_nothing_of(one: Storing, name: str) -> None:
    assert not [trace for trace in (f":{name}", str(UNMISTAKABLE)) if trace in str(one.told)]


@then("she reads the three values that it had")
def reads_past(one: Storing) -> None:
    history = one.ask("hana", "GET", f"/entities/{PULSE}/history")["history"]
    assert sorted(part["value"] for name, held in history.items() if "heartRate" in name for part in held) == [
        60,
        62,
        64,
    ]


@when(parsers.parse('"{name}" looks at the store of "{other}"'))
def looks_at(one: Storing, name: str, other: str) -> None:
    one.ask(name, "GET", f"/entities{for_(other)}")


@when("the clinic looks at the store")
def clinic_looks(one: Storing) -> None:
    one.ask("clinic", "GET", "/entities")


@when(parsers.parse('"{name}" asks for the entity of "{other}"'))
def asks_for(one: Storing, name: str, other: str) -> None:
    one.ask(name, "GET", f"/entities/urn:ngsi-ld:HeartRateObservation:{other}")


@then(parsers.parse("it is refused as {name}"))
def is_refused(one: Storing, name: str) -> None:
    assert one.told["type"].endswith(name), one.told


@when(parsers.parse('the clinic reads the pulse of "{name}"'))
def clinic_reads(one: Storing, name: str) -> None:
    assert one.city.sees("clinic", name) == 62


@when(parsers.parse('"{name}" looks who got what'))
def looks_who(one: Storing, name: str) -> None:
    one.ask(name, "GET", "/disclosures")


@then("she reads the clinic, the purpose, the pulse and the benefit")
def reads_disclosure(one: Storing) -> None:
    (row,) = one.told["disclosures"]
    assert (row["recipient"], row["recipientName"]) == (CLINIC, "みどり医院")
    assert ITEM in [item["item"] for item in row["items"]]
    assert row["benefits"] == [{"ja": "助言が届く", "en": "Advice"}]
    assert row["purposes"][0].endswith("HealthAdvice")


@when(parsers.parse('"{name}" takes her data along as {form}'))
def takes(one: Storing, name: str, form: str) -> None:
    one.ask(name, "GET", f"/export?format={form}")


@then(parsers.parse("it is {media_type} and has her pulse"))
def has_pulse(one: Storing, media_type: str) -> None:
    assert one.city.headers["content-type"].startswith(media_type)
    assert "62" in str(one.told)
    assert str(UNMISTAKABLE) not in str(one.told)


@when(parsers.parse('"{name}" corrects her pulse to {value:d}'))
def corrects(one: Storing, name: str, value: int) -> None:
    one.ask(name, "POST", "/corrections", {"entity": PULSE, "attribute": "heartRate", "value": value})


@then(parsers.parse("her pulse is {value:d}, corrected by herself"))
def is_corrected(one: Storing, value: int) -> None:
    (part,) = [held for name, held in one.pulse().items() if name.endswith("heartRate")]
    by = [held["value"] for name, held in part.items() if name.endswith("correctedBy")]
    assert (part["value"], by) == (value, ["dataSubject"])


@when(parsers.parse('"{name}" shares her pulse for a day'))
def shares(one: Storing, name: str) -> None:
    shares_for(one, name, 1)
    one.made = one.told


@when(parsers.parse('"{name}" shares her pulse for {days:d} days'))
def shares_for(one: Storing, name: str, days: int) -> None:
    one.ask(name, "POST", "/shares", {"items": [ITEM], "until": one.city.in_days(days)})


@then("whoever has the code reads her pulse, and nothing else")
def opens(one: Storing) -> None:
    found = one.ask("", "POST", f"/shared/{one.made['id']}", {"code": one.made["code"]})
    assert [part["value"] for held in found["entities"] for part in held["attributes"]] == [62]


@then("she sees that it was opened")
def sees_opened(one: Storing) -> None:
    assert [use["opened"] for use in one.ask("hana", "GET", "/shares")["shares"][0]["uses"]] == [True]


@when("she closes the share")
def closes(one: Storing) -> None:
    one.ask("hana", "POST", f"/shares/{one.made['id']}/end", {})


@then("the code opens nothing any more")
def opens_nothing(one: Storing) -> None:
    one.ask("", "POST", f"/shared/{one.made['id']}", {"code": one.made["code"]})
    assert one.city.status == 404


@when(parsers.parse("{hours:d} hours go by"))
def go_by(one: Storing, hours: int) -> None:
    one.city.clock.advance(hours * 3_600)
    cast("StoreRoom", one.city.served._rooms["store"]).erasing.tick()


@when(parsers.parse('"{name}" has herself erased'))
def erased(one: Storing, name: str) -> None:
    one.made = one.ask(name, "POST", "/erasures", {"confirm": True})


@when(parsers.parse('"{name}" has herself erased without confirming it'))
def unconfirmed(one: Storing, name: str) -> None:
    one.ask(name, "POST", "/erasures", {"confirm": False})


@when(parsers.parse('"{name}" has "{other}" erased'))
def has_other_erased(one: Storing, name: str, other: str) -> None:
    one.ask(name, "POST", f"/erasures{for_(other)}", {"confirm": True})


@when(parsers.parse('"{name}" reserves her erasure for the day after tomorrow'))
def reserves(one: Storing, name: str) -> None:
    assert one.ask(name, "POST", "/erasures", {"confirm": True, "at": one.city.in_days(2)})["state"] == "reserved"


@then(parsers.parse('nothing of "{name}" is found any more'))
def nothing_found(one: Storing, name: str) -> None:
    assert one.pulse() is None
    assert one.city.hub.history(one.city.tenant, PULSE) is None
    assert all(other["id"] != PULSE for other in one.ask(name, "GET", "/entities")["entities"])


@then(parsers.parse('the pulse of "{name}" is still there'))
def still_there(one: Storing, name: str) -> None:
    assert one.pulse() is not None, name


@then("the certificate names every place, what is kept and why")
def names_places(one: Storing) -> None:
    certificate = one.made["certificate"]
    places = {row["place"]: row["label"] for row in certificate["places"]}
    wanted = {
        "entity",
        "instance",
        "history",
        "change_log",
        "outbox",
        "snapshot",
        "entity_map",
        "adapter_queue",
        "audit",
    }
    assert wanted <= places.keys()
    assert all(label["ja"] and label["en"] for label in places.values())
    assert all(row["until"] and row["why"]["ja"] for row in certificate["kept"])
    assert "subject:hana" not in str(certificate)


@then("the clinic was asked to delete its copy")
def asked_to_delete(one: Storing) -> None:
    assert [(row["recipient"], row["state"]) for row in one.made["certificate"]["copies"]] == [(CLINIC, "requested")]


@then("the certificate is signed by this hub")
def is_signed(one: Storing) -> None:
    assert one.ask("", "POST", "/certificates", {"signed": one.made["signed"]})["valid"] is True
