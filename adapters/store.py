"""What of adapters lasts: `adapters.sqlite` in --data."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from broker.keeping import KeptFile, NotKept, Row, UnusableFile

__all__ = ["NAME", "AdapterStore", "NotKept", "Row", "UnusableFile"]

NAME: Final = "adapters.sqlite"


class AdapterStore(KeptFile):
    """The file. Any thread may call any method; `close` finishes what waits."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory / NAME, "adapters")
