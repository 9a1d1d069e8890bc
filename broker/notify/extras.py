"""What is sent although no change asked for it: test deliveries, and news of snapshots (clause 5.16.6)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from broker.encode.text import dump
from broker.errors import NgsiError
from broker.ldcontext.core import CORE_URL
from broker.model.subscription import Endpoint
from broker.notify.courier import Desk
from broker.notify.message import Message, Undelivered
from broker.ports.outbox import Probed, notification_id
from broker.ports.places import News

log = logging.getLogger("misono.notify")

TRIES_MAX: Final = 5
_LINK: Final = f'<{CORE_URL}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'


class Extras:
    """Sends on the courier's event loop, past its queues."""

    def __init__(self, desk: Desk, timeout_s: Callable[[Endpoint], float]) -> None:
        self._desk = desk
        self._timeout_s = timeout_s

    async def probe(self, tenant: str, subscription: str) -> Probed:
        """Notify a subscription's endpoint of the first entity that it selects; no counter changes."""
        desk, loop = self._desk, asyncio.get_running_loop()
        began = loop.time()
        name = notification_id(tenant, subscription, f"test:{desk.clock.now()}")
        reason = "the subscription is gone"
        entry = desk.book.find(tenant, subscription)
        if entry is not None:
            try:
                message = await loop.run_in_executor(None, desk.composer.sample, tenant, entry, name)
                reason = "the subscription selects no entity" if message is None else ""
                if message is not None:
                    await desk.transports.send(message, self._timeout_s(message.endpoint))
            except (Undelivered, NgsiError) as error:
                reason = str(error)
        return Probed(name, round((loop.time() - began) * 1000, 1), reason)

    async def send(self, message: Message) -> str:
        """Send once; the reason why it did not arrive, nothing where it did."""
        transports = self._desk.transports
        try:
            await asyncio.get_running_loop().run_in_executor(None, transports.prepare, [message.endpoint.uri])
            await transports.send(message, self._timeout_s(message.endpoint))
        except Undelivered as error:
            return str(error) or "it did not arrive"
        return ""

    async def announce(self, news: News) -> None:
        """Send news; a receiver that does not take it is asked again a few times."""
        endpoint = Endpoint(news.endpoint, receiver_info=news.receiver_info)
        message = Message(
            id=str(news.body.get("id", "")),
            endpoint=endpoint,
            content_type=endpoint.accept,
            body=dump(dict(news.body)),
            link=_LINK,
            info=news.receiver_info,
            tenant=news.tenant,
        )
        for trial in range(TRIES_MAX):
            try:
                await self._desk.transports.send(message, self._timeout_s(endpoint))
            except Undelivered as error:
                log.warning("news to %s did not arrive: %s", news.endpoint, error)
            else:
                return
            await asyncio.sleep(self._desk.limits.policy.backoff_s * 2.0**trial)
