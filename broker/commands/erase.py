"""Erase from a store what ledgers say was erased: `misono erase --store mongodb://… --since TIME LEDGER…`.

For a store that its own tools brought back to an earlier time; `misono restore` does it by itself for a data directory.
TIME is the moment that the store was brought back to: what was erased from then on is erased again. Each machine of a
city has a ledger of its own: name them all. Before any client is let in; it may run again.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from broker.commands._house import NotOpened, settings_of
from broker.model.values import Instant, to_instant
from broker.operations.erase import erase_again
from broker.stores.ledger import Ledger, UnusableLedger
from broker.wiring import StartError, build

_NOT_ERASED = 2


def add_arguments(parser: ArgumentParser) -> None:
    """The options."""
    parser.add_argument("ledgers", metavar="LEDGER", type=Path, nargs="+", help="erasures.ndjson of a machine")
    parser.add_argument("--since", metavar="TIME", required=True, help="as 2026-11-23T09:30:00Z")
    parser.add_argument("--store", metavar="ENGINE", help="`sqlite` or `mongodb://…`; MISONO_STORE (default sqlite)")
    parser.add_argument("--data", metavar="DIR", help="directory of the store; MISONO_DATA (default var)")


def run(arguments: Namespace) -> int:
    """Erase; 2 where nothing could begin."""
    try:
        since = _instant(arguments.since)
        ledgers = [_ledger(path) for path in arguments.ledgers]
        due = [ledger.since(since) for ledger in ledgers]
        built = build(settings_of(arguments, arguments.store or os.environ.get("MISONO_STORE", "sqlite")))
    except (NotOpened, StartError, UnusableLedger) as refusal:
        print(f"misono erase: {refusal}", file=sys.stderr)
        return _NOT_ERASED
    try:
        for path, erasures in zip(arguments.ledgers, due, strict=True):
            erased = erase_again(built.house.broker, erasures)
            print(f"{erased} entities erased again, of {len(erasures)} erased since {arguments.since} ({path})")
    finally:
        built.close()
    return 0


def _instant(text: str) -> Instant:
    found = to_instant(text)
    if found is None:
        raise NotOpened(f"--since {text}: a time such as 2026-11-23T09:30:00Z is wanted")
    return found


def _ledger(path: Path) -> Ledger:
    if not path.is_file():
        raise NotOpened(f"{path} is no ledger of erasures")
    return Ledger(path)
