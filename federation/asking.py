"""Asking sources over HTTP: all at once on an event loop of its own, every answer bounded in time and size.

ask ─> compose ─> at rest, ourselves, kept? ─┬> Direct (one source, plain HTTP) ───┬> read_answer ─> counted ─> Answered
                                             └> Fetcher (the thread `sources`) ────┘
The thread and aiohttp come with the first forward: a hub without sources pays nothing.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

from broker.errors import NgsiError
from broker.http.exchange import Exchange
from broker.ldcontext.active import ActiveContext
from broker.ldcontext.core import core_context
from broker.model.terms import Personal, nothing_personal
from broker.ports import INLINE, ContextNames, OverBudget
from broker.ports.places import home_of
from broker.timers import Repeating
from federation.answers import AnswerLimits, is_failure, read_answer
from federation.cache import Cache
from federation.cooldown import Cooldowns
from federation.direct import Direct
from federation.health import Book
from federation.messages import Answered, Forward
from federation.outgoing import Asking, Outgoing, compose, is_plain, root_of, tenant_of, with_header
from federation.persons import lacking_terms, on_behalf
from federation.via import is_loop

if TYPE_CHECKING:
    from federation.fetched import Fetched
    from federation.fetching_thread import FetchingThread

LOOP_DETECTED: Final = 508
FLUSH_S: Final = 1.0  # how long counters wait to be written together


@dataclass(frozen=True, slots=True)
class Terms:
    """How sources are asked, as the settings say; `direct` asks a single one without the event loop."""

    alias: str
    public_url: str
    timeout_s: float
    answers: AnswerLimits = field(default_factory=AnswerLimits)
    certificates: Path | None = None
    allow_private: bool = False
    pass_tenant: bool = False
    personal: Callable[[], Personal] = nothing_personal
    direct: bool = True


class HttpSources:
    """The port `federation.sources.Sources` over aiohttp."""

    def __init__(
        self, terms: Terms, names: ContextNames, book: Book, new_loop: Callable[[], AbstractEventLoop]
    ) -> None:
        self._terms, self._names, self._new_loop = terms, names, new_loop
        self.book = book
        self._cooldowns = Cooldowns()
        self._cache = Cache()
        self._lock = Lock()
        self._thread: FetchingThread | None = None
        self._direct = Direct(terms.answers.bytes_max, allow_private=terms.allow_private)
        self._flushing: Repeating | None = None

    def close(self) -> None:
        """End the thread, and write the counters."""
        with self._lock:
            if self._thread is not None:
                self._thread.stop()
            if self._flushing is not None:
                self._flushing.stop()
        self._direct.close()
        self.book.flush()

    def ask(self, exchange: Exchange, forwards: Sequence[Forward]) -> list[Answered]:
        """What each source answered, in order."""
        if INLINE.get():
            raise OverBudget
        terms, tenant = self._terms, exchange.call.tenant
        if is_loop(exchange.request, terms.alias, home_of(tenant)):
            return [_loop(forward, "the request has come through this hub before") for forward in forwards]
        asking = Asking(self._names, terms.alias, tenant, exchange.request, terms.pass_tenant)
        return self._ask(asking, on_behalf(exchange.call, forwards))

    def send(self, tenant: str, forwards: Sequence[Forward]) -> list[Answered]:
        """As `ask`, for work that no request waits for: nothing to pass on but this hub's own name."""
        return self._ask(Asking(self._names, self._terms.alias, tenant, pass_tenant=self._terms.pass_tenant), forwards)

    def _ask(self, asking: Asking, forwards: Sequence[Forward]) -> list[Answered]:
        answers: dict[int, Answered] = {}
        waiting: dict[int, Outgoing] = {}
        for at, forward in enumerate(forwards):
            found = self._unasked(asking, forward)
            if isinstance(found, Answered):
                answers[at] = found
            else:
                waiting[at] = found
        if waiting:
            fetched = self._fetch([(one, forwards[at]) for at, one in waiting.items()])
            for (at, outgoing), one in zip(waiting.items(), fetched, strict=True):
                answers[at] = self._arrived(asking, forwards[at], outgoing, one)
        return [answers[at] for at in range(len(forwards))]

    def _fetch(self, waiting: Sequence[tuple[Outgoing, Forward]]) -> list[Fetched]:
        outgoing, forward = waiting[0]
        credentials = forward.registration.credentials
        if self._terms.direct and len(waiting) == 1 and is_plain(outgoing.url, credentials):
            return [self._direct.fetch(with_header(outgoing, credentials), self._timeout(forward))]
        return self._fetching().fetch(
            [(one, forward.registration.credentials, self._timeout(forward)) for one, forward in waiting]
        )

    def _unasked(self, asking: Asking, forward: Forward) -> Answered | Outgoing:
        """The answer where the source need not, or may not, be asked; else the request for it."""
        missing = lacking_terms(forward, self._terms.personal(), partial(self._names_of, asking.tenant))
        if missing:
            return Answered(forward, 0, trouble="refused", detail=f"its contract states no {' and no '.join(missing)}")
        root = root_of(forward.registration.endpoint)
        rests_s = self._cooldowns.rests(asking.tenant, forward.registration)
        if rests_s:
            return Answered(forward, 0, trouble="cooldown", detail=f"it failed, and is asked again in {rests_s:.1f} s")
        if root == self._terms.public_url and tenant_of(asking, forward.registration) == home_of(asking.tenant):
            return _loop(forward, "the registration leads back to this hub")
        try:
            outgoing = compose(asking, forward)
        except NgsiError as error:
            return Answered(forward, 0, trouble="refused", detail=error.detail)
        kept = self._cache.find(asking.tenant, forward, outgoing, self._terms.alias)
        return outgoing if kept is None else read_answer(forward, kept, self._terms.answers)

    def _arrived(self, asking: Asking, forward: Forward, outgoing: Outgoing, fetched: Fetched) -> Answered:
        registration = forward.registration
        answered = read_answer(forward, fetched, self._terms.answers)
        failed = is_failure(answered)
        error = (f"{answered.trouble or answered.status}: {answered.detail}".rstrip(": ")) if failed else ""
        self.book.count(asking.tenant, registration.id, answered.took_ms, error)
        if self._flushing is None:
            self._start_flushing()
        self._cooldowns.ended(asking.tenant, registration, failed=failed)
        if not failed:
            self._cache.keep(asking.tenant, forward, outgoing, fetched)
        return answered

    def _names_of(self, tenant: str, forward: Forward) -> ActiveContext:
        return core_context() if forward.context is None else self._names.resolve(forward.context, tenant)

    def _timeout(self, forward: Forward) -> float:
        given = forward.registration.timeout_ms
        return self._terms.timeout_s if given is None else min(given / 1000, self._terms.timeout_s)

    def _start_flushing(self) -> None:
        with self._lock:
            self._flushing = self._flushing or Repeating("source counters", FLUSH_S, self.book.flush)

    def _fetching(self) -> FetchingThread:
        with self._lock:
            if self._thread is None:
                from federation.fetching_thread import FetchingThread  # noqa: PLC0415  aiohttp comes with it

                terms = self._terms
                self._thread = FetchingThread(
                    self._new_loop, terms.certificates, terms.answers.bytes_max, allow_private=terms.allow_private
                )
            return self._thread


def _loop(forward: Forward, detail: str) -> Answered:
    return Answered(forward, LOOP_DETECTED, trouble="loop", detail=detail)
