"""Results that are on their way to the disk, mapped without holding a thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def then(pending: Future[A], function: Callable[[A], B]) -> Future[B]:
    """What `function` makes of the result, once it is there; a failure of either fails the future.

    `then(future_of_3, str).result()` is `"3"`. The function runs in the thread that finishes `pending`: keep it small.
    """
    mapped: Future[B] = Future()

    def finish(source: Future[A]) -> None:
        error = source.exception()
        if error is not None:
            mapped.set_exception(error)
            return
        try:
            result = function(source.result())
        except BaseException as failure:  # noqa: BLE001 - whatever it is belongs to the one who waits, not to the writer
            mapped.set_exception(failure)
        else:
            mapped.set_result(result)

    pending.add_done_callback(finish)
    return mapped


def chained(pending: Future[A], function: Callable[[A], Future[B]]) -> Future[B]:
    """The result of the future that `function` starts with the result of this one."""
    mapped: Future[B] = Future()

    def pass_on(source: Future[B]) -> None:
        error = source.exception()
        if error is None:
            mapped.set_result(source.result())
        else:
            mapped.set_exception(error)

    def finish(source: Future[Future[B]]) -> None:
        error = source.exception()
        if error is None:
            source.result().add_done_callback(pass_on)
        else:
            mapped.set_exception(error)

    then(pending, function).add_done_callback(finish)
    return mapped


def done(result: A) -> Future[A]:
    """A future that is there already."""
    finished: Future[A] = Future()
    finished.set_result(result)
    return finished
