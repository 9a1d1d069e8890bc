"""Somebody withdraws while a clinic has everything open: queries, a subscription, a map, a snapshot, a stream, a hub.

Two seconds later nothing more leaves about them, though their watch goes on; what others agreed to goes on too. The
audit shows it.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from broker.wiring import SystemClock
from tests.fakes import plain
from tests.fakes.receiver import Receiver
from tests.outside.federation.hubs import hub
from tests.outside.served import Served

ROOT = Path(__file__).parents[3]
ACCESS = ROOT / "examples/misono/access.toml"
BESIDE = Path(__file__).with_name("watch_beside.py")
TENANT, CLINIC = "misono", "urn:ngsi-ld:RecipientOrganisation:clinic"
TYPE = "https://misono.example/def/HeartRateObservation"
OF_TYPE = f"/ngsi-ld/v1/entities?type={TYPE}"
SHELTER = "https://misono.example/def/EvacuationShelter"
HANA, KEN = "urn:misono:subject:hana", "urn:misono:subject:ken"
WHO = (
    ("operator", "--role", "operator"),
    ("auditor", "--role", "auditor"),
    ("clinic", "--role", "recipient", "--recipient", CLINIC, "--purpose", "HealthAdvice"),
    ("hana", "--role", "resident", "--subject", HANA),
    ("ken", "--role", "resident", "--subject", KEN),
)
ITEM, TEXT = "HeartRateObservation/heartRate", {"ja": "文", "en": "Text"}
WAYS = ("query", "retrieval", "history", "map", "ids of a map", "snapshot", "hub", "notifications")
WITHIN_S = 2.0
AFTER_S = 1.5
SEEN_S = 20.0


@dataclass
class City:
    """The hub, and who asks there."""

    hub: Served
    tokens: dict[str, str] = field(default_factory=dict)

    def token(self, name: str, *options: str) -> None:
        """Somebody, as `misono token` makes them."""
        command = [sys.executable, "-m", "broker", "token", "--access", str(ACCESS), "--data", str(self.hub.data)]
        found = subprocess.run([*command, *options], check=True, capture_output=True, text=True, timeout=30)
        self.tokens[name] = found.stdout.strip()

    def headers(self, who: str, **more: str) -> dict[str, str]:
        """Of a request of theirs."""
        bearer = {"Authorization": f"Bearer {self.tokens[who]}", "NGSILD-Tenant": TENANT}
        return {**bearer, **{name.replace("_", "-"): text for name, text in more.items()}}

    def ask(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """One request, below the root of the hub."""
        return plain.request(method, self.hub.root + path, json=body, headers=self.headers(who, **headers), timeout=20)

    def done(self, who: str, method: str, path: str, body: Any = None) -> Any:
        """The answer's body, of a request that must succeed."""
        answer = self.ask(who, method, path, body)
        assert answer.is_success, (path, answer.status_code, answer.text)
        return answer.json() if answer.content else None


def now() -> datetime:
    return datetime.fromtimestamp(SystemClock().now() / 1_000_000, UTC)


