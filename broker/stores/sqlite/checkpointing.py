"""When the WAL of a tenant's file is copied back: on the writer's budget, or at once where something was erased."""

from __future__ import annotations

import logging
from typing import Final, Protocol

import apsw

from broker.stores.sqlite.files import BUSY_MS

log = logging.getLogger("misono.store")

WAL_PAGES_MAX: Final = 8_192  # 32 MiB: past it, checkpoint after the commit; a page written often is copied once
WAL_PAGES_FULL: Final = 12_288  # 48 MiB: past it, wait for readers and start the WAL again
WAL_BYTES_KEPT: Final = 64 << 20  # what a long reader let it grow beyond is given back when it starts again
EMPTY_WAIT_MS: Final = 200  # so long writes wait for readers, once what was erased is to leave the WAL
RESTART_WAIT_MS: Final = 500  # so long, once every WAL_PAGES_MAX: a backup reads on, and writes shall not stand still


class Written(Protocol):
    """A file that is written: `wal_pages` are in its WAL, `restart_at` is when readers are waited for."""

    db: apsw.Connection
    wal_pages: int
    restart_at: int
    empties_log: bool


def checkpoint(held: Written) -> None:
    """Copy the WAL back where it has grown; past the limit wait for readers, so that it starts again."""
    if held.wal_pages <= WAL_PAGES_MAX:
        held.restart_at = WAL_PAGES_FULL
        return
    restart = held.wal_pages > held.restart_at
    try:
        held.db.set_busy_timeout(RESTART_WAIT_MS)
        held.db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART if restart else apsw.SQLITE_CHECKPOINT_PASSIVE)
    except apsw.BusyError:
        if restart:
            held.restart_at = held.wal_pages + WAL_PAGES_MAX
            log.warning("a reader holds back the WAL of %s at %d pages", held.db.filename, held.wal_pages)
    except apsw.Error as error:
        log.error("no checkpoint of %s: %s", held.db.filename, error)  # noqa: TRY400 - the writes are in the WAL
    finally:
        held.db.set_busy_timeout(BUSY_MS)


def empty_log(held: Written) -> None:
    """Copy the WAL back and empty it; where a reader holds it, that is left to a later write."""
    held.db.set_busy_timeout(EMPTY_WAIT_MS)
    try:
        held.db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except apsw.Error as error:
        log.info("the WAL of %s is emptied later: %s", held.db.filename, error)
    else:
        held.empties_log, held.wal_pages = False, 0
    finally:
        held.db.set_busy_timeout(BUSY_MS)
