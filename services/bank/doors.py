"""The bank's table of routes below /services/bank, each with the roles that may, and the form of its body."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast
from urllib.parse import quote, urlencode

from broker.encode.text import dump
from broker.http.messages import Response
from broker.http.rooms.route import Asked, Route
from broker.model.values import Json
from services.bank.book import Item
from services.bank.reading import one_role, read

ROOT: Final = "/services/bank"
PAGED: Final = frozenset({"limit", "after"})
LIMIT, LIMIT_MAX, AFTER_MAX = 100, 1_000, 1 << 53
JSON: Final = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))

Work: TypeAlias = Callable[[Asked, dict[str, Any]], Response]
"""What a row does: the request, and its body as the form has it."""


@dataclass(frozen=True, slots=True)
class Row:
    """`Row("POST", "/offers", "bank_draft_offer", ("operator",), work, form="offer")`; no roles: nobody is asked."""

    method: str
    path: str
    operation: str
    roles: tuple[str, ...]
    work: Work
    form: str = ""
    parameters: frozenset[str] = frozenset()

    def route(self) -> Route:
        """It as a row of the door."""
        return Route(
            self.method, ROOT + self.path, self.operation, self._do, body=bool(self.form),
            parameters=self.parameters, open=not self.roles,
        )  # fmt: skip

    def _do(self, asked: Asked) -> Response:
        if self.roles:
            one_role(asked.principal, self.roles)
        return self.work(asked, read(self.form, asked.body) if self.form else {})


def plain(body: Json, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """An answer in JSON."""
    return Response(status, (*JSON, *headers), dump(body))


def made(path: str, item: Item) -> Response:
    """201, and where it is."""
    return plain(item.told(), 201, (("Location", f"{ROOT}{path}/{quote(item.id, safe=':')}"),))


def listed(asked: Asked, page: Callable[[int, int], Iterable[Item]], tell: Callable[[Item], Json]) -> Response:
    """A page of a list by `limit` and `after`, with a Link to the next one."""
    limit = asked.number("limit", LIMIT, LIMIT_MAX) or LIMIT
    found = [*page(asked.number("after", 0, AFTER_MAX), limit + 1)]
    body: list[Json] = [tell(one) for one in found[:limit]]
    if len(found) <= limit:
        return plain(body)
    kept: Mapping[str, str] = {name: text for name, text in asked.query.items() if name not in PAGED}
    query = urlencode({**kept, "after": found[limit - 1].number, "limit": limit})
    path = asked.request.raw_path
    return plain(body, headers=(("Link", f'<{path}?{query}>;rel="next";type="application/json"'),))


def whole(item: Item) -> Json:
    """All that is written of it."""
    return cast("Json", item.told())