def in_days(days: float) -> str:
    return (now() + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def prepared(city: City) -> None:
    """A clinic that may receive, and two who consent to it."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda one: city.token(one[0], *one[1:]), WHO))
    period = {"validFrom": in_days(-1), "validUntil": in_days(300)}
    city.done("operator", "POST", "/services/bank/recipients", {
        "id": CLINIC, "name": TEXT, "recipientClass": "commercial", "country": "JP", "contact": "03",
        "purposes": ["HealthAdvice"], "evidence": [{"kind": "isms", "number": "1", **period}],
        "contract": {"number": "1", "auditRight": True, "breachNotice": True, **period},
    })  # fmt: skip
    city.done("operator", "POST", f"/services/bank/recipients/{CLINIC}/activation", {})
    terms = city.done("clinic", "POST", "/services/consents/terms", {
        "purpose": "HealthAdvice", "dataItems": [ITEM], "benefit": TEXT, "retention": "P1Y",
        "privacyNotice": "https://clinic.example/notice",
    })["id"]  # fmt: skip
    for name in ("hana", "ken"):
        notice = city.done(name, "POST", "/services/consents/notices", {"terms": terms, "language": "ja"})["id"]
        given = {"notice": notice, "dataItems": [ITEM], "specialCare": [ITEM]}
        city.done(name, "POST", "/services/consents/records", given)


@dataclass
class Channel:
    """One way in which data leave: what came by it, and when, by the clock of the monitor."""

    name: str
    came: list[tuple[float, str]] = field(default_factory=list)

    def take(self, text: str) -> None:
        """Something came."""
        self.came.append((time.monotonic(), text))

    def of(self, name: str, since: float = 0.0) -> list[float]:
        """When something about a person came, from then on."""
        return [at for at, text in self.came if f":{name}" in text and at >= since]


@contextmanager
def running(*works: Callable[[], None]) -> Iterator[None]:
    """Do these again and again, each on a thread of its own."""
    over, failures = threading.Event(), list[BaseException]()

    def again(work: Callable[[], None]) -> None:
        try:
            while not over.is_set():
                work()
                time.sleep(0.05)
        except Exception as failure:  # noqa: BLE001  told to the test
            failures.append(failure)

    threads = [threading.Thread(target=again, args=(one,), daemon=True) for one in works]
    for one in threads:
        one.start()
    try:
        yield
    finally:
        over.set()
        for one in threads:
            one.join(25)
    assert not failures, failures


def opened(city: City, own: Served, receiver: Receiver) -> tuple[str, str]:
    """The clinic subscribes, makes a map and a snapshot, registers the city at its own hub: the map, the snapshot."""
    of_type, endpoint = {"entities": [{"type": TYPE}]}, {"uri": receiver.url, "accept": "application/json"}
    city.done("clinic", "POST", "/ngsi-ld/v1/subscriptions", {
        "type": "Subscription", "entities": [{"type": TYPE}, {"type": SHELTER}], "notification": {"endpoint": endpoint},
    })  # fmt: skip
    mapped = city.ask("clinic", "GET", f"/ngsi-ld/v1/entities?type={TYPE}&entityMap=true")
    queries = {"type": "Snapshot", "snapshotQueries": [{"type": "Query", **of_type}]}
    made = city.ask("clinic", "POST", "/ngsi-ld/v1/snapshots", queries)
    assert made.status_code == 201, made.text
    registered = own.http.post("/csourceRegistrations", json={
        "type": "ContextSourceRegistration", "endpoint": city.hub.root, "information": [{"entities": [{"type": TYPE}]}],
        "tenant": TENANT, "contextSourceInfo": [{"key": "Authorization", "value": f"Bearer {city.tokens['clinic']}"}],
        "contract": {"recipient": CLINIC, "purpose": "HealthAdvice"},
    })  # fmt: skip
    assert registered.status_code == 201, registered.text
    return mapped.headers["ngsild-entitymap"], made.headers["location"].rpartition("/")[2]


def channels(city: City, own: Served, receiver: Receiver) -> tuple[list[Channel], list[Callable[[], None]]]:
    """All that the clinic has open, and what looks at it again and again."""
    map_path, snapshot = opened(city, own, receiver)
    found = {name: Channel(name) for name in WAYS}

    def asking(name: str, path: str, **headers: str) -> Callable[[], None]:
        def ask() -> None:
            answer = city.ask("clinic", "GET", path, **headers)
            if answer.is_success:  # a refusal repeats what was asked for
                found[name].take(answer.text)

        return ask

    def notified() -> None:
        known = len(found["notifications"].came)
        for one in list(receiver.received)[known:]:
            found["notifications"].came.append((one.at, one.body.decode()))

    works = [
        asking("query", f"{OF_TYPE}&q=https%3A%2F%2Fmisono.example%2Fdef%2FheartRate%3E0"),
        asking("retrieval", "/ngsi-ld/v1/entities/urn:ngsi-ld:HeartRateObservation:hana"),
        asking(
            "history", f"/ngsi-ld/v1/temporal/entities?type={TYPE}&lastN=1&timerel=after&timeAt=2000-01-01T00:00:00Z"
        ),
        asking("map", OF_TYPE, NGSILD_EntityMap=map_path),
        asking("ids of a map", map_path),
        asking("snapshot", OF_TYPE, NGSILD_Snapshot=snapshot),
        lambda: found["hub"].take(own.http.get("/entities", params={"type": TYPE}).text),
        lambda: go_on(city),
        notified,
    ]
    return [*found.values()], works


def go_on(city: City) -> None:
    """The city's own data change, too: its process looks then for what the watch's process has written."""
    people = {"https://misono.example/def/headcount": {"type": "Property", "value": time.monotonic()}}
    shelter = {"id": "urn:ngsi-ld:EvacuationShelter:1", "type": SHELTER, **people}
    city.done("operator", "POST", "/ngsi-ld/v1/entityOperations/upsert", [shelter])


@contextmanager
def streaming(city: City) -> Iterator[Channel]:
    """The stream of changes, which stays open."""
    channel = Channel("stream")
    with plain.Client(timeout=httpx.Timeout(20, read=None)) as client:
        request = client.build_request("GET", f"{city.hub.root}/events?type={TYPE}", headers=city.headers("clinic"))
        answer = client.send(request, stream=True)
        assert answer.status_code == 200, answer.read()

        def follow() -> None:
            try:
                for line in answer.iter_lines():
                    if line.startswith("data:"):
                        channel.take(line)
            except (httpx.HTTPError, httpx.StreamError):
                return

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        yield channel


def test_nothing_more_leaves_two_seconds_after_a_withdrawal(tmp_path: Path) -> None:
    with (
        hub(tmp_path / "city", "misono", "--access", str(ACCESS)) as served,
        hub(tmp_path / "own", "clinic") as own,
        Receiver() as receiver,
    ):
        city = City(served)
        prepared(city)
        command = [sys.executable, str(BESIDE), str(served.data), str(ACCESS), TENANT, HANA, KEN]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as watch:
            try:
                assert watch.stdout is not None
                assert watch.stdout.read(3) == b"..."
                _revoked(city, own, receiver)
            finally:
                assert watch.stdin is not None
                watch.stdin.close()
            assert watch.wait(10) == 0, "the watch was heard to the end"


def _silent(ways: list[Channel], withdrawn: float) -> list[str]:
    """The ways by which nothing of what others agreed to came since."""
    return [
        one.name
        for one in ways
        if one.name not in ("retrieval", "snapshot") and not one.of("ken", withdrawn + WITHIN_S)
    ]


def _revoked(city: City, own: Served, receiver: Receiver) -> None:
    with streaming(city) as stream:
        time.sleep(0.5)
        ways, works = channels(city, own, receiver)
        ways.append(stream)
        with running(*works):
            until = time.monotonic() + SEEN_S
            while not all(one.of("hana") for one in ways) and time.monotonic() < until:
                time.sleep(0.1)
            assert [one.name for one in ways if not one.of("hana")] == [], "all of it was told before"
            asked = time.monotonic()
            city.done("hana", "POST", "/services/consents/withdraw", {"all": True})
            withdrawn = time.monotonic()
            time.sleep(WITHIN_S + AFTER_S)
            until = time.monotonic() + SEEN_S
            while _silent(ways, withdrawn) and time.monotonic() < until:
                time.sleep(0.1)
        last = {one.name: max(one.of("hana")) - asked for one in ways}
    print(*(f"{name:14} the last about her {at:6.2f} s after she asked" for name, at in last.items()), sep="\n")
    print(f"figure revocation {max(last.values()):.2f} 1")
    assert [name for name, at in last.items() if at > (withdrawn - asked) + WITHIN_S] == []
    assert _silent(ways, withdrawn) == [], "what others agreed to goes on"
    _audited(city, withdrawn - time.monotonic())


def _audited(city: City, ago: float) -> None:
    """The audit knows that she withdrew, and of nothing that was told of her since."""
    told = city.done("auditor", "GET", f"/admin/audit/disclosures?subject={HANA}")
    [clinic] = [one for one in _listed(told) if one["recipient"] == CLINIC]
    last = datetime.fromisoformat(clinic["last"])
    assert last <= now() + timedelta(seconds=ago + WITHIN_S), clinic
    of_ken = _listed(city.done("auditor", "GET", f"/admin/audit/disclosures?subject={KEN}"))
    assert datetime.fromisoformat(of_ken[0]["last"]) > last
    [mine] = [
        one for one in _listed(city.done("hana", "GET", "/services/audit/disclosures")) if one["recipient"] == CLINIC
    ]
    assert mine["times"] == clinic["times"]
    _withdrawal_audited(city, last)


def _withdrawal_audited(city: City, last: datetime) -> None:
    """Her withdrawal has an entry of its own, after which there is none that tells the clinic of her."""
    [record] = _listed(city.done("hana", "GET", "/services/consents/records"))
    acts = _entries(city, "consent")
    [withdrawn] = [one for one in acts if one["operation"] == "withdraw"]
    assert (withdrawn["more"]["record"], withdrawn["more"]["state"]) == (record["id"], record["state"])
    assert withdrawn["recipient"] == CLINIC
    told = [one for one in _entries(city, "disclosure") if HANA in [person["subject"] for person in one["told"]]]
    late = timedelta(seconds=WITHIN_S)  # to write that it is over, and for processes to hear of it
    assert datetime.fromisoformat(told[-1]["at"]) == last
    assert last <= datetime.fromisoformat(withdrawn["at"]) + late


def _entries(city: City, kind: str) -> list[dict[str, Any]]:
    """All entries of a kind, in the order of the audit."""
    found, after = list[dict[str, Any]](), 0
    while page := city.done("auditor", "GET", f"/admin/audit?kind={kind}&limit=1000&after={after}"):
        found += page
        after = page[-1]["number"]
    return found


def _listed(body: Any) -> list[dict[str, Any]]:
    return body if isinstance(body, list) else next(one for one in body.values() if isinstance(one, list))
