"""Devices write of persons of whom they see nothing, and by writing they learn nothing of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest

from broker.signing import Signer
from tests.contract.engines import ROOMY
from tests.fakes.clock import FakeClock
from tests.fakes.issuing import HANA, NOW_S, WELL
from tests.http.doors import ROOT, Door, Reply, broker, front_door

KEY: Final = "mk_of-a-watch"
DEF: Final = "https://misono.example/def/"
EVENT: Final = "urn:ngsi-ld:WatchOverEvent:1"
LEVEL: Final = f"{DEF}acknowledgedBy"
UPSERT: Final = "/entityOperations/upsert?options=update"


@dataclass
class Asking:
    """A hub's door, and who is who."""

    door: Door
    hana: dict[str, str]
    recipient: dict[str, str]
    device: dict[str, str]

    def ask(self, who: dict[str, str], method: str, path: str, body: Any = None) -> Reply:
        return self.door(method, ROOT + path, who, None if body is None else json.dumps(body).encode())


@pytest.fixture(params=ROOMY)
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Asking]:
    """It has one device, by its key."""
    file = tmp_path / "access.toml"
    file.write_text(f'[issuers.local]\n[keys.watch]\ndigest = "sha256:{sha256(KEY.encode()).hexdigest()}"\n')
    with broker(clock=FakeClock(), city=file, store=request.param, data=str(tmp_path)) as (_, doors):
        signer = Signer.opened(tmp_path / "issuer")
        base = {"iss": "urn:misono:issuer:local", "aud": "misono", "sub": "x", "iat": NOW_S, "exp": NOW_S + 600}

        def bearer(**claims: Any) -> dict[str, str]:
            return {"Authorization": f"Bearer {signer.sign({**base, **claims}, 'at+jwt')}"}

        recipient = bearer(roles=["recipient"], recipient=WELL, scope="purpose:WatchOver")
        hana = bearer(roles=["resident"], subject=HANA)
        yield Asking(front_door(doors), hana, recipient, {"X-API-Key": KEY})


def event(**attributes: str) -> dict[str, Any]:
    return {"id": EVENT, "type": f"{DEF}WatchOverEvent", f"{DEF}dataSubject": HANA, **attributes}


def test_a_device_makes_and_changes_what_it_does_not_see(hub: Asking) -> None:
    assert hub.ask(hub.device, "POST", "/entities", event(**{LEVEL: "one"})).status == 201
    assert (
        hub.ask(hub.device, "PATCH", f"/entities/{EVENT}/attrs", {LEVEL: {"type": "Property", "value": "two"}}).status
        == 204
    )
    assert (
        hub.ask(hub.device, "POST", "/entityOperations/upsert?options=update", [event(**{LEVEL: "three"})]).status
        == 204
    )
    temporal = {"id": EVENT, "type": f"{DEF}WatchOverEvent", LEVEL: {"type": "Property", "value": "four"}}
    assert hub.ask(hub.device, "POST", "/temporal/entities", temporal).status == 204
    assert hub.ask(hub.device, "GET", f"/entities/{EVENT}").status == 404
    assert hub.ask(hub.device, "GET", f"/temporal/entities/{EVENT}").status == 404
    assert hub.ask(hub.device, "GET", f"/entities?type={DEF}WatchOverEvent").body == b"[]"
    assert b'"three"' in hub.ask(hub.hana, "GET", f"/entities/{EVENT}").body


def test_no_answer_to_a_write_tells_a_value(hub: Asking) -> None:
    assert hub.ask(hub.device, "POST", "/entities", event(**{LEVEL: "Wakaba"})).status == 201
    writes = [
        ("POST", "/entities", event(**{LEVEL: "x"})),
        ("POST", "/entityOperations/create", [event(**{LEVEL: "x"})]),
        ("POST", UPSERT, [event(**{LEVEL: "x", f"{DEF}dataSubject": "urn:misono:subject:taro"})]),
        ("PATCH", f"/entities/{EVENT}", {LEVEL: "urn:ngsi-ld:null", "type": "Nothing"}),
        ("POST", f"/entities/{EVENT}/attrs?options=noOverwrite", {LEVEL: {"type": "Property", "value": "x"}}),
        ("PATCH", f"/entities/{EVENT}/attrs/{DEF}nothing", {"value": 1}),
        ("DELETE", f"/entities/{EVENT}/attrs/{DEF}nothing", None),
        ("POST", "/entityOperations/delete", ["urn:ngsi-ld:WatchOverEvent:2"]),
    ]  # fmt: skip
    for method, path, body in writes:
        assert b"Wakaba" not in hub.ask(hub.device, method, path, body).body, path


def test_who_receives_data_writes_none(hub: Asking) -> None:
    assert hub.ask(hub.device, "POST", "/entities", event(**{LEVEL: "one"})).status == 201
    for who in (hub.recipient, hub.hana):
        assert hub.ask(who, "POST", "/entities", event(**{LEVEL: "two"})).status == 403
        assert hub.ask(who, "DELETE", f"/entities/{EVENT}").status == 403
