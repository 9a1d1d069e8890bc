"""Add, list, serve, delete and reload @contexts (clause 5.13)."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from broker.contexts.resolving import Contexts
from broker.contexts.shelf import Shelf
from broker.contexts.usage import Usage
from broker.errors import BadRequestData, InvalidRequest, LdContextNotAvailable, OperationNotSupported, ResourceNotFound
from broker.ldcontext.core import CORE_URL
from broker.operations.contexts import add_context, delete_context, list_contexts, serve_context
from tests.fakes.clock import FakeClock
from tests.fakes.context_loader import FakeLoader
from tests.fakes.documents import FakeDocuments

URL = "https://x.org/c.jsonld"
CONTEXT: dict[str, Any] = {"speed": "https://ex.org/speed"}


@pytest.fixture
def loader() -> FakeLoader:
    found = FakeLoader(FakeClock())
    found.documents[URL] = CONTEXT
    return found


@pytest.fixture
def contexts(loader: FakeLoader) -> Contexts:
    documents, names = FakeDocuments(), count(1)
    return Contexts(Shelf(documents, FakeClock(), Usage(documents), lambda: f"{next(names)}"), loader)


def test_a_hosted_context_is_added_listed_served_and_deleted(contexts: Contexts) -> None:
    local_id = add_context(contexts, "", {"@context": CONTEXT, "beside": 1})
    assert serve_context(contexts, "", local_id) == {"@context": CONTEXT}
    assert list_contexts(contexts, "") == [f"http://127.0.0.1:1026/ngsi-ld/v1/jsonldContexts/{local_id}"]
    assert list_contexts(contexts, "", kind="Cached") == []
    details: Any = list_contexts(contexts, "", kind="Hosted", details=True)
    assert details == [serve_context(contexts, "", local_id, details=True)]
    assert details[0] == {
        "URL": f"http://127.0.0.1:1026/ngsi-ld/v1/jsonldContexts/{local_id}",
        "localId": local_id,
        "kind": "Hosted",
        "createdAt": "2026-01-01T00:00:00.000000Z",
        "numberOfHits": 0,
    }
    delete_context(contexts, "", local_id)
    with pytest.raises(ResourceNotFound):
        serve_context(contexts, "", local_id)


@pytest.mark.parametrize("body", [None, [], {}, {"a": 1}])
def test_a_body_without_a_context_is_no_request_for_one(contexts: Contexts, body: Any) -> None:
    with pytest.raises(InvalidRequest):
        add_context(contexts, "", body)


@pytest.mark.parametrize("body", [{"@context": 42}, {"@context": True}, {"@context": [URL, 7]}])
def test_what_is_no_context_is_not_added(contexts: Contexts, body: Any) -> None:
    with pytest.raises(BadRequestData):
        add_context(contexts, "", body)
    assert list_contexts(contexts, "") == []


def test_a_list_of_urls_is_hosted_and_each_is_cached_when_it_is_used(contexts: Contexts) -> None:
    local_id = add_context(contexts, "", {"@context": [URL]})
    assert list_contexts(contexts, "", kind="Cached") == []
    contexts.resolve(f"/ngsi-ld/v1/jsonldContexts/{local_id}")
    assert list_contexts(contexts, "", kind="Cached") == [URL]


def test_a_cached_one_shows_its_details_and_not_its_content(contexts: Contexts) -> None:
    contexts.resolve(URL)
    details: Any = serve_context(contexts, "", URL, details=True)
    assert (details["kind"], details["URL"]) == ("Cached", URL)
    assert details["expiresAt"] == "2026-01-01T01:00:00.000000Z"
    assert serve_context(contexts, "other", details["localId"], details=True)["kind"] == "Cached"
    with pytest.raises(OperationNotSupported):
        serve_context(contexts, "", URL)


def test_uses_by_requests_count_and_so_does_reading_what_the_broker_made(contexts: Contexts) -> None:
    hosted = add_context(contexts, "", {"@context": CONTEXT})
    path = f"/ngsi-ld/v1/jsonldContexts/{hosted}"
    assert serve_context(contexts, "", hosted, details=True)["numberOfHits"] == 0
    contexts.resolve(path)
    assert serve_context(contexts, "", hosted, details=True)["numberOfHits"] == 1
    contexts.resolve(URL)
    assert serve_context(contexts, "", URL, details=True)["numberOfHits"] == 1
    contexts.resolve(URL)
    assert serve_context(contexts, "", URL, details=True)["numberOfHits"] == 3
    implicit = contexts.link([URL, CONTEXT])
    contexts.resolve(implicit)
    assert serve_context(contexts, "", implicit.rpartition("/")[2], details=True)["numberOfHits"] == 1
    assert serve_context(contexts, "", implicit.rpartition("/")[2], details=True)["numberOfHits"] == 2


def test_a_core_context_is_served_and_reloaded_and_never_deleted(contexts: Contexts) -> None:
    assert serve_context(contexts, "", CORE_URL, details=True)["kind"] == "Cached"
    assert "@context" in serve_context(contexts, "", CORE_URL)
    delete_context(contexts, "", CORE_URL, reload=True)
    with pytest.raises(BadRequestData):
        delete_context(contexts, "", CORE_URL)
    assert list_contexts(contexts, "") == []


def test_reloading_is_for_cached_ones(contexts: Contexts, loader: FakeLoader) -> None:
    hosted = add_context(contexts, "", {"@context": CONTEXT})
    for context_id in (hosted, "unknown"):
        with pytest.raises(BadRequestData):
            delete_context(contexts, "", context_id, reload=True)
    contexts.resolve(URL)
    delete_context(contexts, "", URL, reload=True)
    assert loader.asked == [URL, URL]
    loader.documents.clear()
    with pytest.raises(LdContextNotAvailable):
        delete_context(contexts, "", URL, reload=True)
    assert serve_context(contexts, "", URL, details=True)["kind"] == "Cached"
    delete_context(contexts, "", URL)
    with pytest.raises(ResourceNotFound):
        delete_context(contexts, "", URL)


def test_kinds_are_three(contexts: Contexts) -> None:
    with pytest.raises(BadRequestData) as refusal:
        list_contexts(contexts, "", kind="other")
    assert refusal.value.pointer == "kind"


def test_tenants_do_not_see_each_others(contexts: Contexts) -> None:
    local_id = add_context(contexts, "a", {"@context": CONTEXT})
    assert list_contexts(contexts, "b") == []
    for act in (serve_context, delete_context):
        with pytest.raises(ResourceNotFound):
            act(contexts, "b", local_id)
    assert serve_context(contexts, "a", local_id) == {"@context": CONTEXT}
