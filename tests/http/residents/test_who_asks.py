"""Who asks, over HTTP: an issuer with a server of its own, both doors, the stream, exports; and what is told of it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from broker.doors import Built, Doors
from broker.errors import Unauthorized
from broker.http.following import open_following
from broker.http.messages import Request
from broker.http.proxied import Proxied
from tests.fakes.clock import FakeClock
from tests.fakes.feed_server import FeedServer, feed_server
from tests.fakes.issuing import WELL, Issuer, Message, made, public, sign_purpose
from tests.http.doors import ROOT, Door, broker, flask_door, front_door

SECRET = "mk_of-the-meter"  # noqa: S105  it opens nothing
CITY = """
[issuers.city]
issuer = "{issuer}"
audience = "https://hub.misono.example"
roles = ["operator", "board", "auditor", "resident", "recipient", "device"]
tenants = ["", "misono"]
allow_private = true

[keys.meter]
digest = "sha256:{digest}"

[keys.well]
roles = ["recipient"]
recipient = "{well}"
jwk = {{kty = "OKP", crv = "Ed25519", x = "{x}"}}

[tenants.open]
public = true
"""
TYPES = f"{ROOT}/types"
THING = json.dumps({"id": "urn:ngsi-ld:Thing:1", "type": "Thing"}).encode()


@dataclass
class City:
    """A hub that believes one issuer, both of them on this machine."""

    built: Built
    doors: Doors
    issuer: Issuer
    served: FeedServer
    clock: FakeClock

    def bearer(self, **claims: Any) -> dict[str, str]:
        """The header of a token."""
        return {"Authorization": f"Bearer {self.issuer.token(**claims)}"}


def publish(served: FeedServer, issuer: Issuer) -> None:
    """The issuer's metadata and keys on its server."""
    told = {"issuer": issuer.url, "jwks_uri": served.url("/jwks")}
    served.files["/.well-known/openid-configuration"] = json.dumps(told).encode()
    served.files["/jwks"] = json.dumps({"keys": [public(one) for one in issuer.keys]}).encode()


@contextmanager
def opened(directory: Path) -> Iterator[City]:
    """One, with its door open."""
    with feed_server() as served:
        issuer, clock, file = Issuer("ES256", url=served.url("")), FakeClock(), directory / "access.toml"
        publish(served, issuer)
        digest, x = sha256(SECRET.encode()).hexdigest(), made("Ed25519").as_dict(private=False)["x"]
        file.write_text(CITY.format(issuer=issuer.url, digest=digest, well=WELL, x=x))
        with broker(clock=clock, city=file) as (built, doors):
            yield City(built, doors, issuer, served, clock)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """One for all that change nothing of it."""
    with opened(tmp_path_factory.mktemp("city")) as found:
        yield found


@pytest.fixture(params=[front_door, flask_door])
def door(request: pytest.FixtureRequest, city: City) -> Door:
    """Both of them."""
    made_by: Callable[[Doors], Door] = request.param
    return made_by(city.doors)


def test_who_says_nothing_is_asked_to(door: Door) -> None:
    """401 with the scheme, for a write and for a read; public tenants are read without."""
    for reply in (door("GET", TYPES), door("POST", f"{ROOT}/entities", {}, THING), door("GET", "/admin/dead-letters")):
        assert (reply.status, reply.headers["www-authenticate"]) == (401, 'Bearer realm="misono"')
    assert door("GET", TYPES, {"NGSILD-Tenant": "open"}).status == 404  # admitted, and nobody made it yet
    assert door("POST", f"{ROOT}/entities", {"NGSILD-Tenant": "open"}, THING).status == 401


def test_a_token_opens_what_its_role_may(door: Door, city: City) -> None:
    """200, and 403 for what is another role's."""
    assert door("GET", TYPES, city.bearer()).status == 200
    assert door("GET", "/admin/dead-letters", city.bearer()).status == 200
    auditor = city.bearer(roles=["auditor"])
    assert door("GET", TYPES, auditor).status == 200
    for method, path, body in (("GET", "/admin/dead-letters", None), ("POST", f"{ROOT}/entities", THING)):
        reply = door(method, path, auditor, body)
        assert (reply.status, json.loads(reply.body)["title"]) == (403, "Forbidden")


def test_a_tenant_of_others_is_403_whether_it_is_there_or_not(door: Door, city: City) -> None:
    """Alike to the byte."""
    operator = city.bearer(tenants=["misono"])
    made_ = door("POST", f"{ROOT}/entities", {**operator, "NGSILD-Tenant": "misono"}, THING)
    assert made_.status in (201, 409)
    device = city.bearer(roles=["device"], tenants=[""])
    there, absent = (door("GET", TYPES, {**device, "NGSILD-Tenant": name}) for name in ("misono", "misonO"))
    assert (there.status, there.body) == (absent.status, absent.body)
    assert there.status == 403


def test_keys_of_devices_open_the_door_too(door: Door) -> None:
    """`X-API-Key`; a wrong one is 401, and so is one beside a token."""
    assert door("GET", TYPES, {"X-API-Key": SECRET}).status == 200
    for headers in ({"X-API-Key": "x"}, {"X-API-Key": SECRET, "Authorization": "Bearer x"}):
        reply = door("GET", TYPES, headers)
        assert (reply.status, "invalid_token" in reply.headers["www-authenticate"]) == (401, True)


