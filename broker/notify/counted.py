"""The outbox as its readers see it: attempts that are not durable yet are counted already."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future

from broker.model.values import Instant
from broker.notify.attempts import Attempts
from broker.ports.outbox import Closing, Delivery, Outbox, OutboxRow


class CountedOutbox:
    """An Outbox over another."""

    def __init__(self, inner: Outbox, attempts: Attempts) -> None:
        self._inner = inner
        self._attempts = attempts

    def deliveries(self, tenant: str, ids: Sequence[str] | None = None) -> Mapping[str, Delivery]:
        """Counters by subscription, with what is under way."""
        return self._attempts.over(tenant, lambda: self._inner.deliveries(tenant, ids))

    def listen(self, arrived: Callable[[str, Sequence[OutboxRow]], None]) -> None:
        """As the inner one."""
        self._inner.listen(arrived)

    def tenants(self) -> list[str]:
        """As the inner one."""
        return self._inner.tenants()

    def busy(self) -> list[str]:
        """As the inner one."""
        return self._inner.busy()

    def newest(self, tenant: str) -> int:
        """As the inner one."""
        return self._inner.newest(tenant)

    def waiting(self, tenant: str, after: int, limit: int, subscription: str = "") -> list[OutboxRow]:
        """As the inner one."""
        return self._inner.waiting(tenant, after, limit, subscription)

    def settled(self, number: int) -> int:
        """As the inner one."""
        return self._inner.settled(number)

    def close_rows(self, tenant: str, closings: Sequence[Closing]) -> Future[None]:
        """As the inner one."""
        return self._inner.close_rows(tenant, closings)

    def count_sent(self, tenant: str, subscription: str, at: Instant, *, failed: bool) -> Future[None]:
        """As the inner one."""
        return self._inner.count_sent(tenant, subscription, at, failed=failed)

    def dead(self, tenant: str, after: int, limit: int) -> list[OutboxRow]:
        """As the inner one."""
        return self._inner.dead(tenant, after, limit)

    def revive(self, tenant: str, numbers: Sequence[int]) -> Future[int]:
        """As the inner one."""
        return self._inner.revive(tenant, numbers)

    def discard(self, tenant: str, numbers: Sequence[int]) -> Future[int]:
        """As the inner one."""
        return self._inner.discard(tenant, numbers)
