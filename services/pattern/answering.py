"""Who asks at a door of the city's services, and answers.

desk = Desk(ground)
desk.person(asked)        the resident who asks, or whom they decide for (`for`); Forbidden for everybody else
desk.organisation(asked)  the organisation whose token it is
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from broker.encode.text import dump
from broker.errors import BadRequestData, Conflict, Forbidden
from broker.http.messages import Response
from broker.http.rooms.route import Asked, Handler, Route
from broker.model.values import Instant, Json, to_instant
from services.deciding import require_deciding
from services.pattern.cases import Case
from services.room import Ground

PAGE, PAGE_MAX, NUMBER_MAX = 50, 500, 1 << 53
FOR: Final = frozenset({"for"})
PAGED: Final = frozenset({"limit", "after"})
KEY_MAX: Final = 200
_JSON: Final = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))
ID: Final = {"type": "string", "minLength": 1, "maxLength": 300}
TIME: Final = {"type": "string", "minLength": 10, "maxLength": 40}
NOTE: Final = {"type": "string", "maxLength": 1_000}


def members(required: str, **properties: object) -> dict[str, Any]:
    """The form of a body: an object of these members and no others."""
    return {"type": "object", "required": required.split(), "additionalProperties": False, "properties": properties}


class Doors:
    """Routes below a path, all operations of which begin alike: `watch_list_events`."""

    def __init__(self, base: str, prefix: str) -> None:
        self._base, self._prefix = base, prefix
        self.all: Final[list[Route]] = []

    def get(self, path: str, operation: str, handler: Handler, parameters: frozenset[str] = frozenset()) -> None:
        """A row that tells."""
        self.all.append(Route("GET", self._base + path, f"{self._prefix}_{operation}", handler, parameters=parameters))

    def post(self, path: str, operation: str, handler: Handler, parameters: frozenset[str] = frozenset()) -> None:
        """A row that does."""
        name = f"{self._prefix}_{operation}"
        self.all.append(Route("POST", self._base + path, name, handler, body=True, parameters=parameters))


class Desk:
    """See the module."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def own(self, asked: Asked) -> str:
        """The pseudonym of the resident who asks. Raises Forbidden."""
        if "resident" not in asked.principal.roles or not asked.principal.subject:
            raise Forbidden("this token is of no resident", remedy="a token with a pseudonym")
        return asked.principal.subject

    def person(self, asked: Asked, *, decides: bool = False) -> str:
        """Whom it is about: who asks, or for whom they act; `decides`: not only look. Raises Forbidden."""
        own = self.own(asked)
        subject = asked.query.get("for", "") or own
        if not self.sees(asked, subject):
            raise Forbidden("you do not act for them", pointer="for", remedy="a delegation that says so")
        if decides:
            require_deciding(self._ground, asked.tenant, own, subject)
        return subject

    def sees(self, asked: Asked, subject: str) -> bool:
        """Whether the resident who asks may look for that person."""
        own = asked.principal.subject if "resident" in asked.principal.roles else ""
        return bool(own) and subject in self._ground.consents.acting_for(asked.tenant, own)

    def deciding(self, asked: Asked, subject: str) -> None:
        """Let through who decides for that person. Raises Forbidden."""
        require_deciding(self._ground, asked.tenant, self.own(asked), subject)

    def organisation(self, asked: Asked) -> str:
        """The organisation that asks. Raises Forbidden."""
        if "recipient" not in asked.principal.roles or not asked.principal.recipient:
            raise Forbidden("this token is of no organisation", remedy="a token of a recipient")
        return asked.principal.recipient


def answered(body: Json, status: int = 200) -> Response:
    """An answer that nobody keeps."""
    return Response(status, _JSON, dump(body))


def paged(asked: Asked) -> tuple[int, int]:
    """(after, limit) of a list."""
    return asked.number("after", 0, NUMBER_MAX), asked.number("limit", PAGE, PAGE_MAX) or PAGE


def page(name: str, found: Sequence[Case], items: Sequence[Json], limit: int) -> Response:
    """A page of a list; `after` where there may be more."""
    body: dict[str, Json] = {name: [*items]}
    if len(found) == limit:
        body["after"] = found[-1].number
    return answered(body)


def key_of(asked: Asked, who: str) -> str:
    """What tells that it is the same request of the same person: part of an id. Raises BadRequestData."""
    given = asked.request.headers.get("idempotency-key", "").strip().strip('"')
    if not 1 <= len(given) <= KEY_MAX or not given.isprintable():
        raise BadRequestData(
            "the same request must not be done twice", pointer="Idempotency-Key",
            remedy=f"Idempotency-Key: 1 to {KEY_MAX} characters of your own",
        )  # fmt: skip
    return sha256(f"{asked.tenant}\n{who}\n{given}".encode()).hexdigest()[:32]


def digest_of(body: Mapping[str, Any]) -> str:
    """What tells that the same was asked for."""
    return sha256(dump(dict(sorted(body.items())))).hexdigest()


def same_again(there: Case, digest: str) -> Case:
    """The case of a key that was used before. Raises Conflict where it asked for something else."""
    if there.body.get("asked") != digest:
        raise Conflict("the key was used for something else", pointer="Idempotency-Key", remedy="another key")
    return there


def instant(body: Mapping[str, Any], name: str) -> Instant:
    """A member that is an instant. Raises BadRequestData."""
    found = to_instant(str(body[name]))
    if found is None:
        raise BadRequestData("it is no instant", pointer=f"/{name}", remedy="2026-11-24T09:00:00Z")
    return found
