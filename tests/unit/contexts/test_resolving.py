"""@contexts resolved, cached, refreshed and kept (clauses 5.13.1, 6.3.16), with a fake clock, store and network."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Event
from time import sleep

import pytest

from broker.contexts.resolving import COMPILED_MAX, Contexts
from broker.contexts.shelf import KIND, Shelf
from broker.contexts.usage import Usage
from broker.errors import BadRequestData, LdContextNotAvailable
from broker.ldcontext.core import CORE_URL
from broker.model.values import Json
from broker.ports import LoadedContext
from tests.fakes.clock import FakeClock
from tests.fakes.context_loader import FakeLoader
from tests.fakes.documents import FakeDocuments

URL = "https://x.org/c.jsonld"
OTHER = "https://x.org/d.jsonld"
BROKEN: list[Json] = [7, {"a": {"@id": 7}}]
SPEED: Json = {"speed": "https://ex.org/speed"}


class City:
    """A store, a network and a clock, and the processes that share them."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.documents = FakeDocuments()
        self.loader = FakeLoader(self.clock)
        self.loader.documents[URL] = SPEED
        self.names = count(1)

    def process(self, writer: str = "0") -> Contexts:
        shelf = Shelf(
            self.documents,
            self.clock,
            Usage(self.documents, writer),
            lambda: f"{next(self.names):032x}",
            "http://hub:1026",
            {"https://copied.org/c": {"@context": {"here": "https://ex.org/here"}}},
            self.clock.now(),
        )
        return Contexts(shelf, self.loader)


@pytest.fixture
def city() -> City:
    return City()


@pytest.fixture
def contexts(city: City) -> Contexts:
    return city.process()


def hits(contexts: Contexts, context_id: str, tenant: str = "") -> int:
    entry = contexts.entry(context_id, tenant)
    assert entry is not None
    return entry.hits


def test_core_contexts_need_nothing_at_all(contexts: Contexts, city: City) -> None:
    reads = city.documents.reads
    for source in (None, CORE_URL, "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.6.jsonld"):
        names = contexts.resolve_cached(source)
        assert names is not None
        assert names.expand("location") == "https://uri.etsi.org/ngsi-ld/location"
        assert contexts.resolve_cached(source) is names
    assert (city.documents.reads, city.loader.asked) == (reads, [])


def test_a_remote_context_is_fetched_once_and_then_only_looked_up(contexts: Contexts, city: City) -> None:
    assert contexts.resolve_cached(URL) is None
    names = contexts.resolve(URL)
    assert names.expand("speed") == "https://ex.org/speed"
    assert contexts.resolve_cached(URL) is names
    assert contexts.resolve([URL, CORE_URL]).expand("speed") == "https://ex.org/speed"
    assert city.loader.asked == [URL]


def test_after_a_second_the_store_is_asked_and_the_names_stay(contexts: Contexts, city: City) -> None:
    names = contexts.resolve(URL)
    city.clock.advance(1.5)
    assert contexts.resolve_cached(URL) is None
    assert contexts.resolve(URL) is names
    assert contexts.resolve_cached(URL) is names


def test_an_expired_context_is_refreshed(contexts: Contexts, city: City) -> None:
    contexts.resolve(URL)
    city.loader.documents[URL] = {"speed": "https://ex.org/speed", "brand": "https://ex.org/brand"}
    city.clock.advance(city.loader.lifetime_s - 1)
    assert contexts.resolve(URL).expand("brand").endswith("default-context/brand")
    city.clock.advance(2)
    assert contexts.resolve(URL).expand("brand") == "https://ex.org/brand"
    assert city.loader.asked == [URL, URL]


def test_a_refresh_that_fails_keeps_the_old_one_and_is_not_tried_each_time(contexts: Contexts, city: City) -> None:
    contexts.resolve(URL)
    del city.loader.documents[URL]
    city.clock.advance(city.loader.lifetime_s + 1)
    for _ in range(3):
        assert contexts.resolve(URL).expand("speed") == "https://ex.org/speed"
        assert contexts.resolve([URL]).expand("speed") == "https://ex.org/speed"
    assert city.loader.asked == [URL, URL]
    city.loader.documents[URL] = SPEED
    city.clock.advance(61)
    contexts.resolve(URL)
    assert city.loader.asked == [URL] * 3


