"""Where an import of open data goes and is taken back from: a store, or a running broker over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from broker.commands._sinks import HttpSink, StoreSink, read_problem
from broker.decode.text import parse_json
from broker.encode.text import dump
from broker.errors import NgsiError, ServiceUnavailable
from broker.model.entity import Document, Entity
from broker.model.values import Instant, Json, to_text
from broker.operations.broker import Call
from broker.operations.guard import guarded
from broker.ports import Command, Decision, Keep, Remove

_OK, _CREATED, _NO_CONTENT, _SOME, _NOT_FOUND = 200, 201, 204, 207, 404
_PAGE_MAX = 100


class StorePlace(StoreSink):
    """The store of a data directory."""

    def put(self, documents: Sequence[Document]) -> list[NgsiError | None]:
        """Create or replace them in one transaction."""
        return self.send(documents)

    def held(self, documents: Sequence[Document]) -> dict[str, Json]:
        """The documents that there are."""
        if not self._broker.tenants.exists(self._call.tenant):
            return {}
        found = self._broker.entities.get_many(self._call.tenant, [str(document["id"]) for document in documents])
        return {name: _whole(entity) for name, entity in found.items()}

    def put_back(self, held: Sequence[Json]) -> list[NgsiError | None]:
        """The documents as they were."""
        return self.send([document for document in held if isinstance(document, dict)])

    def remove(self, ids: Sequence[str]) -> list[NgsiError | None]:
        """Delete them in one transaction."""
        commands = [_removal(self._call, name) for name in ids]
        results = self._broker.entities.apply(self._call.tenant, commands).result()
        return [result if isinstance(result, NgsiError) else None for result in results]


def _whole(entity: Entity) -> Json:
    return dict(entity.document) | ({} if entity.expires_at is None else {"expiresAt": to_text(entity.expires_at)})


def _removal(call: Call, entity_id: str) -> Command:
    def decide(current: Entity | None, now: Instant) -> Decision:
        del now
        return Keep() if current is None else Remove()

    return Command(entity_id, guarded(call.restriction, decide), by=call.principal)


class HttpPlace(HttpSink):
    """A running broker: its batch operations (clauses 5.6.8, 5.6.10) and its query by POST (clause 5.7.2)."""

    def __init__(self, url: str, tenant: str = "") -> None:
        super().__init__(url, tenant)
        self._operations = self._url.removesuffix("upsert")

    def put(self, documents: Sequence[Document]) -> list[NgsiError | None]:
        """Create or replace them."""
        return self.send(documents)

    def held(self, documents: Sequence[Document]) -> dict[str, Json]:
        """The entities that there are, as the broker shows them with every name expanded. Raises NgsiError."""
        found: dict[str, Json] = {}
        for first in range(0, len(documents), _PAGE_MAX):
            chosen: Json = [
                {"id": one["id"], "type": one["type"]} for one in documents[first : first + _PAGE_MAX]
            ]  # fmt: skip
            query: Json = {"type": "Query", "entities": chosen}
            answer = self._post(f"query?limit={_PAGE_MAX}&options=sysAttrs", query)
            if answer.status == _NOT_FOUND:  # a tenant that the first write will make
                return {}
            if answer.status != _OK:
                raise read_problem(_problem(answer), answer.status)
            found |= {str(entity["id"]): entity for entity in _entities(answer)}
        return found

    def put_back(self, held: Sequence[Json]) -> list[NgsiError | None]:
        """The entities as they were."""
        return self._batch("upsert", list(held), [str(one["id"]) for one in held if isinstance(one, dict)])

    def remove(self, ids: Sequence[str]) -> list[NgsiError | None]:
        """Delete those that there are."""
        return self._batch("delete", list(ids), ids) if ids else []

    def _batch(self, operation: str, body: list[Json], ids: Sequence[str]) -> list[NgsiError | None]:
        try:
            answer = self._post(operation, body)
        except NgsiError as fault:
            return [fault for _ in ids]
        if answer.status in (_CREATED, _NO_CONTENT):
            return [None for _ in ids]
        problem = _problem(answer)
        if answer.status != _SOME:
            return [None if answer.status == _NOT_FOUND else read_problem(problem, answer.status) for _ in ids]
        faults = {
            one["entityId"]: read_problem(one["error"], answer.status)
            for one in problem["errors"]
            if not (operation == "delete" and _is_gone(one["error"]))
        }
        return [faults.get(one) for one in ids]

    def _post(self, operation: str, body: Json) -> BaseHTTPResponse:
        try:
            return self._pool.request("POST", self._operations + operation, body=dump(body), headers=self._headers)
        except HTTPError as failure:
            raise ServiceUnavailable(f"{self._operations} does not answer: {failure}") from failure


def _is_gone(problem: dict[str, Any]) -> bool:
    return str(problem.get("type", "")).endswith("ResourceNotFound")


def _problem(answer: BaseHTTPResponse) -> dict[str, Any]:
    try:
        body = parse_json(answer.data)
    except NgsiError:
        body = None
    return body if isinstance(body, dict) else {"detail": answer.data[:200].decode(errors="replace")}


def _entities(answer: BaseHTTPResponse) -> list[dict[str, Any]]:
    body = parse_json(answer.data)
    return [one for one in body if isinstance(one, dict)] if isinstance(body, list) else []
