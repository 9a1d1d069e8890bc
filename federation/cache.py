"""Answers of sources kept for the cacheDuration of their registration (clauses 5.2.34, 6.3.17), in bounded memory.

Kept are successful GETs of entities, as bytes: who gets one may change what is parsed of it. The key holds every
header sent, so that no one is answered with what another one's token brought.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Final, TypeAlias

from broker.errors import NgsiError
from broker.model.duration import Duration
from broker.query.times import parse_duration
from federation.messages import Forward, Warned
from federation.outgoing import Outgoing

if TYPE_CHECKING:
    from federation.fetched import Fetched

BYTES_MAX: Final = 32 * 1024 * 1024
ONE_BYTES_MAX: Final = 1024 * 1024
_OK: Final = 200
_WARNING: Final = "ngsild-warning"
Key: TypeAlias = tuple[str, str, str, tuple[tuple[str, str], ...]]


class Cache:
    """The least recently kept goes first."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._kept: OrderedDict[Key, tuple[float, Fetched]] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def find(self, tenant: str, forward: Forward, outgoing: Outgoing, agent: str) -> Fetched | None:
        """An answer that is not older than the registration wants, with the warning 110 that says so."""
        if forward.registration.cache_duration is None or not self._kept:
            return None
        with self._lock:
            found = self._kept.get(_key(tenant, forward, outgoing))
        if found is None or found[0] <= self._now():
            return None
        fetched = found[1]
        name, value = Warned(110, agent, "Response is stale").header()
        earlier = fetched.headers.get(_WARNING)
        headers = {**fetched.headers, name.lower(): f"{earlier}, {value}" if earlier else value}
        return replace(fetched, headers=headers, took_ms=0.0)

    def keep(self, tenant: str, forward: Forward, outgoing: Outgoing, fetched: Fetched) -> None:
        """Keep an answer, where its registration wants that."""
        wanted = forward.registration.cache_duration
        fits = fetched.status == _OK and not fetched.trouble and len(fetched.body) <= ONE_BYTES_MAX
        if wanted is None or outgoing.method != "GET" or not forward.path.startswith("/entities") or not fits:
            return
        key, seconds = _key(tenant, forward, outgoing), seconds_of(wanted)
        with self._lock:
            old = self._kept.pop(key, None)
            self._bytes += len(fetched.body) - (len(old[1].body) if old else 0)
            self._kept[key] = (self._now() + seconds, fetched)
            while self._bytes > BYTES_MAX:
                _, (_, gone) = self._kept.popitem(last=False)
                self._bytes -= len(gone.body)


@lru_cache(maxsize=1024)
def seconds_of(text: str) -> float:
    """`PT1M` is 60; what is no duration is 0."""
    try:
        return Duration(*parse_duration(text)).after(0) / 1_000_000
    except NgsiError:
        return 0.0


def _key(tenant: str, forward: Forward, outgoing: Outgoing) -> Key:
    return tenant, forward.registration.id, outgoing.url, tuple(sorted(outgoing.headers.items()))
