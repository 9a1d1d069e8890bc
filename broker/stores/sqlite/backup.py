"""Backups: copies of a data directory, taken while brokers write to it, and put back.

    BACKUP/manifest.json     what it holds and where each tenant stands, written last: without one it is no backup
    BACKUP/hub.sqlite, …     the files of the data directory under their names, each whole, without a WAL
    BACKUP/adapters.sqlite   what adapters keep there, and services, the audit, identities: where there is such a file
    BACKUP/keys/             the hub's private keys, unless they are left out

A tenant is copied on one read transaction, so its copy is its state at one sequence of its change log, whatever is
written meanwhile; the hub is copied before them, and every tenant it knows has a file. What others keep is copied in
the order that `beside` tells. `NAME.tar` and `NAME.tar.gz` hold the same files in one, the manifest first.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias, cast

import apsw
import orjson

from broker.model.values import Instant, to_instant, to_text
from broker.ports.places import snapshot_of
from broker.stores.sqlite import changelog
from broker.stores.sqlite.beside import (
    AFTER,
    BEFORE,
    KEYS,
    Beside,
    Told,
    copy_files,
    copy_head,
    copy_keys,
    copy_pages,
    digest,
    make_private,
)
from broker.stores.sqlite.dues import settle
from broker.stores.sqlite.files import READ_CACHE_KIB, check, connect, hub_path, sync_directory, tenant_path, tenants_in
from broker.stores.sqlite.schema import HUB_STEPS, TENANT_STEPS, UnusableFile, version

MANIFEST: Final = "manifest.json"
FORMAT: Final = 1
BLOCK_BYTES: Final = 1 << 20
_BROKEN: Final = (OSError, EOFError, zlib.error, tarfile.TarError)  # what a packed backup cut short raises
_PACKED: Final = (".tar", ".tar.gz", ".tgz")

Finish: TypeAlias = Callable[[Path, Instant], None]
"""Gets the restored directory before it is put in place, and the instant of the backup."""


class UnusableBackup(Exception):
    """A backup that cannot be made here, or cannot be put back: the message says which file, and why."""


@dataclass(frozen=True, slots=True)
class Copied:
    """One file of a backup. `tenant` is None for the hub, whose `sequence` is 0; `size` in bytes."""

    tenant: str | None
    file: str
    sequence: int
    schema: int
    size: int
    sha256: str


def back_up(directory: Path, target: Path, at: Instant, told: Told, *, keys: bool = True) -> list[Copied]:
    """Copy the hub, every tenant of a data directory and what is beside them to `target`, durable on return.

    With `keys` the hub's private keys come along, for nobody's eyes but their owner's.

    Raises UnusableBackup where there is something at `target` or no store in `directory`, and UnusableFile.
    """
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise UnusableBackup(f"{target} is there already. Name a place where nothing is.")
    if not hub_path(directory).is_file():
        raise UnusableBackup(f"{directory} holds no store: it has no {hub_path(directory).name}.")
    with ExitStack() as closing:
        partial = _beside(target, closing)
        beside = [*copy_head(directory, partial)] if keys else []
        beside += copy_files(directory, partial, BEFORE, told)
        copied = [_copy(directory, partial, None, told)]
        for tenant in tenants_in(partial):
            one = _copy_if_there(directory, partial, tenant, told)
            if one is None:
                copied[0] = _without(partial, copied[0], tenant)
            else:
                copied.append(one)
        beside += copy_files(directory, partial, AFTER, told)
        beside += copy_keys(directory, partial) if keys else ()
        _write(partial / MANIFEST, _manifest(copied, beside, at))
        for held in (partial / KEYS, partial / "tenants", partial):
            if held.is_dir():
                sync_directory(held)
        names = [*(one.file for one in beside), *(one.file for one in copied)]
        made = _pack(partial, target, names, closing) if target.name.endswith(_PACKED) else partial
        made.replace(target)
        sync_directory(target.parent)
    return copied


def restore(
    source: Path, directory: Path, told: Told, finish: Finish, *, replace: bool = False
) -> tuple[list[Copied], Path | None]:
    """Put a backup back as a data directory, durable on return; what stood there with `replace`, and where it is now.

    Every file's hash, integrity, schema and sequence are looked at before anything is put in place, and `finish` has
    the last word on it.
    Raises UnusableBackup, and UnusableFile where a file was written by a newer release.
    """
    occupied = directory.exists() and (not directory.is_dir() or any(directory.iterdir()))
    if occupied and not replace:
        raise UnusableBackup(f"{directory} is not empty. Name another directory, or replace it with --replace.")
    with ExitStack() as closing:
        backup = _opened(source, closing)
        at, copied, beside = _read_manifest(backup)
        partial = _beside(directory, closing)
        for one in copied:
            _compare(_take(backup, one, partial, told), one)
        for other in beside:
            _take(backup, other, partial, told)
        _compare_tenants(partial, copied)
        settle(hub_path(partial), {name: tenant_path(partial, name) for name in tenants_in(partial)})
        for held in (partial / KEYS, partial / "tenants", partial):
            if held.is_dir():
                sync_directory(held)
        finish(partial, at)
        moved = _move_away(directory) if occupied else None
        partial.replace(directory)
        sync_directory(directory.parent)
    return copied, moved


def _beside(target: Path, closing: ExitStack) -> Path:
    """An empty directory on the disk of `target`, gone at the end where it has not become something."""
    partial = target.absolute().with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    closing.callback(shutil.rmtree, partial, ignore_errors=True)
    return partial


def _path(directory: Path, tenant: str | None) -> Path:
    return hub_path(directory) if tenant is None else tenant_path(directory, tenant)


def _known(tenant: str | None) -> int:
    return len(HUB_STEPS if tenant is None else TENANT_STEPS)


def _copy_if_there(directory: Path, partial: Path, tenant: str, told: Told) -> Copied | None:
    """The copy of a tenant's file; None for the place of a snapshot that went after the hub was copied."""
    try:
        return _copy(directory, partial, tenant, told)
    except (UnusableFile, apsw.CantOpenError):
        if snapshot_of(tenant) is None or _path(directory, tenant).exists():
            raise
        _path(partial, tenant).unlink(missing_ok=True)
        return None


