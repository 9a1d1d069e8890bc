"""Whole datasets to take away: `GET /catalogue/export?type=House&format=ndjson`, for who may have them as a whole.

    curl -OJ 'http://127.0.0.1:1026/catalogue/export?type=House'

The entities of one moment in the order of their creation, as `misono import` reads them back: NDJSON, or one JSON-LD
array. They are written to a file first and sent from there: a slow client holds no transaction open.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from typing import IO, Final, cast
from urllib.parse import quote

from broker.encode import files
from broker.errors import (
    BadRequestData,
    InternalError,
    InvalidRequest,
    NgsiError,
    ResourceNotFound,
    ServiceUnavailable,
)
from broker.http.exchange import House, principal_of
from broker.http.front import Receive, Scope, Send, read_headers, read_path, send_response
from broker.http.media import LD_JSON
from broker.http.messages import Request
from broker.http.parameters import split_query
from broker.http.perform import check_tenant, refuse
from broker.ldcontext.core import CORE_URL
from broker.model.entity import Entity
from broker.operations.broker import Call
from broker.operations.transfer import dump_entities
from broker.ports.disclosing import By, Numbers, leaving, numbered

log = logging.getLogger("misono.exports")

PATH: Final = "/catalogue/export"
OPERATION: Final = "export_entities"
MADE_MAX: Final = 2
"""Exports being made at once; each reads a whole tenant."""
SENT_MAX: Final = 32
MEMORY_BYTES_MAX: Final = 4 * 1024 * 1024
CHUNK_BYTES: Final = 256 * 1024
TAKE_S_MAX: Final = 60.0
_FORMATS: Final = {"ndjson": "application/x-ndjson", "jsonld": LD_JSON}


class Exports:
    """The ASGI callable behind PATH."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._making = asyncio.Semaphore(MADE_MAX)
        self._open = 0

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Make one export, and send it."""
        query_string = scope["query_string"].decode("latin-1")
        headers = read_headers(scope["headers"])
        request = Request("GET", read_path(scope["raw_path"]), query_string, headers)
        self._open += 1
        try:
            if self._open > SENT_MAX:
                raise ServiceUnavailable(f"{SENT_MAX} exports are open", remedy="Ask again later.")
            export, file = await self._made(request)
        except NgsiError as error:
            await send_response(send, refuse(error, request))
        else:
            with file:
                await export.send(file, send)
        finally:
            self._open -= 1

    async def _made(self, request: Request) -> tuple[_Export, IO[bytes]]:
        def work() -> tuple[_Export, IO[bytes]]:
            export = _Export(self._house, request)  # who asks may need keys that are to be fetched
            return export, export.make()

        try:
            async with self._making:
                return await asyncio.get_running_loop().run_in_executor(None, work)
        except NgsiError:
            raise
        except Exception as fault:  # the outermost loop of this request
            log.exception("an export failed")
            raise InternalError("the broker failed; its log has the reason") from fault


class _Export:
    """What one request asks for. Raises every refusal of it."""

    def __init__(self, house: House, request: Request) -> None:
        tenant = request.headers.get("ngsild-tenant", "")
        if tenant:
            check_tenant(tenant)
        self._made_at: int | None = None
        self._numbers: Numbers = ()
        name, self._format = _read_query(request.query_string)
        self._house, self._iri = house, house.core.expand(name, "type")
        principal, access = principal_of(house, request), house.broker.access
        access.admit(principal, tenant, OPERATION)
        self._call = Call(tenant, house.core, principal, access.restrict(principal, tenant, OPERATION))
        if house.catalogues is None or not house.catalogues.gives(self._iri):
            raise ResourceNotFound(
                f"there is no export of {name[:200]}",
                pointer="type",
                remedy="a type of which /catalogue has a downloadURL",
            )

    def make(self) -> IO[bytes]:
        """The file, at its end. For a thread."""
        file = cast("IO[bytes]", tempfile.SpooledTemporaryFile(MEMORY_BYTES_MAX))  # noqa: SIM115  its reader closes it
        try:
            self._write(file)
        except BaseException:
            file.close()
            raise
        return file

    def _write(self, file: IO[bytes]) -> None:
        """Write all of it; what it tells of persons is written down by then."""
        telling, call = self._house.telling, self._call
        epoch = 0 if telling is None else telling.epoch(call.tenant)
        with nullcontext() if telling is None else telling.look_on(call.restriction) as found:
            texts = files.texts(self._entities(), files.WHOLE, call.names, CORE_URL)
            for part in files.array(texts) if self._format == "jsonld" else files.lines(texts):
                file.write(part)
        pending = None
        if telling is not None and found is not None:
            pending = telling.record(found, By(call.principal, call.tenant, OPERATION))
        if pending is not None:
            self._numbers = pending.result()
            self._made_at = epoch

    def _is_over(self) -> bool:
        """Whether it tells of persons, and consents have changed since it was made: then no more of it goes out."""
        telling = self._house.telling
        return self._made_at is not None and telling is not None and telling.epoch(self._call.tenant) != self._made_at

    async def send(self, file: IO[bytes], send: Send) -> None:
        """Send it as quickly as the client takes it."""
        name = quote(self._iri.replace("#", "/").rpartition("/")[2] or "export", safe="")
        headers = [
            (b"Content-Type", _FORMATS[self._format].encode()),
            (b"Content-Length", b"%d" % file.tell()),
            (b"Content-Disposition", f"attachment; filename*=UTF-8''{name}.{self._format}".encode()),
        ]
        headers += [(one.encode(), text.encode()) for one, text in numbered((), map(str, self._numbers))]
        file.seek(0)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            while part := file.read(CHUNK_BYTES):
                if self._is_over():
                    log.info("an export is ended: consents have changed since it was made")
                    return
                async with asyncio.timeout(TAKE_S_MAX):
                    await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            log.info("an export is ended: its client took nothing for %d s", TAKE_S_MAX)

    def _entities(self) -> Iterator[Entity]:
        personal = self._house.broker.personal
        for entity in dump_entities(self._house.broker, self._call):
            if self._iri in entity.types and personal.isdisjoint(entity.types):
                leaving((entity,))
                yield entity


def _read_query(query_string: str) -> tuple[str, str]:
    """The name of the type, and the format. Raises BadRequestData and InvalidRequest."""
    pairs = split_query(query_string)
    given = dict(pairs)
    if len(given) != len(pairs) or not given.keys() <= {"type", "format"}:
        raise InvalidRequest("an export has the parameters type and format, each once", remedy=f"{PATH}?type=House")
    if not given.get("type"):
        raise BadRequestData("an export is of one type", pointer="type", remedy=f"{PATH}?type=House")
    form = given.get("format", "ndjson")
    if form not in _FORMATS:
        raise BadRequestData(f"'{form[:50]}' is no format of exports", pointer="format", remedy="ndjson or jsonld")
    return given["type"], form
