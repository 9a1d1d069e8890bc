"""The keys of an issuer: fetched, kept while they are in its set, fetched anew when a token names one nobody knows.

An issuer changes its keys by publishing the new one beside the old one. So an unknown key is looked for again, but not
more often than every PAUSE_S: who sends tokens with made-up keys must not have the hub ask all the time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Final, TypeAlias

from jiter import from_json

from broker.access.configured import Issuer
from broker.access.tokens import BadToken, PublicKey, read_keys
from broker.addresses import Refused
from broker.errors import ServiceUnavailable
from broker.model.values import Instant
from broker.ports import INLINE, Clock, OverBudgetOnce

log = logging.getLogger("misono.access")

Fetch: TypeAlias = Callable[[str, bool], bytes]
"""What stands at a URL, which may be on a private address or not. Raises Refused."""
PAUSE_S: Final = 30
"""Between two attempts at an issuer's keys."""
FRESH_S: Final = 600
"""So old they may be before they are fetched again."""
KEPT_S: Final = 86_400
"""So old they may be where the issuer does not answer."""
BYTES_MAX: Final = 256 * 1024
METADATA: Final = "/.well-known/openid-configuration"
_SECOND: Final = 1_000_000


class IssuerKeys:
    """The keys of one issuer, for any thread. `generation` rises when one of them is no longer believed."""

    def __init__(self, issuer: Issuer, fetch: Fetch, clock: Clock, pause_s: float = PAUSE_S) -> None:
        self.issuer: Final = issuer
        self.generation = 0
        self._fetch, self._clock, self._pause = fetch, clock, int(pause_s * _SECOND)
        self._keys: Mapping[str, PublicKey] = {}
        self._fetched: Instant = -KEPT_S * _SECOND
        self._tried: Instant | None = None
        self._fetching = Lock()

    def find(self, key_id: str, algorithm: str) -> PublicKey:
        """The key that a token names; the only one that fits where it names none.

        Raises BadToken; OverBudgetOnce on the event loop where keys must be fetched; ServiceUnavailable where they
        cannot be had.
        """
        now = self._clock.now()
        found = self._known(key_id, algorithm)
        needed = found is None or self._too_old(now)
        if self._may_try(now) and (needed or (self._stale(now) and not self._fetching.locked())):
            if INLINE.get():
                raise OverBudgetOnce
            self._renew(wait=needed)
            found = self._known(key_id, algorithm)
        if self._too_old(now):
            raise ServiceUnavailable(
                f"the keys of the issuer {self.issuer.name} cannot be had", remedy="Ask again in a minute."
            )
        if found is None:
            raise BadToken("its key is none of its issuer's")
        return found

    def _known(self, key_id: str, algorithm: str) -> PublicKey | None:
        if key_id:
            return self._keys.get(key_id)
        fitting = [key for key in self._keys.values() if key.fits(algorithm)]
        return fitting[0] if len(fitting) == 1 else None

    def _may_try(self, now: Instant) -> bool:
        return self._tried is None or not 0 <= now - self._tried < self._pause

    def _stale(self, now: Instant) -> bool:
        return not 0 <= now - self._fetched < FRESH_S * _SECOND

    def _too_old(self, now: Instant) -> bool:
        return abs(now - self._fetched) >= KEPT_S * _SECOND

    def _renew(self, *, wait: bool) -> None:
        """Fetch them, unless another thread has just done so.

        Who has a key need not wait while another one fetches; who has none waits, and is served by what that one got.
        """
        if not self._fetching.acquire(blocking=wait):
            return
        try:
            if self._may_try(self._clock.now()):
                self._take_in()
        finally:
            self._fetching.release()

    def _take_in(self) -> None:
        try:
            found = read_keys(self._document(self._url()))
        except (Refused, BadToken, ValueError) as reason:
            log.warning("the keys of the issuer %s cannot be had: %s", self.issuer.name, reason)
        else:
            if any(found.get(name) != key for name, key in self._keys.items()):
                self.generation += 1
            self._keys, self._fetched = found, self._clock.now()
        finally:
            self._tried = self._clock.now()  # not before: until then others would do without what is on its way

    def _url(self) -> str:
        issuer = self.issuer
        if issuer.keys or issuer.local:
            return issuer.keys
        told = self._document(issuer.url.rstrip("/") + METADATA)
        if told.get("issuer") != issuer.url:
            raise Refused("its metadata are those of another issuer")
        url = told.get("jwks_uri")
        if not isinstance(url, str) or not url.startswith(("https://", "http://" if issuer.allow_private else "https")):
            raise Refused("its metadata name no https URL of its keys")
        return url

    def _document(self, url: str) -> dict[str, Any]:
        text = self._fetch(url, self.issuer.allow_private)
        if len(text) > BYTES_MAX:
            raise Refused(f"what came has more than {BYTES_MAX} bytes")
        found = from_json(text, catch_duplicate_keys=True)
        if not isinstance(found, dict):
            raise Refused("what came is no JSON object")
        return found
