"""What the doors of this room have in common: who asks, for whom, which page, how an answer is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from broker.encode.text import dump
from broker.errors import BadRequestData, Forbidden
from broker.http.messages import Response
from broker.http.rooms.route import Asked, Handler, Route
from broker.model.values import Instant, Json, to_instant
from services.deciding import require_deciding
from services.room import Ground

BASE: Final = "/services/store"
PAGE, PAGE_MAX = 50, 500
_NUMBER_MAX: Final = 1 << 53
FOR: Final = frozenset({"for"})
PAGED: Final = frozenset({"limit", "after"})
NOT_KEPT: Final = ("Cache-Control", "no-store")


class Asking:
    """Reads who asks, and for whom."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def seeing(self, asked: Asked) -> str:
        """Whose data are looked at: one's own, or with `for` those of somebody one acts for. Raises Forbidden."""
        own = resident_of(asked)
        subject = asked.query.get("for", own)
        if subject != own and subject not in self._ground.consents.acting_for(asked.tenant, own):
            raise Forbidden("you do not act for this person", pointer="for", remedy="a delegation that says so")
        return subject

    def deciding(self, asked: Asked) -> str:
        """Whose data something is done with: who may only look for somebody may not. Raises Forbidden."""
        own, subject = resident_of(asked), self.seeing(asked)
        require_deciding(self._ground, asked.tenant, own, subject)
        return subject


def resident_of(asked: Asked) -> str:
    """The pseudonym of the resident who asks. Raises Forbidden."""
    if "resident" not in asked.principal.roles or not asked.principal.subject:
        raise Forbidden("this is for residents", remedy="a token with the role resident and your pseudonym")
    return asked.principal.subject


def page_of(asked: Asked) -> tuple[int, int]:
    """After which number, how many. Raises BadRequestData."""
    return asked.number("after", 0, _NUMBER_MAX), max(1, asked.number("limit", PAGE, PAGE_MAX))


def instant_of(text: str, pointer: str) -> Instant:
    """The instant of a text. Raises BadRequestData."""
    found = to_instant(text)
    if found is None:
        raise BadRequestData("that is no instant in UTC", pointer=pointer, remedy="2026-11-23T03:00:00Z")
    return found


def body_of(asked: Asked, known: frozenset[str], needed: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The body, an object of these members. Raises BadRequestData."""
    body = asked.body
    remedy = f"members {', '.join(sorted(known))}; needed: {', '.join(sorted(needed)) or 'nothing'}"
    if not isinstance(body, dict):
        raise BadRequestData("the body is no object", pointer="/", remedy=remedy)
    for name in (*(body.keys() - known), *(needed - body.keys())):
        raise BadRequestData("the body has not the members that this takes", pointer=f"/{name[:60]}", remedy=remedy)
    return body


def text_member(body: dict[str, Any], name: str, most: int, default: str = "") -> str:
    """A text of the body. Raises BadRequestData."""
    found = body.get(name, default)
    if not isinstance(found, str) or len(found) > most:
        raise BadRequestData(f"a text of {most} characters at most", pointer=f"/{name}", remedy=f'"{name}": "…"')
    return found


def language_of(asked: Asked) -> str:
    """`ja` or `en`, as the request prefers."""
    given = asked.request.headers.get("accept-language", "ja").lower()
    return min(("ja", "en"), key=lambda one: given.find(one) if one in given else len(given) + 1)


def answer(body: Json, status: int = 200) -> Response:
    """JSON; nobody keeps a copy on the way."""
    return Response(status, (("Content-Type", "application/json"), NOT_KEPT), dump(body))


def paged(name: str, rows: Sequence[tuple[int, Json]], limit: int) -> Response:
    """A list; `after` is there where there may be more."""
    body: dict[str, Json] = {name: [one for _, one in rows]}
    if rows and len(rows) == limit:
        body["after"] = rows[-1][0]
    return answer(body)


def get(path: str, operation: str, handler: Handler, parameters: frozenset[str] = FOR) -> Route:
    """A row that reads."""
    return Route("GET", BASE + path, operation, handler, parameters=parameters)


def post(path: str, operation: str, handler: Handler, parameters: frozenset[str] = FOR) -> Route:
    """A row that takes a body."""
    return Route("POST", BASE + path, operation, handler, body=True, parameters=parameters)
