"""The words of the features: each Given, When and Then as requests through the Flask door, in this process.

Every feature runs on each store of `--stores` (default `memory,sqlite`). A When keeps its answer; a Then looks at the
last one, or asks the broker anew where it speaks of "the entity".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pytest_bdd import given, parsers, then, when

from specs.door import Door, Reply, open_door

API = "/ngsi-ld/v1"
SAFE_IN_QUERY = "=&:;,()!~*$@/'-._"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--stores", default="memory,sqlite", help="the engines every feature runs on")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    # A scenario asks for its fixtures step by step: pytest cannot see that it will need a store.
    if "_pytest_bdd_example" in metafunc.fixturenames:
        metafunc.fixturenames.append("store")
        metafunc.parametrize("store", str(metafunc.config.getoption("--stores")).split(","))


def pytest_bdd_apply_tag(tag: str, function: Callable[..., object]) -> bool | None:
    """Tags are read by the clause report, not by pytest."""
    return True if tag.startswith("clause:") else None


@dataclass
class Client:
    """Who talks to the broker: the headers of the next request, and the last answer."""

    door: Door
    headers: dict[str, str] = field(default_factory=dict)
    last: Reply = field(default_factory=lambda: Reply(0, {}, b""))
    kept: str = ""

    def send(self, method: str, path: str, text: str = "") -> Reply:
        """Send with the headers told before; they count once."""
        headers, self.headers = self.headers, {}
        if text and "Content-Type" not in headers:
            headers["Content-Type"] = "application/ld+json" if '"@context"' in text else "application/json"
        where, _, query = path.partition("?")
        address = API + where + (f"?{quote(query, safe=SAFE_IN_QUERY + '%')}" if query else "")
        self.last = self.door(method, address, headers, text.encode())
        return self.last

    def entity(self, entity_id: str) -> Any:
        """The entity as it is now; None where there is none. The last answer stays."""
        reply = self.door("GET", f"{API}/entities/{quote(entity_id, safe=':')}", {}, b"")
        return None if reply.status == 404 else reply.json()


@pytest.fixture
def client(store: str, tmp_path: Path) -> Iterator[Client]:
    with open_door(store, tmp_path) as door:
        yield Client(door)


@pytest.fixture
def docstring() -> str:
    """A step without a text block has an empty one."""
    return ""


def holds(part: Any, whole: Any) -> bool:
    """Whether `whole` has everything that `part` has: members of objects at any depth, arrays and values alike."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(name in whole and holds(part[name], whole[name]) for name in part)
    if isinstance(part, list):
        return isinstance(whole, list) and len(part) == len(whole) and all(map(holds, part, whole))
    return bool(part == whole and type(part) is type(whole))


# ------------------------------------------------------------------------------------------------ Given


@given("the entity")
def the_entity(client: Client, docstring: str) -> None:
    assert client.send("POST", "/entities", docstring).status == 201, client.last


@given("the entities")
def the_entities(client: Client, docstring: str) -> None:
    assert client.send("POST", "/entityOperations/create", docstring).status == 201, client.last


@given(parsers.parse("the hosted @context"))
def the_hosted_context(client: Client, docstring: str) -> None:
    assert client.send("POST", "/jsonldContexts", docstring).status == 201, client.last
    client.kept = client.last.header("Location").rpartition("/")[2]


@given(parsers.parse('the header {name} is "{value}"'))
@when(parsers.parse('the header {name} is "{value}"'))
def the_header(client: Client, name: str, value: str) -> None:
    client.headers[name] = value


@given(parsers.parse("the header {name} names the hosted @context"))
def the_header_names_the_context(client: Client, name: str) -> None:
    url = f"http://localhost:1026{API}/jsonldContexts/{client.kept}"
    client.headers[name] = f'<{url}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'


@given("the ETag of the last answer is kept")
def the_etag_is_kept(client: Client) -> None:
    client.kept = client.last.header("ETag")


