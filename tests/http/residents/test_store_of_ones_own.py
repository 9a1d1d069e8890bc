"""A resident sees all that is held about them, takes it along, puts it right, shares it for a while, has it erased."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.model.values import to_text
from tests.fakes.consent_city import DEF, ConsentCity, consent_city, for_
from tests.fakes.unmistakable import UNMISTAKABLE

STORE = "//services/store"
HANA = "urn:ngsi-ld:HeartRateObservation:hana"
HOME = "urn:ngsi-ld:HeartRateObservation:home"
ITEM = "HeartRateObservation/heartRate"


@pytest.fixture
def city(tmp_path: Path) -> Iterator[ConsentCity]:
    with consent_city(tmp_path) as found:
        yield found


@pytest.fixture(name="either", params=["memory", "sqlite"])
def on_either_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ConsentCity]:
    with consent_city(tmp_path, str(request.param)) as found:
        yield found


def fill(city: ConsentCity) -> None:
    """Three measurements of hana, one of ken, one of both, one of hana that is gone."""
    for value in (60, 64, 62):
        city.pulse("hana", value)
        city.clock.advance(60)
    city.pulse("ken", UNMISTAKABLE)
    city.put(HOME, "HeartRateObservation", {
        "dataSubject": ["urn:misono:subject:hana", "urn:misono:subject:ken"], "heartRate": 70,
    })  # fmt: skip
    city.put("urn:ngsi-ld:HeartRateObservation:old", "HeartRateObservation", {
        "dataSubject": "urn:misono:subject:hana", "heartRate": 55,
    })  # fmt: skip
    assert city.hub.delete(city.tenant, ["urn:ngsi-ld:HeartRateObservation:old"]) == [None]


def until(city: ConsentCity, days: float = 1) -> str:
    return city.in_days(days)


def test_everything_held_is_seen_and_nothing_of_others(either: ConsentCity) -> None:
    city = either
    fill(city)
    found = city.ask("hana", "GET", f"{STORE}/entities")["entities"]
    assert {one["id"].rpartition(":")[2]: (one["there"], one["joint"]) for one in found} == {
        "hana": (True, False), "home": (True, True), "old": (False, False),
    }  # fmt: skip
    (pulse,) = [one for one in found if one["id"] == HANA]
    (told,) = [one for one in pulse["attributes"] if one["attribute"] == f"{DEF}heartRate"]
    assert (told["value"], told["class"], told["label"]["ja"]) == (62, "special-care", "心拍数")
    assert not [trace for trace in (":ken", str(UNMISTAKABLE)) if trace in json.dumps(found)]
    past = city.ask("hana", "GET", f"{STORE}/entities/{HANA}/history")["history"]
    assert [one["value"] for one in past[f"{DEF}heartRate"]] == [60, 64, 62]
    past, heart = city.ask("hana", "GET", f"{STORE}/summary")["held"]
    assert (past["label"]["en"], past["entities"]) == ("Of the past", 1)
    assert (heart["label"]["en"], heart["entities"], heart["joint"]) == ("Heart rate observation", 2, 1)


def test_what_is_anothers_is_absent(city: ConsentCity) -> None:
    fill(city)
    for name in ("urn:ngsi-ld:HeartRateObservation:ken", "urn:ngsi-ld:HeartRateObservation:nobody"):
        refusal = city.ask("hana", "GET", f"{STORE}/entities/{name}")
        assert (city.status, refusal["detail"]) == (404, "nothing of yours has this id")
    city.ask("hana", "GET", f"{STORE}/entities{for_('ken')}")
    assert city.status == 403
    for who in ("clinic", "yamada", ""):
        city.ask(who, "GET", f"{STORE}/summary")
        assert city.status in (401, 403)


def test_it_goes_along_in_three_forms(city: ConsentCity) -> None:
    fill(city)
    graph = city.ask("hana", "GET", f"{STORE}/export?history=true")
    assert city.headers["content-type"] == "application/ld+json"
    assert {one["id"] for one in graph["@graph"]} == {HANA, HOME}
    text = city.ask("hana", "GET", f"{STORE}/export?format=csv&history=true", accept_language="en")
    rows = [*csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))]
    pulses = [
        (row["Value"], row["Current"]) for row in rows if row["Attribute"] == "Heart rate" and row["Entity"] == HANA
    ]
    assert sorted(pulses) == [("60", ""), ("62", "1"), ("64", "")]
    bundle = city.ask("hana", "GET", f"{STORE}/export?format=fhir")
    (first, *_) = [one["resource"] for one in bundle["entry"]]
    assert (bundle["resourceType"], first["resourceType"], first["code"]["coding"][0]["code"]) == (
        "Bundle", "Observation", "8867-4",
    )  # fmt: skip
    assert first["subject"]["identifier"]["value"] == "urn:misono:subject:hana"
    city.ask("hana", "GET", f"{STORE}/export?format=pdf")
    assert city.status == 400


def test_a_correction_is_made_and_noted(city: ConsentCity) -> None:
    fill(city)
    asked = {"entity": HANA, "attribute": "heartRate", "value": 63, "reason": "腕時計がずれていた"}
    made = city.ask("hana", "POST", f"{STORE}/corrections", asked)
    assert (city.status, made["entity"]) == (201, HANA)
    right: Any = (city.hub.entity(city.tenant, HANA) or {})[f"{DEF}heartRate"]
    assert (right["value"], right[f"{DEF}correctedBy"]["value"]) == (63, "dataSubject")
    assert city.ask("hana", "GET", f"{STORE}/corrections")["corrections"][0]["reason"] == "腕時計がずれていた"
    for wrong, status in (
        ({"entity": "urn:ngsi-ld:HeartRateObservation:ken"}, 404), ({"attribute": "dataSubject", "value": "x"}, 404),
        ({"value": "sixty"}, 400), ({"attribute": "nothing"}, 404),
    ):  # fmt: skip
        city.ask("hana", "POST", f"{STORE}/corrections", {**asked, **wrong})
        assert city.status == status


def test_a_share_is_opened_with_its_code_until_it_ends(city: ConsentCity) -> None:
    fill(city)
    made = city.ask("hana", "POST", f"{STORE}/shares", {"items": [ITEM], "until": until(city), "note": "主治医へ"})
    assert city.status == 201
    where = "//" + made["link"].partition("//")[2].partition("/")[2]
    found = city.ask("", "POST", where, {"code": made["code"].lower()})
    assert [(one["id"], one["attributes"][0]["value"]) for one in found["entities"]] == [(HANA, 62)]
    assert city.ask("hana", "GET", f"{STORE}/shares")["shares"][0]["uses"][0]["opened"] is True
    assert city.ask("hana", "POST", f"{STORE}/shares/{made['id']}/end", {})["state"] == "ended"
    city.ask("", "POST", where, {"code": made["code"]})
    assert city.status == 404


def test_guesses_close_a_share_and_a_wrong_code_looks_like_none(city: ConsentCity) -> None:
    fill(city)
    made = city.ask("hana", "POST", f"{STORE}/shares", {"items": ["HeartRateObservation/*"], "until": until(city)})
    where = f"{STORE}/shared/{made['id']}"
    nothing = city.ask("", "POST", f"{STORE}/shared/urn:ngsi-ld:DataShare:none", {"code": "X"})
    for _ in range(10):
        assert city.ask("", "POST", where, {"code": "WRONG"}) == nothing
    city.ask("", "POST", where, {"code": made["code"]})
    assert city.status == 404
    assert city.ask("hana", "GET", f"{STORE}/shares")["shares"][0]["state"] == "locked"
    city.ask("hana", "POST", f"{STORE}/shares", {"items": [ITEM], "until": until(city, 31)})
    assert city.status == 400


def erase(city: ConsentCity, who: str = "hana", **more: Any) -> Any:
    return city.ask(who, "POST", f"{STORE}/erasures", {"confirm": True, **more})


def test_who_is_erased_is_gone_and_has_it_in_writing(either: ConsentCity) -> None:
    city = either
    fill(city)
    record = city.give("hana", city.terms())
    assert city.sees("clinic", "hana") == 62
    done = erase(city)
    assert (city.status, done["state"]) == (201, "done")
    certificate = done["certificate"]
    erased = {one["place"]: one["erased"] for one in certificate["places"]}
    assert certificate["entities"] == 2
    assert (erased["entity"], erased["change_log"] > 0) == (1, True)
    assert {"instance", "history", "outbox", "snapshot", "entity_map", "adapter_queue", "audit"} <= erased.keys()
    assert certificate["joint"]["entities"] == [HOME]
    assert "entity ConsentRecord" in {one["place"] for one in certificate["kept"]}
    assert [(one["recipient"], one["state"]) for one in certificate["copies"]] == [
        ("urn:ngsi-ld:RecipientOrganisation:clinic", "requested")
    ]
    assert "subject:hana" not in json.dumps(certificate)
    assert city.sees("clinic", "hana") is None
    assert city.hub.entity(city.tenant, HANA) is None
    assert city.hub.history(city.tenant, HANA) is None
    assert city.entity(record["id"])["consentState"].endswith("ConsentWithdrawn")
    assert city.ask("", "POST", f"{STORE}/certificates", {"signed": done["signed"]})["valid"] is True
    city.ask("", "POST", f"{STORE}/certificates", {"signed": done["signed"][:-4] + "AAAA"})
    assert city.status == 400
    assert city.ask("hana", "GET", f"{STORE}/erasures")["erasures"][0]["id"] == done["id"]
    assert city.sees("ken", "ken") == UNMISTAKABLE


def test_no_file_names_who_never_consented_to_anything(tmp_path: Path) -> None:
    with consent_city(tmp_path, "sqlite") as city:
        fill(city)
        asked = {"entity": HANA, "attribute": "heartRate", "value": 63}
        city.ask("hana", "POST", f"{STORE}/corrections", asked)
        city.ask("hana", "POST", f"{STORE}/shares", {"items": [ITEM], "until": until(city)})
        city.hub.delete(city.tenant, [HOME])
        erase(city, "ken")
        assert erase(city)["state"] == "done"
    texts = b"subject:hana", HANA.encode()
    files = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert [path.name for path in files if any(text in path.read_bytes() for text in texts)] == []


def test_what_is_about_two_goes_when_both_asked(either: ConsentCity) -> None:
    city = either
    fill(city)
    erase(city)
    assert city.hub.entity(city.tenant, HOME) is not None
    assert erase(city, "ken")["certificate"]["joint"]["entities"] == []
    assert city.hub.entity(city.tenant, HOME) is None


def test_an_erasure_of_before_is_no_agreement_for_what_came_later(city: ConsentCity) -> None:
    erase(city, "ken")
    city.clock.advance(60)
    fill(city)
    assert erase(city)["certificate"]["joint"]["entities"] == [HOME], "ken was not asked"
    assert city.hub.entity(city.tenant, HOME) is not None
    assert erase(city, "ken")["certificate"]["joint"]["entities"] == []
    assert city.hub.entity(city.tenant, HOME) is None


def test_an_erasure_is_reserved_cancelled_and_carried_out_when_it_is_due(city: ConsentCity) -> None:
    fill(city)
    assert city.ask("hana", "POST", f"{STORE}/erasures", {"confirm": False})["pointer"] == "/confirm"
    reserved = erase(city, at=until(city, 2))
    assert reserved["state"] == "reserved"
    erase(city)
    assert city.status == 409
    assert city.ask("hana", "POST", f"{STORE}/erasures/{reserved['id']}/cancel", {})["state"] == "cancelled"
    again = erase(city, at=to_text(city.clock.now() + 60_000_000))
    erasing = city.served._rooms["store"].erasing  # type: ignore[attr-defined]
    assert erasing.tick() == 0
    city.clock.advance(61)
    assert erasing.tick() == 1
    assert city.ask("hana", "GET", f"{STORE}/erasures/{again['id']}")["state"] == "done"
    assert city.hub.entity(city.tenant, HANA) is None
