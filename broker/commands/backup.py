"""Back up a data directory, also while brokers write to it: `misono backup --data DIR --to PLACE`.

Prints at which sequence of its change log each tenant's copy stands: `misono restore` gives back exactly that state.
PLACE is a new directory, or a file where it ends in `.tar` or `.tar.gz`; it appears when everything is on the disk.
What services, the audit and adapters keep comes along, and the hub's private keys: keep it as you keep them, or leave
them out with `--without-keys`.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from broker.commands._carrying import KEYS
from broker.commands._house import NotOpened, directory_of
from broker.commands._watching import watching_files
from broker.stores.sqlite.backup import Copied, UnusableBackup, back_up
from broker.stores.sqlite.schema import UnusableFile
from broker.wiring import SystemClock

_NOT_MADE, _INTERRUPTED = 2, 130

_INSTEAD = "`misono copy --from` it `--to DIR`, or MongoDB's own backup"


def add_arguments(parser: ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--data", metavar="DIR", help="directory of the store; MISONO_DATA (default var)")
    parser.add_argument("--to", metavar="PLACE", type=Path, required=True, help="a new directory, or a .tar or .tar.gz")
    parser.add_argument("--without-keys", action="store_true", help="leave the hub's private keys out: keep them apart")


def run(arguments: Namespace) -> int:
    """Make the backup; 2 where there is none then."""
    try:
        data = Path(directory_of(arguments, _INSTEAD).data)
        with watching_files("backup") as told:
            copied = back_up(data, arguments.to, SystemClock().now(), told, keys=not arguments.without_keys)
    except (NotOpened, UnusableBackup, UnusableFile, OSError) as refusal:
        print(f"misono backup: {refusal}", file=sys.stderr)
        return _NOT_MADE
    except KeyboardInterrupt:
        print("misono backup: interrupted; there is no backup", file=sys.stderr)
        return _INTERRUPTED
    for one in copied:
        print(line(one))
    print(f"{len(copied) - 1} tenants are in {arguments.to}")
    if not arguments.without_keys and any((data / KEYS).glob("*.jwk")):
        print(f"the hub's private keys ({KEYS}/) are in it too: whoever reads it can sign as this hub")
    return 0


def line(one: Copied) -> str:
    """`tenant 'city'    sequence 4711    12.0 MiB    tenants/city.sqlite`."""
    what = "hub" if one.tenant is None else f"tenant {one.tenant!r}\tsequence {one.sequence}"
    return f"{what}\t{one.size / 2**20:.1f} MiB\t{one.file}"
