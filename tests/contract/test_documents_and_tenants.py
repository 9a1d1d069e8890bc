"""The ports Tenants and DocumentStore, held against every engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.errors import AlreadyExists
from broker.model.entity import Entity
from broker.ports import Put, StoredDocument
from tests.contract.engines import ENGINES, Store, command, entity, opened, write
from tests.fakes.clock import FakeClock


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with opened(request.param, tmp_path, FakeClock()) as made:
        yield made


def test_the_default_tenant_is_always_there(store: Store) -> None:
    assert store.exists("")
    assert store.names() == [""]


def test_a_tenant_is_made_by_what_is_created_in_it(store: Store) -> None:
    write(store, entity("a"), tenant="b")
    write(store, entity("a", speed=1), tenant="a")
    assert store.names() == ["", "a", "b"]
    assert store.get("", "urn:e:a") is None
    found = store.get("a", "urn:e:a")
    assert found is not None
    assert "https://example.org/speed" in found.document


def test_a_refused_creation_makes_no_tenant(store: Store) -> None:
    def refuse(_current: Entity | None, _now: int) -> Put:
        raise AlreadyExists("no")

    store.apply("t", [command("urn:e:a", refuse)]).result()
    assert not store.exists("t")
    assert store.names() == [""]


@pytest.mark.parametrize("name", ["city/1", "..", ".", "大阪", "a" * 300, "A b%2F\u00e9", "default", "CON", "A", "a"])
def test_any_name_is_a_tenant_of_its_own(store: Store, name: str) -> None:
    write(store, entity("a"), tenant=name)
    write(store, entity("other"), tenant="other")
    assert store.exists(name)
    assert name in store.names()
    assert store.get(name, "urn:e:a") is not None
    assert store.get("", "urn:e:a") is None
    assert store.get("other", "urn:e:a") is None


def test_documents_are_found_by_kind_and_id(store: Store) -> None:
    store.put("context", "urn:1", {"a": [1, {"b": None}]}, 5)
    assert store.find("context", "urn:1") == StoredDocument("urn:1", {"a": [1, {"b": None}]}, 5)
    assert store.find("context", "urn:2") is None
    assert store.find("other", "urn:1") is None


def test_all_gives_the_oldest_first(store: Store) -> None:
    for name, created_at in (("b", 2), ("c", 3), ("a", 1)):
        store.put("context", name, {}, created_at)
    assert [one.id for one in store.all("context")] == ["a", "b", "c"]
    assert store.all("other") == []


def test_a_document_is_replaced_and_deleted(store: Store) -> None:
    store.put("context", "a", {"n": 1}, 1)
    store.put("context", "a", {"n": 2}, 1)
    assert [one.body for one in store.all("context")] == [{"n": 2}]
    assert store.delete("context", "a")
    assert not store.delete("context", "a")
    assert store.find("context", "a") is None


def test_a_generation_rises_with_the_writes_of_its_kind(store: Store) -> None:
    seen = [store.generation("context")]
    store.put("context", "a", {}, 1)
    seen.append(store.generation("context"))
    store.delete("context", "a")
    seen.append(store.generation("context"))
    store.put("other", "a", {}, 1)
    store.delete("context", "a")
    assert seen == sorted(set(seen))
    assert store.generation("context") == seen[-1]


def test_a_document_is_not_changed_from_outside(store: Store) -> None:
    body: dict[str, object] = {"n": [1]}
    store.put("context", "a", body, 1)  # type: ignore[arg-type]
    body["n"] = 2
    found = store.find("context", "a")
    assert found is not None
    found.body["n"] = 3
    again = store.find("context", "a")
    assert again is not None
    assert again.body == {"n": [1]}
