"""How far a command is: a bar for what it works on, on a terminal, nothing elsewhere; to stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

Told: TypeAlias = Callable[[str, int, int], None]


@contextmanager
def watching_files(doing: str) -> Iterator[Told]:
    """Gives what is told `(file, bytes done, size)` as the work goes on."""
    with _watching(doing, DownloadColumn()) as told:
        yield told


@contextmanager
def watching_records(doing: str) -> Iterator[Told]:
    """Gives what is told `(tenant, records done, records in all)` as the work goes on."""
    with _watching(doing, MofNCompleteColumn()) as told:
        yield told


@contextmanager
def _watching(doing: str, column: ProgressColumn) -> Iterator[Told]:
    if not sys.stderr.isatty():
        yield lambda _what, _done, _size: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), column, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task: TaskID = progress.add_task(doing, total=None)
        yield lambda what, done, size: progress.update(task, description=f"{doing} {what}", completed=done, total=size)
