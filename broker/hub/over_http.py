"""The Hub over HTTP: what the port says, by the standard's operations and Misono's change stream.

    with HubOverHttp("http://127.0.0.1:1026") as hub:
        hub.upsert("", [{"id": "urn:x:1", "type": "https://…/House", "https://…/level": {…}}])  ->  [None]

Names travel whole, so that no @context has to; what answers shorten by the core @context is made whole again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self, cast
from urllib.parse import quote, urlencode

import urllib3
from urllib3.exceptions import HTTPError

from broker import errors
from broker.decode.entity import decode_entity
from broker.decode.text import parse_json
from broker.encode.text import dump
from broker.errors import MISONO_ERRORS, NGSI_LD_ERRORS, BadRequestData, InternalError, NgsiError
from broker.hub.stream import Streams
from broker.hub.told import erased_of, past_of
from broker.ldcontext.core import core_context
from broker.model.values import Instant, Json, to_text
from broker.ports.erasures import ErasedPerson
from broker.ports.hub import Followed, Fragment, HubAway, HubChange, Past

TIMEOUT_S: Final = 30.0
CONNECT_S: Final = 5.0
CONNECTIONS: Final = 8
PAGE: Final = 100
BODY_BYTES: Final = 4 << 20
"""A batch's body is no longer than that: the hub takes 8 MiB, and works better on less."""
BATCH_MAX: Final = 500
_ROOT: Final = "/ngsi-ld/v1"
_CLAIMS: Final = "/admin/command-claims"
_PERSONS: Final = "/admin/persons"
_GOOD: Final = (HTTPStatus.OK,)
_PLACE: Final = re.compile(r"/([0-9]+)")
_DONE: Final = frozenset({HTTPStatus.CREATED, HTTPStatus.NO_CONTENT, HTTPStatus.MULTI_STATUS})
_AWAY: Final = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
"""Answers about the hub, or about who asks, and not about what was sent: the same may be taken later."""