@given("the header If-Match is what was kept")
def if_match_is_what_was_kept(client: Client) -> None:
    client.headers["If-Match"] = client.kept


# ------------------------------------------------------------------------------------------------ When

PHRASES = {
    "creates the entity": ("POST", "/entities"),
    'retrieves the entity "{one}"': ("GET", "/entities/{one}"),
    'retrieves with "{query}" the entity "{one}"': ("GET", "/entities/{one}?{query}"),
    'queries entities with "{query}"': ("GET", "/entities?{query}"),
    'replaces the entity "{one}"': ("PUT", "/entities/{one}"),
    'merges into the entity "{one}"': ("PATCH", "/entities/{one}"),
    'merges with "{query}" into the entity "{one}"': ("PATCH", "/entities/{one}?{query}"),
    'deletes the entity "{one}"': ("DELETE", "/entities/{one}"),
    'purges entities with "{query}"': ("DELETE", "/entities?{query}"),
    'appends to the entity "{one}"': ("POST", "/entities/{one}/attrs"),
    'appends with "{query}" to the entity "{one}"': ("POST", "/entities/{one}/attrs?{query}"),
    'updates attributes of the entity "{one}"': ("PATCH", "/entities/{one}/attrs"),
    'updates partially the attribute "{name}" of "{one}"': ("PATCH", "/entities/{one}/attrs/{name}"),
    'replaces the attribute "{name}" of "{one}"': ("PUT", "/entities/{one}/attrs/{name}"),
    'deletes the attribute "{name}" of "{one}"': ("DELETE", "/entities/{one}/attrs/{name}"),
    'deletes with "{query}" the attribute "{name}" of "{one}"': ("DELETE", "/entities/{one}/attrs/{name}?{query}"),
    "creates the batch": ("POST", "/entityOperations/create"),
    "upserts the batch": ("POST", "/entityOperations/upsert"),
    'upserts with "{query}" the batch': ("POST", "/entityOperations/upsert?{query}"),
    "updates the batch": ("POST", "/entityOperations/update"),
    'updates with "{query}" the batch': ("POST", "/entityOperations/update?{query}"),
    "merges the batch": ("POST", "/entityOperations/merge"),
    "deletes the batch": ("POST", "/entityOperations/delete"),
    "queries entities by body": ("POST", "/entityOperations/query"),
    'queries with "{query}" entities by body': ("POST", "/entityOperations/query?{query}"),
    'asks for "{path}"': ("GET", "{path}"),
    'posts to "{path}"': ("POST", "{path}"),
    'sends {method} to "{path}"': ("{method}", "{path}"),
    "adds the @context": ("POST", "/jsonldContexts"),
}
"""What a client does -> the method and path of its request; a text block is its body."""


def _does(method: str, path: str) -> Callable[..., None]:
    def send(client: Client, docstring: str, **words: str) -> None:
        client.send(method.format(**words), path.format(**words), docstring)

    return send


@when(parsers.re(r"a client (?P<phrase>.+)"))
@given(parsers.re(r"a client (?P<phrase>.+)"))
def a_client(client: Client, docstring: str, phrase: str) -> None:
    for pattern, (method, path) in PHRASES.items():
        found = parsers.parse(pattern)
        if found.is_matching(phrase):
            _does(method, path)(client, docstring, **(found.parse_arguments(phrase) or {}))
            return
    pytest.fail(f"no client does this: {phrase}")


@when("the hosted @context is served")
def the_context_is_served(client: Client) -> None:
    client.send("GET", f"/jsonldContexts/{client.kept}")


@when("the hosted @context is deleted")
def the_context_is_deleted(client: Client) -> None:
    client.send("DELETE", f"/jsonldContexts/{client.kept}")


@when("the hosted @context is reloaded")
def the_context_is_reloaded(client: Client) -> None:
    client.send("DELETE", f"/jsonldContexts/{client.kept}?reload=true")


# ------------------------------------------------------------------------------------------------ Then


