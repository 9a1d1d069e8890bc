"""Telling subscribers of registrations (clause 5.11.7): at least once, in order, whatever fails in between.

work(tenant) ─> for each subscription: what it was told (a mark) against what matches now ─> one notification ─> again
What is told is kept once the subscriber has it. One that does not answer is tried again, after longer and longer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from threading import Lock
from time import monotonic
from typing import Any, Final, Protocol, cast

from broker.encode.text import dump
from broker.errors import NgsiError
from broker.ldcontext.active import ActiveContext
from broker.ldcontext.core import CORE_URL, core_context
from broker.model.registration import REGISTRATION, Registration
from broker.model.subscription import Subscription
from broker.model.values import Instant, Json
from broker.notify.message import Message
from broker.notify.periodic import period_of
from broker.ports import Clock, ContextNames
from broker.ports.held import Held, HeldStore
from broker.ports.outbox import Delivery, Marks, counted, notification_id
from broker.ports.sources import SOURCE_SUBSCRIPTION
from federation.news import Listed, Notice, Told, matching, next_notice, notification, period_notice
from federation.selecting import source_query

log = logging.getLogger("misono.federation")

_TOLD: Final = "told/"
_COUNTED: Final = "counted/"
_LINK: Final = '<{}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
_LD_JSON: Final = "application/ld+json"
_SECOND_US: Final = 1_000_000
_NONE: Final = (0, 0.0, "")
SEND_S: Final = 70.0  # past what any transport may take


class HeldMarks(HeldStore, Marks, Protocol):
    """Registrations and subscriptions, and the marks that keep what was told."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait after a failure: `first_s`, then twice as long each time, up to `max_s`."""

    first_s: float = 1.0
    max_s: float = 300.0

    def pause_s(self, failures: int) -> float:
        """Before the next attempt, after so many that failed."""
        return float(min(self.first_s * 2.0 ** min(failures - 1, 32), self.max_s))


@dataclass(frozen=True, slots=True)
class Post:
    """How notifications go out: `send` gives why one did not arrive."""

    send: Callable[[Message], Future[str]]
    names: ContextNames
    clock: Clock
    patience: Patience = Patience()


@dataclass(slots=True)
class _Reader:
    """One subscription in one round of work."""

    held: Held
    subscription: Subscription
    names: ActiveContext
    told: Told
    now: Mapping[str, Listed]


