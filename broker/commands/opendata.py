"""Municipal open data of Japan: `misono opendata import | preview | sets | take-back`.

misono opendata sets                       the data sets that are known, and their columns with --columns
misono opendata preview FILE --model SET   how headings are read, the first entities, every repair; writes nothing
misono opendata import FILE --model SET    into --data DIR or --to URL, as a whole or not at all
misono opendata take-back JOURNAL          undo an import that was cut off

CSV in UTF-8, cp932 or UTF-16, .xlsx, .xls and .ods. Ends with 0 when everything went in, 1 when rows were refused (then
nothing is written, unless --leave-out writes the others), 2 when it could not begin.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from broker.commands._house import NotOpened, add_place_options, open_store
from broker.commands._places import HttpPlace, StorePlace
from broker.encode.entity import Representation, encode_document
from broker.model.entity import Document
from broker.model.values import Json
from datamodels.library import built_in, read_library
from datamodels.opendata.dates import JAPAN
from datamodels.opendata.headings import NoHeadings
from datamodels.opendata.loading import Checking, NotLoaded, Place, load, spool, take_back
from datamodels.opendata.mapping import BadMapping
from datamodels.opendata.reporting import Report
from datamodels.opendata.rows import Choices
from datamodels.opendata.sets import DataSet, find_set, sets_of
from datamodels.opendata.tables import BadTable, open_table
from datamodels.reading import BadSource

_REFUSED, _NOT_BEGUN = 1, 2
_SHOWN = 3
_ZONE_OF_SAITAMA = 9
_NORMALIZED = Representation()


def add_arguments(parser: ArgumentParser) -> None:
    """One word for what is to be done."""
    doing = parser.add_subparsers(dest="doing", metavar="WHAT", required=True)
    below = doing.add_parser("sets", help="the data sets that are known")
    below.add_argument("--columns", action="store_true", help="their columns too")
    below.set_defaults(do=_sets)
    for name, run, text in (
        ("preview", _preview, "show what an import would do"),
        ("import", _import, "bring a table in"),
    ):
        below = doing.add_parser(name, help=text)
        below.add_argument("file", type=Path)
        _add_reading(below)
        below.add_argument("--report", metavar="FILE", type=Path, help="write every repair and refusal as TSV")
        below.set_defaults(do=run)
    add_place_options(below)
    below.add_argument("--to", metavar="URL", default="", help="a running broker instead of --data")
    below.add_argument("--leave-out", action="store_true", help="write the other rows where some are refused")
    below.add_argument("--journal", metavar="FILE", type=Path, help="where it is noted what to take back")
    below = doing.add_parser("take-back", help="undo an import that was cut off")
    below.add_argument("journal", type=Path)
    add_place_options(below)
    below.add_argument("--to", metavar="URL", default="")
    below.set_defaults(do=_take_back)


def _add_reading(parser: ArgumentParser) -> None:
    """What the file does not say of itself."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--model", metavar="SET", default="", help="gif:PublicFacility, …: see `sets`")
    which.add_argument("--mapping", metavar="FILE", type=Path, help="a mapping file of your own")
    parser.add_argument("--models", metavar="DIR", type=Path, help="packages beside those that come with Misono")
    parser.add_argument(
        "--sheet", metavar="NAME", default="", help="sheet of a workbook; the first one that has a table"
    )
    parser.add_argument("--encoding", metavar="NAME", default="", help="of a CSV file, where finding it out fails")
    parser.add_argument("--datum", choices=("jgd2011", "tokyo"), default="jgd2011", help="of the coordinates")
    parser.add_argument("--zone", type=int, default=_ZONE_OF_SAITAMA, help="plane rectangular zone (default 9)")
    parser.add_argument("--municipality", metavar="CODE", default="", help="code for rows that have none: 111007")
    parser.add_argument("--prefecture", metavar="NN", default="", help="two digits; reads codes that lost theirs")
    parser.add_argument("--towns", metavar="FILE", type=Path, help="TSV of municipality and town, tab, 町字ID")
    parser.add_argument("--source", metavar="URL", default="", help="where the file is from; kept with every entity")
    parser.add_argument("--keep-closed", action="store_true", help="places that have closed come in too")
    parser.add_argument("--strict", action="store_true", help="a value that cannot be read refuses its row")


def run(arguments: Namespace) -> int:
    """Do it."""
    do: Callable[[Namespace], int] = arguments.do
    try:
        return do(arguments)
    except (BadMapping, BadSource, BadTable, NoHeadings, NotOpened, OSError) as refusal:
        print(f"misono opendata: {refusal}", file=sys.stderr)
        return _NOT_BEGUN


