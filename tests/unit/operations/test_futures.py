"""Futures that follow one another: results, failures, and many of them."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from broker.errors import Conflict
from broker.operations.futures import done, one_after_another, then


def later() -> Future[int]:
    return Future()


def test_then_maps_what_is_there_and_what_comes() -> None:
    assert then(done(3), str).result() == "3"
    pending = later()
    mapped = then(pending, str)
    assert not mapped.done()
    pending.set_result(4)
    assert mapped.result() == "4"


def test_then_fails_with_either() -> None:
    pending = later()
    mapped = then(pending, str)
    pending.set_exception(Conflict("no"))
    with pytest.raises(Conflict):
        mapped.result()
    with pytest.raises(ZeroDivisionError):
        then(done(0), lambda number: 1 // number).result()


def test_steps_run_one_after_another_without_growing_the_stack() -> None:
    collected: list[int] = []
    steps = [lambda number=number: done(number) for number in range(5_000)]
    one_after_another(steps, collected.append).result()
    assert collected == list(range(5_000))


def test_a_step_that_is_not_done_is_waited_for_and_a_failure_ends_it() -> None:
    first, second = later(), later()
    started: list[Future[int]] = []
    collected: list[int] = []

    def start(pending: Future[int]) -> Future[int]:
        started.append(pending)
        return pending

    ended = one_after_another([lambda: start(first), lambda: start(second), lambda: done(9)], collected.append)
    assert started == [first]
    first.set_result(1)
    assert started == [first, second]
    second.set_exception(Conflict("no"))
    with pytest.raises(Conflict):
        ended.result()
    assert collected == [1]
