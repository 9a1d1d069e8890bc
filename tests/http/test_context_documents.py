"""@contexts over HTTP, at both doors: stored, used by a Link, and what goes back (clauses 5.2.3, 6.3.5, 6.29, 6.30)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from broker.ldcontext.core import CORE_URL
from tests.http.doors import ROOT, Door, broker, flask_door, front_door

CONTEXTS = f"{ROOT}/jsonldContexts"
CONTEXT = {"speed": "https://ex.org/speed"}


def link(url: str) -> str:
    return f'<{url}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'


@pytest.fixture(params=[front_door, flask_door])
def door(request: pytest.FixtureRequest) -> Iterator[Door]:
    make: Callable[[Any], Door] = request.param
    with broker() as (_, doors):
        yield make(doors)


@pytest.fixture
def hosted(door: Door) -> str:
    """The path of a hosted @context."""
    reply = door("POST", CONTEXTS, {}, orjson.dumps({"@context": CONTEXT}))
    assert (reply.status, reply.body) == (201, b"")
    return reply.headers["location"]


def create(door: Door, context: Any, **members: Any) -> int:
    body = {"id": "urn:x:1", "type": "Car", **members, "@context": context}
    return door("POST", f"{ROOT}/entities", {"Content-Type": "application/ld+json"}, orjson.dumps(body)).status


def read(door: Door, accept: str, context: str | None) -> tuple[Any, dict[str, str]]:
    headers = {"Accept": accept, **({"Link": link(context)} if context else {})}
    reply = door("GET", f"{ROOT}/entities/urn:x:1", headers)
    assert reply.status == 200
    return orjson.loads(reply.body), reply.headers


def test_a_hosted_context_is_kept_shown_used_and_deleted(door: Door, hosted: str) -> None:
    assert hosted.startswith(f"{CONTEXTS}/")
    reply = door("GET", hosted)
    assert (reply.status, orjson.loads(reply.body)) == (200, {"@context": CONTEXT})
    assert create(door, hosted, speed={"type": "Property", "value": 1}) == 201
    assert orjson.loads(door("GET", f"{hosted}?details=true").body)["numberOfHits"] == 1
    found, headers = read(door, "application/json", f"http://any.name{hosted}")
    assert found["speed"] == {"type": "Property", "value": 1}
    assert headers["link"] == link(f"http://any.name{hosted}")
    assert "https://ex.org/speed" in read(door, "application/json", None)[0]
    assert door("DELETE", hosted).status == 204
    assert door("GET", hosted).status == 404


def test_what_goes_back_is_the_clients_own_or_the_cores(door: Door, hosted: str) -> None:
    assert create(door, [f"http://any.name{hosted}", CORE_URL], speed=1) == 201
    found, headers = read(door, "application/ld+json", f"http://any.name{hosted}")
    assert found["@context"] == f"http://any.name{hosted}"
    assert "link" not in headers
    assert read(door, "application/ld+json", None)[0]["@context"] == CORE_URL
    assert read(door, "application/json", None)[1]["link"] == link(CORE_URL)


def test_a_query_with_an_inline_context_is_answered_under_a_url_of_this_brokers_own(door: Door) -> None:
    assert create(door, CONTEXT, speed=1) == 201
    body = {"type": "Query", "entities": [{"type": "Car"}], "@context": CONTEXT}
    headers = {"Content-Type": "application/ld+json", "Accept": "application/json"}
    reply = door("POST", f"{ROOT}/entityOperations/query", headers, orjson.dumps(body))
    assert reply.status == 200
    url = reply.headers["link"].partition(">")[0][1:]
    assert orjson.loads(reply.body)[0]["speed"] == {"type": "Property", "value": 1}
    path = "/" + url.split("/", 3)[3]
    assert orjson.loads(door("GET", path).body) == {"@context": CONTEXT}
    assert orjson.loads(door("GET", f"{CONTEXTS}?kind=ImplicitlyCreated").body) == [url]


@pytest.mark.parametrize(
    ("context", "status"),
    [
        (7, 400),
        ({"a": {"@id": 7}}, 400),
        ({"a": {"@id": "https://ex.org/a", "@context": {}}}, 400),
        ("https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.6.jsonld", 201),
        ("https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld", 201),
        ("http://127.0.0.1:9/c.jsonld", 504),
        ("http://localhost:9/c.jsonld", 504),
        (f"{CONTEXTS}/unknown", 504),
    ],
)
def test_a_context_is_valid_invalid_or_not_available(door: Door, context: Any, status: int) -> None:
    assert create(door, context) == status


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "?kind=other", 400),
        ("GET", "?details=other", 400),
        ("GET", "/unknown", 404),
        ("DELETE", "/unknown", 404),
        ("DELETE", "/unknown?reload=true", 400),
        ("DELETE", "/unknown?reload=xxx", 400),
        ("GET", "/https%3A%2F%2Furi.etsi.org%2Fngsi-ld%2Fv1%2Fngsi-ld-core-context-v1.6.jsonld?details=true", 200),
        ("DELETE", "/https%3A%2F%2Furi.etsi.org%2Fngsi-ld%2Fv1%2Fngsi-ld-core-context-v1.6.jsonld", 400),
        ("DELETE", "/https%3A%2F%2Furi.etsi.org%2Fngsi-ld%2Fv1%2Fngsi-ld-core-context-v1.6.jsonld?reload=true", 204),
    ],
)
def test_what_is_refused(door: Door, method: str, target: str, status: int) -> None:
    assert door(method, CONTEXTS + target).status == status
