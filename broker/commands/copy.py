"""Copy everything of one store into another: `misono copy --from DIR --to mongodb://HOST/DATABASE`, and back.

Brokers may go on in the store that is copied; nobody may use the other one. Begun again, after it was cut off or later,
it takes up what is missing and what changed since: see docs/deploy.md for how a city moves with little pause.
Then both are read from end to end and compared, by count and digest, unless --quick is given.
Ends with 0 when all of it is there, 1 when something differs, 2 when it could not begin or was cut off.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from broker.access.policies import AllowAll
from broker.commands._watching import watching_records
from broker.errors import ServiceUnavailable
from broker.settings import is_url, without_secrets
from broker.stores.copying import NoTarget, Tally, Verdict, begin, compare_all, copy_all, end, mend
from broker.stores.moving import Target
from broker.wiring import SystemClock

SHOWN_MAX = 20
_DIFFERS, _NOT_DONE, _INTERRUPTED = 1, 2, 130


class _Unusable(Exception):
    """A place that cannot be used; the text says which and why."""


def add_arguments(parser: ArgumentParser) -> None:
    """The options."""
    place = "a data directory, or mongodb://[USER:PASSWORD@]HOST[:PORT]/DATABASE"
    parser.add_argument("--from", metavar="PLACE", dest="source", required=True, help=f"what is copied: {place}")
    parser.add_argument("--to", metavar="PLACE", dest="target", required=True, help="what it is copied to, likewise")
    parser.add_argument("--quick", action="store_true", help="only copy what changed; compare nothing but versions")


def run(arguments: Namespace) -> int:
    """Copy and compare."""
    try:
        return _copy(arguments.source, arguments.target, quick=arguments.quick)
    except (_Unusable, OSError) as refusal:
        print(f"misono copy: {refusal}", file=sys.stderr)
        return _NOT_DONE
    except ServiceUnavailable as fault:
        print(f"misono copy: {fault.detail} Begun again it goes on from here.", file=sys.stderr)
        return _NOT_DONE
    except KeyboardInterrupt:
        print("misono copy: interrupted; begun again it goes on from here", file=sys.stderr)
        return _INTERRUPTED


def _copy(source_name: str, target_name: str, *, quick: bool) -> int:
    names = [_name(one) for one in (source_name, target_name)]
    if names[0] == names[1]:
        raise _Unusable(f"--to {names[1]} is what is copied")
    with ExitStack() as closing:
        source, target = _opened(source_name, closing), _opened(target_name, closing, make=True)
        try:
            begin(target, names[0])
            with watching_records("copy") as told:
                tallies = copy_all(source, target, told, quick=quick)
            end(target, names[0])
            for tally in tallies:
                print(_line(tally))
            if quick:
                return 0
            with watching_records("compare") as told:
                verdicts = compare_all(source, target, told)
            if any(one.differ for one, _ in verdicts):
                with watching_records("once more") as told:
                    mend(source, target, verdicts)
                    copy_all(source, target, told)
                    verdicts = compare_all(source, target, told)
            return _judge(verdicts)
        except NoTarget as refusal:
            raise _Unusable(f"--to {names[1]}: {refusal}. Name a place where nothing is.") from refusal


def _name(place: str) -> str:
    return without_secrets(place) if is_url(place) else str(Path(place).absolute())


def _opened(place: str, closing: ExitStack, *, make: bool = False) -> Target:
    """The store of a place. Raises _Unusable."""
    label, option = AllowAll().label, "--to" if make else "--from"
    if is_url(place):
        from broker.stores.mongo.connection import UnusableStore, asking  # noqa: PLC0415  files need no driver
        from broker.stores.mongo.moving import Database  # noqa: PLC0415

        try:
            database = Database(place, SystemClock(), label, make=make)
        except UnusableStore as error:
            raise _Unusable(f"{option} {_name(place)}: {error}") from error
        closing.enter_context(asking())
        closing.callback(database.close)
        return database
    from broker.stores.sqlite.moving import Directory  # noqa: PLC0415  MongoDB needs no SQLite
    from broker.stores.sqlite.schema import UnusableFile  # noqa: PLC0415

    try:
        directory = Directory(Path(place), label, make=make)
    except UnusableFile as error:
        raise _Unusable(f"{option} {error}") from error
    closing.callback(directory.close)
    return directory


def _line(tally: Tally) -> str:
    """`tenant 'city'    4711 records    12 written    3 gone`."""
    return f"{_of(tally.tenant)}\t{tally.seen} records\t{tally.written} written\t{tally.gone} gone"


def _of(tenant: str | None) -> str:
    return "hub" if tenant is None else f"tenant {tenant!r}"


def _judge(verdicts: Sequence[tuple[Verdict, Verdict]]) -> int:
    wrong = 0
    for one, other in verdicts:
        counts = f"{one.records} records, {one.instances} instances\t{one.digest:032x}"
        is_same = not one.differ and one.digest == other.digest
        print(f"{_of(one.tenant)}\t{counts}\t{'the same' if is_same else f'{len(one.differ)} differ'}")
        for name in one.differ[:SHOWN_MAX]:
            print(f"  {name}")
        wrong += not is_same
    if wrong:
        print("what differs changed while it was copied: begin again, once the brokers are read-only (--read-only)")
        return _DIFFERS
    print(f"all {len(verdicts) - 1} tenants are the same in both")
    return 0
