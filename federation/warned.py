"""Warnings in answers that other sources were asked for (clause 6.3.17)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from broker.http.messages import Response
from broker.model.registration import Registration
from federation.messages import Answered, Warned

_NOT_FOUND: Final = 404


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


def agent_of(registration: Registration) -> str:
    """How a warning calls a source: by its alias where it has one."""
    return registration.alias or registration.id


def looped(alias: str) -> Warned:
    """The warning of a request that has come back."""
    return Warned(199, alias, "the request has been here before, so no source was asked")


def with_warnings(response: Response, warnings: Iterable[Warned]) -> Response:
    """The response with a header for each warning, none of them twice."""
    headers = tuple(dict.fromkeys(one.header() for one in warnings))
    return Response(response.status, response.headers + headers, response.body) if headers else response
