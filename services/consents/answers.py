"""What the doors of this room have in common: who asks, which page, how an answer is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from broker.encode.text import dump
from broker.errors import Forbidden
from broker.http.messages import Response
from broker.http.rooms.route import Asked, Handler, Route
from broker.model.values import Json
from services.consents.book import Who

BASE: Final = "/services/consents"
PAGE, PAGE_MAX = 50, 200
_NUMBER_MAX: Final = 1 << 53
FOR: Final = frozenset({"for"})
PAGED: Final = frozenset({"limit", "after"})
JSON: Final = ("Content-Type", "application/json")
NOT_KEPT: Final = ("Cache-Control", "no-store")


def resident_of(asked: Asked) -> str:
    """The pseudonym of the resident who asks. Raises Forbidden."""
    if "resident" not in asked.principal.roles or not asked.principal.subject:
        raise Forbidden("this is for residents", remedy="a token with the role resident and your pseudonym")
    return asked.principal.subject


def recipient_of(asked: Asked) -> str:
    """The organisation for which somebody asks. Raises Forbidden."""
    if "recipient" not in asked.principal.roles or not asked.principal.recipient:
        raise Forbidden("this is for recipients", remedy="a token with the role recipient and your organisation")
    return asked.principal.recipient


def other(asked: Asked) -> Who:
    """Who is no resident, by name."""
    return Who(asked.principal.name)


def language_of(asked: Asked) -> str:
    """`ja` or `en`, as the request prefers."""
    given = asked.request.headers.get("accept-language", "ja").lower()
    return min(("ja", "en"), key=lambda one: given.find(one) if one in given else len(given) + 1)


def answer(body: Json, status: int = 200) -> Response:
    """JSON; nobody keeps a copy on the way."""
    return Response(status, (JSON, NOT_KEPT), dump(body))


def paged(name: str, rows: Sequence[tuple[int, Json]], limit: int) -> Response:
    """A list, each with its number; `after` is there where there may be more."""
    body: dict[str, Json] = {name: [one for _, one in rows]}
    if rows and len(rows) == limit:
        body["after"] = rows[-1][0]
    return answer(body)


def page_of(asked: Asked) -> tuple[int, int]:
    """How many, after which number. Raises BadRequestData."""
    return max(1, asked.number("limit", PAGE, PAGE_MAX)), asked.number("after", 0, _NUMBER_MAX)


def not_for(subject: str) -> Forbidden:
    """The refusal of who does not act for somebody."""
    return Forbidden(f"you do not act for {subject[:200]}", pointer="for", remedy="a delegation that says so")


def get(path: str, operation: str, handler: Handler, parameters: frozenset[str] = frozenset()) -> Route:
    """A row that reads."""
    return Route("GET", BASE + path, operation, handler, parameters=parameters)


def post(path: str, operation: str, handler: Handler, parameters: frozenset[str] = frozenset()) -> Route:
    """A row that takes a body."""
    return Route("POST", BASE + path, operation, handler, body=True, parameters=parameters)
