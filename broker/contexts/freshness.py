"""How long a fetched @context may be used, by the answer's headers (clause 6.3.16, RFC 9111)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from broker.model.values import Instant

SECOND = 1_000_000
DEFAULT_S = 24 * 3600
LONGEST_S = 365 * 24 * 3600

_SECONDS = re.compile(r"\s*\"?(\d{1,12})\"?\s*")


def expires_at(headers: Mapping[str, str], now: Instant) -> Instant:
    """`Cache-Control: max-age=60` at `now` gives `now` + 60 s; s-maxage goes before it, Expires after it.

    `no-store` and `no-cache` give `now`; where nothing is said it is a day. `headers` have lower-case names.
    """
    directives = _directives(headers.get("cache-control", ""))
    if "no-store" in directives or "no-cache" in directives:
        return now
    for name in ("s-maxage", "max-age"):
        seconds = _SECONDS.fullmatch(directives.get(name, ""))
        if seconds:
            age = _SECONDS.fullmatch(headers.get("age", "0"))
            left_s = int(seconds[1]) - (int(age[1]) if age else 0)
            return now + min(max(left_s, 0), LONGEST_S) * SECOND
    if "expires" in headers:
        return _date(headers["expires"], now)
    return now + DEFAULT_S * SECOND


def _directives(text: str) -> dict[str, str]:
    found = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        found[name.strip().lower()] = value
    return found


def _date(text: str, now: Instant) -> Instant:
    try:
        moment = int(parsedate_to_datetime(text).timestamp()) * SECOND
    except (ValueError, OverflowError):
        return now  # RFC 9111: a date that is none lies in the past
    return min(max(moment, now), now + LONGEST_S * SECOND)
