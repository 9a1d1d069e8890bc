"""Import entities from files: `misono import [--data DIR | --url URL] FILE…`.

Reads JSON-LD and JSON arrays, single entities and NDJSON, gzipped or not, normalized, concise or simplified; creates or
replaces each entity, and says of those it refused where they stand, why, and what would work.
Ends with 0 when everything went in, 1 when something was refused, 2 when it could not begin.
"""

from __future__ import annotations

import gzip
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from broker.commands._house import NotOpened, add_place_options, context_reader, open_store
from broker.commands._report import Refusal, Report, watching
from broker.commands._sinks import HttpSink, Sink, StoreSink
from broker.decode.files import Found, entities_in
from broker.errors import NgsiError
from broker.ldcontext.active import ActiveContext
from broker.model.entity import Document
from broker.model.values import Json
from broker.operations.transfer import read_entity

BATCH = 200
CONTEXTS_MAX = 1000
_GZIP = b"\x1f\x8b"
_REFUSED, _NOT_BEGUN, _INTERRUPTED = 1, 2, 130


def add_arguments(parser: ArgumentParser) -> None:
    """The options, and the files."""
    add_place_options(parser)
    parser.add_argument("--url", metavar="URL", default="", help="a running broker instead of --data")
    parser.add_argument("--convert-times", action="store_true", help="DateTimes with an offset become UTC")
    parser.add_argument("--report", metavar="FILE", type=Path, help="write every refusal as TSV")
    parser.add_argument("files", metavar="FILE", nargs="+", help="`-` is standard input")


def run(arguments: Namespace) -> int:
    """Import all files."""
    report = Report()
    code = 0
    with ExitStack() as closing:
        try:
            loading = _begin(arguments, report, closing)
        except NotOpened as refusal:
            print(f"misono import: {refusal}", file=sys.stderr)
            return _NOT_BEGUN
        try:
            _load_all(arguments.files, loading)
        except KeyboardInterrupt:
            code = _INTERRUPTED
    for line in report.summary():
        print(line)
    if arguments.report:
        report.write(arguments.report)
    return code or (_REFUSED if report.refused else 0)


def _begin(arguments: Namespace, report: Report, closing: ExitStack) -> Loading:
    missing = [file for file in arguments.files if file != "-" and not Path(file).is_file()]
    if missing:
        raise NotOpened(f"{missing[0]} is no file")
    sink: Sink
    if arguments.url:
        sink = HttpSink(arguments.url, arguments.tenant)
    else:
        sink = StoreSink(*closing.enter_context(open_store(arguments)))
    resolve = context_reader(arguments)
    return Loading(resolve, sink, report, context=arguments.context, convert_times=arguments.convert_times)


def _load_all(files: list[str], loading: Loading) -> None:
    total = sum(Path(file).stat().st_size for file in files if file != "-")
    with watching(loading.report, total) as watch:
        for file in files:
            with _opened(file) as (raw, lines):
                loading.load(file, entities_in(watch.lines(raw, lines)))
            watch.done(file)


@contextmanager
def _opened(file: str) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """The file on the disk, and its lines: the same, or what is packed in it."""
    with ExitStack() as closing:
        raw = sys.stdin.buffer if file == "-" else closing.enter_context(Path(file).open("rb"))
        packed = cast("_Peekable", raw).peek(2).startswith(_GZIP)
        yield raw, cast("BinaryIO", closing.enter_context(gzip.open(raw))) if packed else raw


class _Peekable(Protocol):
    def peek(self, size: int) -> bytes:
        """The next bytes, left where they are."""


@dataclass(slots=True)
class Loading:
    """Reads entities, sends them in batches, and keeps the report."""

    resolve: Callable[[Json], ActiveContext]
    sink: Sink
    report: Report
    context: Json
    convert_times: bool = False
    _pending: list[tuple[str, int, Document]] = field(default_factory=list)
    _names: dict[str, ActiveContext | NgsiError] = field(default_factory=dict)

    def load(self, file: str, found: Iterator[Found]) -> None:
        """Send what one file holds; what is left of a batch goes too."""
        for position, body in found:
            if isinstance(body, NgsiError):
                self._refuse(file, position, "", body)
            else:
                self._read(file, position, body)
            if len(self._pending) >= BATCH:
                self._send()
        self._send()

    def _read(self, file: str, position: int, body: dict[str, Json]) -> None:
        entity = str(body.get("id") or body.get("@id") or "")
        try:
            document = read_entity(body, self._resolved, context=self.context, convert_times=self.convert_times)
        except NgsiError as refusal:
            self._refuse(file, position, entity, refusal)
        else:
            self._pending.append((file, position, document))

    def _resolved(self, source: Json) -> ActiveContext:
        """The names of a @context, asked for once: what could not be had is not tried again for every entity."""
        key = repr(source)
        if key not in self._names:
            if len(self._names) >= CONTEXTS_MAX:
                self._names.clear()
            try:
                self._names[key] = self.resolve(source)
            except NgsiError as refusal:
                self._names[key] = refusal
        found = self._names[key]
        if isinstance(found, NgsiError):
            raise found
        return found

    def _send(self) -> None:
        refusals = self.sink.send([document for _, _, document in self._pending]) if self._pending else []
        for (file, position, document), refusal in zip(self._pending, refusals, strict=True):
            if refusal is None:
                self.report.loaded[file] += 1
            else:
                self._refuse(file, position, str(document["id"]), refusal)
        self._pending.clear()

    def _refuse(self, file: str, position: int, entity: str, refusal: NgsiError) -> None:
        self.report.refused.append(Refusal(file, position, entity, refusal))