class Teller:
    """Tells the subscribers of tenants; `work` for one tenant is called from one thread at a time."""

    def __init__(self, held: HeldMarks, post: Post) -> None:
        self._held, self._post = held, post
        self._lock = Lock()
        self._deliveries: dict[tuple[str, str], Delivery] = {}
        self._failures: dict[tuple[str, str], tuple[int, float, str]] = {}

    def told(self, tenant: str, ids: Sequence[str]) -> Mapping[str, Delivery]:
        """Counters of these subscriptions; those without an entry never sent."""
        found = {}
        for name in ids:
            delivery = self._delivery(tenant, name)
            if delivery is not None:
                found[name] = delivery
        return found

    def work(self, tenant: str) -> float | None:
        """Tell all that there is to tell; the seconds until there may be more, None for when something changes."""
        readers = [one for one in (self._reader(tenant, held) for held in self._subscriptions(tenant)) if one]
        self._forget(tenant, {one.held.id for one in readers})
        if not readers:
            return None
        listed = [_listed(one) for one in self._held.all_held(tenant, REGISTRATION)]
        for one in readers:
            one.now = matching(source_query(one.subscription, one.names), listed)
        left = readers
        while left:
            left = self._round(tenant, left)
        return min((wait for one in readers if (wait := self._wait(tenant, one)) is not None), default=None)

    def _round(self, tenant: str, readers: Iterable[_Reader]) -> list[_Reader]:
        """Send one notification to each that is due one; those there may be more for."""
        sent = []
        for one in readers:
            notice = self._notice(tenant, one)
            if notice is None:
                continue
            if not notice.registrations:
                self._keep(tenant, one, notice.after)
                continue
            sent.append((one, notice, self._send(tenant, one, notice)))
        again = []
        for one, notice, pending in sent:
            if pending.result(SEND_S) == "":
                self._keep(tenant, one, notice.after)
                again.append(one)
        return again

    def _notice(self, tenant: str, one: _Reader) -> Notice | None:
        """What is due now; nothing while it is paused, has ended, or is left alone after a failure."""
        subscription, now = one.subscription, self._post.clock.now()
        if subscription.status(now) != "active" or self._wait_s(tenant, one) > 0:
            return None
        version, at = one.held.version, one.held.created_at
        if subscription.time_interval is None:
            return next_notice(one.told, version, at, one.now)
        passed = period_of(one.held.modified_at, subscription.time_interval, now)
        return period_notice(one.told, version, at, one.now, passed)

    def _wait_s(self, tenant: str, one: _Reader) -> float:
        """For how long it is left alone: after a failure, and as its throttling says."""
        _, until, _ = self._failures.get((tenant, one.held.id), _NONE)
        wait = until - monotonic()
        delivery = self._delivery(tenant, one.held.id)
        if one.subscription.throttling is not None and delivery is not None and delivery.last_success is not None:
            passed = (self._post.clock.now() - delivery.last_success) / _SECOND_US
            wait = max(wait, one.subscription.throttling - max(passed, 0.0))
        return wait

    def _wait(self, tenant: str, one: _Reader) -> float | None:
        """Seconds until something is due although nothing changes."""
        now, subscription = self._post.clock.now(), one.subscription
        if subscription.status(now) != "active":
            return None
        wait = self._wait_s(tenant, one)
        if wait > 0:
            return wait
        if subscription.time_interval is None:
            return None
        passed = period_of(one.held.modified_at, subscription.time_interval, now)
        begun = (now - one.held.modified_at) / _SECOND_US
        return max((passed + 1) * subscription.time_interval - begun, 0.0) + 0.001

    def _send(self, tenant: str, one: _Reader, notice: Notice) -> Future[str]:
        key, at = (tenant, one.held.id), self._post.clock.now()
        before = self._delivery(*key)
        again = self._failures.get(key, _NONE)[2] == notice.occasion
        with self._lock:
            self._deliveries[key] = _under_way(before or Delivery(), at, again=again)

        def ended(pending: Future[str]) -> None:
            failed = pending.result() != ""
            after = (
                _after_retry(before or Delivery(), at, failed=failed) if again else counted(before, at, failed=failed)
            )
            with self._lock:
                self._deliveries[key] = after
            if failed:
                failures = self._failures.get(key, _NONE)[0] + 1
                self._failures[key] = (failures, monotonic() + self._post.patience.pause_s(failures), notice.occasion)
                log.info("a notification of %s did not arrive: %s", one.held.id, pending.result())
            else:
                self._failures.pop(key, None)
            self._held.mark(tenant, _COUNTED + one.held.id, _counters(after)).add_done_callback(
                lambda _: self._settled(key, after)
            )

        sending = self._post.send(self._message(tenant, one, notice))
        sending.add_done_callback(ended)
        return sending

    def _settled(self, key: tuple[str, str], written: Delivery) -> None:
        """The store knows the counters: any process may change them from now on."""
        with self._lock:
            if self._deliveries.get(key) is written:
                del self._deliveries[key]

    def _message(self, tenant: str, one: _Reader, notice: Notice) -> Message:
        endpoint, url = one.subscription.notification.endpoint, one.subscription.jsonld_context or CORE_URL
        name = notification_id(tenant, one.held.id, notice.occasion)
        body = notification(notice, name, one.subscription, one.names, self._post.clock.now())
        linked = endpoint.accept != _LD_JSON
        return Message(
            id=name,
            endpoint=endpoint,
            content_type=_LD_JSON if not linked else "application/json",
            body=dump(cast("Json", body if linked else {**body, "@context": url})),
            link=_LINK.format(url) if linked else None,
            info=endpoint.receiver_info,
            tenant=tenant,
        )

    def _subscriptions(self, tenant: str) -> list[Held]:
        return self._held.all_held(tenant, SOURCE_SUBSCRIPTION)

    def _reader(self, tenant: str, held: Held) -> _Reader | None:
        subscription = Subscription.from_body(held.body)
        url = subscription.jsonld_context
        try:
            names = self._post.names.resolve(url, tenant) if url else core_context()
        except NgsiError as error:
            log.warning("the @context of %s cannot be had: %s", held.id, error.detail)
            return None
        body = self._held.marks(tenant, _TOLD + held.id).get(_TOLD + held.id)
        return _Reader(held, subscription, names, Told() if body is None else Told.from_json(body), {})

    def _keep(self, tenant: str, one: _Reader, told: Told) -> None:
        one.told = told
        self._held.mark(tenant, _TOLD + one.held.id, told.to_json()).result()

    def _forget(self, tenant: str, there: set[str]) -> None:
        """Drop what is kept of subscriptions that are gone."""
        for prefix in (_TOLD, _COUNTED):
            for name in self._held.marks(tenant, prefix):
                if name.removeprefix(prefix) not in there:
                    self._held.mark(tenant, name, None)

    def _delivery(self, tenant: str, name: str) -> Delivery | None:
        with self._lock:
            known = self._deliveries.get((tenant, name))
        if known is not None:
            return known
        body = self._held.marks(tenant, _COUNTED + name).get(_COUNTED + name)
        return None if body is None else Delivery(*cast("list[Any]", body))


def _listed(held: Held) -> Listed:
    return Listed(Registration.from_body(held.body), held.version, held.created_at)


def _under_way(before: Delivery, at: Instant, *, again: bool) -> Delivery:
    """The counters while a notification is on its way: it counts once, however often it is tried."""
    return replace(before, times_sent=before.times_sent + (not again), last_notification=at)


def _after_retry(before: Delivery, at: Instant, *, failed: bool) -> Delivery:
    """The counters after one more attempt at a notification that had failed."""
    found = replace(before, last_notification=at)
    return replace(found, last_failure=at) if failed else replace(found, last_success=at)


def _counters(one: Delivery) -> Json:
    return [one.times_sent, one.times_failed, one.last_notification, one.last_success, one.last_failure]
