"""`misono models policy`: what a running broker does about entities that break their model."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from typing import Any, Final
from urllib.parse import quote

from urllib3 import PoolManager
from urllib3.exceptions import HTTPError

FORGET: Final = "default"
_OK, _REFUSED, _NOT_BEGUN = 300, 1, 2
_TIMEOUT_S: Final = 60.0


def add_policy(parser: ArgumentParser) -> None:
    """The type and the mode; without them, what there is."""
    parser.add_argument("type", metavar="TYPE", nargs="?", default="", help="a model's name or a type's IRI")
    parser.add_argument("mode", nargs="?", choices=("off", "warn", "reject", FORGET), help="default: as `serve --gate`")
    parser.add_argument("--url", metavar="URL", default="http://127.0.0.1:1026", help="the broker")
    parser.add_argument("--tenant", metavar="NAME", default="", help="tenant; the default one where it is not given")
    parser.set_defaults(do=policy)


def policy(arguments: Namespace) -> int:
    """Show what there is, or set one; 1 where the broker refuses, 2 where it does not answer."""
    path = "/admin/models/policies"
    method, body = "GET", None
    if arguments.mode is not None:
        path += f"/{quote(arguments.type, safe='')}"
        method = "DELETE" if arguments.mode == FORGET else "PUT"
        body = None if arguments.mode == FORGET else json.dumps({"mode": arguments.mode}).encode()
    headers = {"Content-Type": "application/json"} if body else {}
    if arguments.tenant:
        headers["NGSILD-Tenant"] = arguments.tenant
    try:
        url = arguments.url.rstrip("/") + path
        answer = PoolManager(retries=False, timeout=_TIMEOUT_S).request(method, url, body=body, headers=headers)
    except HTTPError as failure:
        print(f"misono models: {arguments.url} does not answer: {failure}", file=sys.stderr)
        return _NOT_BEGUN
    return _told(arguments, answer.status, answer.data)


def _told(arguments: Namespace, status: int, answered: bytes) -> int:
    found: Any = json.loads(answered) if answered else {}
    if status >= _OK:
        print(f"misono models: {found.get('detail', status)} {found.get('remedy', '')}".rstrip(), file=sys.stderr)
        return _REFUSED
    if arguments.mode is not None:
        print(f"{arguments.type}: {arguments.mode}")
        return 0
    for one in found["policies"]:
        if not arguments.type or arguments.type in (one["type"], str(one["model"]).partition(" ")[0]):
            print(f"{one['mode']:<7}{one['model'] or 'no model'}  {one['type']}")
    if not arguments.type:
        print(f"{found['others']:<7}all others")
    return 0
