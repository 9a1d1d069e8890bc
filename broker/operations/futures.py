"""Results that are on their way to the disk, mapped without holding a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from broker.errors import NgsiError

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


def both(first: Future[A], second: Future[B]) -> Future[B]:
    """The result of the second, once both are there; a failure of either fails the future."""
    joined: Future[B] = Future()

    def after(done: Future[A]) -> None:
        error = done.exception()
        if error is not None:
            joined.set_exception(error)
            return
        second.add_done_callback(finish)

    def finish(done: Future[B]) -> None:
        error = done.exception()
        if error is not None:
            joined.set_exception(error)
        else:
            joined.set_result(done.result())

    first.add_done_callback(after)
    return joined


def otherwise(pending: Future[A], function: Callable[[NgsiError], Future[A]]) -> Future[A]:
    """The result of `pending`, or, where it was refused, that of the future which `function` makes of the refusal.

    `function` raises the refusal where there is nothing else to try.
    """
    mapped: Future[A] = Future()

    def hand_over(source: Future[A]) -> None:
        error = source.exception()
        if error is None:
            mapped.set_result(source.result())
        else:
            mapped.set_exception(error)

    def finish(source: Future[A]) -> None:
        error = source.exception()
        if not isinstance(error, NgsiError):
            hand_over(source)
            return
        try:
            function(error).add_done_callback(hand_over)
        except NgsiError as refusal:
            mapped.set_exception(refusal)

    pending.add_done_callback(finish)
    return mapped


def one_after_another(steps: Iterable[Callable[[], Future[A]]], collect: Callable[[A], None]) -> Future[None]:
    """Done when every step is, each started when the one before it has finished and been collected.

    The first failure ends it and fails the future. However many steps there are, the stack does not grow with them.
    """
    sequence = _Sequence(iter(steps), collect)
    sequence.go_on()
    return sequence.finished


@dataclass(slots=True)
class _Sequence(Generic[A]):
    """The steps that are left, and where their results go."""

    rest: Iterator[Callable[[], Future[A]]]
    collect: Callable[[A], None]
    finished: Future[None] = field(default_factory=Future)

    def go_on(self) -> None:
        """Run the steps whose futures are done at once; come back later where one is not."""
        for step in self.rest:
            pending = step()
            if not pending.done():
                pending.add_done_callback(self._come_back)
                return
            if not self._gather(pending):
                return
        self.finished.set_result(None)

    def _come_back(self, pending: Future[A]) -> None:
        if self._gather(pending):
            self.go_on()

    def _gather(self, pending: Future[A]) -> bool:
        error = pending.exception()
        if error is None:
            self.collect(pending.result())
        else:
            self.finished.set_exception(error)
        return error is None


def done(result: A) -> Future[A]:
    """A future that is there already."""
    finished: Future[A] = Future()
    finished.set_result(result)
    return finished
