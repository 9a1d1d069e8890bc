"""What the parts of this engine that stand beside the entities need of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

import apsw

from broker.model.values import Instant
from broker.stores.sqlite.writer import Job

T = TypeVar("T")


class Ground(Protocol):
    """Reads on a tenant's file, and jobs in its transactions."""

    def run(
        self, tenant: str, jobs: Sequence[Job], *, creates: bool = False, alone: bool = False
    ) -> Future[list[object]]:
        """Each job's result, or the NgsiError it raised, once it is durable; `alone`: in a transaction of their own.

        The future fails with NonexistentTenant for a tenant nobody made, unless this may make it.
        """

    def now(self) -> Instant:
        """What the clock says."""

    def reading(self, tenant: str) -> AbstractContextManager[apsw.Connection]:
        """A connection inside a read transaction. Raises NonexistentTenant."""

    def writing(self, tenant: str) -> apsw.Connection | None:
        """The connection of the write that this thread is in: what it asks is near at hand there. None elsewhere."""


def first(pending: Future[list[Any]], make: Callable[[Any], T]) -> Future[T]:
    """What `make` gives of the one job's result; its refusal fails the future."""
    found: Future[T] = Future()

    def finish(source: Future[list[Any]]) -> None:
        fault = source.exception()
        result = None if fault is not None else source.result()[0]
        if fault is not None or isinstance(result, BaseException):
            found.set_exception(fault or result)
        else:
            found.set_result(make(result))

    pending.add_done_callback(finish)
    return found


def nothing(_result: object) -> None:
    """The result of what has none."""
