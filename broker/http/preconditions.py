"""If-Match and If-None-Match of a request, and the ETag of an answer: the entity's version (RFC 9110, 8.8 and 13.1)."""

from __future__ import annotations

from functools import lru_cache

from broker.errors import InvalidRequest
from broker.http.exchange import Exchange
from broker.operations.preconditions import NO_PRECONDITION, Precondition


def etag(version: int) -> tuple[str, str]:
    """`("ETag", '"3"')`."""
    return ("ETag", f'"{version}"')


def precondition(exchange: Exchange) -> Precondition:
    """What must hold for a write. Raises InvalidRequest for an If-None-Match that is not `*`."""
    headers = exchange.request.headers
    match, none_match = headers.get("if-match"), headers.get("if-none-match")
    if match is None and none_match is None:
        return NO_PRECONDITION
    return _read(match, none_match)


@lru_cache(maxsize=4096)
def _read(match: str | None, none_match: str | None) -> Precondition:
    if none_match is not None and none_match.strip() != "*":
        raise InvalidRequest(
            "If-None-Match of a write can only be *", pointer="If-None-Match", clause="6.3.4",
            remedy="If-None-Match: *, or If-Match with the ETag of the version meant",
        )  # fmt: skip
    exists = match is not None and match.strip() == "*"
    versions = None if match is None or exists else frozenset(_versions(match))
    return Precondition(versions, exists=exists, absent=none_match is not None)


def _versions(match: str) -> list[int]:
    # A weak tag, or one we never gave, equals no version (RFC 9110, strong comparison): the write gets 412.
    tags = [tag.strip() for tag in match.split(",")]
    quoted = [tag[1:-1] for tag in tags if len(tag) > 2 and tag[0] == tag[-1] == '"']  # noqa: PLR2004  the quotes
    return [int(tag) for tag in quoted if tag.isascii() and tag.isdigit() and len(tag) < 19]  # noqa: PLR2004  digits
