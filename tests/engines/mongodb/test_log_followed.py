"""Two processes write, others follow the change log in the order of its numbers: nothing is passed over."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from broker.model.entity import Entity
from broker.model.values import Instant
from broker.ports.held import Held, HeldCommand, Hold
from broker.stores.mongo.stamps import SETTLE_S
from broker.stores.mongo.store import MongoStore, open_store
from tests.contract.engines import entity, put
from tests.engines.wires.running import fresh

WRITE_S = 3.0


class RealClock:
    def now(self) -> Instant:
        return time.time_ns() // 1000  # noqa: TID251 - several processes go by the machine's clock


@pytest.fixture
def stores() -> Iterator[list[MongoStore]]:
    with fresh() as url:
        opened = [open_store(url, RealClock()) for _ in range(2)]
        try:
            yield opened
        finally:
            for store in opened:
                store.close()


def write(store: MongoStore, writer: int) -> int:
    """Entities one after the other, some of them those of other writers; how many changes that were."""
    until, count = time.monotonic() + WRITE_S, 0
    while time.monotonic() < until:
        names = f"w{writer}-{count % 50}", f"all-{count % 7}"
        changed: list[Entity] = [entity(name, count=count, writer=writer) for name in names]
        store.apply("", [put(one) for one in changed]).result()
        count += 1
    return 2 * count


def follow(store: MongoStore, ended: Event) -> list[tuple[int, str]]:
    """What one who reads on and on gets to see, until nothing more can come."""
    seen, position, last = list[tuple[int, str]](), 0, False
    while True:
        rows = store.since("", position, 64)
        seen += [(row.sequence, row.entity_id) for row in rows]
        position = seen[-1][0] if seen else 0
        if not rows and last:
            return seen
        if not rows:
            last = ended.is_set()
            time.sleep(SETTLE_S + 0.1 if last else 0.01)


def test_who_follows_sees_every_change_of_every_process(stores: list[MongoStore]) -> None:
    ended = Event()
    with ThreadPoolExecutor(6) as pool:
        following = [pool.submit(follow, store, ended) for store in stores]
        writing = [pool.submit(write, stores[number % 2], number) for number in range(4)]
        counts = [one.result() for one in writing]
        ended.set()
        seen = [one.result() for one in following]
    assert [len(one) for one in seen] == [sum(counts)] * 2
    assert seen[0] == seen[1] == sorted(seen[0])
    versions: dict[str, list[int]] = {}
    for row in stores[0].since("", 0, sum(counts)):
        versions.setdefault(row.entity_id, []).append(row.version)
    assert all(sorted(found) == list(range(1, len(found) + 1)) for found in versions.values())
    disorder = sum(found != sorted(found) for found in versions.values())
    print(f"{sum(counts)} changes followed; of {len(versions)} entities {disorder} have versions out of order")
    assert disorder == 0


def test_what_all_count_up_together_is_the_number_of_counts(stores: list[MongoStore]) -> None:
    def count(store: MongoStore) -> int:
        done, until = 0, time.monotonic() + 1.5
        while time.monotonic() < until:
            (result,) = store.held.apply_held("", [HeldCommand("counter", f"c{done % 3}", _one_more)]).result()
            done += isinstance(result, int)
        return done

    with ThreadPoolExecutor(4) as pool:
        done = sum(pool.map(count, stores * 2))
    held = stores[0].held.all_held("", "counter")
    assert sum(int(str(one.body["n"])) for one in held) == sum(one.version for one in held) == done


def _one_more(current: Held | None, _now: Instant) -> Hold:
    number = 1 if current is None else int(str(current.body["n"])) + 1
    return Hold({"n": number}, number)
