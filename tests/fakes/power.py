"""A disk that can lose its power: it forgets what was not synced, as a VFS below the real store.

It knows of each file what the last sync left, what was written since, and which names a directory would still hold. A
cut does not end anything: it takes down what would have been found, while the store goes on. So one run gives many.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock

import apsw

SECTOR = 512
OPERATIONS_MAX = 200  # between two cuts
NAME, BELOW = "losing-power", "unix"


@dataclass(eq=False)
class Inode:
    """A file: what is on the platter, and what was done since, in order.

    `(offset, bytes)` wrote, `(size, None)` cut off.
    """

    synced: bytearray = field(default_factory=bytearray)
    since: list[tuple[int, bytes | None]] = field(default_factory=list)
    listed: bool = False  # its directory was synced after it was made

    def sync(self) -> None:
        for at, data in self.since:
            _apply(self.synced, at, data)
        self.since.clear()

    def surviving(self, chance: random.Random | None) -> bytes:
        """What is left: without `chance` what was synced, else also some of the rest, torn at sectors."""
        left = bytearray(self.synced)
        for at, data in self.since if chance is not None else ():
            assert chance is not None
            if chance.random() < 0.5:
                torn = data is not None and chance.random() < 0.3
                kept = len(data or b"") // SECTOR * SECTOR // 2
                _apply(left, at, data[:kept] if data is not None and torn else data)
        return bytes(left)


def _apply(content: bytearray, at: int, data: bytes | None) -> None:
    if data is None:
        del content[at:]
    if len(content) < at:
        content.extend(bytes(at - len(content)))
    if data is not None:
        content[at : at + len(data)] = data


class LosingPower(apsw.VFS):
    """The disk below `root`; other paths are as ever. `on_cut(survivors)` gets path -> bytes at each cut."""

    def __init__(self, root: Path, seed: int, on_cut: Callable[[dict[str, bytes]], None]) -> None:
        super().__init__(NAME, BELOW, makedefault=True)
        self.root, self.on_cut, self.chance = f"{root}/", on_cut, random.Random(seed)
        self.lock = RLock()
        self.names: dict[str, Inode] = {}
        self.lasting: dict[str, Inode] = {}
        self.inodes: dict[int, Inode] = {}
        self.until_cut = self.chance.randint(1, OPERATIONS_MAX)
        self.cuts_left = 0
        for path in root.rglob("*.sqlite*"):
            if not path.name.endswith("-shm"):
                self._inode(str(path), there=True)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        if path is None or not path.startswith(self.root):
            return super().xOpen(name, flags)
        with self.lock:
            there = Path(path).exists()
            file = LosingFile(self, path, name, flags)
            file.inode = self._inode(path, there=there)
            return file

    def xDelete(self, name: str, syncdir: bool) -> None:  # noqa: N802
        with self.lock:
            if name.startswith(self.root):
                self.passes()
                self.names.pop(name, None)
                self.inodes.pop(Path(name).stat().st_ino if Path(name).exists() else 0, None)
                if syncdir:
                    self.sync_names(name)
            super().xDelete(name, syncdir)

    def sync_names(self, path: str) -> None:
        """Make what a file's directory holds now lasting."""
        folder = Path(path).parent
        for known in [one for one in {**self.lasting, **self.names} if Path(one).parent == folder]:
            if known in self.names:
                self.lasting[known] = self.names[known]
            else:
                del self.lasting[known]

    def passes(self) -> None:
        """One more operation is about to be done; now and then the power goes before it."""
        self.until_cut -= 1
        if self.cuts_left and self.until_cut <= 0:
            self.cuts_left -= 1
            self.until_cut = self.chance.randint(1, OPERATIONS_MAX)
            self.on_cut(self._survivors())

    def _inode(self, path: str, *, there: bool) -> Inode:
        number = Path(path).stat().st_ino
        if not there:
            self.inodes[number] = self.names[path] = Inode()
        elif path not in self.names:
            # Made by the program itself, which syncs file and directory before it uses a name.
            found = self.inodes.setdefault(number, Inode(bytearray(Path(path).read_bytes()), listed=True))
            self.names[path] = self.lasting[path] = found
        return self.names[path]

    def _survivors(self) -> dict[str, bytes]:
        chance = self.chance if self.chance.random() < 0.5 else None
        gone = [path for path in self.lasting if path not in self.names]
        return {
            path: inode.surviving(chance)
            for path, inode in self.lasting.items()
            if path not in gone or self.chance.random() < 0.5
        }


class LosingFile(apsw.VFSFile):
    """A file on that disk."""

    inode: Inode

    def __init__(self, disk: LosingPower, path: str, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        super().__init__(BELOW, name, flags)
        self.disk, self.path = disk, path

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        with self.disk.lock:
            self.disk.passes()
            self.inode.since.append((offset, bytes(data)))
            super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        with self.disk.lock:
            self.disk.passes()
            self.inode.since.append((newsize, None))
            super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802, ARG002  there is no platter below
        with self.disk.lock:
            self.disk.passes()
            self.inode.sync()
            if not self.inode.listed:
                self.inode.listed = True
                self.disk.sync_names(self.path)


@contextmanager
def losing_power(root: Path, seed: int, on_cut: Callable[[dict[str, bytes]], None]) -> Iterator[LosingPower]:
    """The disk, below everything that is opened in the block."""
    disk = LosingPower(root, seed, on_cut)
    try:
        yield disk
    finally:
        disk.unregister()
