"""What was told of whom, and whether it is as it was written: `misono audit verify | roots | proof | export`.

misono audit verify [--root FILE]…       every link, part and signed root; roots that you kept elsewhere too
misono audit roots [--sign]              the signed roots, a line of JSON each; --sign: of what there is now
misono audit proof NUMBER [--size N]     that an entry is in a signed root, and what it says
misono audit consistency OLD NEW         that the entries of one root are the first of another
misono audit export [--subject URN]      who got what, by day: CSV, or --json; records as APPI article 29 asks for

All with --data DIR of `misono serve --access FILE`, which may be running. `verify` ends with 1 where not all is well.
"""

from __future__ import annotations

import csv
import json
import sys
import tomllib
from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from broker.commands._house import NotOpened, settings_of
from broker.errors import NgsiError
from broker.model.values import to_text
from broker.settings import Settings
from broker.wiring import SystemClock

if TYPE_CHECKING:
    from broker.audit.log import AuditLog
    from broker.ports.audit import Disclosure

_WRONG, _NOT_BEGUN = 1, 2
COLUMNS = (
    "day", "kind", "recipient", "principal", "subject", "type", "attributes", "purposes", "records", "operations",
    "times", "values", "first", "last", "oldest", "newest",
)  # fmt: skip


def add_arguments(parser: ArgumentParser) -> None:
    """One word for what is to be done."""
    doing = parser.add_subparsers(dest="doing", metavar="WHAT", required=True)
    below = _word(doing, "verify", _verify, "is it as it was written?")
    below.add_argument("--root", metavar="FILE", action="append", default=[], help="a signed root that was kept")
    below = _word(doing, "roots", _roots, "the signed roots")
    below.add_argument("--sign", action="store_true", help="sign what there is now")
    below = _word(doing, "proof", _proof, "that an entry is in a signed root")
    below.add_argument("number", metavar="NUMBER", type=int)
    below.add_argument("--size", metavar="N", type=int, default=0, help="the root of so many entries")
    below = _word(doing, "consistency", _consistency, "that one root goes on where another was")
    below.add_argument("old", metavar="OLD", type=int)
    below.add_argument("new", metavar="NEW", type=int)
    below = _word(doing, "export", _export, "who got what, by day")
    below.add_argument("--tenant", metavar="NAME", default="", help="the default one where it is not given")
    below.add_argument("--subject", metavar="URN", default="", help="of this person only")
    below.add_argument("--json", action="store_true", help="a line of JSON each")


def run(arguments: Namespace) -> int:
    """Do it."""
    from broker.audit.opening import NAME, BadAudit, open_audit  # noqa: PLC0415  only this command carries it

    try:
        settings = _settings(arguments, NAME)
        access = arguments.access or settings.access
        city = {} if access is None else tomllib.loads(Path(access).read_text(encoding="utf-8"))
        with ExitStack() as closing:
            log = open_audit(settings.data, SystemClock(), city, closing)
            return int(arguments.do(arguments, log))
    except (NotOpened, BadAudit, NgsiError, OSError, ValueError) as refusal:
        print(f"misono audit: {refusal}", file=sys.stderr)
        return _NOT_BEGUN


def _settings(arguments: Namespace, name: str) -> Settings:
    settings = settings_of(arguments, "sqlite")
    if not (settings.data / name).is_file():
        raise NotOpened(f"{settings.data} has no {name}: --data DIR of `misono serve --access FILE`")
    return settings


def _verify(arguments: Namespace, log: AuditLog) -> int:
    from broker.audit.checking import check  # noqa: PLC0415  as above

    found = check(log, [_token(Path(name).read_text(encoding="utf-8")) for name in arguments.root])
    for fault in found.faults:
        print(f"  {fault}")
    told = f"{found.links} entries, {found.parts} about persons ({found.erased} erased), {found.roots} signed roots: "
    print(told + ("something is wrong" if found.faults else "all is well"))
    return _WRONG if found.faults else 0


def _roots(arguments: Namespace, log: AuditLog) -> int:
    from broker.audit.roots import Roots  # noqa: PLC0415  as above

    roots = Roots(log)
    if arguments.sign:
        roots.sign()
    after = 0
    while found := roots.all(after):
        for root in found:
            print(json.dumps(root.shown()))
        after = found[-1].number
    return 0


def _proof(arguments: Namespace, log: AuditLog) -> int:
    from broker.audit.roots import Roots  # noqa: PLC0415  as above

    print(json.dumps({**Roots(log).proof(arguments.number, arguments.size), "said": log.said(arguments.number)}))
    return 0


def _consistency(arguments: Namespace, log: AuditLog) -> int:
    from broker.audit.roots import Roots  # noqa: PLC0415  as above

    print(json.dumps(Roots(log).consistency(arguments.old, arguments.new)))
    return 0


def _export(arguments: Namespace, log: AuditLog) -> int:
    rows = [row for one in log.disclosures(arguments.tenant, arguments.subject) for row in _rows(one)]
    if arguments.json:
        for row in rows:
            print(json.dumps(dict(zip(COLUMNS, row, strict=True)), ensure_ascii=False))
        return 0
    writer = csv.writer(sys.stdout)
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return 0


def _rows(one: Disclosure) -> Iterator[tuple[str | int, ...]]:
    """A row for each type of the things it tells of."""
    times = [to_text(at) if at is not None else "" for at in (one.first, one.last, one.oldest, one.newest)]
    lists = [" ".join(sorted(found)) for found in (one.purposes, one.records, one.operations)]
    for type_, names in sorted(one.items.items()):
        whom = one.day, one.kind, one.recipient, one.principal, one.subject
        yield *whom, type_, " ".join(sorted(names)), *lists, one.times, one.values, *times


def _token(text: str) -> str:
    """A root as `misono audit roots` and /services/audit/roots give it, or its token alone."""
    text = text.strip()
    return str(json.loads(text)["root"]) if text.startswith("{") else text


def _word(
    doing: _SubParsersAction[ArgumentParser], name: str, do: Callable[[Namespace, AuditLog], int], text: str
) -> ArgumentParser:
    below = doing.add_parser(name, help=text, description=text)
    below.add_argument("--data", metavar="DIR", help="directory of the store; MISONO_DATA (default var)")
    below.add_argument("--access", metavar="FILE", help="the file of access, for its section [audit]; MISONO_ACCESS")
    below.set_defaults(do=do)
    return below
