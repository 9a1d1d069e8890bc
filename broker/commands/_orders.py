"""The words of `misono devices` about commands: command, commands, audit.

misono devices command --entity urn:…:c1 chargingLimit 3000 --unit WTT --ttl 60      through a running hub (--url)
misono devices commands [--entity URI] [--status PENDING]                            what became of them
misono devices audit [--verify] [--after N]                                          of a data directory: who told whom
"""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from urllib3 import PoolManager
from urllib3.exceptions import HTTPError

from adapters.commands.audit import Audit, told_text
from adapters.commands.rows import STEPS
from adapters.store import NAME, AdapterStore
from broker.audit.chain import Broken

_REFUSED_FROM, _WRONG, _NOT_BEGUN = 300, 1, 2
_TIMEOUT_S: Final = 60.0
_BAD_ENDS: Final = frozenset({"ERROR", "EXPIRED"})
_AT_ONCE: Final = 1_000


def add_words(doing: Any) -> None:  # noqa: ANN401  argparse has no public type for it
    """The three words."""
    below = _word(doing, "command", _command, "tell a device to do something, through a running hub")
    below.add_argument("attribute", metavar="ATTRIBUTE", help="of its entity, as the mapping names it")
    below.add_argument("value", metavar="VALUE", help="JSON, or a text")
    whom = below.add_mutually_exclusive_group(required=True)
    whom.add_argument("--entity", metavar="URI", help="whose device is meant")
    whom.add_argument("--device", metavar="ADAPTER/ID", help="the device itself, where it has one entity")
    below.add_argument("--part", metavar="NAME", help="the part of the device, as connector 2")
    below.add_argument("--unit", metavar="CODE", help="UN/CEFACT code of the value; the mapping's where not given")
    below.add_argument("--ttl", metavar="S", type=float, help="seconds in which it must be done")
    below.add_argument("--id", metavar="URI", help="of the command: sent twice, it is done once")
    below = _word(doing, "commands", _commands, "what became of commands, oldest first, a line of JSON each")
    below.add_argument("--entity", metavar="URI", help="of this entity only")
    below.add_argument("--status", choices=("PENDING", "DELIVERED", "OK", "ERROR", "EXPIRED"), help="so only")
    below = doing.add_parser("audit", help="who commanded what, and whether nobody changed what is written of it")
    data = Path(os.environ.get("MISONO_DATA", "var"))
    below.add_argument("--data", metavar="DIR", type=Path, default=data, help="where the adapters run; MISONO_DATA")
    below.add_argument("--after", metavar="N", type=int, default=0, help="rows after this number")
    below.add_argument("--verify", action="store_true", help="look at the chain of all rows, and print its last hash")
    below.set_defaults(do=_audit)


def _word(doing: Any, name: str, do: Any, text: str) -> ArgumentParser:  # noqa: ANN401  as above
    parser: ArgumentParser = doing.add_parser(name, help=text)
    parser.add_argument("--url", metavar="URL", default="http://127.0.0.1:1026", help="the hub")
    parser.add_argument("--tenant", metavar="NAME", default="", help="the default one where it is not given")
    parser.set_defaults(do=do)
    return parser


def _command(arguments: Namespace) -> int:
    adapter, _, device = (arguments.device or "").partition("/")
    said = {
        "entity": arguments.entity, "adapter": adapter, "device": device, "part": arguments.part,
        "unitCode": arguments.unit, "ttl_s": arguments.ttl, "id": arguments.id,
    }  # fmt: skip
    body = {name: one for name, one in said.items() if one} | {"value": _value(arguments.value)}
    status, found = _ask(arguments, "POST", "", {**body, "attribute": arguments.attribute})
    if status != 0:
        return status
    told = "" if found.get("result") is None else f": {found['result']}"
    print(f"{found['status']} {found['id']}{told}")
    return _WRONG if found["status"] in _BAD_ENDS else 0


def _commands(arguments: Namespace) -> int:
    filters = {"entity": arguments.entity, "status": arguments.status}
    chosen, after = {name: one for name, one in filters.items() if one}, 0
    while True:
        page = urlencode({**chosen, "after": after, "limit": _AT_ONCE})
        status, found = _ask(arguments, "GET", f"?{page}", None)
        if status != 0 or not found:
            return status
        for one in found:
            print(json.dumps(one, ensure_ascii=False))
        after = found[-1]["number"]


def _audit(arguments: Namespace) -> int:
    """1 where the chain is broken, 2 where there is none."""
    if not (arguments.data / NAME).is_file():
        print(f"misono devices: {arguments.data} holds no {NAME}", file=sys.stderr)
        return _NOT_BEGUN
    store = AdapterStore(arguments.data)
    try:
        store.tables("commands", STEPS)
        return _audited(Audit(store), arguments)
    finally:
        store.close()


def _audited(audit: Audit, arguments: Namespace) -> int:
    if arguments.verify:
        try:
            count, last = audit.verify()
        except Broken as broken:
            print(f"misono devices: the audit is not as it was written: {broken}", file=sys.stderr)
            return _WRONG
        print(f"{count} rows, unchanged; the last hash is {last}")
        return 0
    after = arguments.after
    while rows := audit.rows(after, _AT_ONCE):
        for row in rows:
            print(told_text(row))
        after = rows[-1].number
    return 0


def _ask(arguments: Namespace, method: str, path: str, body: Any) -> tuple[int, Any]:  # noqa: ANN401  JSON
    """Zero and what was answered, or the code to end with."""
    headers = {"Content-Type": "application/json"} | ({"NGSILD-Tenant": arguments.tenant} if arguments.tenant else {})
    url = f"{arguments.url.rstrip('/')}/admin/commands{path}"
    sent = None if body is None else json.dumps(body).encode()
    try:
        answer = PoolManager(retries=False, timeout=_TIMEOUT_S).request(method, url, body=sent, headers=headers)
        found = json.loads(answer.data)
    except (HTTPError, ValueError) as failure:
        print(f"misono devices: {arguments.url} gives no answer: {failure}", file=sys.stderr)
        return _NOT_BEGUN, None
    if answer.status >= _REFUSED_FROM:
        told = f"{found.get('detail', answer.status)} {found.get('remedy', '')}".rstrip()
        print(f"misono devices: {told}", file=sys.stderr)
        return _WRONG, None
    return 0, found


def _value(text: str) -> Any:  # noqa: ANN401  JSON
    try:
        return json.loads(text)
    except ValueError:
        return text
