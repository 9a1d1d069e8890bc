"""From the bytes of a source's answer to JSON, or to what is wrong with them, pure (clause 6.3.17)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from broker.decode.text import parse_json
from broker.errors import NgsiError
from broker.model.values import Json
from federation.messages import Answered, Forward

if TYPE_CHECKING:
    from federation.fetched import Fetched

_LOOP_DETECTED: Final = 508
_REDIRECTS: Final = range(300, 400)
_SUCCESS: Final = range(200, 300)
_SAYS_MORE: Final = frozenset({200, 207})
_REFUSES: Final = frozenset({401, 403, 407, 408, 429})
_OWN_FAULT: Final = 500


@dataclass(frozen=True, slots=True)
class AnswerLimits:
    """What an answer may hold; nesting is bounded by `decode.text`.

    `values_max` are JSON values at every depth: 16 MiB of `[[],[],…]` would be 400 MiB of lists.
    """

    bytes_max: int = 16 * 1024 * 1024
    elements_max: int = 100_000
    values_max: int = 1_000_000


def read_answer(forward: Forward, fetched: Fetched, limits: AnswerLimits) -> Answered:
    """The answer, parsed where it is one.

    A body that is no JSON is trouble only where it is what was asked for: an error without a problem body is an error
    all the same, and a 204 with a body is a success.
    """
    if fetched.trouble:
        status, headers = fetched.status, fetched.headers
        return Answered(forward, status, None, headers, fetched.trouble, fetched.detail, fetched.took_ms)
    if _holds_more(fetched.body, limits.values_max):
        detail = f"the answer has more than {limits.values_max} values"
        return Answered(forward, fetched.status, None, fetched.headers, "too large", detail, fetched.took_ms)
    body, wrong = _parsed(fetched.body)
    trouble, detail = "", wrong
    if fetched.status == _LOOP_DETECTED:
        trouble, detail = "loop", "the source has been asked already"
    elif fetched.status in _REDIRECTS:
        detail = "the source sends elsewhere, where this hub does not follow"
    elif isinstance(body, list) and len(body) > limits.elements_max:
        body, trouble, detail = None, "too large", f"the answer has more than {limits.elements_max} elements"
    elif wrong and _needs_body(forward, fetched.status):
        trouble = "invalid"
    return Answered(forward, fetched.status, body, fetched.headers, trouble, detail, fetched.took_ms)  # type: ignore[arg-type]


def is_failure(answered: Answered) -> bool:
    """Whether the source failed, rather than said that it has nothing, or that the request is at fault."""
    status = answered.status
    return bool(answered.trouble) or status >= _OWN_FAULT or status in _REFUSES or status in _REDIRECTS


def _holds_more(body: bytes, values_max: int) -> bool:
    """Whether there may be more values than that; counting is for what is long."""
    return len(body) > values_max and sum(map(body.count, (b",", b"[", b"{"))) > values_max


def _parsed(body: bytes) -> tuple[Json, str]:
    if not body.strip():
        return None, ""
    try:
        return parse_json(body), ""
    except NgsiError as error:
        return None, f"the answer is no JSON: {error.detail}"[:300]


def _needs_body(forward: Forward, status: int) -> bool:
    if forward.method == "GET" or forward.operation.startswith("query"):
        return status in _SUCCESS
    return status in _SAYS_MORE