def _sets(arguments: Namespace) -> int:
    library = read_library(built_in())
    for name, model in sets_of(library):
        print(f"{name}  {model.label.ja} / {model.label.en}")
        if arguments.columns:
            for column in find_set(library, model=name).mapping.columns:
                part = f".{column.part}" if column.part else ""
                print(f"  {column.heading} -> {column.to}{part} ({column.reads})")
    return 0


def _preview(arguments: Namespace) -> int:
    found, checking = _begin(arguments)
    with checking.report.written_to(arguments.report), open_table(arguments.file, **_table(arguments)) as table:
        documents = checking.documents(table)
        first = [*islice(documents, _SHOWN)]
        for _ in documents:
            pass
    for text, column in (
        zip(checking.headings.texts, checking.headings.columns, strict=True) if checking.headings else ()
    ):
        print(f"{text} -> {'passed over' if column is None else f'{column.to or column.reads} {column.part}'}")
    for document in first:
        print(json.dumps(encode_document(document, _NORMALIZED, found.names), ensure_ascii=False, indent=2))
    return _told(checking.report)


def _import(arguments: Namespace) -> int:
    _, checking = _begin(arguments)
    report, journal = checking.report, arguments.journal or Path(f"{arguments.file.stem}.take-back.jsonl")
    if journal.exists():
        raise BadTable(f"{journal} is of an import that did not end: `misono opendata take-back {journal}` first")
    with ExitStack() as closing:
        bar = closing.enter_context(_bar())
        place = _place(arguments, closing)
        spooled = closing.enter_context(TemporaryFile())
        with report.written_to(arguments.report), open_table(arguments.file, **_table(arguments)) as table:
            count = spool(bar.over("check", checking.documents(table)), spooled)
        code = _told(report)
        if code and not arguments.leave_out:
            print("nothing was written; --leave-out writes the other rows")
            return code
        try:
            load(spooled, place, journal, bar.of("write", count))
        except NotLoaded as fault:
            print(f"misono opendata: {fault}" + ("; all was taken back" if fault.taken_back else ""), file=sys.stderr)
            return _REFUSED
    print(f"{count} entities written")
    return code  # 1 where rows were left out: whoever runs it in a script is to see that


def _take_back(arguments: Namespace) -> int:
    with ExitStack() as closing:
        try:
            undone = take_back(arguments.journal, _place(arguments, closing))
        except NotLoaded as fault:
            print(f"misono opendata: {fault}", file=sys.stderr)
            return _REFUSED
    print(f"{undone} entities are as they were")
    return 0


def _begin(arguments: Namespace) -> tuple[DataSet, Checking]:
    folders = [built_in(), *([arguments.models] if arguments.models else [])]
    found = find_set(read_library(*folders), model=arguments.model, file=arguments.mapping)
    shared: dict[str, Json] = {}
    if arguments.source and "source" in found.mapping.terms:
        shared["source"] = {"type": "Property", "value": arguments.source}
    choices = Choices(
        str(datetime.now(JAPAN).date()),
        tokyo=arguments.datum == "tokyo",
        zone=arguments.zone,
        prefecture=arguments.prefecture or arguments.municipality[:2],
        municipality=arguments.municipality,
        keep_closed=arguments.keep_closed,
        strict=arguments.strict,
        towns=_towns(arguments.towns) if arguments.towns else {},
        shared=shared,
    )
    return found, Checking(found.mapping, choices, found.dress, found.hold, Report())


def _table(arguments: Namespace) -> dict[str, str]:
    return {"sheet": arguments.sheet, "encoding": arguments.encoding}


def _towns(file: Path) -> dict[str, str]:
    rows = (line.split("\t") for line in file.read_text(encoding="utf-8-sig").splitlines() if line)
    return {row[0]: row[1] for row in rows if len(row) > 1}


def _place(arguments: Namespace, closing: ExitStack) -> Place:
    if arguments.to:
        return HttpPlace(arguments.to, arguments.tenant)
    return StorePlace(*closing.enter_context(open_store(arguments)))


def _told(report: Report) -> int:
    for line in report.summary():
        print(line)
    return _REFUSED if report.refused else 0


class _Bar:
    """Progress on a terminal; elsewhere nothing."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress

    def over(self, what: str, documents: Iterable[Document]) -> Iterator[Document]:
        """The documents, counted as they pass."""
        task = self._progress.add_task(what, total=None) if self._progress else None
        for document in documents:
            if self._progress and task is not None:
                self._progress.advance(task)
            yield document

    def of(self, what: str, total: int) -> Callable[[int], None]:
        """What moves a bar of this length on."""
        if self._progress is None:
            return lambda _: None
        progress, task = self._progress, self._progress.add_task(what, total=total)
        return lambda count: progress.advance(task, count)


@contextmanager
def _bar() -> Iterator[_Bar]:
    if not sys.stderr.isatty():
        yield _Bar(None)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield _Bar(progress)