class HubOverHttp:
    """The port Hub; any thread may use it."""

    def __init__(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        self._url = url.rstrip("/")
        self._headers = dict(headers or {})
        timeout = urllib3.Timeout(connect=CONNECT_S, read=TIMEOUT_S)
        self._http = urllib3.PoolManager(maxsize=CONNECTIONS, retries=False, timeout=timeout)
        self._streams = Streams(self._url, self._headers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _t: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._streams.close()
        self._http.clear()

    def upsert(self, tenant: str, fragments: Sequence[Fragment]) -> list[NgsiError | None]:
        """As the port says."""
        places: list[NgsiError | None] = []
        for texts, some in _bodies(fragments):
            ids = [str(fragment.get("id")) for fragment in some]
            places += self._batch(tenant, "upsert?options=update", b"[" + b",".join(texts) + b"]", ids)
        return places

    def entity(self, tenant: str, entity_id: str) -> dict[str, Json] | None:
        """As the port says."""
        status, body = self._ask("GET", f"{_ROOT}/entities/{quote(entity_id, safe='')}", tenant, (HTTPStatus.OK,))
        if status == HTTPStatus.NOT_FOUND:
            return None
        return _whole(_checked(status, body))

    def query(self, tenant: str, type_: str, q: str = "") -> Iterator[dict[str, Json]]:
        """As the port says."""
        asked = {"type": type_, "limit": str(PAGE), **({"q": q} if q else {})}
        offset, more = 0, True
        while more:
            path = f"{_ROOT}/entities?{urlencode({**asked, 'offset': str(offset)}, quote_via=quote)}"
            status, body = self._ask("GET", path, tenant, (HTTPStatus.OK,))
            if status == HTTPStatus.NOT_FOUND:  # no such tenant: nothing was ever written to it
                return
            page = cast("list[Json]", _checked(status, body))
            yield from map(_whole, page)
            offset, more = offset + len(page), len(page) == PAGE

    def delete(self, tenant: str, ids: Sequence[str]) -> list[NgsiError | None]:
        """As the port says."""
        if not ids:
            return []
        return self._batch(tenant, "delete", dump(list(ids)), ids)

    def newest(self, tenant: str) -> int:
        """As the port says."""
        return self._streams.newest(tenant)

    def changes(self, tenant: str, after: int, wait_s: float) -> list[HubChange]:
        """As the port says."""
        return self._streams.changes(tenant, after, wait_s)

    def follow(self, tenant: str, after: int, attributes: frozenset[str]) -> Followed:
        """As FollowedHub says."""
        return self._streams.follow(tenant, after, attributes)

    def listen(self, told: Callable[[], None]) -> None:
        """As FollowedHub says."""
        self._streams.listen(told)

    def about(self, tenant: str, subject: str) -> dict[str, frozenset[str]]:
        """As the port says."""
        status, body = self._ask("POST", _PERSONS, tenant, _GOOD, dump({"subject": subject}))
        found = cast("dict[str, Any]", _checked(status, body))
        return {one: frozenset(whose) for one, whose in found["entities"].items()}

    def history(self, tenant: str, entity_id: str, since: Instant | None = None, most: int = 1_000) -> Past | None:  # noqa: ARG002 - the hub's own number
        """As the port says; how much comes at once is the hub's to say too."""
        asked = "" if since is None else "?" + urlencode({"timerel": "after", "timeAt": to_text(since)})
        path = f"{_ROOT}/temporal/entities/{quote(entity_id, safe='')}{asked}"
        status, body = self._ask("GET", path, tenant, (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT))
        if status == HTTPStatus.NOT_FOUND:
            return None
        return past_of(_checked(status, body), cut=status == HTTPStatus.PARTIAL_CONTENT)

    def erase(self, tenant: str, subject: str, keep: frozenset[str], agreed: frozenset[str]) -> ErasedPerson:
        """As the port says."""
        asked = {"subject": subject, "keep": sorted(keep), "agreed": sorted(agreed)}
        status, body = self._ask("POST", "/admin/erasures", tenant, _GOOD, dump(asked))
        return erased_of(cast("dict[str, Any]", _checked(status, body)))

    def claim(self, tenant: str, adapter: str, body: Mapping[str, Json]) -> None:
        """As CommandHub says."""
        status, text = self._ask("PUT", f"{_CLAIMS}/{adapter}", tenant, _DONE, dump(body))
        if status not in _DONE:
            raise _refusal(status, text)

    def disclaim(self, tenant: str, adapter: str) -> None:
        """As CommandHub says."""
        status, text = self._ask("DELETE", f"{_CLAIMS}/{adapter}", tenant, _DONE)
        if status not in _DONE and status != HTTPStatus.NOT_FOUND:
            raise _refusal(status, text)

    def _batch(self, tenant: str, operation: str, body: bytes, ids: Sequence[str]) -> list[NgsiError | None]:
        status, text = self._ask("POST", f"{_ROOT}/entityOperations/{operation}", tenant, _DONE, body)
        if status == HTTPStatus.MULTI_STATUS:
            return _places(cast("dict[str, Any]", parse_json(text)), ids)
        if status in _DONE:
            return [None] * len(ids)
        return [_refusal(status, text)] * len(ids)

    def _ask(
        self, method: str, path: str, tenant: str, good: Collection[int], body: bytes | None = None
    ) -> tuple[int, bytes]:
        """Status and body: a good one, or a refusal in the words of a broker.

        Raises HubAway for anything else: what a proxy says, or another server, tells nothing of what was sent.
        """
        headers = {**self._headers, "Accept": "application/json"}
        if tenant:
            headers["NGSILD-Tenant"] = tenant
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            answer = self._http.request(method, self._url + path, body=body, headers=headers, redirect=False)
        except HTTPError as error:
            raise HubAway(f"{self._url}: {error}") from error
        if answer.status in _AWAY or not (answer.status in good or _is_problem(answer.data)):
            raise HubAway(f"{self._url} answers {answer.status}: {_refusal(answer.status, answer.data)}")
        return answer.status, answer.data


def _bodies(fragments: Sequence[Fragment]) -> Iterator[tuple[list[bytes], list[Fragment]]]:
    """Batches that are neither too long nor too many."""
    texts: list[bytes] = []
    some: list[Fragment] = []
    size = 0
    for fragment in fragments:
        text = dump(fragment)
        if texts and (size + len(text) > BODY_BYTES or len(texts) == BATCH_MAX):
            yield texts, some
            texts, some, size = [], [], 0
        texts.append(text)
        some.append(fragment)
        size += len(text) + 1
    if texts:
        yield texts, some


def _whole(body: Json) -> dict[str, Json]:
    return decode_entity(body, core_context())


def _checked(status: int, body: bytes) -> Json:
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        raise _refusal(status, body)
    return parse_json(body)


def _places(result: Mapping[str, Any], ids: Sequence[str]) -> list[NgsiError | None]:
    """What became of each member: by its place where the hub tells it, as Misono does, else by its id."""
    places: list[NgsiError | None] = [None] * len(ids)
    for failure in result.get("errors", ()):
        problem = failure.get("error", {})
        refusal = _refusal(int(problem.get("status", 400)), dump(problem))
        if problem.get("status") in _AWAY:
            raise HubAway(str(refusal))
        told = _PLACE.match(str(problem.get("pointer", "")))
        if told is not None and int(told[1]) < len(ids):
            places[int(told[1])] = refusal
            continue
        for place, entity_id in enumerate(ids):
            if entity_id == failure.get("entityId"):
                places[place] = refusal
    return places


def _is_problem(body: bytes) -> bool:
    """Whether it is a refusal of an NGSI-LD broker (clause 6.3.2)."""
    try:
        problem = parse_json(body)
    except NgsiError:
        return False
    return isinstance(problem, dict) and str(problem.get("type")).startswith((NGSI_LD_ERRORS, MISONO_ERRORS))


def _refusal(status: int, body: bytes) -> NgsiError:
    """The refusal as the hub gave it; of one that is none of ours, a BadRequestData or an InternalError."""
    try:
        problem = parse_json(body)
    except NgsiError:
        problem = None
    members: Mapping[str, Json] = problem if isinstance(problem, dict) else {}
    text = {name: str(members.get(name) or "") for name in ("detail", "title", "pointer", "clause", "remedy", "type")}
    detail = text["detail"] or text["title"] or f"the hub answered {status}"
    named = _KINDS.get(text["type"])
    kind = named or (BadRequestData if status < HTTPStatus.INTERNAL_SERVER_ERROR else InternalError)
    return kind(detail, pointer=text["pointer"], clause=text["clause"], remedy=text["remedy"])


_KINDS: Final[Mapping[str, type[NgsiError]]] = {
    kind.namespace + kind.__name__: kind
    for kind in (
        errors.AlreadyExists, errors.BadRequestData, errors.Conflict, errors.Forbidden, errors.InternalError,
        errors.InvalidRequest, errors.LdContextNotAvailable, errors.NonexistentTenant, errors.OperationNotSupported,
        errors.PayloadTooLarge, errors.PreconditionFailed, errors.ResourceNotFound, errors.TooComplexQuery,
        errors.TooManyResults,
    )
}  # fmt: skip
"""By the URI of the problem's type."""
