"""The room of consents when things go wrong, when people leave, and what the audit is told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import apsw
import pytest

from broker.errors import NgsiError, ServiceUnavailable
from broker.hub.inside import HubInside
from broker.keeping import KeptFile
from broker.ports.hub import Fragment, HubAway
from services.consents import room as module
from services.consents.book import Who
from services.consents.giving import Acting
from services.consents.items import covered, read_items, without
from services.consents.room import ConsentRoom
from services.consents.states import Act
from tests.fakes.consent_city import CLINIC, ConsentCity, consent_city
from tests.fakes.told import Recorded

HEART = "HeartRateObservation/heartRate"
HANA = "urn:misono:subject:hana"
YEAR_S = 366 * 86_400


@pytest.fixture
def city(tmp_path: Path) -> Iterator[ConsentCity]:
    with consent_city(tmp_path) as found:
        yield found


class Flaky(HubInside):
    """A hub that is away while it is told so."""

    def __init__(self, inner: HubInside) -> None:
        self.inner, self.away = inner, False

    def upsert(self, tenant: str, fragments: Sequence[Fragment]) -> list[NgsiError | None]:
        """Nothing while it is away."""
        if self.away:
            raise HubAway
        return self.inner.upsert(tenant, fragments)

    def entity(self, tenant: str, entity_id: str) -> Any:
        """As the other."""
        return self.inner.entity(tenant, entity_id)


def flaky(city: ConsentCity, tmp_path: Path) -> tuple[ConsentRoom, Flaky, Recorded]:
    """Another room, over a hub that may be away."""
    hub, audit = Flaky(city.hub), Recorded()
    file = KeptFile(tmp_path / "other.sqlite", "test")
    city.built.closing.callback(file.close)
    ground = replace(city.room._ground, hub=hub, audit=audit, file=file)
    return ConsentRoom(ground), hub, audit


def given(city: ConsentCity, room: ConsentRoom) -> str:
    """The id of a consent in that room."""
    body = {
        "purpose": "HealthAdvice", "dataItems": [HEART], "benefit": {"ja": "…", "en": "…"}, "retention": "P1Y",
        "privacyNotice": "https://clinic.example",
    }  # fmt: skip
    terms = room.terms.publish(city.tenant, Who("clinic"), CLINIC, body)
    shown = room.terms.notify(city.tenant, Who(subject=HANA), HANA, terms.id, "ja")
    chosen = {"notice": shown["id"], "dataItems": [HEART], "specialCare": [HEART]}
    return room.giving.give(city.tenant, Acting(Who(subject=HANA), HANA), chosen).id


def test_what_the_hub_could_not_show_is_not_acknowledged_and_shown_later(city: ConsentCity, tmp_path: Path) -> None:
    room, hub, _ = flaky(city, tmp_path)
    city.pulse("hana")
    given(city, room)
    assert city.sees("clinic", "hana") == 62
    hub.away = True
    with pytest.raises(ServiceUnavailable):
        room.withdraw_all(city.tenant, Who(subject=HANA), HANA)
    with pytest.raises(ServiceUnavailable):
        room.tick()
    hub.away = False
    room.tick()
    assert city.sees("clinic", "hana") is None


def test_the_timer_says_when_it_cannot_work_and_when_it_can(city: ConsentCity, tmp_path: Path) -> None:
    room, hub, _ = flaky(city, tmp_path)
    given(city, room)
    hub.away = True
    with pytest.raises(ServiceUnavailable):
        room.withdraw_all(city.tenant, Who(subject=HANA), HANA)
    before, module.TICK_S = module.TICK_S, 0.01  # type: ignore[misc]
    try:
        room.start()
        _until(lambda: room.state() != "ok")
        hub.away = False
        _until(lambda: room.state() == "ok")
    finally:
        room.stop()
        module.TICK_S = before  # type: ignore[misc]


def _until(true: Any) -> None:
    end = monotonic() + 5
    while not true():
        assert monotonic() < end
        sleep(0.01)


def test_the_audit_is_told_of_every_act_and_of_no_person(city: ConsentCity, tmp_path: Path) -> None:
    room, _, audit = flaky(city, tmp_path)
    record = given(city, room)
    room.withdraw_all(city.tenant, Who(subject=HANA), HANA)
    told = [(one.kind, one.operation, one.recipient, one.more["state"]) for one in audit.every]
    assert told == [("consent", "give", CLINIC, "ConsentGiven"), ("consent", "withdraw", CLINIC, "ConsentWithdrawn")]
    assert {one.more["record"] for one in audit.every} == {record}
    assert "urn:misono:subject" not in str(audit.every)


def test_an_emergency_is_in_the_audit_before_anything_is_seen(city: ConsentCity, tmp_path: Path) -> None:
    room, hub, audit = flaky(city, tmp_path)
    hub.away = True
    with pytest.raises(ServiceUnavailable):
        room.emergencies.begin(city.tenant, Who("yamada"), {"reason": "…" * 10, "hours": 1, "subjects": [HANA]})
    (entry,) = audit.every
    assert (entry.kind, entry.principal, entry.operation) == ("emergency", "yamada", "begin")
    assert HANA not in str(entry)


def test_history_is_only_added_to(city: ConsentCity) -> None:
    city.give("hana", city.terms())
    file = city.room.book.file
    for statement in _WRITTEN_OVER:
        with pytest.raises(apsw.ConstraintError, match="history stays"):
            file.write(partial(apsw.Connection.execute, statements=statement)).result()


_WRITTEN_OVER = (
    "UPDATE consents_event SET act = 'refuse'", "DELETE FROM consents_event", "DELETE FROM consents_log",
)  # fmt: skip


def test_two_processes_over_one_file_show_what_is_newest(city: ConsentCity) -> None:
    ground = city.room._ground
    file = KeptFile(ground.file.path, "test")
    city.built.closing.callback(file.close)
    other = ConsentRoom(replace(ground, file=file))
    city.pulse("hana")
    record = city.give("hana", city.terms())
    other.withdraw_all(city.tenant, Who(subject=HANA), HANA)
    assert city.sees("clinic", "hana") is None
    assert city.ask("hana", "GET", f"/records/{record['id']}")["state"] == "ConsentWithdrawn"
    city.room._projection.show(city.room.book, city.tenant, [("record", record["id"])])
    assert city.sees("clinic", "hana") is None


def test_who_leaves_has_consented_to_nothing_and_is_forgotten_in_time(city: ConsentCity) -> None:
    city.pulse("hana")
    record = city.give("hana", city.terms())
    city.ask("hana", "POST", "/delegations", {
        "delegate": "urn:misono:subject:taro", "kind": "chosenDelegate", "scope": ["maySee"],
        "validUntil": city.in_days(10),
    })  # fmt: skip
    told = city.room.forget(city.tenant, Who("yamada"), HANA)
    assert (told["withdrawn"], told["delegations"], told["notices"]) == (1, 1, 1)
    assert '"events": 2' in json.dumps(told["kept"])
    assert [one["state"] for one in city.room.deletions(city.tenant, HANA)] == ["requested"]
    assert (city.sees("clinic", "hana"), city.sees("taro", "hana")) == (None, None)
    assert len(city.room.records(city.tenant, HANA)) == 1, "to show that they consented"
    city.clock.advance(3 * YEAR_S)
    city.room.tick()
    assert city.room.records(city.tenant, HANA) == []
    events = city.room.book.events(city.tenant, "e.record = ?", record["id"])
    assert [one.act for _, one in events] == [Act.GIVE, Act.WITHDRAW]
    for path in city.room.book.file.path.parent.glob("services.sqlite*"):
        assert HANA.encode() not in path.read_bytes(), path.name


def test_who_comes_back_is_not_forgotten(city: ConsentCity) -> None:
    terms = city.terms()
    city.give("hana", terms)
    city.room.forget(city.tenant, Who("yamada"), HANA)
    record = city.give("hana", terms)
    city.clock.advance(4 * YEAR_S)
    city.room.tick()
    assert city.ask("hana", "GET", f"/records/{record['id']}")["state"] == "ConsentExpired"


def test_what_was_shown_stays_where_it_was_agreed_to(city: ConsentCity) -> None:
    terms = city.terms()
    city.give("hana", terms)
    city.notice("taro", terms)
    city.clock.advance(3 * 86_400)
    city.room.tick()
    assert [row[0] for row in city.room.book.rows("SELECT used FROM consents_notice")] == [1]


def test_items_cover_what_is_coarser_and_nothing_finer(city: ConsentCity) -> None:
    library = city.room._ground.library()

    def missing(having: str, wanted: str) -> bool:
        return covered(read_items(library, [having]), read_items(library, [wanted])) is not None

    assert not missing(f"{HEART}@raw", f"{HEART}@daily")
    assert missing(f"{HEART}@daily", f"{HEART}@raw")
    assert not missing("FacilityBooking/*", "FacilityBooking/bookingStart@hourly")
    assert missing("HeartRateObservation/*", HEART)
    assert missing("FacilityBooking/bookingStart", "FacilityBooking/*")
    assert without(library, [HEART, "FacilityBooking/*@raw"], "FacilityBooking/*") == (
        [HEART],
        ["FacilityBooking/*@raw"],
    )
    left, lost = without(library, ["HeartRateObservation/*@daily"], "HeartRateObservation/consent")
    assert lost == ["HeartRateObservation/*@daily"]
    assert not {f"HeartRateObservation/{one}@daily" for one in ("heartRate", "consent", "*")} & {*left}
    assert left
    assert {one.partition("@")[2] for one in left} == {"daily"}
    whole = ["HeartRateObservation/*@daily"]
    assert without(library, whole, HEART) == (whole, []), "it never covered that"
    assert without(library, ["Gone/thing@raw", HEART], "Gone/thing") == ([HEART], ["Gone/thing@raw"])
