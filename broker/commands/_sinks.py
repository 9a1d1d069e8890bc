"""Where imported entities go: straight into a store, or to a running broker over HTTP."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol
from urllib.parse import quote

from urllib3 import PoolManager
from urllib3.exceptions import HTTPError

from broker.decode.text import parse_json
from broker.encode.entity import Representation, encode_document
from broker.encode.text import dump
from broker.errors import InternalError, NgsiError, ServiceUnavailable
from broker.ldcontext.core import core_context
from broker.model.entity import Document
from broker.operations.broker import Broker, Call
from broker.operations.transfer import load_entities

_ALL_WENT_IN = frozenset({201, 204})
_SOME_WENT_IN = 207
_TOO_LARGE = 413
_TIMEOUT_S = 60.0
_WHOLE = Representation(sys_attrs=True)  # expiresAt is one of them


class Sink(Protocol):
    """Takes decoded entities, some hundred at a time."""

    def send(self, documents: Sequence[Document]) -> list[NgsiError | None]:
        """Durable on return; at each place None, or why that entity was refused."""


class StoreSink:
    """The store of a data directory: the same transaction as a broker's, beside a running one too."""

    def __init__(self, broker: Broker, call: Call) -> None:
        self._broker = broker
        self._call = call

    def send(self, documents: Sequence[Document]) -> list[NgsiError | None]:
        """Create or replace them in one transaction."""
        return load_entities(self._broker, self._call, documents).result()


class HttpSink:
    """A running broker: batches of entityOperations/upsert (clause 5.6.8), every name expanded on this side.

    With `merge` they are fragments of entities that are there (clause 5.6.20).
    """

    def __init__(self, url: str, tenant: str = "", operation: Literal["upsert", "merge"] = "upsert") -> None:
        self._url = url.rstrip("/").removesuffix("/ngsi-ld/v1") + f"/ngsi-ld/v1/entityOperations/{operation}"
        self._headers = {"Content-Type": "application/json"}
        if tenant:
            self._headers["NGSILD-Tenant"] = quote(tenant, safe="")
        self._pool = PoolManager(retries=False, timeout=_TIMEOUT_S)
        self._names = core_context()

    def send(self, documents: Sequence[Document]) -> list[NgsiError | None]:
        """Send one batch. What the broker does not answer counts as refused, with the reason."""
        body = dump([encode_document(document, _WHOLE, self._names) for document in documents])
        try:
            answer = self._pool.request("POST", self._url, body=body, headers=self._headers)
        except HTTPError as failure:
            return [ServiceUnavailable(f"{self._url} does not answer: {failure}") for _ in documents]
        if answer.status in _ALL_WENT_IN:
            return [None for _ in documents]
        if answer.status == _TOO_LARGE and len(documents) > 1:
            half = len(documents) // 2
            return self.send(documents[:half]) + self.send(documents[half:])
        problems = _object(answer.data)
        if answer.status != _SOME_WENT_IN:
            return [read_problem(problems, answer.status) for _ in documents]
        refused = {one["entityId"]: read_problem(one["error"], answer.status) for one in problems["errors"]}
        return [refused.get(str(document["id"])) for document in documents]


def read_problem(problem: Mapping[str, Any], status: int) -> NgsiError:
    """A problem body (RFC 7807) as the refusal that it was."""
    kinds = {kind.__name__: kind for kind in NgsiError.__subclasses__()}
    kind = kinds.get(re.split("[/:]", str(problem.get("type", "")))[-1], InternalError)
    return kind(
        str(problem.get("detail") or problem.get("title") or f"HTTP {status}"),
        pointer=str(problem.get("pointer", "")),
        clause=str(problem.get("clause", "")),
        remedy=str(problem.get("remedy", "")),
    )


def _object(body: bytes) -> dict[str, Any]:
    """The JSON object of an answer; for anything else one that shows how it begins."""
    try:
        answer = parse_json(body)
    except NgsiError:
        answer = None
    return answer if isinstance(answer, dict) else {"detail": body[:200].decode(errors="replace")}
