"""A drop folder: tables that people or other systems put there, CSV or workbooks, become frames, a row each.

    link: {kind: folder, path: inbox, every_s: 5, settle_s: 3, files: ["*.csv", "*.xlsx"]}
    codec: {kind: csv, columns: …}

A file is taken when it has not changed for `settle_s`. What was taken is moved to `done/`, what is no table to
`failed/` with a text beside it that says why; a row that cannot be read is quarantined, and the others go on. A file
that was under way when the adapter stopped is taken again from its beginning: what was written is a repetition then.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import chain, islice
from pathlib import Path
from time import monotonic
from typing import Final

from adapters.codecs.rows import Rows, make_codec, text_of
from adapters.frame import BadFrame, Frame
from adapters.link import BadSettings, Ground, Receive
from adapters.order import Delivered, Order
from adapters.settings import Members
from broker.model.values import to_text
from datamodels.opendata.headings import LOOKED_AT
from datamodels.opendata.tables import BadTable, Row, open_table

log = logging.getLogger("misono.adapters")

FILES: Final = ("*.csv", "*.tsv", "*.txt", "*.xlsx", "*.xlsm", "*.xls", "*.ods")
BATCH: Final = 200
"""Rows that are handed on together."""
NAME_MAX: Final = 200
NAME_BYTES_MAX: Final = 255
_UNFINISHED: Final = (".part", ".tmp", ".filepart", ".crdownload", "~")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the member `link` says."""

    folder: Path
    files: tuple[str, ...]
    every_s: float
    settle_s: float
    sheet: str
    encoding: str


class FolderLink:
    """Looks into one folder again and again."""

    def __init__(self, ground: Ground, settings: Settings, codec: Rows) -> None:
        self._ground = ground
        self._settings = settings
        self._codec = codec
        self._seen: dict[str, tuple[int, int, float]] = {}
        self._stuck: dict[str, tuple[int, int]] = {}

    async def run(self, receive: Receive) -> None:
        """As the port says."""
        self._settings.folder.mkdir(parents=True, exist_ok=True)
        while True:
            for path in await asyncio.to_thread(self._whole):
                await self._take(path, receive)
            await asyncio.sleep(self._settings.every_s)

    async def send(self, order: Order) -> Delivered:
        """As the port says: nobody is there to command."""
        return Delivered("ERROR", f"{order.device.id} is known by a drop folder: it takes no commands")

    async def _take(self, path: Path, receive: Receive) -> None:
        """Every row of a file, then the file aside."""
        frames = self._frames(path)
        try:
            while batch := await asyncio.to_thread(lambda: list(islice(frames, BATCH))):
                await receive(batch)
        except (BadTable, BadFrame, OSError) as fault:
            log.warning("adapter %s cannot read %s: %s", self._ground.adapter, path.name, fault)
            await asyncio.to_thread(self._put_aside, path, "failed", str(fault))
        else:
            await asyncio.to_thread(self._put_aside, path, "done", "")
        self._seen.pop(path.name, None)

    def _whole(self) -> list[Path]:
        """The files that have stood still long enough, by name. In a thread."""
        now, there = monotonic(), dict[str, tuple[int, int, float]]()
        found: list[Path] = []
        for path in sorted(self._settings.folder.iterdir()):
            if not self._is_wanted(path):
                continue
            state = _state(path)
            size, changed, since = self._seen.get(path.name, (-1, -1, now))
            if (size, changed) != state:
                since = now
            there[path.name] = (*state, since)
            if now - since >= self._settings.settle_s and self._stuck.get(path.name) != state:
                found.append(path)
        self._seen = there
        self._stuck = {name: state for name, state in self._stuck.items() if name in there}
        return found

    def _is_wanted(self, path: Path) -> bool:
        name = path.name
        if name.startswith((".", "~")) or name.endswith(_UNFINISHED) or path.is_symlink() or not path.is_file():
            return False
        return any(fnmatch(name.lower(), pattern) for pattern in self._settings.files)

    def _frames(self, path: Path) -> Iterator[Frame]:
        """A frame for each row: its headings and itself as CSV. Raises BadTable, BadFrame, OSError while it is read."""
        with open_table(path, sheet=self._settings.sheet, encoding=self._settings.encoding) as table:
            first = [*islice(table.rows, LOOKED_AT)]
            headings = self._codec.find(tuple(tuple(row) for row in first))
            head = [row for row in first[: headings.first] if any(cell.strip() for cell in row)][-2:]
            below: Iterator[Row] = chain(first[headings.first :], table.rows)
            for line, row in enumerate(below, headings.first + 1):
                if any(cell.strip() for cell in row):
                    yield self._frame(path, line, [*head, row])

    def _frame(self, path: Path, line: int, rows: Sequence[Sequence[str]]) -> Frame:
        return Frame(text_of(rows), self._ground.clock.now(), channel=f"{path.name[:NAME_MAX]}:{line}")

    def _put_aside(self, path: Path, name: str, why: str) -> None:
        """Move a file; where it cannot be, do not take it again until it changes. In a thread."""
        try:
            self._aside(path, name, why)
        except OSError as fault:
            log.error("adapter %s cannot move %s to %s: %s", self._ground.adapter, path.name, name, fault)  # noqa: TRY400 - it says all
            with suppress(OSError):
                self._stuck[path.name] = _state(path)

    def _aside(self, path: Path, name: str, why: str) -> None:
        """Move a file to a folder below, under a name that nothing has there. Raises OSError."""
        place = self._settings.folder / name
        place.mkdir(exist_ok=True)
        target = place / path.name
        if target.exists():
            stamp = to_text(self._ground.clock.now()).replace(":", "").replace("-", "")
            target = place / _shortened(path.stem, f"-{stamp}{path.suffix}")
        path.rename(target)
        if why:
            target.with_name(_shortened(target.name, ".reason.txt")).write_text(why + "\n", encoding="utf-8")


def _state(path: Path) -> tuple[int, int]:
    """What changes when the file does. Raises OSError."""
    about = path.stat()
    return about.st_size, about.st_mtime_ns


def _shortened(stem: str, end: str) -> str:
    """A name that a file system takes, of a long stem its beginning: `a-2026….csv`."""
    room = NAME_BYTES_MAX - len(os.fsencode(end))
    return os.fsencode(stem)[: max(0, room)].decode(errors="ignore") + end


def make_link(ground: Ground) -> FolderLink:
    """The link of the member `link`. Raises BadSettings."""
    if ground.codec.get("kind") != "csv":
        raise BadSettings("codec/kind: a drop folder has tables: csv would do")
    members = Members(ground.settings, "link")
    settings = Settings(
        ground.home / members.text("path"),
        tuple(one.lower() for one in members.texts("files", FILES)),
        members.number("every_s", 5, 0.05, 3600),
        members.number("settle_s", 3, 0, 3600),
        members.text("sheet", ""),
        members.text("encoding", ""),
    )
    members.done()
    return FolderLink(ground, settings, make_codec(ground.codec))
