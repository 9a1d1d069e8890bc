"""Results that are on their way to the disk, mapped without holding a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable
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


def one_after_another(steps: Iterable[Callable[[], Future[A]]], collect: Callable[[A], None]) -> Future[None]:
    """Done when every step is, each started when the one before it has finished and been collected.

    The first failure ends it and fails the future. However many steps there are, the stack does not grow with them.
    """
    finished: Future[None] = Future()
    rest = iter(steps)

    def gather(pending: Future[A]) -> bool:
        error = pending.exception()
        if error is None:
            collect(pending.result())
        else:
            finished.set_exception(error)
        return error is None

    def go_on(pending: Future[A]) -> None:
        if gather(pending):
            start()

    def start() -> None:
        for step in rest:
            pending = step()
            if not pending.done():
                pending.add_done_callback(go_on)
                return
            if not gather(pending):
                return
        finished.set_result(None)

    start()
    return finished


def done(result: A) -> Future[A]:
    """A future that is there already."""
    finished: Future[A] = Future()
    finished.set_result(result)
    return finished