def _without(partial: Path, hub: Copied, tenant: str) -> Copied:
    """The copy of the hub once it does not know a tenant any more."""
    path = hub_path(partial)
    db = apsw.Connection(str(path))
    db.execute("DELETE FROM tenant WHERE name = ?", (tenant,))
    db.pragma("wal_checkpoint", "truncate")
    db.close()
    return replace(hub, size=path.stat().st_size, sha256=digest(path))


def _copy(directory: Path, partial: Path, tenant: str | None, told: Told) -> Copied:
    source, copy = _path(directory, tenant), _path(partial, tenant)
    name = str(copy.relative_to(partial))
    copy.parent.mkdir(exist_ok=True)
    db = connect(source, cache_kib=READ_CACHE_KIB, writes=False)
    try:
        db.execute("BEGIN")
        schema = _supported(source, version(db), tenant)
        sequence = 0 if tenant is None else changelog.bounds(db)[1]
        copy_pages(db, copy, lambda done, size: told(name, done, size))
    except apsw.Error as error:
        raise UnusableFile(f"{source} could not be copied to {copy}: {error}") from error
    finally:
        db.close()
    return Copied(tenant, name, sequence, schema, copy.stat().st_size, digest(copy))


def _supported(path: Path, schema: int, tenant: str | None) -> int:
    if not 1 <= schema <= _known(tenant):
        raise UnusableFile(f"{path} has schema {schema}; this release knows 1 to {_known(tenant)}.")
    return schema


def _manifest(copied: list[Copied], beside: list[Beside], at: Instant) -> bytes:
    held = {"format": FORMAT, "at": to_text(at), "files": [asdict(one) for one in copied]}
    held |= {"beside": [asdict(one) for one in beside]} if beside else {}
    return orjson.dumps(held, option=orjson.OPT_INDENT_2)


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _pack(partial: Path, target: Path, names: list[str], closing: ExitStack) -> Path:
    packed = partial.with_name(f"{partial.name}.tar")
    packed.unlink(missing_ok=True)
    closing.callback(packed.unlink, missing_ok=True)
    packed.touch(mode=0o600 if (partial / KEYS).is_dir() else 0o666)
    with packed.open("wb") as file:
        compressed = not target.name.endswith(".tar")
        with tarfile.open(fileobj=file, mode="w:gz" if compressed else "w") as tar:
            for name in (MANIFEST, *names):
                tar.add(partial / name, name)
        file.flush()
        os.fsync(file.fileno())
    return packed


Reading: TypeAlias = Callable[[str], BinaryIO]
"""Opens a file of a backup by its name. Raises UnusableBackup where it is not there."""


