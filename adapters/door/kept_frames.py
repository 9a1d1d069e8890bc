r"""`/admin/quarantine`: frames that nothing could become of; looked at, taken once more, thrown away.

    curl 'http://127.0.0.1:1026/admin/quarantine?adapter=meters&reason=clock'
    curl -X POST http://127.0.0.1:1026/admin/quarantine/replay -H 'Content-Type: application/json' \
      -d '{"adapter": "meters", "reason": "unmapped"}'

What asks without saying which frames it means is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from adapters.quarantine import Chosen, Quarantine
from broker.errors import BadRequestData, ResourceNotFound
from broker.http.messages import Response
from broker.http.respond import plain
from broker.http.rooms.route import Asked, Route
from broker.model.values import Json

LIMIT, LIMIT_MAX = 100, 1_000
NUMBER_MAX: Final = 2**62
NUMBERS_MAX: Final = 1_000
TEXT_MAX: Final = 256
_OF: Final = ("adapter", "device", "reason")
_LISTED: Final = frozenset({*_OF, "after", "limit"})


@dataclass(frozen=True, slots=True)
class KeptFrames:
    """The handlers."""

    quarantine: Quarantine

    def routes(self) -> tuple[Route, ...]:
        """Their rows."""
        root = "/admin/quarantine"
        return (
            Route("GET", root, "iot_list_quarantine", self.list_frames, parameters=_LISTED),
            Route("GET", f"{root}/{{number}}", "iot_list_quarantine", self.retrieve_frame),
            Route("POST", f"{root}/replay", "iot_replay_quarantine", self.replay, body=True),
            Route("POST", f"{root}/discard", "iot_discard_quarantine", self.discard, body=True),
        )

    def list_frames(self, asked: Asked) -> Response:
        """GET /admin/quarantine: a page of them, the oldest first, within 8 MiB; a Link to the next one."""
        limit = asked.number("limit", LIMIT, LIMIT_MAX) or LIMIT
        adapter, device, reason = (asked.query.get(name, "") for name in _OF)
        chosen = Chosen(adapter, device, reason, after=asked.number("after", 0, NUMBER_MAX))
        rows = self.quarantine.find(chosen, limit)
        page: list[Json] = [row.shown() for row in rows]
        if not rows or not self.quarantine.has(replace(chosen, after=rows[-1].number)):
            return plain(page)
        chosen_by = {name: asked.query[name] for name in _OF if name in asked.query}
        query = urlencode({**chosen_by, "after": rows[-1].number, "limit": limit})
        link = f'</admin/quarantine?{query}>;rel="next";type="application/json"'
        return plain(page, headers=(("Link", link),))

    def retrieve_frame(self, asked: Asked) -> Response:
        """GET /admin/quarantine/{number}."""
        text = asked.path["number"]
        fits = text.isascii() and text.isdigit() and len(text) < len(str(NUMBER_MAX))
        found = self.quarantine.one(int(text)) if fits else None
        if found is None:
            raise ResourceNotFound(f"no frame {text[:30]!r} is in quarantine", remedy="GET /admin/quarantine")
        return plain(found.shown())

    def replay(self, asked: Asked) -> Response:
        """POST /admin/quarantine/replay: `{"asked": 3}`; they are taken again within a second or so."""
        return plain({"asked": self.quarantine.ask_replay(_chosen(asked.body))}, 202)

    def discard(self, asked: Asked) -> Response:
        """POST /admin/quarantine/discard: `{"discarded": 3}`."""
        return plain({"discarded": self.quarantine.discard(_chosen(asked.body))})


def _chosen(body: Json) -> Chosen:
    """Which frames are meant: `{"numbers": [17, 18]}`, or all with an adapter, device or reason."""
    remedy = '{"numbers": [17, 18]}, or one or more of adapter, device and reason'
    if not isinstance(body, dict) or not body or not body.keys() <= {*_OF, "numbers"}:
        raise BadRequestData("the body says not which frames are meant", remedy=remedy)
    adapter, device, reason = (_text(body, name, remedy) for name in _OF)
    return Chosen(adapter, device, reason, numbers=_numbers(body, remedy) if "numbers" in body else ())


def _text(body: dict[str, Json], name: str, remedy: str) -> str:
    text = body.get(name, "")
    if not isinstance(text, str) or len(text) > TEXT_MAX or (name in body and not text):
        raise BadRequestData(f"{name}: a text is wanted", pointer=f"/{name}", remedy=remedy)
    return text


def _numbers(body: dict[str, Json], remedy: str) -> tuple[int, ...]:
    numbers = body["numbers"]
    if not isinstance(numbers, list) or not 0 < len(numbers) <= NUMBERS_MAX:
        raise BadRequestData(f"numbers: a list of 1 to {NUMBERS_MAX}", pointer="/numbers", remedy=remedy)
    found = [one for one in numbers if isinstance(one, int) and not isinstance(one, bool) and 0 < one < NUMBER_MAX]
    if len(found) < len(numbers):
        raise BadRequestData("numbers: whole numbers above 0", pointer="/numbers", remedy=remedy)
    return tuple(found)
