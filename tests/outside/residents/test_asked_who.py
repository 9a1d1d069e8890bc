"""A hub of a city, started as a person would: every door asks who asks; `misono token` makes whoever is wanted."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from broker.__main__ import main
from broker.admitting import LOCAL_PAUSE_S
from broker.signing import Signer, made
from broker.wiring import SystemClock
from tests.fakes import plain
from tests.fakes.feed_server import feed_server
from tests.fakes.issuing import HANA, WELL
from tests.outside.served import Served, free_port, serving

ACCESS = Path(__file__).parents[3] / "examples/misono/access.toml"
MISONO = (sys.executable, "-m", "broker")


def token(data: Path, *options: str) -> str:
    """What `misono token` prints."""
    command = [*MISONO, "token", "--access", str(ACCESS), "--data", str(data), *options]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.strip()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """With services, and the doors of adapters."""
    directory = tmp_path_factory.mktemp("city")
    (directory / "adapters").mkdir()
    options = ("--access", str(ACCESS), "--adapters", str(directory / "adapters"))
    with serving(directory / "data", *options) as served:
        yield served


def get(hub: Served, path: str, bearer: str = "", **headers: str) -> httpx.Response:
    """One request."""
    given = {name.replace("_", "-"): text for name, text in headers.items()}
    return plain.get(hub.root + path, headers={**given, **({"Authorization": f"Bearer {bearer}"} if bearer else {})})


DOORS = (
    "/ngsi-ld/v1/entities?type=Thing", "/ngsi-ld/v1/types", "/ngsi-ld/v1/entities/urn:x:1",
    "/ngsi-ld/v1/temporal/entities?type=Thing&timerel=before&timeAt=2026-01-01T00:00:00Z",
    "/ngsi-ld/v1/subscriptions", "/ngsi-ld/v1/csourceRegistrations", "/ngsi-ld/v1/entityMaps",
    "/ngsi-ld/v1/snapshots/urn:x", "/ngsi-ld/v1/jsonldContexts", "/ngsi-ld/v1/info/sourceIdentity", "/events",
    "/catalogue", "/catalogue/export?type=Thing", "/federation/sources", "/admin/dead-letters",
    "/admin/command-claims", "/admin/models/policies", "/admin/adapters", "/admin/devices", "/iot/about",
    "/iot/devices", "/admin/audit",
)  # fmt: skip


@pytest.mark.parametrize("path", DOORS)
def test_every_door_asks(hub: Served, path: str) -> None:
    """401 without a token and with one that is made up; 403 in a tenant of others."""
    for bearer in ("", "eyJhbGciOiJub25lIn0.e30.", "x"):
        answer = get(hub, path, bearer)
        assert answer.status_code == 401, answer.text
        assert answer.headers["www-authenticate"].startswith("Bearer")
    mine = Signer.opened(hub.data / "issuer").sign(claims(), "at+jwt")
    assert get(hub, path, mine, **{"NGSILD-Tenant": "others"}).status_code in (
        403,
        404,
    )  # some know no tenant of that name


def claims(**more: Any) -> dict[str, Any]:
    """As `misono token` has them."""
    now = SystemClock().now() // 1_000_000
    told = {"iss": "urn:misono:issuer:local", "aud": "misono", "sub": "op", "roles": ["operator"], "tenants": [""]}
    return {**told, "iat": now, "exp": now + 60, **more}


def test_documents_for_everybody_are_open(hub: Served) -> None:
    """How it is, what it offers, what its words mean, and the keys that its signatures are checked with."""
    for path in ("/ready", "/health", "/openapi.json", "/models", "/.well-known/jwks.json"):
        assert get(hub, path).status_code == 200, path


def test_the_command_makes_whoever_is_wanted(hub: Served) -> None:
    """An operator runs the hub and writes; a resident and an organisation read; each is who they are everywhere."""
    operator = token(hub.data, "--role", "operator")
    assert get(hub, "/admin/dead-letters", operator).status_code == 200
    assert get(hub, "/admin/adapters", operator).status_code == 200
    entity = {"id": "urn:ngsi-ld:Thing:1", "type": "Thing", "height": {"type": "Property", "value": 3}}
    written = plain.post(
        f"{hub.root}/ngsi-ld/v1/entities", json=entity, headers={"Authorization": f"Bearer {operator}"}
    )
    assert written.status_code == 201
    resident = token(hub.data, "--role", "resident", "--subject", HANA)
    recipient = token(hub.data, "--role", "recipient", "--recipient", WELL, "--purpose", "WatchOver")
    for one in (resident, recipient):
        assert get(hub, "/ngsi-ld/v1/entities/urn:ngsi-ld:Thing:1", one).status_code == 200
        assert get(hub, "/admin/dead-letters", one).status_code == 403
        assert get(hub, "/iot/devices", one).status_code == 403
    assert get(hub, "/ngsi-ld/v1/types", **{"NGSILD-Tenant": "open"}).status_code == 404


def test_a_key_of_another_directory_is_not_believed(hub: Served, tmp_path: Path) -> None:
    """Who makes tokens elsewhere is nobody here; so is what the services of this hub signed."""
    assert get(hub, "/ngsi-ld/v1/types", token(tmp_path)).status_code == 401
    assert get(hub, "/ngsi-ld/v1/types", Signer.opened(hub.data / "keys").sign(claims(), "at+jwt")).status_code == 401
    receipt = Signer.opened(hub.data / "issuer").sign(claims(), "consent-receipt+jwt")
    assert get(hub, "/ngsi-ld/v1/types", receipt).status_code == 401


def test_a_new_key_of_the_local_issuer_is_found(hub: Served) -> None:
    """One more file in its folder signs from then on; tokens of the old one go on."""
    before = Signer.opened(hub.data / "issuer")
    old = before.sign(claims(), "at+jwt")
    assert get(hub, "/ngsi-ld/v1/types", old).status_code == 200
    (hub.data / "issuer" / "0002.jwk").write_text(json.dumps(made().as_dict(private=True)))
    new = Signer.opened(hub.data / "issuer").sign(claims(), "at+jwt")
    time.sleep(LOCAL_PAUSE_S)
    assert get(hub, "/ngsi-ld/v1/types", new).status_code == 200
    assert get(hub, "/ngsi-ld/v1/types", old).status_code == 200


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--role", "system"), "--role system"),
        (("--role", "resident"), "go together"),
        (("--role", "recipient"), "go together"),
        (("--subject", HANA), "go together"),
        (("--seconds", "100000"), "--seconds"),
        (("--access", "/nowhere"), "--access"),
    ],
)
def test_what_makes_no_token_is_said(
    tmp_path: Path, options: tuple[str, ...], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """2, and the reason."""
    assert main(["token", "--access", str(ACCESS), "--data", str(tmp_path), *options]) == 2
    assert why in capsys.readouterr().err


def test_a_key_of_a_device_is_printed_once_with_its_lines() -> None:
    """The file holds its digest."""
    command = [*MISONO, "token", "--key", "meter-7", "--tenant", "misono"]
    told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout
    assert re.search(r"^X-API-Key: mk_\S{40,}$", told, re.MULTILINE)
    assert re.search(r'^\[keys.meter-7\]\ndigest = "sha256:[0-9a-f]{64}"$', told, re.MULTILINE)


def test_a_local_issuer_is_not_served_to_others(tmp_path: Path) -> None:
    """Unless the file says so."""
    command = [*MISONO, "serve", "--access", str(ACCESS), "--data", str(tmp_path)]
    command += ["--host", "0.0.0.0", "--port", f"{free_port()}"]  # noqa: S104  that is the point
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, "beyond_loopback" in ended.stderr) == (2, True)


INWARD = ("127.0.0.1", "localhost", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f000001")  # noqa: S104
"""This machine, as attackers spell it."""


def test_nobody_is_sent_into_the_hubs_own_network(hub: Served) -> None:
    """By @context, endpoint or registration, by name or address: nobody there is asked."""
    bearer = Signer.opened(hub.data / "issuer").sign(claims(), "at+jwt")
    api, headers = f"{hub.root}/ngsi-ld/v1", {"Authorization": f"Bearer {bearer}"}
    with feed_server() as inside, plain.Client(base_url=api, headers=headers) as http:
        inside.files["/c.jsonld"] = b'{"@context": {"secret": "https://example.org/secret"}}'
        for number, host in enumerate(INWARD):
            send_inward(http, f"http://{host}:{inside.port}/c.jsonld", f"Inward{number}")
        time.sleep(0.3)
        assert inside.asked == []


def send_inward(http: httpx.Client, url: str, name: str) -> None:
    """Try each way in which a client names an address that the hub shall ask."""
    link = f'<{url}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
    assert http.get("/entities?type=secret", headers={"Link": link}).status_code == 504
    thing = {"id": "urn:ngsi-ld:Thing:x", "type": "Thing", "@context": url}
    ld = {"Content-Type": "application/ld+json"}
    assert http.post("/entities", content=json.dumps(thing), headers=ld).status_code == 504
    told = {"type": "Subscription", "entities": [{"type": name}], "notification": {"endpoint": {"uri": url}}}
    assert http.post("/subscriptions", json=told).status_code == 201
    source = {"type": "ContextSourceRegistration", "endpoint": url, "information": [{"entities": [{"type": name}]}]}
    assert http.post("/csourceRegistrations", json=source).status_code == 201
    fires = {"id": f"urn:ngsi-ld:{name}:1", "type": name}
    assert http.post("/entities", json=fires).status_code in (201, 207, 502, 504)
    assert http.get(f"/entities?type={name}").status_code in (200, 502, 504)


def test_nothing_of_a_token_is_in_the_log(hub: Served) -> None:
    """Of all that were shown to this hub."""
    text = (hub.data.parent / f"{hub.data.name}.log").read_text()
    assert "eyJ" not in text
    assert "Bearer" not in text
