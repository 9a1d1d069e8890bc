"""What the change log tells of an entity beside what changed, and that it tells of commits; on every engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.ports import Remove
from tests.contract.engines import ENGINES, NS, Store, command, entity, opened, write
from tests.fakes.clock import FakeClock


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with opened(request.param, tmp_path, FakeClock()) as made:
        yield made


def test_every_row_tells_type_and_scopes_after_the_change(store: Store) -> None:
    write(store, entity("a", speed=1, scope="/x"))
    write(store, entity("a", speed=2, scope="/x"))
    both = entity("a", speed=2, scope=["/x", "/y"])
    both.document["type"] = [NS + "Car", NS + "Bus"]
    write(store, both)
    store.apply("", [command("urn:e:a", lambda _c, _n: Remove())]).result()
    assert [(row.types, row.scopes) for row in store.since("", 0, 10)] == [
        ((NS + "Car",), ("/x",)),
        ((NS + "Car",), ("/x",)),
        ((NS + "Car", NS + "Bus"), ("/x", "/y")),
        ((NS + "Car", NS + "Bus"), ("/x", "/y")),
    ]


def test_a_commit_is_told_once_it_can_be_read(store: Store) -> None:
    told: list[tuple[str, int]] = []
    store.listen_to_commits(lambda tenant: told.append((tenant, store.bounds(tenant)[1])))
    write(store, entity("a"), entity("b"))
    write(store, entity("a"), tenant="city")
    newest = [store.since(tenant, 0, 9)[-1].sequence for tenant in ("", "city")]
    assert told == list(zip(("", "city"), newest, strict=True))
