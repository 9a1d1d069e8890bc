"""Who writes blindly gives nobody another's values, and learns from the answers no more than ids and names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest

from broker.signing import Signer
from tests.contract.engines import ROOMY
from tests.fakes.clock import FakeClock
from tests.fakes.issuing import HANA, NOW_S
from tests.http.doors import ROOT, Door, Reply, broker, front_door

KEY: Final = "mk_of-a-watch"
DEF: Final = "https://misono.example/def/"
TARO: Final = "urn:misono:subject:taro"
EVENT: Final = "urn:ngsi-ld:WatchOverEvent:1"
NAME: Final = f"{DEF}acknowledgedBy"
SUBJECT: Final = f"{DEF}dataSubject"
ONE: Final = f"/entities/{EVENT}"
PAST: Final = f"/temporal{ONE}?timeproperty=modifiedAt&timerel=after&timeAt=2020-01-01T00:00:00Z"


class Asking:
    """A hub with one device, by its key, and two residents."""

    def __init__(self, door: Door, signer: Signer) -> None:
        base = {"iss": "urn:misono:issuer:local", "aud": "misono", "sub": "x", "iat": NOW_S, "exp": NOW_S + 600}

        def bearer(subject: str) -> dict[str, str]:
            claims = {**base, "roles": ["resident"], "subject": subject}
            return {"Authorization": f"Bearer {signer.sign(claims, 'at+jwt')}"}

        self.door, self.hana, self.taro, self.device = door, bearer(HANA), bearer(TARO), {"X-API-Key": KEY}

    def ask(self, who: dict[str, str], method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """The answer; `If_Match` is a header."""
        given = who | {name.replace("_", "-"): text for name, text in headers.items()}
        return self.door(method, ROOT + path, given, None if body is None else json.dumps(body).encode())

    def write(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """What the device is answered."""
        return self.ask(self.device, method, path, body, **headers)


@pytest.fixture(params=ROOMY)
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Asking]:
    file = tmp_path / "access.toml"
    file.write_text(f'[issuers.local]\n[keys.watch]\ndigest = "sha256:{sha256(KEY.encode()).hexdigest()}"\n')
    with broker(clock=FakeClock(), city=file, store=request.param, data=str(tmp_path)) as (_, doors):
        asking = Asking(front_door(doors), Signer.opened(tmp_path / "issuer"))
        assert asking.write("POST", "/entities", event(HANA, "Wakaba")).status == 201
        yield asking


def event(subject: str, by: str, entity_id: str = EVENT) -> dict[str, Any]:
    return {"id": entity_id, "type": f"{DEF}WatchOverEvent", SUBJECT: subject, NAME: by}


def prop(value: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value}


def test_a_value_is_not_given_to_somebody_else(hub: Asking) -> None:
    assert hub.write("PATCH", f"{ONE}/attrs/{quote(NAME, safe='')}", {SUBJECT: prop(TARO)}).status == 409
    assert hub.write("PATCH", ONE, {NAME: {SUBJECT: prop(TARO)}}).status == 409
    merged = hub.write("POST", "/entityOperations/merge", [{"id": EVENT, NAME: {SUBJECT: prop(TARO)}}])
    assert merged.status == 207
    for path in (ONE, PAST):
        assert hub.ask(hub.taro, "GET", path).status == 404
        assert b"Wakaba" in hub.ask(hub.hana, "GET", path).body


def test_an_id_that_was_somebodys_is_nobody_elses(hub: Asking) -> None:
    assert hub.write("DELETE", ONE).status == 204
    assert hub.write("POST", "/entities", event(TARO, "Aoba")).status == 409
    for path in ("/entityOperations/create", "/entityOperations/upsert"):
        assert b"Conflict" in hub.write("POST", path, [event(TARO, "Aoba")]).body
    temporal = {"id": EVENT, "type": f"{DEF}WatchOverEvent", SUBJECT: [prop(TARO)], NAME: [prop("Aoba")]}
    assert hub.write("POST", "/temporal/entities", temporal).status == 409
    assert hub.ask(hub.taro, "GET", PAST).status == 404
    assert hub.write("POST", "/entities", event(HANA, "Aoba")).status == 201


def test_no_etag_tells_how_often_something_hidden_changed(hub: Asking) -> None:
    made = hub.write("POST", "/entities", event(HANA, "Wakaba", f"{EVENT}:2"))
    assert "etag" not in made.headers
    for method, path, body in (
        ("PATCH", ONE, {NAME: prop("Wakaba")}),
        ("PATCH", f"{ONE}/attrs", {NAME: prop("Aoba")}),
        ("PATCH", f"{ONE}/attrs/{quote(NAME, safe='')}", {"value": "Wakaba"}),
        ("POST", f"{ONE}/attrs?options=noOverwrite", {NAME: prop("Aoba")}),
        ("PUT", ONE, event(HANA, "Aoba")),
    ):
        reply = hub.write(method, path, body)
        assert reply.status in (204, 207), reply.body
        assert "etag" not in reply.headers, path
    for version in range(1, 9):
        refused = hub.write("PATCH", f"{ONE}/attrs", {NAME: prop("x")}, If_Match=f'"{version}"')
        assert refused.status == 412
        assert hub.write("POST", "/entities", event(HANA, "x"), If_Match=f'"{version}"').status == 412
    assert hub.write("DELETE", ONE, If_Match='"1"').status == 412


def test_what_a_writer_sees_has_its_etag(hub: Asking) -> None:
    made = hub.write("POST", "/entities", {"id": "urn:x:1", "type": "Lamp", "lit": prop(1)})
    assert made.headers["etag"] == '"1"'
    assert hub.write("PATCH", "/entities/urn:x:1/attrs", {"lit": prop(2)}, If_Match='"1"').headers["etag"] == '"2"'
    assert hub.write("PATCH", "/entities/urn:x:1/attrs", {"lit": prop(3)}, If_Match='"1"').status == 412


def test_nobody_asks_whom_something_is_about_by_writing_it(hub: Asking) -> None:
    for method, path in (("PATCH", f"{ONE}/attrs"), ("POST", f"{ONE}/attrs"), ("PATCH", ONE)):
        right, wrong = (hub.write(method, path, {SUBJECT: prop(one)}) for one in (HANA, TARO))
        assert right.status == 409
        assert (right.status, right.body) == (wrong.status, wrong.body), path
    for method in ("PATCH", "PUT"):
        path = f"{ONE}/attrs/{quote(SUBJECT, safe='')}"
        right, wrong = (hub.write(method, path, prop(one)) for one in (HANA, TARO))
        assert right.status == 409
        assert (right.status, right.body) == (wrong.status, wrong.body), method
    for batch in ("update", "merge"):
        path = f"/entityOperations/{batch}"
        right, wrong = (hub.write("POST", path, [{"id": EVENT, SUBJECT: prop(one)}]) for one in (HANA, TARO))
        assert (right.status, right.body) == (wrong.status, wrong.body)
