"""Put a backup back as a data directory: `misono restore --from PLACE --data DIR`.

Looks at every file's hash and integrity first. DIR must be empty or not be there; with `--replace` what is there is
moved aside, and nothing of it is lost. What was erased after the backup was made is erased from it again, by the ledger
of erasures: that of `--erasures FILE`, else that of the DIR that is replaced. What never goes back is taken from that
DIR as it is: the audit, what residents consented to and withdrew, the hub's keys. What it does not have of them comes
from the backup: on a fresh machine consents are as new as that, and it is said so.
"""

from __future__ import annotations

import shutil
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from adapters.restoring import restore as restore_adapters
from broker.commands._carrying import AUDIT, KEYS, SERVICES, Carried, allow_nothing, carry, show_anew
from broker.commands._house import NotOpened, directory_of
from broker.commands._watching import watching_files
from broker.commands.backup import line
from broker.model.values import Instant, to_text
from broker.operations.erase import erase_again
from broker.settings import Settings
from broker.stores.ledger import NAME, Ledger, UnusableLedger
from broker.stores.sqlite.backup import UnusableBackup, restore
from broker.stores.sqlite.schema import UnusableFile
from broker.wiring import StartError, SystemClock, build, erasures_of

_NOT_RESTORED, _INTERRUPTED = 2, 130

_INSTEAD = "`misono copy --to` it, or MongoDB's own restore and `misono erase`"


def add_arguments(parser: ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--from", metavar="PLACE", dest="source", type=Path, required=True, help="what backup made")
    parser.add_argument("--data", metavar="DIR", help="directory of the store; MISONO_DATA (default var)")
    parser.add_argument("--erasures", metavar="FILE", help="ledger of erasures; MISONO_ERASURES (default in --data)")
    parser.add_argument("--replace", action="store_true", help="move aside what is in DIR; no broker may use it")


def run(arguments: Namespace) -> int:
    """Restore; 2 where the directory is as it was."""
    try:
        settings = directory_of(arguments, _INSTEAD)
        data, ledger = Path(settings.data), erasures_of(settings)
        again = _Again(settings, ledger)
        with watching_files("restore") as told:
            copied, moved = restore(arguments.source, data, told, again, replace=arguments.replace)
    except (NotOpened, StartError, UnusableBackup, UnusableFile, UnusableLedger, OSError) as refusal:
        print(f"misono restore: {refusal}", file=sys.stderr)
        return _NOT_RESTORED
    except KeyboardInterrupt:
        print("misono restore: interrupted; the directory is as it was", file=sys.stderr)
        return _INTERRUPTED
    for one in copied:
        print(line(one))
    print(f"{len(copied) - 1} tenants are in {data}" + (f"; what was there is in {moved}" if moved else ""))
    for said in again.said:
        print(said)
    return 0


class _Again:
    """Erases from what is restored what had been erased since the backup; `said` tells of it."""

    def __init__(self, settings: Settings, ledger: Path) -> None:
        self._settings = settings
        self._ledger = ledger
        self.said: list[str] = []

    def __call__(self, restored: Path, at: Instant) -> None:
        carried = carry(Path(self._settings.data), restored)
        if SERVICES in (*carried.kept, *carried.taken):
            show_anew(restored)
            self._allow_nothing(restored)
        if self._ledger.is_file():
            self._erase(restored, at, carried)
        else:
            restore_adapters(restored, SystemClock(), None)
            self.said.append(f"no ledger of erasures at {self._ledger}: nothing was erased again")
        self.said += _told(carried, at)

    def _erase(self, restored: Path, at: Instant, carried: Carried) -> None:
        due = Ledger(self._ledger).since(at)
        kept = restored / NAME
        if self._ledger.absolute().parent == Path(self._settings.data).absolute():
            shutil.copy2(self._ledger, kept)  # it goes on in the directory that takes the place of its own
        settings = replace(self._settings, data=restored, erasures=kept)
        built = build(replace(settings, access=None))
        persons = 0
        try:
            erased = erase_again(built.house.broker, due) + restore_adapters(restored, SystemClock(), due)
            if len(due) and carried.taken:
                from broker.commands._persons import erase_persons  # noqa: PLC0415  few directories hold persons

                persons = erase_persons(settings, built, due, carried)
        finally:
            built.close()
        told = f"{erased} entities erased again, of {len(due)} erased since the backup ({self._ledger})"
        self.said.append(told + (f"; {persons} persons from services and the audit too" if persons else ""))

    def _allow_nothing(self, restored: Path) -> None:
        built = build(replace(self._settings, data=restored, erasures=restored / NAME, access=None))
        try:
            allow_nothing(built.house.broker)
        finally:
            built.close()


def _told(carried: Carried, at: Instant) -> Iterator[str]:
    """What is of when, of that which should never go back."""
    if carried.kept:
        yield f"{', '.join(carried.kept)}: those that were there; what the backup has of them is not restored"
    if carried.taken:
        yield f"{', '.join(carried.taken)}: those of the backup, of {to_text(at)}"
    if SERVICES in carried.taken:
        yield (
            f"ATTENTION: who withdrew a consent after {to_text(at)} has NOT withdrawn it here. If the old machine's "
            f"{SERVICES} can still be had, put it into a directory of its own and restore onto that with --replace; "
            "otherwise ask the residents again before recipients are let in (docs/audit.md)"
        )
    if AUDIT in (*carried.kept, *carried.taken) and not carried.keyed:
        yield f"ATTENTION: there are no keys: put those of the hub into {KEYS}/ before it starts, or it makes new ones"
