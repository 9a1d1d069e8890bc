"""Warnings in answers that other sources were asked for (clause 6.3.17)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from typing import Final

from broker.http.messages import Response
from broker.model.registration import Registration
from federation.messages import Answered, Warned

WARNINGS_MAX: Final = 32
"""Headers of warnings in one answer: clients refuse an answer with a hundred headers."""
RELAYED_CHARACTERS_MAX: Final = 4096
_NOT_FOUND: Final = 404
_VALUE: Final = re.compile(r'(110|111|199|299) ([^ "]+) "([^"]*)"')
_WARNED: Final = {
    "110": partial(Warned, 110), "111": partial(Warned, 111), "199": partial(Warned, 199), "299": partial(Warned, 299),
}  # fmt: skip


def warning_of(answered: Answered) -> Warned | None:
    """What is to be said of an answer; nothing of a good one, nor of a 404, which is no abnormal behaviour."""
    agent = agent_of(answered.forward.registration)
    if answered.trouble in ("invalid", "too large"):
        return Warned(111, agent, answered.detail or answered.trouble)
    if answered.trouble in ("timeout", "unreachable", "cooldown", "loop"):
        return Warned(199, agent, answered.trouble)
    if answered.succeeded or answered.status == _NOT_FOUND:
        return None
    return Warned(299, agent, f"{answered.trouble or 'answered'} {answered.status or ''}".strip())


def relayed(answered: Answered) -> list[Warned]:
    """What a source warns of that it did not find out about itself: a cascade's warnings reach the client."""
    header = answered.headers.get("ngsild-warning")
    if header is None:
        return []
    return [_WARNED[code](agent, text) for code, agent, text in _VALUE.findall(header[:RELAYED_CHARACTERS_MAX])]


def agent_of(registration: Registration) -> str:
    """How a warning calls a source: by its alias where it has one."""
    return registration.alias or registration.id


def looped(alias: str) -> Warned:
    """The warning of a request that has come back."""
    return Warned(199, alias, "the request has been here before, so no source was asked")


def with_warnings(response: Response, warnings: Iterable[Warned]) -> Response:
    """The response with a header for each warning, none of them twice; past WARNINGS_MAX their number only."""
    headers = tuple(dict.fromkeys(one.header() for one in warnings))
    if len(headers) > WARNINGS_MAX:
        left_out = len(headers) - WARNINGS_MAX + 1
        headers = (*headers[: WARNINGS_MAX - 1], Warned(199, "-", f"{left_out} more warnings").header())
    return Response(response.status, response.headers + headers, response.body) if headers else response
