"""Look a data directory through: `misono check --data DIR`.

The hub and every tenant: SQLite's integrity check, the schema, and whether every index row says what the documents say.
Ends with 0 when all is well, 1 when something is wrong, 2 when it could not begin. Brokers may be running.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from broker.commands._house import NotOpened, directory_of
from broker.commands._watching import watching_files
from broker.stores.sqlite.checking import Checked, check_all
from broker.stores.sqlite.schema import UnusableFile

SHOWN_MAX = 20
_WRONG, _NOT_BEGUN, _INTERRUPTED = 1, 2, 130

_INSTEAD = "`misono copy --from` it `--to DIR` reads and compares all of it, `misono check --data DIR` what came"


def add_arguments(parser: ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--data", metavar="DIR", help="directory of the store; MISONO_DATA (default var)")


def run(arguments: Namespace) -> int:
    """Check all files and say what was found."""
    wrong = entities = files = 0
    try:
        data = Path(directory_of(arguments, _INSTEAD).data)
        with watching_files("check") as told:
            for checked in check_all(data, told):
                _tell(checked)
                files += 1
                entities += checked.entities
                wrong += bool(checked.faults)
    except (NotOpened, UnusableFile, OSError) as refusal:
        print(f"misono check: {refusal}", file=sys.stderr)
        return _NOT_BEGUN
    except KeyboardInterrupt:
        print("misono check: interrupted", file=sys.stderr)
        return _INTERRUPTED
    print(f"{files} files, {entities} entities: " + (f"{wrong} files are damaged" if wrong else "all is well"))
    return _WRONG if wrong else 0


def _tell(checked: Checked) -> None:
    found = f"{len(checked.faults)} faults" if checked.faults else "ok"
    print(f"{checked.path.name}\tschema {checked.schema}\t{checked.entities} entities\t{found}")
    for note in checked.notes:
        print(f"  note: {note}")
    for fault in checked.faults[:SHOWN_MAX]:
        print(f"  {fault}")
    if len(checked.faults) > SHOWN_MAX:
        print(f"  and {len(checked.faults) - SHOWN_MAX} more")
