"""Futures that follow one another: results, failures, and many of them."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from broker.errors import Conflict, NgsiError, ResourceNotFound
from broker.operations.futures import done, one_after_another, otherwise, then


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


def test_a_refusal_may_be_answered_by_another_future() -> None:
    refused: Future[int] = Future()
    refused.set_exception(ResourceNotFound("no"))
    assert otherwise(refused, lambda _: done(2)).result() == 2
    assert otherwise(done(1), lambda _: done(2)).result() == 1


def test_what_is_no_refusal_is_not_answered_otherwise() -> None:
    failed: Future[int] = Future()
    failed.set_exception(ValueError("broken"))
    with pytest.raises(ValueError, match="broken"):
        otherwise(failed, lambda _: done(2)).result()

    def raise_again(refusal: NgsiError) -> Future[int]:
        raise refusal

    refused: Future[int] = Future()
    refused.set_exception(ResourceNotFound("no"))
    with pytest.raises(ResourceNotFound):
        otherwise(refused, raise_again).result()
