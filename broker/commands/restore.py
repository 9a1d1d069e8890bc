"""Put a backup back as a data directory: `misono restore --from PLACE --data DIR`.

Looks at every file's hash and integrity first. DIR must be empty or not be there; with `--replace` what is there is
moved aside, and nothing of it is lost.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from broker.commands._house import NotOpened, settings_of
from broker.commands._watching import watching_files
from broker.commands.backup import line
from broker.stores.sqlite.backup import UnusableBackup, restore
from broker.stores.sqlite.schema import UnusableFile

_NOT_RESTORED, _INTERRUPTED = 2, 130


def add_arguments(parser: ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--from", metavar="PLACE", dest="source", type=Path, required=True, help="what backup made")
    parser.add_argument("--data", metavar="DIR", help="directory of the store; MISONO_DATA (default var)")
    parser.add_argument("--replace", action="store_true", help="move aside what is in DIR; no broker may use it")


def run(arguments: Namespace) -> int:
    """Restore; 2 where the directory is as it was."""
    try:
        data = Path(settings_of(arguments, "sqlite").data)
        with watching_files("restore") as told:
            copied, moved = restore(arguments.source, data, told, replace=arguments.replace)
    except (NotOpened, UnusableBackup, UnusableFile, OSError) as refusal:
        print(f"misono restore: {refusal}", file=sys.stderr)
        return _NOT_RESTORED
    except KeyboardInterrupt:
        print("misono restore: interrupted; the directory is as it was", file=sys.stderr)
        return _INTERRUPTED
    for one in copied:
        print(line(one))
    print(f"{len(copied) - 1} tenants are in {data}" + (f"; what was there is in {moved}" if moved else ""))
    return 0
