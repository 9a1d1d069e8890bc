"""The words of the features: each Given, When and Then as requests through the Flask door, in this process.

Every feature runs on each store of `--stores` (default `memory,sqlite,mongo`). A When keeps its answer; a Then looks at
the last one, or asks the broker anew where it speaks of "the entity".
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pytest_bdd import given, parsers, then, when

from broker.doors import Doors
from specs import commanding, held_models, sourcing
from specs.door import Door, Reply, door_of, follow, holds, open_doors
from specs.engines import engines_of
from specs.phrases import PHRASES
from specs.receiver import PLACE, Receiver, receiving
from tests.fakes.commanded import City

API = "/ngsi-ld/v1"
SAFE_IN_QUERY = "=&:;,()!~*$@/'-._"
NOTIFIES = "notifies"
"""The tag of features in which notifications are sent."""
SOURCES = "sources"
"""The tag of features in which a context source is asked."""
DEVICES = "devices"
"""The tag of features in which devices are commanded."""
OWN = "own"
"""The tag of features of what is no clause's, but Misono's own."""
QUIET_S = 0.3
"""So long nothing comes before it is said that nothing came."""
WAIT_S = 10.0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--stores", default="memory,sqlite,mongo", help="the engines every feature runs on")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    # A scenario asks for its fixtures step by step: pytest cannot see that it will need a store.
    if "_pytest_bdd_example" in metafunc.fixturenames:
        metafunc.fixturenames.append("store")
        metafunc.parametrize("store", engines_of(metafunc))


def pytest_bdd_apply_tag(tag: str, function: Callable[..., object]) -> bool | None:
    """Tags are read by the clause report, not by pytest."""
    if tag in (NOTIFIES, SOURCES, DEVICES, commanding.BESIDE):
        setattr(function, tag, True)
    return True if tag.startswith("clause:") or tag in (NOTIFIES, SOURCES, DEVICES, commanding.BESIDE, OWN) else None


@dataclass
class Client:
    """Who talks to the broker: the headers of the next request, and the last answer."""

    door: Door
    doors: Doors
    receiver: Receiver | None = None
    source: sourcing.Source | None = None
    city: City | None = None
    headers: dict[str, str] = field(default_factory=dict)
    last: Reply = field(default_factory=lambda: Reply(0, {}, b""))
    kept: str = ""

    def send(self, method: str, path: str, text: str = "") -> Reply:
        """Send with the headers told before; they count once."""
        headers, self.headers = self.headers, {}
        if text and "Content-Type" not in headers:
            headers["Content-Type"] = "application/ld+json" if '"@context"' in text else "application/json"
        if self.receiver is not None:
            text = text.replace(PLACE, self.receiver.url)
        if self.source is not None:
            text = text.replace(sourcing.PLACE, self.source.url)
        where, _, query = path.partition("?")
        address = API + where + (f"?{quote(query, safe=SAFE_IN_QUERY + '%')}" if query else "")
        self.last = self.door(method, address, headers, text.encode())
        return self.last

    def entity(self, entity_id: str) -> Any:
        """The entity as it is now; None where there is none. The last answer stays."""
        return self.resource(f"/entities/{quote(entity_id, safe=':')}")

    def resource(self, path: str) -> Any:
        """What stands there now; None where there is nothing. The last answer stays."""
        reply = self.door("GET", API + path, {}, b"")
        return None if reply.status == 404 else reply.json()


@pytest.fixture
def client(store: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Client]:
    notifies = hasattr(request.function, NOTIFIES)
    with ExitStack() as closing:
        if hasattr(request.function, DEVICES):
            city = closing.enter_context(commanding.opened(tmp_path, store, request.function))
            yield Client(city.door, city.doors, city=city)
            return
        receiver = closing.enter_context(receiving()) if notifies else None
        source = closing.enter_context(sourcing.sourcing()) if hasattr(request.function, SOURCES) else None
        doors = closing.enter_context(open_doors(store, tmp_path, deliver=notifies))
        yield Client(door_of(doors), doors, receiver, source)


@pytest.fixture
def docstring() -> str:
    """A step without a text block has an empty one."""
    return ""


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


@given(parsers.parse('the evolution of "{one}"'))
def the_evolution(client: Client, docstring: str, one: str) -> None:
    body = {**json.loads(docstring), "id": one}
    assert client.send("POST", "/temporal/entities", json.dumps(body)).status == 201, client.last


@given("the subscription")
def the_subscription(client: Client, docstring: str) -> None:
    assert client.send("POST", "/subscriptions", docstring).status == 201, client.last


@given(parsers.parse('the instanceId of the "{name}" of "{one}" with the value {value} is kept'))
def the_instance_id_is_kept(client: Client, name: str, one: str, value: str) -> None:
    instances = client.resource(f"/temporal/entities/{one}")[name]
    found = instances if isinstance(instances, list) else [instances]
    (client.kept,) = (quote(each["instanceId"]) for each in found if each["value"] == json.loads(value))


@given("the map is kept")
def the_map_is_kept(client: Client) -> None:
    assert client.last.status == 201, client.last
    client.kept = quote(client.last.json()["id"])


@given(parsers.parse('the snapshot "{one}" is taken'))
@then(parsers.parse('the snapshot "{one}" is taken'))
def the_snapshot_is_taken(client: Client, one: str) -> None:
    end = time.monotonic() + WAIT_S
    while client.resource(f"/snapshots/{one}")["snapshotStatus"] == "preparing":
        assert time.monotonic() < end
        time.sleep(0.02)


@given("the ETag of the last answer is kept")
def the_etag_is_kept(client: Client) -> None:
    client.kept = client.last.header("ETag")


@given("the header If-Match is what was kept")
def if_match_is_what_was_kept(client: Client) -> None:
    client.headers["If-Match"] = client.kept


@when("the header Last-Event-ID is what was kept")
def last_event_id_is_what_was_kept(client: Client) -> None:
    client.headers["Last-Event-ID"] = client.kept


@given("somebody followed the changes up to the third")
def somebody_followed(client: Client) -> None:
    somebody_follows(client, "after=0")
    told = [event for event in client.last.text().split("\n\n") if "data: " in event]
    client.kept = next(line[4:] for line in told[2].split("\n") if line.startswith("id: "))


given(parsers.parse('the source answers {status:d} to {method} "{path}"'))(sourcing.the_source_answers)
given("the registration")(sourcing.the_registration)
given(parsers.parse('entities of the model "{name}" are held to it with {mode}'))(held_models.the_model_policy)


# ------------------------------------------------------------------------------------------------ When


def _does(method: str, path: str) -> Callable[..., None]:
    def send(client: Client, docstring: str, **words: str) -> None:
        client.send(method.format(**words), path.format(kept=client.kept, **words), docstring)

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


@when("somebody follows the changes")
@when(parsers.parse('somebody follows the changes with "{query}"'))
def somebody_follows(client: Client, query: str = "") -> None:
    headers, client.headers = client.headers, {}
    client.last = follow(client.doors, f"/events?{quote(query, safe=SAFE_IN_QUERY)}", headers, QUIET_S)


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
    assert (client.last.status, client.last.json()) == (200, []), client.last


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


@then("the receiver gets a notification that holds")
def the_receiver_gets(client: Client, docstring: str) -> None:
    assert client.receiver is not None
    found = client.receiver.next()
    assert found is not None, "nothing came"
    assert holds(json.loads(docstring), found.body), found
    client.last = Reply(200, found.headers, json.dumps(found.body).encode())


@then("the receiver gets no notification")
@then("the receiver gets no other notification")
def the_receiver_gets_nothing(client: Client) -> None:
    assert client.receiver is not None
    assert client.receiver.next(QUIET_S) is None


@then(parsers.parse('the {path} "{one}" is as'))
def the_resource_is_as(client: Client, path: str, one: str, docstring: str) -> None:
    found = client.resource(f"/{path}s/{one}")
    assert holds(json.loads(docstring), found), found


@then("the stream tells exactly")
def the_stream_tells(client: Client, docstring: str) -> None:
    assert client.last.header("Content-Type") == "text/event-stream", client.last
    told = [json.loads(line[6:]) for line in client.last.text().splitlines() if line.startswith("data: ")]
    assert holds(json.loads(docstring), told), told


then(parsers.re(r'the source was asked to (?P<method>[A-Z]+) "(?P<path>[^"]*)"'))(sourcing.the_source_was_asked)
then(parsers.parse('the source was asked with "{query}" to {method} "{path}"'))(sourcing.the_source_was_asked)
then("the source got exactly")(sourcing.the_source_got)
then(parsers.parse('the source got the header {name} "{value}"'))(sourcing.the_source_got_the_header)
then("the source was asked nothing")(sourcing.the_source_was_asked_nothing)