def test_a_signed_request_opens_the_door_once(door: Door) -> None:
    """At both doors, without a token; replayed it does not."""
    message = sign_purpose(Message("GET", TYPES, "", {"misono-purpose": "WatchOver"}), made("Ed25519"))
    assert door("GET", TYPES, message.headers).status == 200
    assert door("GET", TYPES, message.headers).status == 401
    body = json.dumps({"type": "Query", "entities": [{"type": "Thing"}]}).encode()
    path = f"{ROOT}/entityOperations/query"
    asked = sign_purpose(Message("POST", path, "", {"misono-purpose": "WatchOver"}, body), made("Ed25519"))
    assert door("POST", path, asked.headers, body.replace(b"Thing", b"Other")).status == 401
    assert door("POST", path, asked.headers, body).status == 200


@pytest.mark.parametrize("path", ["/events", "/catalogue/export?type=Thing"])
def test_streams_and_exports_ask_too(city: City, path: str) -> None:
    """They stand beside the operations."""
    door = front_door(city.doors)
    assert door("GET", path).status == 401
    assert door("GET", path, {"Authorization": "Bearer x.y.z"}).status == 401
    assert door("GET", path, {**city.bearer(), "NGSILD-Tenant": "other"}).status == 403


def test_an_export_fetches_keys_that_it_needs(tmp_path: Path) -> None:
    """Its first token is that of the process: the keys are not there yet, and are not fetched on the event loop."""
    with opened(tmp_path) as fresh:
        reply = front_door(fresh.doors)("GET", "/catalogue/export?type=Thing", fresh.bearer())
        assert reply.status == 200
        assert [path for path, _, _ in fresh.served.asked] == ["/.well-known/openid-configuration", "/jwks"]


def test_a_stream_ends_with_the_token_that_opened_it(tmp_path: Path) -> None:
    """Where something is to be told: it would be told to nobody in particular."""
    with opened(tmp_path) as fresh:
        request = Request("GET", "/events", "", {"authorization": fresh.bearer()["Authorization"]})
        following = open_following(fresh.built.house, request)
        following.restriction()
        fresh.clock.advance(660)
        with pytest.raises(Unauthorized, match="expired"):
            following.restriction()


def test_keys_of_an_issuer_are_asked_for_at_its_own_place_alone(tmp_path: Path) -> None:
    """A redirect is not followed."""
    with opened(tmp_path) as fresh:
        fresh.served.files["/elsewhere"] = fresh.served.files["/jwks"]
        fresh.served.files["/jwks"] = 302
        assert front_door(fresh.doors)("GET", TYPES, fresh.bearer()).status == 503
        assert "/elsewhere" not in {path for path, _, _ in fresh.served.asked}


def test_keys_on_a_private_address_are_not_asked_for_unless_the_file_says_so(tmp_path: Path) -> None:
    """The issuer's name may lead to this machine by DNS."""
    with feed_server() as served:
        issuer = Issuer("ES256", url=f"https://localhost:{served.port}")
        file = tmp_path / "access.toml"
        file.write_text(f'[issuers.city]\nissuer = "{issuer.url}"\naudience = "x"\nroles = ["device"]\n')
        with broker(clock=FakeClock(), city=file) as (_, doors):
            reply = front_door(doors)("GET", TYPES, {"Authorization": f"Bearer {issuer.token()}"})
        assert (reply.status, served.asked) == (503, [])


def test_nothing_of_a_token_is_in_an_answer_or_the_log(city: City, caplog: pytest.LogCaptureFixture) -> None:
    """Of good ones and bad ones, of keys and of signatures."""
    caplog.set_level(logging.DEBUG)
    good, bad = city.issuer.token(), city.issuer.token(roles=["resident"], sub="somebody-in-particular")
    made_up = city.issuer.token({"kid": "somebody-s-key"})
    said = ""
    for door in (front_door(city.doors), flask_door(city.doors)):
        for token in (good, bad, made_up, good[:-4], bad + "x", "Z" * 9000):
            for path in (TYPES, "/events?type=!", "/nothing"):
                reply = door("GET", path, {"Authorization": f"Bearer {token}"})
                said += str(reply.headers) + reply.body.decode()
        said += door("GET", TYPES, {"X-API-Key": "mk_wrong-key"}).body.decode()
    said += caplog.text
    parts = {part for token in (good, bad, made_up) for part in token.split(".")}
    assert not [part for part in {*parts, "somebody-in-particular", "mk_wrong-key", "ZZZZ"} if part in said]


def test_a_certificate_is_believed_from_trusted_proxies_alone() -> None:
    """Others have the header taken away, and are nobody."""
    seen: list[list[bytes]] = []

    async def door(scope: MutableMapping[str, Any], _receive: Any, _send: Any) -> None:
        seen.append([name for name, _ in scope["headers"]])

    proxied = Proxied(door, ("10.0.0.0/8", "fd00::/8"))
    headers = [(b"host", b"hub"), (b"client-cert", b":AA==:"), (b"client-cert-chain", b":AA==:")]
    headers += [(b"client_cert", b":AA==:"), (b"x_api-key", b"x")]  # WSGI would take these for the others

    async def ask() -> None:
        for address in ("10.1.2.3", "fd00::1", "11.0.0.1", "::ffff:11.0.0.1", "", "nonsense"):
            await proxied({"type": "http", "headers": headers, "client": (address, 1)}, None, None)  # type: ignore[arg-type]
        await proxied({"type": "http", "headers": headers}, None, None)  # type: ignore[arg-type]

    asyncio.run(ask())
    whole = [name for name, _ in headers if b"_" not in name]
    assert seen == [whole, whole, *([[b"host"]] * 5)]
