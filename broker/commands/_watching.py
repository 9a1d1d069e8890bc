"""How far a command on files is: a bar for each file on a terminal, nothing elsewhere; to stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

Told: TypeAlias = Callable[[str, int, int], None]


@contextmanager
def watching_files(doing: str) -> Iterator[Told]:
    """Gives what is told `(file, bytes done, size)` as the work goes on."""
    if not sys.stderr.isatty():
        yield lambda _file, _done, _size: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task: TaskID = progress.add_task(doing, total=None)
        yield lambda file, done, size: progress.update(task, description=f"{doing} {file}", completed=done, total=size)