def test_a_refresh_that_is_no_context_keeps_the_old_one(contexts: Contexts, city: City) -> None:
    contexts.resolve(URL)
    city.clock.advance(city.loader.lifetime_s + 1)
    for broken in BROKEN:
        city.loader.documents[URL] = broken
        city.clock.advance(61)
        assert contexts.resolve(URL).expand("speed") == "https://ex.org/speed"


@pytest.mark.parametrize("newer", [{"speed": "https://ex.org/velocity", "more": "https://ex.org/more"}, {}])
def test_one_that_changes_a_known_meaning_is_kept_apart_until_reload(
    contexts: Contexts, city: City, newer: Json
) -> None:
    contexts.resolve(URL)
    city.loader.documents[URL] = newer
    city.clock.advance(city.loader.lifetime_s + 1)
    assert contexts.resolve(URL).expand("speed") == "https://ex.org/speed"
    entry = contexts.entry(URL, "")
    assert entry is not None
    assert entry.changed == ("speed",)
    contexts.reload(entry)
    assert contexts.resolve(URL).expand("speed") != "https://ex.org/speed"
    entry = contexts.entry(URL, "")
    assert entry is not None
    assert entry.changed == ()


def test_a_context_that_may_not_be_cached_is_fetched_each_time(contexts: Contexts, city: City) -> None:
    city.loader.lifetime_s = 0
    contexts.resolve(URL)
    rows = city.documents.generation(KIND)
    assert contexts.resolve_cached(URL) is None
    contexts.resolve(URL)
    assert city.loader.asked == [URL, URL]
    assert city.documents.generation(KIND) == rows  # and costs no write


def test_one_that_cannot_be_had_is_refused_and_not_tried_at_once(contexts: Contexts, city: City) -> None:
    for _ in range(3):
        with pytest.raises(LdContextNotAvailable, match=OTHER):
            contexts.resolve(OTHER)
    assert city.loader.asked == [OTHER]
    city.loader.documents[OTHER] = SPEED
    city.clock.advance(4)
    assert contexts.resolve(OTHER).expand("speed") == "https://ex.org/speed"


def test_what_could_not_be_used_is_not_kept(contexts: Contexts, city: City) -> None:
    city.loader.documents[OTHER] = {"a": {"@id": 7}}
    with pytest.raises(BadRequestData):
        contexts.resolve(OTHER)
    assert contexts.entry(OTHER, "") is None
    with pytest.raises(BadRequestData):
        contexts.resolve([URL, {"a": {"@id": 7}}])


def test_a_reload_that_fails_keeps_the_stored_one(contexts: Contexts, city: City) -> None:
    contexts.resolve(URL)
    entry = contexts.entry(URL, "")
    assert entry is not None
    for broken in BROKEN:
        city.loader.documents[URL] = broken
        with pytest.raises(LdContextNotAvailable):
            contexts.reload(entry)
    del city.loader.documents[URL]
    with pytest.raises(LdContextNotAvailable):
        contexts.reload(entry)
    assert contexts.resolve(URL).expand("speed") == "https://ex.org/speed"


def test_another_process_sees_it_within_a_second(city: City) -> None:
    first, second = city.process("1"), city.process("2")
    first.resolve(URL)
    assert second.resolve(URL).expand("speed") == "https://ex.org/speed"
    assert city.loader.asked == [URL]
    entry = first.entry(URL, "")
    assert entry is not None
    city.loader.documents[URL] = {"speed": "https://ex.org/velocity"}
    city.clock.advance(0.5)
    first.reload(entry)
    city.clock.advance(0.6)
    assert second.resolve_cached(URL) is None
    assert second.resolve(URL).expand("speed") == "https://ex.org/velocity"


def test_hosted_contexts_belong_to_their_tenant(contexts: Contexts) -> None:
    entry = contexts.add(SPEED, "a")
    assert entry.url == f"http://hub:1026/ngsi-ld/v1/jsonldContexts/{entry.id}"
    for source in (entry.url, f"/ngsi-ld/v1/jsonldContexts/{entry.id}", entry.url.replace("hub", "other")):
        assert contexts.resolve(source, "a").expand("speed") == "https://ex.org/speed"
        assert contexts.resolve_cached(source, "a") is not None
        assert contexts.resolve_cached(source, "b") is None
        with pytest.raises(LdContextNotAvailable):
            contexts.resolve(source, "b")
    assert contexts.entry(entry.id, "b") is None
    assert contexts.entries("b") == []
    assert [found.id for found in contexts.entries("a")] == [entry.id]