def _opened(source: Path, closing: ExitStack) -> Reading:
    if source.is_dir():

        def read(name: str) -> BinaryIO:
            try:
                return (source / name).open("rb")
            except OSError as error:
                raise UnusableBackup(f"{source}: {name} cannot be read: {error.strerror}.") from error

        return read
    try:
        tar = closing.enter_context(tarfile.open(source))  # noqa: SIM115  closed with the rest
    except _BROKEN as error:
        raise UnusableBackup(f"{source} is no backup: {error}.") from error

    def extract(name: str) -> BinaryIO:
        try:
            file = tar.extractfile(name)
        except (KeyError, *_BROKEN) as error:
            raise UnusableBackup(f"{source}: {name} cannot be read: {error}.") from error
        if file is None:
            raise UnusableBackup(f"{source}: {name} is no file.")
        return cast("BinaryIO", file)

    return extract


def _read_manifest(backup: Reading) -> tuple[Instant, list[Copied], list[Beside]]:
    with backup(MANIFEST) as file:
        text = _read(file, MANIFEST, -1)
    try:
        held = orjson.loads(text)
        if held["format"] != FORMAT:
            raise UnusableFile(f"The backup has format {held['format']}; this release knows {FORMAT}.")
        copied = [Copied(**one) for one in held["files"]]
        beside = [Beside(**one) for one in held.get("beside", ())]
        at = to_instant(held["at"])
        if at is None:
            raise UnusableBackup(f"{MANIFEST} does not say when the backup was made.")
        named = all(one.file == str(_path(Path(), one.tenant)) for one in copied)
        named &= all(one.named for one in beside) and len({one.file for one in beside}) == len(beside)
    except (ValueError, KeyError, TypeError) as error:
        raise UnusableBackup(f"{MANIFEST} is no manifest of a backup: {error!r}.") from error
    if not named:  # no name of a file is taken from outside
        raise UnusableBackup(f"{MANIFEST} names files that no data directory has.")
    return at, copied, beside


def _take(backup: Reading, one: Copied | Beside, partial: Path, told: Told) -> Path:
    """Copy one file out of the backup, and look whether it is what the manifest says."""
    path = partial / one.file
    private = isinstance(one, Beside) and one.private
    if private:
        make_private(path)
    path.parent.mkdir(exist_ok=True)
    found, done = hashlib.sha256(), 0
    with backup(one.file) as file, path.open("wb" if private else "xb") as out:
        while block := _read(file, one.file, BLOCK_BYTES):
            found.update(block)
            out.write(block)
            done += len(block)
            told(one.file, done, one.size)
        out.flush()
        os.fsync(out.fileno())
    if found.hexdigest() != one.sha256:
        raise UnusableBackup(f"{one.file} is not the file that was backed up: its SHA-256 differs.")
    faults = [] if private else check(path, thorough=True)
    if faults:
        raise UnusableBackup(f"{one.file} is damaged: {'; '.join(faults[:3])}.")
    return path


def _read(file: BinaryIO, name: str, size: int) -> bytes:
    try:
        return file.read(size)
    except _BROKEN as error:
        raise UnusableBackup(f"{name} cannot be read: {error}.") from error


def _compare(path: Path, one: Copied) -> None:
    db = connect(path, cache_kib=READ_CACHE_KIB, writes=False)
    try:
        schema = _supported(Path(one.file), version(db), one.tenant)
        sequence = 0 if one.tenant is None else changelog.bounds(db)[1]
    except apsw.Error as error:
        raise UnusableBackup(f"{one.file} is no file of a store: {error}.") from error
    finally:
        db.close()
    if (schema, sequence) != (one.schema, one.sequence):
        raise UnusableBackup(f"{one.file} stands at {sequence}, schema {schema}; {MANIFEST} says otherwise.")


def _compare_tenants(partial: Path, copied: list[Copied]) -> None:
    held = [one.tenant for one in copied]
    if held[:1] != [None] or held[1:] != tenants_in(partial):
        raise UnusableBackup(f"{MANIFEST} does not name the hub and each of its tenants.")


def _move_away(directory: Path) -> Path:
    """Set what is there aside; nothing may be using it."""
    hub = hub_path(directory)
    if hub.is_file() and in_use(hub):
        raise UnusableBackup(f"{directory} is in use by a broker. Stop it first.")
    moved = next(
        path for number in range(1, 1_000_000)
        if not (path := directory.absolute().with_name(f"{directory.name}.replaced-{number}")).exists()
    )  # fmt: skip
    directory.replace(moved)
    return moved


def in_use(path: Path) -> bool:
    """Whether a connection to the file is open anywhere: only the last one can leave WAL mode."""
    db = connect(path, cache_kib=READ_CACHE_KIB, writes=True)
    try:
        db.set_busy_timeout(0)
        if db.pragma("journal_mode", "delete") == "delete":
            db.pragma("journal_mode", "wal")
            return False
    except apsw.BusyError:
        pass
    finally:
        db.close()
    return True
