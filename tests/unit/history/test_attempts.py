"""Attempts are counted once: before the store knows of them, while it learns of them, and after."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Event, Thread

from broker.notify.attempts import Attempts
from broker.ports.outbox import Delivery, counted

TENANT, NAME = "city", "urn:ngsi-ld:Subscription:1"


class Kept:
    """What a store would say, and a commit that is seen before it is told of."""

    def __init__(self) -> None:
        self.told: dict[str, Delivery] = {}

    def read(self) -> Mapping[str, Delivery]:
        return dict(self.told)

    def commit(self, at: int) -> None:
        self.told[NAME] = counted(self.told.get(NAME), at, failed=False)


def sent(attempts: Attempts, kept: Kept) -> int:
    return attempts.over(TENANT, kept.read).get(NAME, Delivery()).times_sent


def test_one_under_way_is_counted() -> None:
    attempts, kept = Attempts(), Kept()
    attempts.begin(TENANT, NAME, 5)
    assert sent(attempts, kept) == 1
    assert attempts.over("other", dict) == {}


def test_one_that_the_store_has_and_has_not_told_of_is_counted_once() -> None:
    attempts, kept, read = Attempts(), Kept(), Event()
    attempt = attempts.begin(TENANT, NAME, 5)
    attempt.failed = False
    attempts.write_down([attempt])
    kept.commit(5)
    found: list[int] = []

    def ask() -> None:
        read.set()
        found.append(sent(attempts, kept))

    asking = Thread(target=ask)
    asking.start()
    assert read.wait(5)
    attempts.settle([attempt])
    asking.join(5)
    assert found == [1]
    assert sent(attempts, kept) == 1


def test_one_that_is_never_told_of_is_not_counted_twice() -> None:
    attempts, kept = Attempts(), Kept()
    attempt = attempts.begin(TENANT, NAME, 5)
    attempts.write_down([attempt])
    kept.commit(5)
    assert sent(attempts, kept) == 1


def test_one_that_the_store_refused_is_still_counted() -> None:
    attempts, kept = Attempts(), Kept()
    attempt = attempts.begin(TENANT, NAME, 5)
    attempts.write_down([attempt])
    attempts.keep([attempt])
    assert sent(attempts, kept) == 1