def test_a_removed_context_is_gone_from_every_process(city: City) -> None:
    first, second = city.process("1"), city.process("2")
    entry = first.add(SPEED, "")
    second.resolve(entry.url)
    first.remove(entry)
    city.clock.advance(1)
    for process in (first, second):
        with pytest.raises(LdContextNotAvailable):
            process.resolve(entry.url)


def test_a_context_without_a_url_gets_one_and_the_same_one_again(city: City) -> None:
    first, second = city.process("1"), city.process("2")
    source: Json = [URL, {"brand": "https://ex.org/brand"}, CORE_URL]
    url = first.link(source, "a")
    assert second.link(source, "a") == url
    assert first.link(source, "b") != url
    assert first.resolve(url, "a").expand("brand") == "https://ex.org/brand"
    assert [entry.kind for entry in first.entries("a") if entry.kind != "Cached"] == ["ImplicitlyCreated"]
    assert first.link([URL, CORE_URL]) == URL
    assert first.link(None) == CORE_URL


def test_uses_are_counted_over_all_processes(city: City) -> None:
    first, second = city.process("1"), city.process("2")
    hosted = first.add(SPEED, "")
    assert hits(first, hosted.id) == 0
    first.resolve(hosted.url)
    assert hits(first, hosted.id) == 1
    second.resolve(hosted.url)
    second.resolve([hosted.url, URL])
    second.flush()
    assert hits(first, hosted.id) == 3
    assert hits(first, URL) == 1
    first.flush()
    assert hits(city.process("1"), hosted.id) == 3  # begun again, it goes on counting
    first.remove(hosted)
    assert hits(first, URL) == 1


def test_local_copies_are_never_fetched(contexts: Contexts, city: City) -> None:
    assert contexts.resolve("https://copied.org/c").expand("here") == "https://ex.org/here"
    city.clock.advance(10**8)
    assert contexts.resolve("https://copied.org/c").expand("here") == "https://ex.org/here"
    assert city.loader.asked == []


def test_compiled_contexts_are_kept_in_bounds(contexts: Contexts) -> None:
    for number in range(COMPILED_MAX + 20):
        contexts.resolve({"a": f"https://ex.org/{number}"})
    assert contexts.resolve_cached({"a": "https://ex.org/0"}) is None
    assert contexts.resolve_cached({"a": f"https://ex.org/{COMPILED_MAX + 19}"}) is not None
    assert len(contexts._compiled) == COMPILED_MAX


def test_a_core_url_that_was_never_published_is_not_available(contexts: Contexts) -> None:
    with pytest.raises(LdContextNotAvailable):
        contexts.resolve("https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-non-existing.jsonld")


def test_many_threads_that_need_the_same_context_fetch_it_once(contexts: Contexts, city: City) -> None:
    def slowly(url: str) -> LoadedContext:
        sleep(0.05)
        return FakeLoader.load(city.loader, url)

    city.loader.load = slowly  # type: ignore[method-assign] # a slow network
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(contexts.resolve, [URL, [URL], URL, [URL, CORE_URL]] * 4))
    assert {names.expand("speed") for names in found} == {"https://ex.org/speed"}
    assert city.loader.asked == [URL]


def test_while_one_thread_refreshes_the_others_use_the_old_one(contexts: Contexts, city: City) -> None:
    contexts.resolve(URL)
    city.clock.advance(city.loader.lifetime_s + 1)
    asked, go_on = Event(), Event()

    def blocking(url: str) -> LoadedContext:
        asked.set()
        go_on.wait(5)
        return FakeLoader.load(city.loader, url)

    city.loader.load = blocking  # type: ignore[method-assign] # a network that hangs
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(contexts.resolve, URL)
        asked.wait(5)
        assert contexts.resolve(URL).expand("speed") == "https://ex.org/speed"
        assert not first.done()
        go_on.set()
        assert first.result().expand("speed") == "https://ex.org/speed"
