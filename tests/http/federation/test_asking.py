"""Asking sources over HTTP: what is sent, what comes back, and what is done with what should not (clause 6.3.17)."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from broker.ldcontext.core import CORE_URL
from broker.model.registration import Registration
from broker.ports import INLINE, OverBudget
from federation.answers import AnswerLimits
from federation.asking import HttpSources
from federation.messages import Forward
from tests.fakes.remote_source import Handler, RemoteSource, answering
from tests.fakes.source_asking import make_sources, triggering

REGISTRATION = "urn:ngsi-ld:ContextSourceRegistration:1"


@pytest.fixture
def source() -> Iterator[RemoteSource]:
    with RemoteSource() as one:
        yield one


@pytest.fixture(params=[True, False], ids=["direct", "loop"])
def sources(request: pytest.FixtureRequest) -> Iterator[HttpSources]:
    one = make_sources(direct=request.param)
    yield one
    one.close()


def registered(source: RemoteSource | str, **members: Any) -> Registration:
    endpoint = source if isinstance(source, str) else source.url
    return Registration(id=REGISTRATION, endpoint=endpoint, information=(), **members)


def query(registration: Registration, **members: Any) -> Forward:
    given = {"operation": "queryEntity", "method": "GET", "path": "/entities", "parameters": (("type", "House"),)}
    return Forward(registration, **{**given, **members})


def test_asks_and_reads(sources: HttpSources, source: RemoteSource) -> None:
    source.behave = answering(200, b'[{"id": "urn:a", "type": "House"}]', NGSILD_Warning='199 x "y"')
    (answered,) = sources.ask(triggering(), [query(registered(source))])
    assert answered.succeeded
    assert answered.body == [{"id": "urn:a", "type": "House"}]
    assert answered.headers["ngsild-warning"] == '199 x "y"'
    assert source.asked[0].path == "/ngsi-ld/v1/entities?type=House"
    assert source.asked[0].headers["via"] == "1.1 misono"
    assert source.asked[0].headers["accept"] == "application/json"


def test_answers_in_the_order_asked(sources: HttpSources, source: RemoteSource) -> None:
    source.behave = lambda handler: answering(200, json.dumps(handler.path).encode())(handler)
    forwards = [query(registered(source), path=f"/entities/{number}", parameters=()) for number in range(9)]
    answered = sources.ask(triggering(), forwards)
    assert [one.body for one in answered] == [f"/ngsi-ld/v1/entities/{number}" for number in range(9)]


def test_asks_all_at_once(sources: HttpSources, source: RemoteSource) -> None:
    together = threading.Barrier(5, timeout=2)

    def behave(handler: Handler) -> None:
        together.wait()
        answering(200, b"[]")(handler)

    source.behave = behave
    assert all(one.succeeded for one in sources.ask(triggering(), [query(registered(source))] * 5))


def test_passes_via_tenant_and_local_on(sources: HttpSources, source: RemoteSource) -> None:
    one = registered(source, tenant="east", management_local=True)
    sources.ask(triggering("t1", via="1.1 aizu"), [query(one)])
    assert source.asked[0].headers["via"] == "1.1 aizu, 1.1 misono-t1"
    assert source.asked[0].headers["ngsild-tenant"] == "east"
    assert source.asked[0].path == "/ngsi-ld/v1/entities?type=House&local=true"


@pytest.mark.parametrize("endpoint_ends", ["", "/", "/ngsi-ld/v1", "/ngsi-ld/v1/"])
def test_an_endpoint_may_end_in_the_root_of_the_api(
    sources: HttpSources, source: RemoteSource, endpoint_ends: str
) -> None:
    sources.ask(triggering(), [query(registered(source.url + endpoint_ends))])
    assert source.asked[0].path == "/ngsi-ld/v1/entities?type=House"


def test_the_tenant_of_the_request_goes_on_where_the_registration_says_so(
    sources: HttpSources, source: RemoteSource
) -> None:
    sources.ask(triggering("t1"), [query(registered(source, pass_tenant=True))])
    sources.ask(triggering("t1"), [query(registered(source))])
    assert [one.headers.get("ngsild-tenant") for one in source.asked] == ["t1", None]


def test_the_tenant_of_the_request_goes_on_where_the_hub_says_so(source: RemoteSource) -> None:
    sources = make_sources(pass_tenant=True)
    sources.ask(triggering("t1"), [query(registered(source)), query(registered(source, tenant="own"))])
    sources.close()
    assert {one.headers["ngsild-tenant"] for one in source.asked} == {"t1", "own"}


def test_extra_information_goes_along_but_not_what_is_the_connections(
    sources: HttpSources, source: RemoteSource
) -> None:
    info = (
        ("X-Key", "k"), ("user", "urn:ngsi-ld:request"), ("absent", "urn:ngsi-ld:request"), ("Via", "1.1 evil"),
        ("NGSILD-Tenant", "evil"), ("Host", "evil"), ("jsonldContext", "http://x/c"), ("accept", "application/ld+json"),
    )  # fmt: skip
    sources.ask(triggering(user="abcd"), [query(registered(source, info=info))])
    headers = source.asked[0].headers
    assert headers["x-key"] == "k"
    assert headers["user"] == "abcd"
    assert headers["accept"] == "application/ld+json"
    assert not {"absent", "ngsild-tenant", "jsonldcontext"} & headers.keys()
    assert "evil" not in headers["via"] + headers["host"]


def _write(registration: Registration, context: Any) -> Forward:
    body: Any = {"id": "urn:a", "type": "House", "scope": "/a"}
    return Forward(registration, "createEntity", "POST", "/entities", body=body, context=context)


def test_a_context_with_a_url_goes_by_link(sources: HttpSources, source: RemoteSource) -> None:
    source.behave = answering(201)
    sources.ask(triggering(), [_write(registered(source), CORE_URL)])
    assert source.asked[0].headers["content-type"] == "application/json"
    assert source.asked[0].headers["link"].startswith(f"<{CORE_URL}>; rel=")


@pytest.mark.parametrize(
    ("context", "info"),
    [({"a": "http://x/a"}, ()), ("http://x/c", (("contentType", "application/ld+json"),))],
)
def test_a_context_goes_inside_where_it_has_no_url_or_the_source_wants_it(
    sources: HttpSources, source: RemoteSource, context: Any, info: Any
) -> None:
    source.behave = answering(201)
    sources.ask(triggering(), [_write(registered(source, info=info), context)])
    assert source.asked[0].headers["content-type"] == "application/ld+json"
    assert json.loads(source.asked[0].body)["@context"] == context
    assert "link" not in source.asked[0].headers


def test_a_wanted_context_always_goes_by_link(sources: HttpSources, source: RemoteSource) -> None:
    info = (("jsonldContext", "http://x/c"), ("contentType", "application/ld+json"))
    sources.ask(triggering(), [_write(registered(source, info=info), "http://x/c")])
    assert source.asked[0].headers["content-type"] == "application/json"
    assert source.asked[0].headers["link"].startswith("<http://x/c>")


def test_a_source_of_an_earlier_version_gets_what_it_knows(sources: HttpSources, source: RemoteSource) -> None:
    sources.ask(triggering(), [_write(registered(source, info=(("ngsildConformance", "1.3"),)), CORE_URL)])
    assert json.loads(source.asked[0].body) == {"id": "urn:a", "type": "House"}


@pytest.mark.parametrize(
    ("behave", "trouble"),
    [
        (answering(200, b"GARBAGE"), "invalid"),
        (answering(200, b'{"a": 1, "a": 2}'), "invalid"),
        (answering(200, b"[" * 100 + b"]" * 100), "invalid"),
        (answering(200, b"\x1f\x8b", Content_Encoding="gzip"), "invalid"),
        (answering(200, b" " * 2001), "too large"),
        (answering(200, b"[" + b"1," * 10 + b"1]"), "too large"),
        (answering(508, b"{}"), "loop"),
    ],
)
@pytest.mark.parametrize("direct", [True, False])
def test_what_a_source_should_not_answer(source: RemoteSource, behave: Any, trouble: str, direct: bool) -> None:
    sources = make_sources(answers=AnswerLimits(bytes_max=2000, elements_max=10), direct=direct)
    source.behave = behave
    (answered,) = sources.ask(triggering(), [query(registered(source))])
    sources.close()
    assert answered.trouble == trouble
    assert not answered.succeeded
    assert answered.body in (None, {})


def test_many_small_values_are_too_much(source: RemoteSource) -> None:
    sources = make_sources(answers=AnswerLimits(values_max=1000))
    source.behave = answering(200, b'{"a":[' + b",".join([b"[]"] * 600) + b"]}")
    assert sources.ask(triggering(), [query(registered(source))])[0].trouble == "too large"
    source.behave = answering(200, b'{"a":"' + b"x" * 2000 + b'"}')
    assert sources.ask(triggering(), [query(registered(source))])[0].succeeded
    sources.close()


@pytest.mark.parametrize("direct", [True, False])
def test_an_answer_without_its_length_is_cut_off_too(source: RemoteSource, direct: bool) -> None:
    def behave(handler: Handler) -> None:
        handler.close_connection = True
        handler.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + b" " * 100_000)

    sources = make_sources(answers=AnswerLimits(bytes_max=2000), direct=direct)
    source.behave = behave
    assert sources.ask(triggering(), [query(registered(source))])[0].trouble == "too large"
    sources.close()


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_an_error_is_an_answer_with_or_without_a_problem(
    sources: HttpSources, source: RemoteSource, status: int
) -> None:
    source.behave = answering(status, b"<html>no</html>")
    (answered,) = sources.ask(triggering(), [query(registered(source))])
    assert (answered.status, answered.body, answered.trouble) == (status, None, "")


def test_a_redirect_is_not_followed(sources: HttpSources, source: RemoteSource) -> None:
    source.behave = answering(302, b"", Location="/ngsi-ld/v1/elsewhere")
    (answered,) = sources.ask(triggering(), [query(registered(source))])
    assert answered.status == 302
    assert len(source.asked) == 1


def test_a_hanging_source_costs_its_time_and_no_more(sources: HttpSources, source: RemoteSource) -> None:
    source.behave = lambda _: time.sleep(3)
    began = time.monotonic()
    (answered,) = sources.ask(triggering(), [query(registered(source, timeout_ms=200.0))])
    assert answered.trouble == "timeout"
    assert time.monotonic() - began < 1


def test_a_source_that_trickles_is_cut_off(sources: HttpSources, source: RemoteSource) -> None:
    def behave(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
        for _ in range(30):
            handler.wfile.write(b" ")
            time.sleep(0.1)

    source.behave = behave
    assert sources.ask(triggering(), [query(registered(source, timeout_ms=300.0))])[0].trouble == "timeout"


def test_nobody_there(sources: HttpSources) -> None:
    (answered,) = sources.ask(triggering(), [query(registered("http://127.0.0.1:9"))])
    assert (answered.trouble, answered.status) == ("unreachable", 0)


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:1", "http://localhost:1", "http://[::ffff:10.0.0.1]:1"])
@pytest.mark.parametrize("direct", [True, False])
def test_private_addresses_are_refused(endpoint: str, direct: bool) -> None:
    sources = make_sources(allow_private=False, direct=direct)
    (answered,) = sources.ask(triggering(), [query(registered(endpoint))])
    sources.close()
    assert answered.trouble == "refused"
    assert "private" in answered.detail


def test_a_request_that_was_here_before_goes_no_further(sources: HttpSources, source: RemoteSource) -> None:
    (answered,) = sources.ask(triggering(via="1.1 misono, 1.1 aizu"), [query(registered(source))])
    assert (answered.status, answered.trouble) == (508, "loop")
    assert not source.asked


def test_a_registration_of_ourselves_is_a_loop(sources: HttpSources) -> None:
    own = registered("http://misono/ngsi-ld/v1")
    assert sources.ask(triggering(), [query(own)])[0].trouble == "loop"
    assert sources.ask(triggering("t1"), [query(own)])[0].trouble == "unreachable"  # another tenant of ours is another


def test_after_a_failure_a_source_is_left_alone_for_its_cooldown(sources: HttpSources, source: RemoteSource) -> None:
    source.behave = answering(500)
    one = registered(source, cooldown_ms=300.0)
    assert [sources.ask(triggering(), [query(one)])[0].trouble for _ in range(3)] == ["", "cooldown", "cooldown"]
    assert len(source.asked) == 1
    assert sources.ask(triggering(), [query(registered(source))])[0].status == 500  # another one, without cooldown
    time.sleep(0.35)
    assert sources.ask(triggering(), [query(one)])[0].status == 500
    assert len(source.asked) == 3


def test_an_answer_is_kept_as_long_as_its_registration_wants(sources: HttpSources, source: RemoteSource) -> None:
    one = registered(source, cache_duration="PT1M")
    first, second = (sources.ask(triggering(), [query(one)])[0] for _ in range(2))
    assert (first.body, second.body) == ([], [])
    assert len(source.asked) == 1
    assert "ngsild-warning" not in first.headers
    assert second.headers["ngsild-warning"].startswith("110 misono ")
    sources.ask(triggering(), [query(one, parameters=())])
    assert len(source.asked) == 2


def test_a_static_header_goes_along_and_wins(sources: HttpSources, source: RemoteSource) -> None:
    credentials: Any = {"kind": "header", "name": "Authorization", "value": "Bearer ours"}
    one = registered(source, credentials=credentials, info=(("authorization", "urn:ngsi-ld:request"),))
    sources.ask(triggering(authorization="Bearer theirs"), [query(one)])
    assert source.asked[0].headers["authorization"] == "Bearer ours"


def test_a_token_is_asked_for_once_and_anew_where_it_is_refused(sources: HttpSources, source: RemoteSource) -> None:
    given = 0

    def behave(handler: Handler) -> None:
        nonlocal given
        if handler.path == "/token":
            given += 1
            answer: Any = {"access_token": f"t{given}", "token_type": "Bearer", "expires_in": 3600}
            answering(200, json.dumps(answer).encode())(handler)
        else:
            valid = handler.headers["Authorization"] == f"Bearer t{max(given, 2)}" or len(source.asked) < 4
            answering(200 if valid else 401, b"[]")(handler)

    source.behave = behave
    credentials: Any = {
        "kind": "oauth2", "tokenUrl": f"{source.url}/token", "clientId": "a b", "clientSecret": "s", "scope": "read",
    }  # fmt: skip
    one = registered(source, credentials=credentials)
    statuses = [sources.ask(triggering(), [query(one)])[0].status for _ in range(4)]
    assert statuses == [200, 200, 200, 200]
    assert given == 2
    asked = next(one for one in source.asked if one.path == "/token")
    assert asked.body == b"grant_type=client_credentials&scope=read"
    assert asked.headers["authorization"] == "Basic YStiOnM="


def test_no_token_no_request(sources: HttpSources, source: RemoteSource) -> None:
    source.behave = answering(400, b'{"error": "invalid_client"}')
    credentials: Any = {"kind": "oauth2", "tokenUrl": f"{source.url}/t", "clientId": "c", "clientSecret": "s3cret"}
    (answered,) = sources.ask(triggering(), [query(registered(source, credentials=credentials))])
    assert answered.trouble == "refused"
    assert "s3cret" not in answered.detail
    assert [one.path for one in source.asked] == ["/t"]


def test_a_certificate_needs_a_directory(sources: HttpSources, source: RemoteSource) -> None:
    credentials: Any = {"kind": "mtls", "name": "aizu"}
    (answered,) = sources.ask(triggering(), [query(registered(source, credentials=credentials))])
    assert answered.trouble == "refused"
    assert "--source-certificates" in answered.detail


def test_the_event_loop_does_not_wait(sources: HttpSources, source: RemoteSource) -> None:
    token = INLINE.set(True)
    try:
        with pytest.raises(OverBudget):
            sources.ask(triggering(), [query(registered(source))])
    finally:
        INLINE.reset(token)


def test_counts_what_succeeded_and_what_failed(sources: HttpSources, source: RemoteSource) -> None:
    sources.ask(triggering(), [query(registered(source))])
    source.behave = answering(500)
    sources.ask(triggering(), [query(registered(source))])
    source.behave = answering(404)
    sources.ask(triggering(), [query(registered(source))])
    counted = sources.book.healths("")[REGISTRATION]
    assert (counted.sent, counted.failed) == (3, 1)
    assert counted.last_error == "500"