@then(parsers.parse("the answer is {status:d}"))
def the_answer_is(client: Client, status: int) -> None:
    assert client.last.status == status, client.last


@then(parsers.parse("it is refused as {error}"))
def it_is_refused(client: Client, error: str) -> None:
    problem = client.last.json()
    assert client.last.status >= 400, client.last
    assert problem["type"].rpartition("/")[2].rpartition(":")[2] == error, client.last
    assert problem["title"], client.last
    assert problem["status"] == client.last.status, client.last
    assert problem["clause"], client.last
    assert problem["remedy"], client.last


@then(parsers.parse('it is refused as {error}, naming "{pointer}"'))
def it_is_refused_naming(client: Client, error: str, pointer: str) -> None:
    it_is_refused(client, error)
    assert client.last.json()["pointer"] == pointer, client.last


@then("the answer holds")
def the_answer_holds(client: Client, docstring: str) -> None:
    assert holds(json.loads(docstring), client.last.json()), client.last


@then("the answer is exactly")
def the_answer_is_exactly(client: Client, docstring: str) -> None:
    answer = client.last.json()
    for element in answer if isinstance(answer, list) else [answer]:
        if isinstance(element, dict):
            element.pop("@context", None)
    assert answer == json.loads(docstring), client.last


@then(parsers.parse('the answer has no member "{name}"'))
def the_answer_has_no_member(client: Client, name: str) -> None:
    assert name not in client.last.json(), client.last


@then(parsers.parse('the answer names "{text}"'))
def the_answer_names(client: Client, text: str) -> None:
    assert text in client.last.text(), client.last


@then(parsers.parse('the answer does not name "{text}"'))
def the_answer_does_not_name(client: Client, text: str) -> None:
    assert text not in client.last.text(), client.last


@then(parsers.parse('the answer lists "{ids}" and no other entity'))
def the_answer_lists(client: Client, ids: str) -> None:
    assert [entity["id"] for entity in client.last.json()] == ids.split(), client.last


@then(parsers.parse('the answer lists in any order "{ids}" and no other entity'))
def the_answer_lists_in_any_order(client: Client, ids: str) -> None:
    assert sorted(entity["id"] for entity in client.last.json()) == sorted(ids.split()), client.last


@then("the answer lists no entity")
def the_answer_lists_nothing(client: Client) -> None:
    assert client.last.status == 200, client.last
    assert client.last.json() == [], client.last


@then(parsers.parse('the answer has the header {name} "{value}"'))
def the_answer_has_the_header(client: Client, name: str, value: str) -> None:
    assert client.last.header(name) == value, client.last


@then(parsers.parse('the header {name} of the answer names "{text}"'))
def the_header_of_the_answer_names(client: Client, name: str, text: str) -> None:
    assert text in client.last.header(name), client.last


@then(parsers.parse("the answer has no header {name}"))
def the_answer_has_no_header(client: Client, name: str) -> None:
    assert client.last.header(name) == "", client.last


@then("the answer has no body")
def the_answer_has_no_body(client: Client) -> None:
    assert client.last.body == b"", client.last
    assert client.last.header("Content-Length") in ("", "0"), client.last


@then(parsers.parse('the entity "{one}" holds'))
def the_entity_holds(client: Client, one: str, docstring: str) -> None:
    assert holds(json.loads(docstring), client.entity(one)), client.entity(one)


@then(parsers.parse('the entity "{one}" is exactly'))
def the_entity_is_exactly(client: Client, one: str, docstring: str) -> None:
    entity = client.entity(one)
    entity.pop("@context", None)
    assert entity == json.loads(docstring)


@then(parsers.parse('the entity "{one}" has no "{name}"'))
def the_entity_has_no(client: Client, one: str, name: str) -> None:
    entity = client.entity(one)
    assert entity is not None
    assert name not in entity, entity


@then(parsers.parse('there is no entity "{one}"'))
def there_is_no_entity(client: Client, one: str) -> None:
    assert client.entity(one) is None
