"""The audit of a whole city: consents, answers, notifications and the stream, and who may look into it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from broker.__main__ import main
from broker.audit.checking import check
from broker.audit.log import AuditLog
from broker.doors import make_doors
from broker.errors import ServiceUnavailable
from broker.model.subscription import Endpoint, Subscription
from broker.notify.book import Entry as Kept
from broker.notify.composing import Composer
from broker.notify.message import Message, Transports
from broker.ports import Restriction
from broker.ports.disclosing import Numbers, Telling
from broker.ports.outbox import EntityChange, OutboxRow
from tests.fakes.consent_city import ADVICE, CLINIC, HEART, PEOPLE, PULSE, ConsentCity, consent_city
from tests.fakes.unmistakable import UNMISTAKABLE
from tests.http.history.streaming import follow

HANA = "urn:misono:subject:hana"
AUDIT = "//admin/audit"


@pytest.fixture(params=["memory", "sqlite"])
def city(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ConsentCity]:
    with consent_city(tmp_path, str(request.param)) as found:
        yield found


def log_of(city: ConsentCity) -> AuditLog:
    assert city.built.admitted is not None
    return cast("AuditLog", city.built.admitted.audit)


def told(city: ConsentCity) -> list[Any]:
    return [one for one in city.ask("kaneko", "GET", f"{AUDIT}?kind=disclosure") if one["told"]]


def test_a_recipient_leaves_its_purpose_the_consent_and_no_value(city: ConsentCity) -> None:
    city.pulse("hana", UNMISTAKABLE)
    record = city.give("hana", city.terms())
    assert city.sees("clinic", "hana") == UNMISTAKABLE
    assert city.sees("shop", "hana") is None
    assert city.sees("hana", "hana") == UNMISTAKABLE
    [entry] = told(city)
    assert (entry["recipient"], entry["purposes"], entry["operation"]) == (CLINIC, [ADVICE], "retrieve_entity")
    [one] = entry["told"]
    assert (one["subject"], one["records"]) == (HANA, [record["id"]])
    assert PULSE in one["items"][HEART]
    assert entry["epoch"] > 0
    assert str(UNMISTAKABLE) not in json.dumps(one["items"])
    city.withdraw("hana", record=record["id"])
    assert city.sees("clinic", "hana") is None
    assert len(told(city)) == 1
    assert check(log_of(city)).faults == []


def test_residents_see_what_was_told_of_them_and_can_have_it_proven(city: ConsentCity) -> None:
    city.pulse("hana")
    city.give("hana", city.terms())
    city.sees("clinic", "hana")
    [bundle] = city.ask("hana", "GET", "//services/audit/disclosures")
    assert (bundle["recipient"], bundle["times"], bundle["day"]) == (CLINIC, 1, "2026-01-01")
    number = bundle["entries"][0]
    assert city.ask("hana", "GET", f"//services/audit/proof?number={number}")["status"] == 404
    assert city.ask("kaneko", "POST", f"{AUDIT}/roots")["size"] >= number
    proof = city.ask("hana", "GET", f"//services/audit/proof?number={number}")
    assert (proof["number"], len(proof["said"]["parts"])) == (number, 1)
    city.ask("taro", "GET", f"//services/audit/proof?number={number}")
    assert city.status == 404
    city.ask("taro", "GET", f"//services/audit/disclosures?for={HANA}")
    assert city.status == 403
    roots = city.ask("", "GET", "//services/audit/roots")
    assert (city.status, len(roots)) == (200, 1)
    assert (
        city.ask("", "GET", f"//services/audit/consistency?from={roots[0]['size']}&to={roots[0]['size']}")["path"] == []
    )


@pytest.mark.parametrize("who", ["yamada", "clinic", "hana", ""])
def test_only_auditors_look_into_entries(tmp_path: Path, who: str) -> None:
    with consent_city(tmp_path) as city:
        for path in (AUDIT, f"{AUDIT}/disclosures"):
            city.ask(who, "GET", path)
            assert city.status == (403 if who else 401)


def test_lists_are_paged(city: ConsentCity) -> None:
    city.pulse("hana")
    city.give("hana", city.terms())
    for _ in range(3):
        city.sees("clinic", "hana")
    first = city.ask("kaneko", "GET", f"{AUDIT}?kind=disclosure&limit=2")
    path = city.headers["link"].split(">")[0].lstrip("<")
    second = city.ask("kaneko", "GET", f"/{path}")
    assert [one["number"] for one in [*first, *second]] == sorted({one["number"] for one in [*first, *second]})
    assert (len(first), len(second)) == (2, 1)


def test_the_stream_tells_the_audit_first(city: ConsentCity) -> None:
    city.give("hana", city.terms())
    doors = make_doors(city.built, city.served)

    async def work() -> Any:
        headers = {"Authorization": "Bearer clinic", "NGSILD-Tenant": "misono"}
        one = await follow(doors.front, f"type={HEART}", headers)
        city.pulse("hana")
        [event] = await one.until(1)
        await one.leave()
        return event

    event = asyncio.run(work())
    doors.close()
    assert event["change"] == "created"
    [entry] = told(city)
    assert (entry["operation"], entry["told"][0]["subject"]) == ("follow_changes", HANA)


def test_a_notification_waits_for_the_audit(city: ConsentCity) -> None:
    city.pulse("hana")
    city.give("hana", city.terms())
    house = city.built.house
    entity = house.broker.entities.get("misono", "urn:ngsi-ld:HeartRateObservation:hana")
    clinic = PEOPLE["clinic"]
    body: dict[str, Any] = {
        "id": "urn:s:1", "type": "Subscription", "entities": [{"type": HEART}],
        "notification": {"endpoint": {"uri": "http://127.0.0.1:1/x"}},
    }  # fmt: skip
    subscription = replace(Subscription.from_body(body), principal=clinic.kept(), purposes=tuple(clinic.purposes))
    assert house.telling is not None
    composer = Composer(city.built.store, house.names, house.broker.access, city.clock, house.telling)
    row = OutboxRow(1, "urn:n:1", "urn:s:1", EntityChange(1, city.clock.now(), None, entity), 0)
    message = composer.change("misono", Kept(subscription, 1, 0, 0), row)
    assert message is not None
    assert message.told is not None
    assert message.told.result() == (told(city)[0]["number"],)
    assert told(city)[0]["operation"] == "notification"


def test_the_command_verifies_proves_and_exports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with consent_city(tmp_path, "sqlite") as city:
        city.pulse("hana")
        city.give("hana", city.terms())
        city.sees("clinic", "hana")
        city.ask("kaneko", "POST", f"{AUDIT}/roots")
    data = ["--data", str(tmp_path / "data")]
    assert main(["audit", "roots", *data]) == 0
    kept = tmp_path / "root.json"
    kept.write_text(capsys.readouterr().out)
    assert main(["audit", "verify", *data, "--root", str(kept)]) == 0
    assert "all is well" in capsys.readouterr().out
    assert main(["audit", "export", *data, "--tenant", "misono"]) == 0
    header, row = capsys.readouterr().out.splitlines()
    assert header.startswith("day,kind,recipient")
    assert row.startswith(f"2026-01-01,disclosure,{CLINIC}")
    assert main(["audit", "proof", "1", *data]) == 0
    assert json.loads(capsys.readouterr().out)["number"] == 1
    assert main(["audit", "consistency", "9", "10", *data]) == 2
    assert main(["audit", "verify", "--data", str(tmp_path)]) == 2


def test_nothing_is_collected_where_nothing_is_hidden(city: ConsentCity) -> None:
    telling = city.built.house.telling
    assert isinstance(telling, Telling)
    with telling.look_on(Restriction()) as found:
        assert found.told() == []


def test_where_the_audit_cannot_be_written_nothing_personal_goes_out(tmp_path: Path) -> None:
    with consent_city(tmp_path) as city:
        city.pulse("hana")
        city.give("hana", city.terms())
        log_of(city).file.close()
        refused = city.ask("clinic", "GET", "//ngsi-ld/v1/entities/urn:ngsi-ld:HeartRateObservation:hana")
        assert (city.status, PULSE in refused) == (503, False)
        assert city.sees("hana", "hana") == 62


def test_a_message_goes_out_when_the_audit_has_it_and_not_where_it_cannot() -> None:
    sent = list[tuple[str, str]]()

    class Sent:
        async def send(self, message: Message, _timeout_s: float) -> None:
            sent.append((message.id, message.headers["Misono-Disclosure"]))

        async def close(self) -> None:
            pass

    async def work() -> None:
        transports, written, lost = Transports(lambda _: Sent(), lambda _: None), Future[Numbers](), Future[Numbers]()
        endpoint = Endpoint("http://x.example/")
        message = Message("1", endpoint, "", b"", told=written, rests_on=("aizu:4",))
        sending = asyncio.ensure_future(transports.send(message, 1.0))
        await asyncio.sleep(0.01)
        assert sent == []
        written.set_result((17, 18))
        await sending
        lost.set_exception(ServiceUnavailable("full"))
        with pytest.raises(ServiceUnavailable):
            await transports.send(Message("2", endpoint, "", b"", told=lost), 1.0)
        assert sent == [("1", "17, 18, aizu:4")]

    asyncio.run(work())
