"""Commands for devices that ask for them: each waits here until its device has asked, or until it expires."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Final

from adapters.device import Device
from adapters.order import Delivered, NotReached, Order
from broker.model.values import Instant

WAIT_S: Final = 20.0
"""So long one who sends waits for the device; then the order is taken back, and offered again a little later."""
WAITING_MAX: Final = 10_000
FETCHED_KEPT: Final = 10_000
_SECOND: Final = 1_000_000


class Mailbox:
    """Used on one event loop."""

    def __init__(self, wait_s: float = WAIT_S) -> None:
        self._wait_s = wait_s
        self._waiting: dict[tuple[str, str], dict[str, Order]] = {}
        self._number = 0
        self._futures: dict[str, asyncio.Future[None]] = {}
        self._fetched: OrderedDict[str, None] = OrderedDict()

    async def offer(self, order: Order, now: Instant) -> Delivered:
        """DELIVERED once the device has asked for it. Raises NotReached where it does not in time.

        Nothing is left of it then: what was given up, or may no longer be done, is not fetched after all.
        """
        if order.id in self._fetched:
            return Delivered("DELIVERED")
        of_device = self._waiting.setdefault(_whose(order.device), {})
        if order.id not in of_device:
            if self._number >= WAITING_MAX:
                raise NotReached(f"{WAITING_MAX:,} commands wait for devices to ask")
            self._number += 1
        of_device[order.id] = order
        left = (order.expires_at - now) / _SECOND if order.expires_at else self._wait_s
        future = self._futures.setdefault(order.id, asyncio.get_running_loop().create_future())
        try:
            async with asyncio.timeout(max(0.0, min(self._wait_s, left))):
                await asyncio.shield(future)
        except TimeoutError:
            raise NotReached("the device has not asked for its commands yet") from None
        finally:
            if not future.done():
                self._take_back(order)
        return Delivered("DELIVERED")

    def _take_back(self, order: Order) -> None:
        of_device = self._waiting.get(_whose(order.device), {})
        if of_device.pop(order.id, None) is not None:
            self._number -= 1
            self._futures.pop(order.id, None)
        if not of_device:
            self._waiting.pop(_whose(order.device), None)

    def fetch(self, device: Device, now: Instant) -> list[Order]:
        """What waits for a device and has not expired, oldest first, one of each name; it counts as delivered."""
        of_device = self._waiting.get(_whose(device), {})
        found: dict[str, Order] = {}
        for order in list(of_device.values()):
            expired = bool(order.expires_at) and order.expires_at <= now
            if order.name in found and not expired:
                continue
            del of_device[order.id]
            self._number -= 1
            future = self._futures.pop(order.id, None)
            if expired:
                continue
            found[order.name] = order
            self._fetched[order.id] = None
            if future is not None and not future.done():
                future.set_result(None)
        if not of_device:
            self._waiting.pop(_whose(device), None)
        while len(self._fetched) > FETCHED_KEPT:
            self._fetched.popitem(last=False)
        return list(found.values())


def _whose(device: Device) -> tuple[str, str]:
    """Two tenants may have devices of one id."""
    return device.tenant, device.id
